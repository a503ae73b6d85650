// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/travels.hpp>

#include "../support/catch.hpp"

#include <any>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

using tandem::travels;
using tandem::detail::argument;
using tandem::detail::element;
using tandem::detail::field;
using tandem::detail::obstacle;
using tandem::detail::trace;

namespace {

struct person {
    std::string name;
    int age;
    std::optional<std::vector<double>> marks;
};

struct tree {
    int value;
    std::vector<tree> children;
    std::unique_ptr<tree> other;
    std::map<std::string, tree> named;
};

struct tree_of_pointers {
    std::vector<tree_of_pointers> children;
    void* extra;
};

struct even;
struct odd {
    std::vector<even> inside;
};
struct even {
    std::vector<odd> inside;
    std::string name;
};

struct line {
    int number;
    std::string_view text;
};

class opaque {
   public:
    explicit opaque(int a) : a_(a) {}
    int a() const { return a_; }

   private:
    int a_;
};

struct animal {
    virtual ~animal() = default;
};
struct cat final : animal {
    template <class Archive>
    void serialize(Archive&) {}
};

struct dog : animal {
    template <class Archive>
    void serialize(Archive&) {}
};

struct holds_reference {
    const int& number;
    int other;
};

union either {
    int a;
    float b;
};

struct stateful_less {
    bool reverse = false;
    bool operator()(int a, int b) const { return reverse ? b < a : a < b; }
};

class known_by_codec {
   public:
    explicit known_by_codec(const char* text) : text_(text) {}
    const char* text() const { return text_; }

   private:
    const char* text_;
};

}  // namespace

template <>
struct tandem::codec<known_by_codec> {
    static void encode(writer&, const known_by_codec&) {}
    static known_by_codec decode(reader&) { return known_by_codec("fixed"); }
};

TEST_CASE("plain values, standard containers and aggregates travel", "[travels]") {
    STATIC_REQUIRE(travels<int>);
    STATIC_REQUIRE(travels<const std::string>);
    STATIC_REQUIRE(travels<person>);
    STATIC_REQUIRE(travels<std::vector<std::map<int, std::variant<person, std::string>>>>);
    STATIC_REQUIRE(travels<std::tuple<int, std::filesystem::path, std::chrono::seconds>>);
    STATIC_REQUIRE(travels<std::unique_ptr<const person>>);
    STATIC_REQUIRE(travels<std::error_code>);
    STATIC_REQUIRE(travels<std::priority_queue<int>>);
}

TEST_CASE("a type inside itself travels if the rest of it does", "[travels]") {
    STATIC_REQUIRE(travels<tree>);
    STATIC_REQUIRE(travels<odd>);
    STATIC_REQUIRE(travels<even>);
    STATIC_REQUIRE(!travels<tree_of_pointers>);
}

TEST_CASE("what refers to memory does not travel, at any depth", "[travels]") {
    STATIC_REQUIRE(!travels<int*>);
    STATIC_REQUIRE(!travels<std::nullptr_t>);
    STATIC_REQUIRE(!travels<int&>);
    STATIC_REQUIRE(!travels<const char*>);
    STATIC_REQUIRE(!travels<int (*)(int)>);
    STATIC_REQUIRE(!travels<int person::*>);
    STATIC_REQUIRE(!travels<int (person::*)()>);
    STATIC_REQUIRE(!travels<std::string_view>);
    STATIC_REQUIRE(!travels<std::span<int>>);
    STATIC_REQUIRE(!travels<std::initializer_list<int>>);
    STATIC_REQUIRE(!travels<std::reference_wrapper<int>>);
    STATIC_REQUIRE(!travels<std::vector<int>::iterator>);
    STATIC_REQUIRE(!travels<std::vector<line>>);
    STATIC_REQUIRE(!travels<std::optional<std::pair<int, const char*>>>);
    STATIC_REQUIRE(!travels<std::map<int*, int>>);
    STATIC_REQUIRE(!travels<std::tuple<int&>>);
    STATIC_REQUIRE(!travels<holds_reference>);
}

TEST_CASE("what works only where it is does not travel", "[travels]") {
    STATIC_REQUIRE(!travels<std::mutex>);
    STATIC_REQUIRE(!travels<std::atomic<int>>);
    STATIC_REQUIRE(!travels<std::thread>);
    STATIC_REQUIRE(!travels<std::future<int>>);
    STATIC_REQUIRE(!travels<std::function<void()>>);
    STATIC_REQUIRE(!travels<std::any>);
    STATIC_REQUIRE(!travels<std::shared_ptr<int>>);
    STATIC_REQUIRE(!travels<std::weak_ptr<int>>);
    STATIC_REQUIRE(!travels<either>);
    STATIC_REQUIRE(!travels<void>);
}

TEST_CASE("polymorphic classes do not travel, nor unique_ptrs that may point to a derived one",
          "[travels]") {
    STATIC_REQUIRE(!travels<animal>);
    STATIC_REQUIRE(!travels<std::unique_ptr<animal>>);
    STATIC_REQUIRE(travels<std::unique_ptr<cat>>);
    STATIC_REQUIRE(travels<dog>);
    STATIC_REQUIRE(!travels<std::unique_ptr<dog>>);
    STATIC_REQUIRE(!travels<std::unique_ptr<int[]>>);
    STATIC_REQUIRE(!travels<std::unique_ptr<int, std::function<void(int*)>>>);
}

TEST_CASE("a class that hides its state does not travel without a codec", "[travels]") {
    STATIC_REQUIRE(!travels<opaque>);
    STATIC_REQUIRE(travels<known_by_codec>);
    STATIC_REQUIRE(travels<std::vector<known_by_codec>>);
}

TEST_CASE("an object without state travels, a lambda with captures does not", "[travels]") {
    const auto stateless = [](int x) { return x; };
    int n = 1;
    const auto capturing = [n](int x) { return x + n; };
    STATIC_REQUIRE(travels<decltype(stateless)>);
    STATIC_REQUIRE(!travels<decltype(capturing)>);
    STATIC_REQUIRE(travels<std::less<>>);
    CHECK(stateless(1) + capturing(1) == 3);
}

TEST_CASE("a container travels only if its order can be made anew", "[travels]") {
    STATIC_REQUIRE(travels<std::map<int, int, std::greater<>>>);
    STATIC_REQUIRE(!travels<std::map<int, int, stateful_less>>);
    STATIC_REQUIRE(!travels<std::map<int, int, bool (*)(int, int)>>);
    STATIC_REQUIRE(!travels<std::unordered_map<int, int, std::function<std::size_t(int)>>>);
    STATIC_REQUIRE(!travels<std::priority_queue<int, std::vector<int>, stateful_less>>);
}

TEST_CASE("an obstacle is named with the way to it", "[travels]") {
    STATIC_REQUIRE(std::is_same_v<obstacle<person>, trace<>>);
    STATIC_REQUIRE(std::is_same_v<obstacle<int*>, trace<int*>>);
    STATIC_REQUIRE(
        std::is_same_v<obstacle<std::vector<line>>, trace<element, field<1>, std::string_view>>);
    STATIC_REQUIRE(std::is_same_v<obstacle<std::pair<int, line>, argument<2>>,
                                  trace<argument<2>, field<1>, field<1>, std::string_view>>);
    STATIC_REQUIRE(std::is_same_v<obstacle<holds_reference>, trace<field<0>, const int&>>);
}
