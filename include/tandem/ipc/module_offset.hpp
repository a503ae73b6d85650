// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/module_offset.hpp: an address of the program's code or data, as another process can use it.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/error.hpp>

#include <cstdint>
#include <string>

#if TANDEM_LINUX
#include <link.h>
#else
#error "tandem/ipc/module_offset.hpp needs Linux: it reads the loaded modules with dl_iterate_phdr"
#endif

namespace tandem::detail {

// A place in a loaded module (the executable or a shared library): a process of the same program
// has the same bytes there, wherever the module was loaded.
struct module_offset {
    std::uint64_t module = 0;  // a hash of the module's name
    std::uint64_t offset = 0;  // in bytes from the module's base

    friend bool operator==(const module_offset&, const module_offset&) noexcept = default;
};

// FNV-1a.
inline std::uint64_t hash_of(const char* name) noexcept {
    std::uint64_t hash = 14695981039346656037u;
    for (; *name; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 1099511628211u;
    return hash;
}

// Whether `address` lies in a segment of the module that has all of `flags` (PF_X, PF_R).
inline bool in_segment(const dl_phdr_info& module, std::uintptr_t address,
                       std::uint32_t flags) noexcept {
    for (int i = 0; i < module.dlpi_phnum; ++i) {
        const auto& segment = module.dlpi_phdr[i];
        const auto begin = module.dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && (segment.p_flags & flags) == flags && address >= begin &&
            address - begin < segment.p_memsz) {
            return true;
        }
    }
    return false;
}

// Where `address` is. Throws: codec_error if no loaded module holds it (such as generated code).
inline module_offset offset_of(const void* address) {
    struct search {
        std::uintptr_t address;
        module_offset found;
        bool ok;
    } wanted{reinterpret_cast<std::uintptr_t>(address), {}, false};
    ::dl_iterate_phdr(
        [](dl_phdr_info* module, std::size_t, void* data) {
            auto& s = *static_cast<search*>(data);
            if (!in_segment(*module, s.address, PF_R)) return 0;
            s.found = {hash_of(module->dlpi_name), s.address - module->dlpi_addr};
            s.ok = true;
            return 1;
        },
        &wanted);
    if (!wanted.ok) throw codec_error("an address that is in no loaded module cannot travel");
    return wanted.found;
}

// The address of a place, null if no loaded module has it in a segment with `flags`: bytes from
// another process name at most what the program itself holds.
inline void* address_of(const module_offset& place, std::uint32_t flags) noexcept {
    struct search {
        module_offset place;
        std::uint32_t flags;
        std::uintptr_t found;
    } wanted{place, flags, 0};
    ::dl_iterate_phdr(
        [](dl_phdr_info* module, std::size_t, void* data) {
            auto& s = *static_cast<search*>(data);
            if (hash_of(module->dlpi_name) != s.place.module) return 0;
            const auto address = module->dlpi_addr + s.place.offset;
            if (!in_segment(*module, address, s.flags)) return 0;
            s.found = address;
            return 1;
        },
        &wanted);
    return reinterpret_cast<void*>(wanted.found);
}

}  // namespace tandem::detail
