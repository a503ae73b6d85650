// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/codec_associative.hpp: maps and sets, ordered and hashed, as bytes.        level 1
#pragma once

#include <tandem/ipc/codec_containers.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace tandem::detail {

[[noreturn]] inline void fail_duplicate() {
    throw codec_error("decode: the same key comes twice in a container of unique keys");
}

// A map's keys and values, or a set's keys alone. In a multi-container every insertion succeeds.
template <class Container>
struct associative_coder : counted {
    using key_type = typename Container::key_type;
    static constexpr bool has_values = requires { typename Container::mapped_type; };

    static void encode(writer& to, const Container& value) {
        encode_length(to, value.size());
        for (const auto& item : value) {
            if constexpr (has_values) {
                coder<key_type>::encode(to, item.first);
                coder<typename Container::mapped_type>::encode(to, item.second);
            } else {
                coder<key_type>::encode(to, item);
            }
        }
    }

    static Container decode(reader& from) {
        const std::size_t count = decode_length(from, least_item());
        Container value;
        if constexpr (requires { value.reserve(count); }) {
            value.reserve(worth_reserving<typename Container::value_type>(count, from));
        }
        for (std::size_t size = 0; size < count; ++size) {
            decode_item(from, value);
            if (value.size() == size) fail_duplicate();
        }
        return value;
    }

   private:
    static constexpr std::size_t least_item() {
        if constexpr (has_values) {
            return coder<key_type>::least() + coder<typename Container::mapped_type>::least();
        } else {
            return coder<key_type>::least();
        }
    }

    static void decode_item(reader& from, Container& value) {
        if constexpr (has_values) {
            key_type name = coder<key_type>::decode(from);
            value.emplace_hint(value.end(), std::move(name),
                               coder<typename Container::mapped_type>::decode(from));
        } else {
            value.emplace_hint(value.end(), coder<key_type>::decode(from));
        }
    }
};

template <class K, class T, class Compare, class Allocator>
struct builtin<std::map<K, T, Compare, Allocator>>
    : known_type<part<key, K>, part<mapped, T>, part<comparator, made_anew<Compare>>>,
      associative_coder<std::map<K, T, Compare, Allocator>> {};

template <class K, class T, class Compare, class Allocator>
struct builtin<std::multimap<K, T, Compare, Allocator>>
    : known_type<part<key, K>, part<mapped, T>, part<comparator, made_anew<Compare>>>,
      associative_coder<std::multimap<K, T, Compare, Allocator>> {};

template <class K, class Compare, class Allocator>
struct builtin<std::set<K, Compare, Allocator>>
    : known_type<part<key, K>, part<comparator, made_anew<Compare>>>,
      associative_coder<std::set<K, Compare, Allocator>> {};

template <class K, class Compare, class Allocator>
struct builtin<std::multiset<K, Compare, Allocator>>
    : known_type<part<key, K>, part<comparator, made_anew<Compare>>>,
      associative_coder<std::multiset<K, Compare, Allocator>> {};

template <class K, class T, class Hash, class Equal, class Allocator>
struct builtin<std::unordered_map<K, T, Hash, Equal, Allocator>>
    : known_type<part<key, K>, part<mapped, T>, part<comparator, made_anew<Hash>>,
                 part<comparator, made_anew<Equal>>>,
      associative_coder<std::unordered_map<K, T, Hash, Equal, Allocator>> {};

template <class K, class T, class Hash, class Equal, class Allocator>
struct builtin<std::unordered_multimap<K, T, Hash, Equal, Allocator>>
    : known_type<part<key, K>, part<mapped, T>, part<comparator, made_anew<Hash>>,
                 part<comparator, made_anew<Equal>>>,
      associative_coder<std::unordered_multimap<K, T, Hash, Equal, Allocator>> {};

template <class K, class Hash, class Equal, class Allocator>
struct builtin<std::unordered_set<K, Hash, Equal, Allocator>>
    : known_type<part<key, K>, part<comparator, made_anew<Hash>>,
                 part<comparator, made_anew<Equal>>>,
      associative_coder<std::unordered_set<K, Hash, Equal, Allocator>> {};

template <class K, class Hash, class Equal, class Allocator>
struct builtin<std::unordered_multiset<K, Hash, Equal, Allocator>>
    : known_type<part<key, K>, part<comparator, made_anew<Hash>>,
                 part<comparator, made_anew<Equal>>>,
      associative_coder<std::unordered_multiset<K, Hash, Equal, Allocator>> {};

}  // namespace tandem::detail
