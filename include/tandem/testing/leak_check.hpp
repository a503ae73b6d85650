// SPDX-License-Identifier: BSL-1.0
// tandem/testing/leak_check.hpp: what a piece of code left open, running or lying about.        level 4
#pragma once

#include <tandem/core/config.hpp>

#if !TANDEM_LINUX
#error "tandem/testing/leak_check.hpp needs Linux: it reads /proc"
#endif

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include <dirent.h>
#include <unistd.h>

namespace tandem::testing {

/// Remembers the open descriptors, the processes below this one, its threads, and the names in
/// /dev/shm, to say later what there is more of. It waits for nothing: a thread that was joined and
/// a process that was killed may be seen for another moment.
/// Thread safety: check() may be called from several threads.
class leak_check {
   public:
    /// Remembers what there is now.
    leak_check() {
        // A sanitizer's own thread comes with the first of the program's.
        if constexpr (TANDEM_TSAN) std::thread([] {}).join();
        before_ = look();
    }

    /// Returns: a line for each thing that was not there at construction; empty if there is none.
    std::string check() const {
        std::string more;
        for (const auto& [thing, words] : look()) {
            if (before_.count(thing) == 0) more += thing + " " + words + "\n";
        }
        return more;
    }

   private:
    // What there is, and words about it that may change.
    using things = std::map<std::string, std::string>;

    static things look() {
        things found;
        each_name("/proc/self/fd", [&](const std::string& fd, int listing) {
            if (fd == std::to_string(listing)) return;
            found["descriptor " + fd + " " + link_of("/proc/self/fd/" + fd)];
        });
        each_name("/proc/self/task", [&](const std::string& id, int) {
            found["thread " + id] = text_of("/proc/self/task/" + id + "/comm");
        });
        each_name("/dev/shm", [&](const std::string& name, int) { found["/dev/shm/" + name]; });
        add_children(found, "self");
        return found;
    }

    // Children of children too: workers are those of a helper.
    static void add_children(things& found, const std::string& parent) {
        each_name("/proc/" + parent + "/task", [&](const std::string& thread, int) {
            const auto pids = text_of("/proc/" + parent + "/task/" + thread + "/children");
            for (std::size_t at = 0; at < pids.size();) {
                const auto end = std::min(pids.find(' ', at), pids.size());
                const auto pid = pids.substr(at, end - at);
                at = end + 1;
                if (pid.empty()) continue;
                found["process " + pid] = text_of("/proc/" + pid + "/comm");
                add_children(found, pid);
            }
        });
    }

    template <class F>
    static void each_name(const std::string& folder, F f) {
        const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), &::closedir);
        if (!open) return;
        while (const auto* entry = ::readdir(open.get())) {
            const std::string name = entry->d_name;
            if (name != "." && name != "..") f(name, ::dirfd(open.get()));
        }
    }
    static std::string link_of(const std::string& path) {
        char text[256];
        const auto n = ::readlink(path.c_str(), text, sizeof text);
        return {text, n < 0 ? 0 : static_cast<std::size_t>(n)};
    }
    // The whole of a small file, without its last line's end.
    static std::string text_of(const std::string& path) {
        std::string text;
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                                   &std::fclose);
        char part[256];
        while (file && std::fgets(part, sizeof part, file.get())) text += part;
        while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
        return text;
    }

    things before_;
};

}  // namespace tandem::testing
