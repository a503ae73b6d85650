// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/redirect.hpp: where a program's standard streams come from and go to.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/core/unique_fd.hpp>

#include <climits>
#include <concepts>
#include <cstring>
#include <ios>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fcntl.h>

namespace tandem {

namespace detail {

struct redirect_access;

// The first four are those of stdio, in their order.
enum class redirect_kind { inherit, pipe, null, merge, file, descriptor, output };

}  // namespace detail

/// What a standard stream of a program may be, besides files and descriptors.
/// Python: None, PIPE, DEVNULL, STDOUT.
enum class stdio {
    inherit,  ///< the one of this process
    pipe,     ///< a pipe to this process
    null,     ///< /dev/null
    merge     ///< where standard output goes; for standard error only
};

/// Where one standard stream of a program comes from or goes to: a `stdio`, or what to_file,
/// from_file, use_fd or output_of give. It owns nothing, and a file's name stands in it.
/// Thread safety: a value, as int.
class redirect {
   public:
    redirect(stdio what) noexcept : kind_(static_cast<detail::redirect_kind>(what)) {}
    redirect(const redirect& other) noexcept { *this = other; }
    redirect& operator=(const redirect& other) noexcept {
        kind_ = other.kind_;
        number_ = other.number_;
        source_ = other.source_;
        // Only as much of the name as there is.
        if (kind_ == detail::redirect_kind::file && this != &other) {
            std::memcpy(path_, other.path_, std::strlen(other.path_) + 1);
        }
        return *this;
    }
    ~redirect() = default;  // trivial: g++ 12 destroys temporaries of a co_await twice

    /// Whether it is this `stdio`.
    friend bool operator==(const redirect& a, stdio b) noexcept {
        return a.kind_ == static_cast<detail::redirect_kind>(b);
    }

   private:
    friend struct detail::redirect_access;
    redirect(detail::redirect_kind kind, int number) noexcept : kind_(kind), number_(number) {}

    detail::redirect_kind kind_;
    int number_ = -1;              // the descriptor, or what to open the file with
    unique_fd* source_ = nullptr;  // our end of another child's pipe
    char path_[PATH_MAX];          // the file; else not set
};

namespace detail {

struct redirect_access {
    static redirect file(std::string_view path, int flags) {
        redirect made(redirect_kind::file, flags);
        if (path.size() >= sizeof made.path_ || path.find('\0') != std::string_view::npos) {
            throw std::invalid_argument("redirect: not the name of a file: " + std::string(path));
        }
        path.copy(made.path_, path.size());
        made.path_[path.size()] = '\0';
        return made;
    }
    static redirect descriptor(int fd) {
        if (fd < 0) throw std::invalid_argument("use_fd: the descriptor is negative");
        return redirect(redirect_kind::descriptor, fd);
    }
    static redirect output(unique_fd& ours) {
        redirect made(redirect_kind::output, -1);
        made.source_ = &ours;
        return made;
    }
    static redirect_kind kind(const redirect& r) noexcept { return r.kind_; }
    static int number(const redirect& r) noexcept { return r.number_; }
    static const char* path(const redirect& r) noexcept { return r.path_; }
    static unique_fd& source(const redirect& r) noexcept { return *r.source_; }
};

}  // namespace detail

/// Into a file, which is made if it is not there: emptied first, or with std::ios::app appended to.
/// Throws: std::invalid_argument if it cannot be the name of a file.
template <class Path>
    requires std::convertible_to<const Path&, std::string>
redirect to_file(const Path& path, std::ios::openmode mode = std::ios::trunc) {
    const int how = (mode & std::ios::app) != std::ios::openmode{} ? O_APPEND : O_TRUNC;
    return detail::redirect_access::file(std::string(path), O_WRONLY | O_CREAT | how);
}
/// From a file. Throws: std::invalid_argument if it cannot be the name of a file.
template <class Path>
    requires std::convertible_to<const Path&, std::string>
redirect from_file(const Path& path) {
    return detail::redirect_access::file(std::string(path), O_RDONLY);
}
/// A descriptor of this process, which stays open here. Throws: std::invalid_argument if negative.
inline redirect use_fd(int fd) { return detail::redirect_access::descriptor(fd); }

}  // namespace tandem
