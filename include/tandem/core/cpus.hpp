// SPDX-License-Identifier: BSL-1.0
// tandem/core/cpus.hpp: how many CPUs this program may use.        level 0
#pragma once

#include <tandem/core/config.hpp>

#if TANDEM_LINUX
#include <tandem/core/unique_fd.hpp>
#endif

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#if TANDEM_LINUX
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#endif

namespace tandem {
namespace detail {

// No limit and an unreadable limit are the same: nullopt.
using cpu_limit = std::optional<int>;

inline cpu_limit smaller(cpu_limit left, cpu_limit right) noexcept {
    if (!left || !right) return left ? left : right;
    return std::min(*left, *right);
}

#if TANDEM_LINUX

// Removes and returns what comes before the first `separator`; all of it, if there is none.
inline std::string_view cut(std::string_view& text, char separator) noexcept {
    const std::string_view head = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(head.size() + 1, text.size()));
    return head;
}

inline bool lists(std::string_view comma_list, std::string_view name) noexcept {
    while (!comma_list.empty())
        if (cut(comma_list, ',') == name) return true;
    return false;
}

// A whole positive number with nothing around it but a final newline.
inline std::optional<long long> positive_number(std::string_view text) noexcept {
    if (text.ends_with('\n')) text.remove_suffix(1);
    long long number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size() || number <= 0) return {};
    return number;
}

// Microseconds of CPU time in each period, as CPUs; part of a CPU counts as one.
inline cpu_limit quota_in_cpus(std::string_view quota, std::string_view period) noexcept {
    const auto time = positive_number(quota);
    const auto each = positive_number(period);
    if (!time || !each) return {};
    const long long cpus = *time / *each + (*time % *each != 0 ? 1 : 0);
    return static_cast<int>(std::min<long long>(cpus, INT_MAX));
}

// The text of cpu.max: "max 100000" or "150000 100000".
inline cpu_limit parse_cpu_max(std::string_view text) noexcept {
    const std::string_view quota = cut(text, ' ');
    return quota_in_cpus(quota, text);
}

