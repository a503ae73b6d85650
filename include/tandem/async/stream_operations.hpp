// SPDX-License-Identifier: BSL-1.0
// tandem/async/stream_operations.hpp: what a task does with a stream.        level 3
#pragma once

#include <tandem/async/polled_fd.hpp>
#include <tandem/async/stream_core.hpp>
#include <tandem/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace tandem::detail {

// What a function of a stream gives: awaited once, as an rvalue, and nothing happens before.
template <class Awaiter, class On, class... Args>
class [[nodiscard]] io_request {
   public:
    explicit io_request(On& on, Args... args) : on_(&on), args_(std::move(args)...) {}
    Awaiter operator co_await() && {
        return std::apply([this](Args&... args) { return Awaiter(*on_, std::move(args)...); },
                          args_);
    }

   private:
    On* on_;
    std::tuple<Args...> args_;
};

class read_some_operation final : public io_operation {
   public:
    read_some_operation(stream_core& from, std::span<char> room) noexcept
        : io_operation(from, ready_to_read), from_(from), room_(room) {}
    std::size_t await_resume() const {
        throw_failure();
        return got_;
    }

   private:
    bool attempt() override {
        if (room_.empty()) return true;
        if (auto& buffer = from_.input(); !buffer.empty()) {
            got_ = buffer.view().copy(room_.data(), room_.size());
            buffer.consume(got_);
            return true;
        }
        const auto got = from_.read_into(room_);
        if (got < 0) {
            from_.input().release_if_empty();
            return false;
        }
        got_ = static_cast<std::size_t>(got);
        return true;
    }
    stream_core& from_;
    std::span<char> room_;
    std::size_t got_ = 0;
};

// All stays in the buffer until it is complete, so a cancel loses nothing.
class read_exactly_operation final : public io_operation {
   public:
    read_exactly_operation(stream_core& from, std::size_t count) noexcept
        : io_operation(from, ready_to_read), from_(from), count_(count) {}
    std::string await_resume() {
        throw_failure();
        return std::move(got_);
    }

   private:
    bool attempt() override {
        auto& buffer = from_.input();
        while (buffer.size() < count_) {
            const auto came = from_.fill();
            if (came == stream_core::filled::nothing) return false;
            if (came == stream_core::filled::some) continue;
            take(buffer.size());
            throw incomplete_read(std::move(got_), count_);
        }
        take(count_);
        return true;
    }
    void take(std::size_t count) {
        got_.assign(from_.input().view().substr(0, count));
        from_.input().consume(count);
    }
    stream_core& from_;
    std::size_t count_;
    std::string got_;
};

class read_until_operation final : public io_operation {
   public:
    // `strips`: a line, which is given without its end.
    read_until_operation(stream_core& from, std::string separator, bool strips)
        : io_operation(from, ready_to_read),
          from_(from),
          separator_(std::move(separator)),
          strips_(strips) {}
    std::optional<std::string> await_resume() {
        throw_failure();
        return std::move(got_);
    }

   private:
    bool attempt() override {
        if (separator_.empty()) throw std::invalid_argument("an empty separator");
        while (!find()) {
            const auto came = from_.fill();
            if (came == stream_core::filled::nothing) return false;
            if (came == stream_core::filled::some) continue;
            end();
            return true;
        }
        return true;
    }
    bool find() {
        for (;;) {
            const auto bytes = from_.input().view();
            const auto overlap = separator_.size() - 1;
            // A byte of the last search may be the first of a separator; so may those before it.
            const auto from = searched_ > overlap ? searched_ - overlap : 0;
            const auto at = bytes.find(separator_, from);
            if (at == bytes.npos) {
                searched_ = bytes.size();
                if (from_.skips_line()) {
                    drop(bytes.size() - std::min(bytes.size(), overlap));
                } else if (bytes.size() > from_.line_limit() + overlap) {
                    too_long(bytes.size() - overlap);
                }
                return false;
            }
            if (!from_.skips_line()) {
                if (at > from_.line_limit()) {
                    drop(at + separator_.size());
                    throw line_too_long(from_.line_limit());
                }
                take(at);
                return true;
            }
            drop(at + separator_.size());
            from_.skip_line(false);
        }
    }
    [[noreturn]] void too_long(std::size_t count) {
        drop(count);
        from_.skip_line(true);
        throw line_too_long(from_.line_limit());
    }
    void take(std::size_t at) {
        const auto bytes = from_.input().view();
        std::size_t length = strips_ ? at : at + separator_.size();
        if (strips_ && at > 0 && bytes[at - 1] == '\r') --length;
        got_.emplace(bytes.substr(0, length));
        drop(at + separator_.size());
    }
    void end() {
        auto& buffer = from_.input();
        if (from_.skips_line()) drop(buffer.size());
        if (buffer.empty()) return;
        std::string partial(buffer.view());
        const auto wanted = partial.size() + separator_.size();
        drop(buffer.size());
        throw incomplete_read(std::move(partial), wanted);
    }
    void drop(std::size_t count) noexcept {
        from_.input().consume(count);
        searched_ = 0;
    }

    stream_core& from_;
    std::string separator_;
    bool strips_;
    std::size_t searched_ = 0;  // so much of the buffer has no separator
    std::optional<std::string> got_;
};

class read_all_operation final : public io_operation {
   public:
    explicit read_all_operation(stream_core& from) noexcept
        : io_operation(from, ready_to_read), from_(from) {}
    std::string await_resume() {
        throw_failure();
        std::string all(from_.input().view());
        from_.input().consume(all.size());
        return all;
    }

   private:
    bool attempt() override {
        for (;;) {
            const auto came = from_.fill();
            if (came != stream_core::filled::some) return came == stream_core::filled::end;
        }
    }
    stream_core& from_;
};

class write_operation final : public io_operation {
   public:
    write_operation(stream_core& to, std::string_view bytes) noexcept
        : io_operation(to, ready_to_write), to_(to), rest_(bytes) {}
    void await_resume() const { throw_failure(); }

   private:
    bool attempt() override { return to_.take(rest_); }
    stream_core& to_;
    std::string_view rest_;
};

class flush_operation final : public io_operation {
   public:
    flush_operation(stream_core& to, bool ends) noexcept
        : io_operation(to, ready_to_write), to_(to), ends_(ends) {}
    void await_resume() const { throw_failure(); }

   private:
    bool attempt() override {
        if (!to_.flush()) return false;
        if (ends_) {
            leave();
            to_.end_writing();
        }
        return true;
    }
    stream_core& to_;
    bool ends_;
};

}  // namespace tandem::detail
