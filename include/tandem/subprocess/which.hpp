// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/which.hpp: the file that a program's name stands for.        level 1
#pragma once

#include <tandem/core/config.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

namespace tandem {

namespace detail {

// Calls f with the file that a program would be in each folder of a PATH, until it returns true.
// Empty and relative folders are left out: what they hold depends on where one happens to stand.
template <class F>
void each_candidate(std::string_view path, std::string_view program, F f) {
    while (!program.empty() && !path.empty()) {
        const auto folder = path.substr(0, path.find(':'));
        path.remove_prefix(std::min(folder.size() + 1, path.size()));
        if (folder.empty() || folder.front() != '/') continue;
        if (f(std::string(folder) + '/' + std::string(program))) return;
    }
}

// The PATH where there is none.
inline constexpr const char* default_path = "/bin:/usr/bin";

}  // namespace detail

/// The file that would be run for `program`: itself if it holds a slash, else the first of its name
/// in the folders of `path` (by default, this process's PATH) that is an executable file.
/// Returns: none if there is no such file. Python: shutil.which.
inline std::optional<std::string> which(const std::string& program,
                                        std::optional<std::string> path = std::nullopt) {
    const auto is_program = [](const std::string& file) {
        struct stat what{};
        return ::stat(file.c_str(), &what) == 0 && S_ISREG(what.st_mode) &&
               ::access(file.c_str(), X_OK) == 0;
    };
    std::optional<std::string> found;
    if (program.find('/') != std::string::npos) {
        if (is_program(program)) found = program;
        return found;
    }
    if (!path) {
        const char* ours = std::getenv("PATH");
        path = ours ? ours : detail::default_path;
    }
    detail::each_candidate(*path, program, [&](const std::string& file) {
        if (is_program(file)) found = file;
        return found.has_value();
    });
    return found;
}

}  // namespace tandem
