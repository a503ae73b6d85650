// SPDX-License-Identifier: BSL-1.0
// tests/subprocess/tools.hpp: what tests of other programs need beside what tests of processes do.
#pragma once

#include <tandem/core/unique_fd.hpp>
#include <tandem/subprocess/subprocess.hpp>

#include "pool/tools.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace tools {

inline std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
}

/// A folder that is gone with the object.
class temporary_folder {
   public:
    temporary_folder() {
        char name[] = "/tmp/tandem-test-XXXXXX";
        if (!::mkdtemp(name)) std::abort();
        path_ = name;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + '/' + name; }
    const std::string& path() const { return path_; }

    /// Makes a file in it.
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
        const std::string file = *this / name;
        std::ofstream(file, std::ios::binary) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }

   private:
    std::string path_;
};

/// What a process has open: {number, what it is}, sorted.
inline std::vector<std::pair<int, std::string>> descriptors_of(int pid) {
    std::vector<std::pair<int, std::string>> all;
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(folder, gone)) {
        all.emplace_back(std::stoi(entry.path().filename()),
                         std::filesystem::read_symlink(entry.path(), gone).string());
    }
    std::sort(all.begin(), all.end());
    return all;
}
inline std::vector<int> numbers_of(const std::vector<std::pair<int, std::string>>& descriptors) {
    std::vector<int> all;
    for (const auto& [number, what] : descriptors) all.push_back(number);
    return all;
}
/// A line of /proc/PID/status.
inline std::string status_line(int pid, const std::string& name) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    }
    return "";
}

/// Bytes that repeat nowhere near.
inline std::string noise(std::size_t bytes) {
    std::string all(bytes, '\0');
    std::uint64_t state = 88172645463325252U;
    for (auto& c : all) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        c = static_cast<char>(state);
    }
    return all;
}

/// The error of starting a program: "step errno path", or "" if it starts.
template <class Start>
std::string spawn_failure(Start start) {
    try {
        start();
    } catch (const tandem::spawn_error& e) {
        return e.step() + " " + std::to_string(e.code().value()) + " " + e.path();
    }
    return "";
}

/// Ends within the time, on a machine that has better to do than this test: bounds from above are
/// for hangs, which last for ever.
inline constexpr std::chrono::seconds soon{20};

}  // namespace tools