// The whole file, or nothing if it cannot be read.
inline std::optional<std::string> read_file(const std::string& path) {
    const unique_fd file(
        retry_interrupted([&]() noexcept { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (!file) return {};
    std::string text;
    for (char block[4096];;) {
        const auto got = read_some(file.get(), std::as_writable_bytes(std::span(block)));
        if (got < 0) return {};
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
    }
}

inline cpu_limit quota_of_folder(const std::string& folder, bool v2) {
    if (v2) {
        const auto limit = read_file(folder + "/cpu.max");
        return limit ? parse_cpu_max(*limit) : cpu_limit();
    }
    const auto quota = read_file(folder + "/cpu.cfs_quota_us");
    const auto period = read_file(folder + "/cpu.cfs_period_us");
    return quota && period ? quota_in_cpus(*quota, *period) : cpu_limit();
}

// One mounted cgroup hierarchy that limits CPU time.
struct cgroup_mount {
    bool v2;
    std::string root;   // the cgroup that is seen at `point`
    std::string point;  // a folder
};

// The kernel writes a space, a tab, a newline and a backslash in mountinfo as \ and 3 octal digits.
inline std::string unescape(std::string_view field) {
    std::string text;
    while (!field.empty()) {
        const std::string_view digits = field[0] == '\\' ? field.substr(1, 3) : "";
        unsigned char byte = 0;
        const auto [end, failure] =
            std::from_chars(digits.data(), digits.data() + digits.size(), byte, 8);
        const bool escaped =
            failure == std::errc() && digits.size() == 3 && end == digits.data() + 3;
        text += escaped ? static_cast<char>(byte) : field[0];
        field.remove_prefix(escaped ? 4 : 1);
    }
    return text;
}

// A line of /proc/self/mountinfo, such as
// 35 24 0:30 /docker/f0 /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct
inline std::optional<cgroup_mount> parse_mount(std::string_view line) {
    for (int skipped = 0; skipped < 3; ++skipped) cut(line, ' ');
    const std::string_view root = cut(line, ' ');
    const std::string_view point = cut(line, ' ');
    const std::size_t dash = line.find(" - ");  // behind a varying number of optional fields
    if (dash == line.npos || !root.starts_with('/') || !point.starts_with('/')) return {};
    line.remove_prefix(dash + 3);
    const std::string_view type = cut(line, ' ');
    cut(line, ' ');  // the source
    const bool v2 = type == "cgroup2";
    if (!v2 && !(type == "cgroup" && lists(line, "cpu"))) return {};
    return cgroup_mount{v2, unescape(root), unescape(point)};
}

// The path in the line of /proc/self/cgroup about the hierarchy: "0::/a/b" for v2, else
// "4:cpu,cpuacct:/a/b". The path may hold colons and is not escaped.
inline std::optional<std::string_view> own_cgroup(std::string_view cgroups, bool v2) noexcept {
    while (!cgroups.empty()) {
        std::string_view path = cut(cgroups, '\n');
        const std::string_view id = cut(path, ':');
        const std::string_view controllers = cut(path, ':');
        const bool matches = v2 ? id == "0" && controllers.empty() : lists(controllers, "cpu");
        if (matches && path.starts_with('/')) return path;
    }
    return {};
}

// Where the cgroup `path` is below the mount, "" or "/a/b"; nothing if it is not seen there.
inline std::optional<std::string_view> below(std::string_view path, std::string_view root) {
    if (root == "/") root = {};
    if (path == "/") path = {};
    if (!path.starts_with(root)) return {};
    path.remove_prefix(root.size());
    if (!path.empty() && path[0] != '/') return {};
    // Above the root of the cgroup namespace there is nothing that we could open.
    for (std::string_view rest = path; !rest.empty();)
        if (cut(rest, '/') == "..") return {};
    return path;
}

// The smallest quota from the own cgroup up to the root of its mount. `cgroups` and `mounts` are
// the texts of /proc/self/cgroup and /proc/self/mountinfo; `prefix` comes before every mount point.
inline cpu_limit cgroup_cpus(std::string_view cgroups, std::string_view mounts,
                             const std::string& prefix = {}) {
    cpu_limit smallest;
    while (!mounts.empty()) {
        const auto mount = parse_mount(cut(mounts, '\n'));
        const auto path = mount ? own_cgroup(cgroups, mount->v2) : std::nullopt;
        auto inner = path ? below(*path, mount->root) : std::nullopt;
        while (inner) {
            const std::string folder = prefix + mount->point + std::string(*inner);
            smallest = smaller(smallest, quota_of_folder(folder, mount->v2));
            if (inner->empty()) break;
            inner = inner->substr(0, inner->rfind('/'));
        }
    }
    return smallest;
}

// The size of the affinity mask that `read_mask(bytes, mask)` fills in, failing with EINVAL, like
// sched_getaffinity, while `bytes` are too few for the CPUs that the kernel can have.
template <class Read>
cpu_limit affinity_cpus(Read read_mask) {
    for (std::size_t sets = 1; sets <= 1024; sets *= 2) {  // a cpu_set_t holds 1024 CPUs
        std::vector<::cpu_set_t> mask(sets);
        const std::size_t bytes = sets * sizeof(::cpu_set_t);
        if (read_mask(bytes, mask.data()) == 0) {
            const int cpus = CPU_COUNT_S(bytes, mask.data());
            return cpus > 0 ? cpu_limit(cpus) : cpu_limit();
        }
        if (errno != EINVAL) break;
    }
    return {};
}

inline cpu_limit system_cpus() {
    const auto affinity = affinity_cpus([](std::size_t bytes, ::cpu_set_t* mask) noexcept {
        return ::sched_getaffinity(0, bytes, mask);
    });
    const auto cgroups = read_file("/proc/self/cgroup");
    const auto mounts = read_file("/proc/self/mountinfo");
    if (!cgroups || !mounts) return affinity;
    return smaller(affinity, cgroup_cpus(*cgroups, *mounts));
}

#else

inline cpu_limit system_cpus() { return {}; }

#endif

}  // namespace detail

/// Returns how many CPUs the calling thread may use at once, at least 1: the smallest of its
/// affinity mask, the CPU quota of its cgroup and of every one above (rounded up), and what the
/// hardware has. All are read anew on each call, which takes some system calls: keep the result.
/// Python: os.process_cpu_count(), which does not know quotas.
inline int available_cpus() {
    const unsigned hardware = std::thread::hardware_concurrency();
    const auto known = hardware == 0 ? detail::cpu_limit() : static_cast<int>(hardware);
    return std::max(1, detail::smaller(known, detail::system_cpus()).value_or(1));
}

}  // namespace tandem
