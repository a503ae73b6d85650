// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/thunk.hpp: a call as bytes: a token for the code, the codec for the data.        level 1
#pragma once

#include <tandem/ipc/module_offset.hpp>
#include <tandem/ipc/shippable.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <tuple>
#include <type_traits>

namespace tandem::detail {

// The stop_token that tasks in this process get; a worker sets it.
inline std::stop_token& task_stop_token() noexcept {
    static std::stop_token token;
    return token;
}

// One way to make a call out of bytes. Instantiating a call registers its thunk before main(); a
// worker runs registered thunks and nothing else, whatever the bytes say.
class thunk {
   public:
    // Reads the callable's own bytes from `state` and the arguments from `args`; writes the result.
    // Throws what the call throws, and codec_error for bad bytes.
    using function = void (*)(reader& state, reader& args, writer& result);

    explicit thunk(function code) noexcept : run_(code) {
        next_ = first().load(std::memory_order_relaxed);
        while (!first().compare_exchange_weak(next_, this, std::memory_order_acq_rel)) {
        }
    }
    thunk(const thunk&) = delete;
    thunk& operator=(const thunk&) = delete;

    void run(reader& state, reader& args, writer& result) const { run_(state, args, result); }

    // The name of this thunk in another process of the program.
    module_offset token() const { return offset_of(this); }

    // The thunk of that name, null if none is registered under it.
    static const thunk* find(const module_offset& token) noexcept {
        const void* wanted = address_of(token, PF_R);
        for (const thunk* t = first().load(std::memory_order_acquire); t; t = t->next_) {
            if (t == wanted) return t;
        }
        return nullptr;
    }

   private:
    // The stack of registered thunks: null, or the newest. Pushed while modules load (released
    // with the thunk's fields), walked by find() (acquired); never popped, a module with a thunk
    // stays loaded.
    static std::atomic<const thunk*>& first() noexcept {
        static std::atomic<const thunk*> head{nullptr};
        return head;
    }

    function run_;
    const thunk* next_ = nullptr;
};

// How the callable itself travels.
template <class F>
struct carried {
    static void encode(writer& out, const F& f) {
        if constexpr (is_function_pointer<F>) {
            const auto place = offset_of(reinterpret_cast<const void*>(f));
            tandem::encode(out, place.module);
            tandem::encode(out, place.offset);
        } else if constexpr (is_bitwise<F>) {
            out.write(&f, sizeof f);
        }
    }
    static F decode(reader& in) {
        if constexpr (is_function_pointer<F>) {
            module_offset place;
            place.module = tandem::decode<std::uint64_t>(in);
            place.offset = tandem::decode<std::uint64_t>(in);
            return function_at(place);
        } else if constexpr (is_bitwise<F>) {
            alignas(F) std::byte bytes[sizeof(F)];
            in.read(bytes, sizeof bytes);
            return std::bit_cast<F>(bytes);
        } else {
            return F{};
        }
    }

   private:
    // A map calls one function again and again: its address is looked up once.
    static F function_at(const module_offset& place) {
        static thread_local module_offset last;
        static thread_local void* found = nullptr;
        if (!found || !(last == place)) {
            found = address_of(place, PF_X);
            last = place;
            if (!found) throw codec_error("a function that this process does not have");
        }
        return reinterpret_cast<F>(found);
    }
};

template <class R, class Call>
void write_result(writer& out, Call call) {
    if constexpr (std::is_void_v<R>) {
        call();
    } else {
        tandem::encode(out, static_cast<const std::remove_cvref_t<R>&>(call()));
    }
}

// The call of `submit(f, args...)`: f gets its arguments as rvalues, as a thread would.
template <class F, class... Args>
struct submitted_call {
    static void run(reader& state, reader& in, writer& out) {
        F f = carried<F>::decode(state);
        std::tuple<Args...> args{tandem::decode<Args>(in)...};
        write_result<shipped_result_t<F&, Args...>>(out, [&]() -> decltype(auto) {
            return apply_task(task_stop_token(), f, std::move(args));
        });
    }
    static inline const thunk entry{&run};
};

// The call of one element of `map`, of `starmap` if the element is a tuple of arguments (Star), of
// `for_each` if nobody wants the result (Discard).
template <class F, class T, bool Star, bool Discard>
struct element_call {
    static decltype(auto) call(F& f, const T& element) {
        if constexpr (Star) {
            return apply_task(task_stop_token(), f, element);
        } else {
            return invoke_task(task_stop_token(), f, element);
        }
    }
    static void run(reader& state, reader& in, writer& out) {
        F f = carried<F>::decode(state);
        const T element = tandem::decode<T>(in);
        using R = std::conditional_t<Discard, void, decltype(call(f, element))>;
        write_result<R>(out, [&]() -> decltype(auto) { return call(f, element); });
    }
    static inline const thunk entry{&run};
};

// Writes what names a call: the token of Call's thunk and the callable's own bytes.
template <class Call, class F>
void encode_call(writer& out, const F& f) {
    static const module_offset token = Call::entry.token();
    tandem::encode(out, token.module);
    tandem::encode(out, token.offset);
    carried<F>::encode(out, f);
}

}  // namespace tandem::detail
