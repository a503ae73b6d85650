// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/codec_containers.hpp: strings and sequences as bytes.        level 1
#pragma once

#include <tandem/ipc/coder.hpp>

#include <array>
#include <bitset>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <iterator>
#include <list>
#include <queue>
#include <stack>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::detail {

// A length, then the elements; least() is the length alone, so it never looks at the elements.
struct counted {
    static constexpr std::size_t least() { return sizeof(std::uint64_t); }
    static constexpr bool plain() { return false; }
};

template <class Range>
void encode_elements(writer& to, const Range& range) {
    using value = typename Range::value_type;
    for (const auto& item : range) coder<value>::encode(to, item);
}

template <class Sequence>
void encode_contiguous(writer& to, const Sequence& sequence) {
    encode_length(to, sequence.size());
    to.write(sequence.data(), sequence.size() * sizeof(typename Sequence::value_type));
}

// One memcpy where the bytes happen to be aligned for T or T can be made without a value first.
template <class Sequence>
Sequence decode_contiguous(reader& from) {
    using value = typename Sequence::value_type;
    const std::size_t count = decode_length(from, sizeof(value));
    if (count == 0) return Sequence();
    const std::byte* bytes = from.take(count * sizeof(value), "elements").data();
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(value) == 0) {
        const auto* first = reinterpret_cast<const value*>(bytes);
        return Sequence(first, first + count);
    }
    if constexpr (std::is_trivially_default_constructible_v<value>) {
        Sequence sequence(count, value());
        std::memcpy(sequence.data(), bytes, count * sizeof(value));
        return sequence;
    } else {
        Sequence sequence;
        sequence.reserve(count);
        reader elements({bytes, count * sizeof(value)});
        while (sequence.size() < count)
            sequence.push_back(decode_plain<value>(elements, "elements"));
        return sequence;
    }
}

template <class Sequence>
Sequence decode_elements(reader& from) {
    using value = typename Sequence::value_type;
    const std::size_t count = decode_length(from, coder<value>::least());
    Sequence sequence;
    if constexpr (requires { sequence.reserve(count); }) {
        sequence.reserve(worth_reserving<value>(count, from));
    }
    for (std::size_t i = 0; i < count; ++i) sequence.push_back(coder<value>::decode(from));
    return sequence;
}

template <class C, class Traits, class Allocator>
struct builtin<std::basic_string<C, Traits, Allocator>> : known_type<part<element, C>>, counted {
    using string = std::basic_string<C, Traits, Allocator>;
    static void encode(writer& to, const string& value) { encode_contiguous(to, value); }
    static string decode(reader& from) { return decode_contiguous<string>(from); }
};

template <class T, class Allocator>
struct builtin<std::vector<T, Allocator>> : known_type<part<element, T>>, counted {
    using vector = std::vector<T, Allocator>;
    static void encode(writer& to, const vector& value) {
        if constexpr (coder<T>::plain()) {
            encode_contiguous(to, value);
        } else {
            encode_length(to, value.size());
            encode_elements(to, value);
        }
    }
    static vector decode(reader& from) {
        if constexpr (coder<T>::plain()) {
            return decode_contiguous<vector>(from);
        } else {
            return decode_elements<vector>(from);
        }
    }
};

// Eight to a byte, the first in the lowest bit.
template <class Bits>
void encode_bits(writer& to, const Bits& bits) {
    std::size_t done = 0;
    while (done < bits.size()) {
        unsigned byte = 0;
        for (unsigned bit = 0; bit < 8 && done < bits.size(); ++bit, ++done) {
            byte |= (bits[done] ? 1U : 0U) << bit;
        }
        const auto packed = static_cast<unsigned char>(byte);
        to.write(&packed, 1);
    }
}

template <class Bits>
void decode_bits(reader& from, Bits& bits) {
    const auto bytes = from.take(bits.size() / 8 + (bits.size() % 8 != 0), "bits");
    for (std::size_t i = 0; i < bits.size(); ++i) {
        bits[i] = (std::to_integer<unsigned>(bytes[i / 8]) >> i % 8 & 1U) != 0;
    }
}

template <class Allocator>
struct builtin<std::vector<bool, Allocator>> : known_type<>, counted {
    using vector = std::vector<bool, Allocator>;
    static void encode(writer& to, const vector& value) {
        encode_length(to, value.size());
        encode_bits(to, value);
    }
    static vector decode(reader& from) {
        std::uint64_t count;
        from.read(&count, sizeof count, "a length");
        if (count / 8 + (count % 8 != 0) > from.remaining()) fail_length(count, from.remaining());
        vector value(static_cast<std::size_t>(count));
        decode_bits(from, value);
        return value;
    }
};

