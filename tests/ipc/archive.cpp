// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/archive.hpp>

#include "round_trip.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace {

// Each style on a class of its own; none could be sent as an aggregate.
class cereal_style {
   public:
    cereal_style() = default;
    cereal_style(int a, std::string b) : a_(a), b_(std::move(b)) {}
    bool operator==(const cereal_style&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(a_, b_);
    }

   private:
    int a_ = 0;
    std::string b_;
};

class boost_style {
   public:
    boost_style() = default;
    boost_style(int a, std::string b) : a_(a), b_(std::move(b)) {}
    bool operator==(const boost_style&) const = default;
    template <class Archive>
    void serialize(Archive& archive, const unsigned int version) {
        archive & a_ & b_;
        version_ = version;
    }

   private:
    int a_ = 0;
    std::string b_;
    unsigned version_ = 0;
};

class split_style {
   public:
    split_style() = default;
    explicit split_style(int a) : a_(a) {}
    bool operator==(const split_style&) const = default;
    template <class Archive>
    void save(Archive& archive) const {
        archive(std::to_string(a_));
    }
    template <class Archive>
    void load(Archive& archive) {
        std::string text;
        archive(text);
        a_ = std::stoi(text);
    }

   private:
    int a_ = 0;
};

class split_style_with_version {
   public:
    split_style_with_version() = default;
    explicit split_style_with_version(int a) : a_(a) {}
    bool operator==(const split_style_with_version&) const = default;
    template <class Archive>
    void save(Archive& archive, unsigned) const {
        archive << a_;
    }
    template <class Archive>
    void load(Archive& archive, unsigned) {
        archive >> a_;
    }

   private:
    int a_ = 0;
};

// Asks which way it goes, as both libraries allow.
class asking_style {
   public:
    int a = 0;
    bool saved = false, loaded = false;
    asking_style() {}
    template <class Archive>
    void serialize(Archive& archive) {
        if constexpr (Archive::is_saving::value) archive(a + 1);
        if constexpr (Archive::is_loading::value) archive(a);
        loaded = Archive::is_loading::value;
    }
};

struct named_base {
    int id = 0;
    bool operator==(const named_base&) const = default;
};
// An aggregate with a base that has fields.
struct derived_style : named_base {
    std::string name;
    bool operator==(const derived_style&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(static_cast<named_base&>(*this), name);
    }
};

// As cereal's and Boost's name-value pairs are made.
template <class T>
struct member_pair {
    const char* name;
    T& value;
};
template <class T>
class function_pair {
   public:
    function_pair(const char* name, T& value) : name_(name), value_(value) {}
    const char* name() const { return name_; }
    T& value() const { return value_; }

   private:
    const char* name_;
    T& value_;
};
struct with_names {
    int a = 0;
    std::string b;
    int c[3] = {};
    template <class Archive>
    void serialize(Archive& archive) {
        archive(member_pair<int>{"a", a}, c);
        archive& function_pair<std::string>("b", b);
    }
};

struct node {
    std::vector<node> children;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(children);
    }
};

// Has a name and a value itself, but is no name-value pair.
struct setting {
    std::string name;
    int value = 0;
    bool operator==(const setting&) const = default;
};
struct settings {
    setting one;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(one);
    }
};

}  // namespace

namespace free_style {

class plain {
   public:
    plain() = default;
    explicit plain(int value) : value_(value) {}
    int& value() { return value_; }
    bool operator==(const plain&) const = default;

   private:
    int value_ = 0;
};
template <class Archive>
void serialize(Archive& archive, plain& value) {
    archive(value.value());
}

class versioned : public plain {
   public:
    using plain::plain;
};
template <class Archive>
void serialize(Archive& archive, versioned& value, unsigned) {
    archive & value.value();
}

class split {
   public:
    split() = default;
    explicit split(int value) : value_(value) {}
    int value() const { return value_; }
    void set(int value) { value_ = value; }
    bool operator==(const split&) const = default;

   private:
    int value_ = 0;
};
template <class Archive>
void save(Archive& archive, const split& value) {
    archive(value.value());
}
template <class Archive>
void load(Archive& archive, split& value) {
    int number = 0;
    archive(number);
    value.set(number);
}

}  // namespace free_style

namespace greedy_style {

struct item {
    int value = 0;
    bool operator==(const item&) const = default;
};
// Also accepts a std::vector<item>, whose own coder must win.
template <class Archive, class T>
void serialize(Archive& archive, T& value) {
    archive(value.value);
}

}  // namespace greedy_style

TEST_CASE("a member serialize in cereal's style is used both ways", "[archive]") {
    round_trip(cereal_style(1, "one"));
    round_trip(std::vector<cereal_style>{{1, "one"}, {2, "two"}});
    CHECK(tandem::encode(cereal_style(1, "one")) ==
          tandem::encode(std::pair<int, std::string>(1, "one")));
}

TEST_CASE("a member serialize in Boost's style is used both ways", "[archive]") {
    round_trip(boost_style(1, "one"));
    round_trip(std::map<int, boost_style>{{1, {1, "one"}}});
}

TEST_CASE("save and load members are used, each its way", "[archive]") {
    round_trip(split_style(12345));
    round_trip(split_style_with_version(12345));
    CHECK(tandem::encode(split_style(12345)).size() == 8 + 5);
}

TEST_CASE("functions in the namespace of the class are found", "[archive]") {
    round_trip(free_style::plain(3));
    round_trip(free_style::versioned(4));
    round_trip(free_style::split(5));
}

TEST_CASE("a function for everything does not take over the standard containers", "[archive]") {
    round_trip(greedy_style::item{3});
    round_trip(std::vector<greedy_style::item>{{3}, {4}});
}

TEST_CASE("an archive says which way it goes", "[archive]") {
    asking_style value;
    value.a = 4;
    const asking_style there = after_trip(value);
    CHECK(there.a == 5);
    CHECK(there.loaded);
    CHECK(!value.loaded);
}

TEST_CASE("serialize comes before the fields of an aggregate", "[archive]") {
    derived_style value;
    value.id = 7;
    value.name = "seven";
    round_trip(value);
}

TEST_CASE("of a name-value pair only the value travels, and arrays element by element",
          "[archive]") {
    with_names value;
    value.a = 1;
    value.b = "two";
    value.c[2] = 3;
    const with_names there = after_trip(value);
    CHECK(there.a == 1);
    CHECK(there.b == "two");
    CHECK(there.c[2] == 3);
    CHECK(tandem::encode(value).size() == sizeof(int) + 8 + 3 + sizeof(value.c));
}

TEST_CASE("a class with a name and a value is not taken for a name-value pair", "[archive]") {
    CHECK(after_trip(settings{{"depth", 3}}).one == setting{"depth", 3});
}

TEST_CASE("a serialize that calls itself is stopped at the depth limit", "[archive]") {
    node root;
    for (int i = 0; i < 63; ++i) {
        node outer;
        outer.children.push_back(std::move(root));
        root = std::move(outer);
    }
    CHECK(after_trip(root).children.size() == 1);
    node outer;
    outer.children.push_back(std::move(root));
    CHECK_THROWS_AS(tandem::encode(outer), tandem::codec_error);
}