template <std::size_t Size>
struct builtin<std::bitset<Size>> : known_type<> {
    static void encode(writer& to, const std::bitset<Size>& value) { encode_bits(to, value); }
    static std::bitset<Size> decode(reader& from) {
        std::bitset<Size> value;
        decode_bits(from, value);
        return value;
    }
    static constexpr std::size_t least() { return (Size + 7) / 8; }
    static constexpr bool plain() { return false; }
};

template <class Sequence>
struct list_coder : counted {
    static void encode(writer& to, const Sequence& value) {
        encode_length(to, value.size());
        encode_elements(to, value);
    }
    static Sequence decode(reader& from) { return decode_elements<Sequence>(from); }
};

template <class T, class Allocator>
struct builtin<std::deque<T, Allocator>> : known_type<part<element, T>>,
                                           list_coder<std::deque<T, Allocator>> {};

template <class T, class Allocator>
struct builtin<std::list<T, Allocator>> : known_type<part<element, T>>,
                                          list_coder<std::list<T, Allocator>> {};

template <class T, class Allocator>
struct builtin<std::forward_list<T, Allocator>> : known_type<part<element, T>>, counted {
    using list = std::forward_list<T, Allocator>;
    static void encode(writer& to, const list& value) {
        encode_length(to, static_cast<std::size_t>(std::distance(value.begin(), value.end())));
        encode_elements(to, value);
    }
    static list decode(reader& from) {
        list value;
        auto last = value.before_begin();
        for (std::size_t left = decode_length(from, coder<T>::least()); left != 0; --left) {
            last = value.insert_after(last, coder<T>::decode(from));
        }
        return value;
    }
};

template <class T, std::size_t Size>
struct builtin<std::array<T, Size>> : known_type<part<element, T>> {
    using array = std::array<T, Size>;
    using value = std::remove_cv_t<T>;
    static void encode(writer& to, const array& items) {
        if constexpr (plain()) {
            to.write(items.data(), sizeof items);
        } else {
            for (const T& item : items) coder<value>::encode(to, item);
        }
    }
    static array decode(reader& from) {
        if constexpr (plain()) {
            return decode_plain<array>(from, "an array");
        } else if constexpr (std::default_initializable<array> && std::movable<T>) {
            array items;
            for (T& item : items) item = coder<value>::decode(from);
            return items;
        } else {
            return made_at_once(from, std::make_index_sequence<Size>());
        }
    }
    static constexpr std::size_t least() {
        if constexpr (Size == 0) {
            return 0;
        } else {
            return Size * coder<value>::least();
        }
    }
    static constexpr bool plain() {
        if constexpr (Size == 0 || !std::is_trivially_copyable_v<T>) {
            return false;
        } else {
            return coder<value>::plain();
        }
    }

   private:
    template <std::size_t... Index>
    static array made_at_once(reader& from, std::index_sequence<Index...>) {
        return {{(static_cast<void>(Index), coder<value>::decode(from))...}};
    }
};

// The container inside an adaptor is a protected member, which only a derived class may name.
template <class Adaptor>
struct adapted : Adaptor {
    static const typename Adaptor::container_type& in(const Adaptor& adaptor) {
        return adaptor.*&adapted::c;
    }
};

template <class Adaptor>
struct adaptor_coder : counted {
    using container = typename Adaptor::container_type;
    static void encode(writer& to, const Adaptor& value) {
        coder<container>::encode(to, adapted<Adaptor>::in(value));
    }
    static Adaptor decode(reader& from) { return Adaptor(coder<container>::decode(from)); }
};

template <class T, class Container>
struct builtin<std::stack<T, Container>> : known_type<part<element, Container>>,
                                           adaptor_coder<std::stack<T, Container>> {};

template <class T, class Container>
struct builtin<std::queue<T, Container>> : known_type<part<element, Container>>,
                                           adaptor_coder<std::queue<T, Container>> {};

template <class T, class Container, class Compare>
struct builtin<std::priority_queue<T, Container, Compare>>
    : known_type<part<element, Container>, part<comparator, made_anew<Compare>>>, counted {
    using queue = std::priority_queue<T, Container, Compare>;
    static void encode(writer& to, const queue& value) {
        coder<Container>::encode(to, adapted<queue>::in(value));
    }
    static queue decode(reader& from) { return queue(Compare(), coder<Container>::decode(from)); }
};

}  // namespace tandem::detail
