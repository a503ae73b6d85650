// SPDX-License-Identifier: BSL-1.0
#include <tandem/ipc/exception_codec.hpp>

#include "round_trip.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

using tandem::remote_exception;

namespace {

constexpr int worker = 4242;

std::exception_ptr arrived(const std::exception_ptr& thrown) {
    tandem::writer to;
    tandem::encode_exception(to, thrown);
    tandem::reader from(to.bytes());
    std::exception_ptr there = tandem::decode_exception(from, worker);
    CHECK(from.remaining() == 0);
    return there;
}

template <class Throws>
std::exception_ptr caught(Throws throws) {
    try {
        throws();
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

template <class Throws>
std::exception_ptr arrived_from(Throws throws) {
    return arrived(caught(throws));
}

// Calls look(e) with what is in a pointer, which must be exactly a T.
template <class T, class Look>
void expect(const std::exception_ptr& there, Look look) {
    REQUIRE(there != nullptr);
    try {
        std::rethrow_exception(there);
    } catch (const T& thrown) {
        CHECK(*abi::__cxa_current_exception_type() == typeid(T));
        look(thrown);
    } catch (...) {
        FAIL("another type: " << abi::__cxa_current_exception_type()->name());
    }
}

template <class T>
void arrives_as(const T& thrown) {
    const std::string text = thrown.what();
    expect<T>(arrived(std::make_exception_ptr(thrown)),
              [&](const T& there) { CHECK(there.what() == text); });
}

// Not registered.
struct stranger : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct stranger_range : std::out_of_range {
    using std::out_of_range::out_of_range;
};
struct no_text : std::exception {
    const char* what() const noexcept override { return nullptr; }
};

// Registered below, each in another way.
struct from_string : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct from_chars : std::exception {
    explicit from_chars(const char* text) : text_(text) {}
    const char* what() const noexcept override { return text_.c_str(); }
    std::string text_;
};
class with_codec : public std::runtime_error {
   public:
    with_codec(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    int code() const { return code_; }

   private:
    int code_;
};
struct aggregate {
    int code;
    std::string reason;
};
// Remembers by itself what was being handled when it was made.
struct remembers : std::runtime_error, std::nested_exception {
    using std::runtime_error::runtime_error;
};
struct codec_fails : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct refuses_text : std::runtime_error {
    explicit refuses_text(const std::string& text) : std::runtime_error(text) {
        if (text == "unloved") throw std::invalid_argument("not this text");
    }
};
struct in_wrapper : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class own_category final : public std::error_category {
   public:
    const char* name() const noexcept override { return "own"; }
    std::string message(int) const override { return "own message"; }
};

const bool registered =
    tandem::register_exception<from_string>() && tandem::register_exception<from_chars>() &&
    tandem::register_exception<aggregate>() && tandem::register_exception<remembers>() &&
    tandem::register_exception<refuses_text>() && tandem::register_exception<in_wrapper>();

std::exception_ptr nest(int levels) {
    std::exception_ptr inner = std::make_exception_ptr(std::out_of_range("level 0"));
    for (int level = 1; level <= levels; ++level) {
        inner = caught([&] {
            try {
                std::rethrow_exception(inner);
            } catch (...) {
                std::throw_with_nested(std::runtime_error("level " + std::to_string(level)));
            }
        });
    }
    return inner;
}

std::vector<std::string> texts(std::exception_ptr thrown) {
    std::vector<std::string> found;
    while (thrown != nullptr) {
        found.push_back(tandem::detail::text_of_thrown(thrown));
        thrown = tandem::detail::nested_in(thrown);
    }
    return found;
}

// Has no more room than it was given.
struct small_storage final : tandem::byte_storage {
    std::span<std::byte> grow(std::span<const std::byte>, std::size_t) override {
        throw std::bad_alloc();
    }
};

}  // namespace

template <>
struct tandem::codec<with_codec> {
    static void encode(writer& to, const with_codec& value) {
        tandem::encode(to, std::pair<int, std::string>(value.code(), value.what()));
    }
    static with_codec decode(reader& from) {
        const auto [code, text] = tandem::decode<std::pair<int, std::string>>(from);
        return {code, text};
    }
};
template <>
struct tandem::codec<codec_fails> {
    static void encode(writer&, const codec_fails&) { throw std::logic_error("no bytes"); }
    static codec_fails decode(reader&) { return codec_fails("decoded"); }
};

namespace {

const bool registered_with_codec =
    tandem::register_exception<with_codec>() && tandem::register_exception<codec_fails>();

}  // namespace

TEST_CASE("standard exceptions arrive as the same type with the same text", "[exception_codec]") {
    arrives_as(std::exception());
    arrives_as(std::logic_error("logic"));
    arrives_as(std::domain_error("domain"));
    arrives_as(std::invalid_argument("argument"));
    arrives_as(std::length_error("length"));
    arrives_as(std::out_of_range("range"));
    arrives_as(std::runtime_error("runtime"));
    arrives_as(std::range_error("range"));
    arrives_as(std::overflow_error("over"));
    arrives_as(std::underflow_error("under"));
    arrives_as(std::bad_alloc());
    arrives_as(std::bad_array_new_length());
    arrives_as(std::bad_cast());
    arrives_as(std::bad_typeid());
    arrives_as(std::bad_optional_access());
    arrives_as(std::bad_variant_access());
    arrives_as(std::bad_function_call());
    arrives_as(std::bad_weak_ptr());
    arrives_as(std::bad_exception());
}

TEST_CASE("what the standard library throws arrives", "[exception_codec]") {
    expect<std::out_of_range>(arrived_from([] { static_cast<void>(std::vector<int>().at(3)); }),
                              [](const auto&) {});
    expect<std::invalid_argument>(
        arrived_from([] { static_cast<void>(std::stoi("x")); }),
        [](const auto& there) { CHECK(std::string(there.what()) == "stoi"); });
    expect<std::filesystem::filesystem_error>(
        arrived_from([] { static_cast<void>(std::filesystem::file_size("/no/such/file")); }),
        [](const auto& there) {
            CHECK(there.path1() == "/no/such/file");
            CHECK(there.code() == std::errc::no_such_file_or_directory);
        });
    expect<std::ios_base::failure>(
        arrived_from([] {
            std::ifstream file;
            file.exceptions(std::ios::failbit);
            file.open("/no/such/file");
        }),
        [](const auto& there) { CHECK(there.code() == std::io_errc::stream); });
}

TEST_CASE("a system_error arrives with its code", "[exception_codec]") {
    const std::system_error thrown(ENOENT, std::system_category(), "open");
    expect<std::system_error>(arrived(std::make_exception_ptr(thrown)), [&](const auto& there) {
        CHECK(there.code() == thrown.code());
        CHECK(std::string(there.what()) == thrown.what());
    });
}

TEST_CASE("a code of a category that has no bytes arrives as a text", "[exception_codec]") {
    static const own_category own;
    const std::system_error thrown(3, own, "mine");
    expect<remote_exception>(arrived(std::make_exception_ptr(thrown)), [](const auto& there) {
        CHECK(there.type_name() == "std::system_error");
        CHECK(std::string(there.what()) == "mine: own message");
    });
}

TEST_CASE("our own errors arrive as themselves", "[exception_codec]") {
    arrives_as(tandem::error("error"));
    arrives_as(tandem::timeout_error("late"));
    arrives_as(tandem::cancelled_error());
    arrives_as(tandem::invalid_state("state"));
    arrives_as(tandem::broken_promise());
    arrives_as(tandem::pool_closed("closed"));
    arrives_as(tandem::broken_pool("broken"));
    arrives_as(tandem::codec_error("codec"));
    arrives_as(tandem::io_error(std::make_error_code(std::errc::io_error), "read"));
    arrives_as(tandem::worker_died("gone", {}));
    arrives_as(remote_exception("text", "type", 1));
}

TEST_CASE("a remote_exception that comes from further away keeps its process",
          "[exception_codec]") {
    expect<remote_exception>(arrived(std::make_exception_ptr(remote_exception("text", "type", 17))),
                             [](const auto& there) { CHECK(there.pid() == 17); });
}

TEST_CASE("a type that is not registered arrives as remote_exception, whatever it derives from",
          "[exception_codec]") {
    expect<remote_exception>(arrived(std::make_exception_ptr(stranger("hello"))),
                             [](const auto& there) {
                                 CHECK(there.type_name() == "(anonymous namespace)::stranger");
                                 CHECK(std::string(there.what()) == "hello");
                                 CHECK(there.pid() == worker);
                             });
    expect<remote_exception>(
        arrived(std::make_exception_ptr(stranger_range("far"))), [](const auto& there) {
            CHECK(there.type_name() == "(anonymous namespace)::stranger_range");
        });
}

TEST_CASE("what is no std::exception arrives as remote_exception with its type",
          "[exception_codec]") {
    const auto check = [](const std::exception_ptr& there, const std::string& type) {
        expect<remote_exception>(there, [&](const auto& thrown) {
            CHECK(thrown.type_name() == type);
            CHECK(std::string(thrown.what()) == "unknown exception");
            CHECK(thrown.pid() == worker);
        });
    };
    check(arrived_from([] { throw 3; }), "int");
    check(arrived_from([] { throw "text"; }), "char const*");
    check(arrived_from([] { throw std::vector<int>(); }),
          tandem::detail::demangle(typeid(std::vector<int>).name()));
}

TEST_CASE("an exception without a text has an empty one", "[exception_codec]") {
    expect<remote_exception>(arrived(std::make_exception_ptr(no_text())),
                             [](const auto& there) { CHECK(std::string(there.what()).empty()); });
}

TEST_CASE("registered types arrive as themselves", "[exception_codec]") {
    REQUIRE(registered);
    REQUIRE(registered_with_codec);
    arrives_as(from_string("made of a string"));
    arrives_as(from_chars("made of characters"));
    expect<with_codec>(arrived(std::make_exception_ptr(with_codec(7, "seven"))),
                       [](const auto& there) {
                           CHECK(there.code() == 7);
                           CHECK(std::string(there.what()) == "seven");
                       });
    expect<aggregate>(arrived(std::make_exception_ptr(aggregate{8, "eight"})),
                      [](const auto& there) {
                          CHECK(there.code == 8);
                          CHECK(there.reason == "eight");
                      });
}

TEST_CASE("a type may be registered again", "[exception_codec]") {
    CHECK(tandem::register_exception<from_string>());
    arrives_as(from_string("again"));
}

TEST_CASE("a type registered only where it arrives is rebuilt from its text", "[exception_codec]") {
    // As a worker sends it that was started before the registration.
    tandem::detail::other_exception other{typeid(from_string).name(), "from_string", "text", {}};
    tandem::writer to;
    tandem::encode(to, true);
    tandem::encode(to, false);
    tandem::encode(to, tandem::detail::other_place);
    tandem::encode(to, other);
    tandem::reader from(to.bytes());
    expect<from_string>(tandem::decode_exception(from, worker),
                        [](const auto& there) { CHECK(std::string(there.what()) == "text"); });
}

TEST_CASE("an exception whose codec fails arrives as its text", "[exception_codec]") {
    expect<codec_fails>(arrived(std::make_exception_ptr(codec_fails("the text"))),
                        [](const auto& there) { CHECK(std::string(there.what()) == "the text"); });
}

TEST_CASE("a type that refuses its text is a codec_error", "[exception_codec]") {
    const std::exception_ptr thrown = caught([] {
        struct hidden {
            static refuses_text make() {
                refuses_text made("loved");
                static_cast<std::runtime_error&>(made) = std::runtime_error("unloved");
                return made;
            }
        };
        throw hidden::make();
    });
    CHECK_THROWS_WITH(arrived(thrown), "decode: an exception could not be rebuilt: not this text");
}

TEST_CASE("nested exceptions arrive nested", "[exception_codec]") {
    const std::exception_ptr there = arrived(nest(3));
    CHECK(texts(there) == std::vector<std::string>{"level 3", "level 2", "level 1", "level 0"});
    CHECK_THROWS_AS(std::rethrow_exception(there), std::runtime_error);
    const auto middle = tandem::detail::nested_in(there);
    CHECK_THROWS_AS(std::rethrow_exception(middle), std::runtime_error);
    expect<std::out_of_range>(tandem::detail::nested_in(tandem::detail::nested_in(middle)),
                              [](const auto&) {});
}

TEST_CASE("16 nested exceptions arrive, those further inside are left out", "[exception_codec]") {
    CHECK(texts(arrived(nest(16))).size() == 17);
    const auto found = texts(arrived(nest(40)));
    CHECK(found.size() == 17);
    CHECK(found.front() == "level 40");
}

TEST_CASE("registered and unknown types arrive nested too", "[exception_codec]") {
    const std::exception_ptr there = arrived_from([] {
        try {
            try {
                throw 3;
            } catch (...) {
                std::throw_with_nested(in_wrapper("inside"));
            }
        } catch (...) {
            std::throw_with_nested(stranger("outside"));
        }
    });
    REQUIRE(there != nullptr);
    try {
        std::rethrow_exception(there);
    } catch (const remote_exception& outer) {
        CHECK(outer.type_name() == "(anonymous namespace)::stranger");
        CHECK(std::string(outer.what()) == "outside");
    }
    const std::exception_ptr inner = tandem::detail::nested_in(there);
    CHECK_THROWS_AS(std::rethrow_exception(inner), in_wrapper);
    CHECK_THROWS_AS(std::rethrow_exception(tandem::detail::nested_in(inner)), remote_exception);
}

TEST_CASE("a type that is itself nested_exception remembers what it held", "[exception_codec]") {
    const std::exception_ptr there = arrived_from([] {
        try {
            throw std::out_of_range("inner");
        } catch (...) {
            throw remembers("outer");
        }
    });
    expect<remembers>(there, [](const remembers& outer) {
        expect<std::out_of_range>(outer.nested_ptr(), [](const auto& inner) {
            CHECK(std::string(inner.what()) == "inner");
        });
    });
}

TEST_CASE("no exception arrives as none", "[exception_codec]") {
    CHECK(arrived(nullptr) == nullptr);
}

TEST_CASE("encoding appends, and values may follow", "[exception_codec]") {
    tandem::writer to;
    tandem::encode(to, 1);
    tandem::encode_exception(to, std::make_exception_ptr(std::out_of_range("o")));
    tandem::encode(to, 2);
    tandem::reader from(to.bytes());
    CHECK(tandem::decode<int>(from) == 1);
    expect<std::out_of_range>(tandem::decode_exception(from, worker), [](const auto&) {});
    CHECK(tandem::decode<int>(from) == 2);
}

TEST_CASE("without room for an exception bad_alloc is sent, or nothing", "[exception_codec]") {
    small_storage none;
    std::byte memory[16];
    tandem::writer to(memory, &none);
    tandem::encode_exception(to,
                             std::make_exception_ptr(std::runtime_error(std::string(100, 'x'))));
    tandem::reader from(to.bytes());
    expect<std::bad_alloc>(tandem::decode_exception(from, worker), [](const auto&) {});

    tandem::writer tiny{std::span(memory).first(1), &none};
    tandem::encode_exception(tiny, std::make_exception_ptr(std::bad_alloc()));
    CHECK(tiny.bytes().empty());
}

TEST_CASE("no prefix of an exception is taken for one", "[exception_codec]") {
    for (const std::exception_ptr& thrown :
         {nest(2), std::make_exception_ptr(stranger("text")),
          std::make_exception_ptr(with_codec(1, "text")),
          std::make_exception_ptr(tandem::worker_died("gone", {}))}) {
        tandem::writer to;
        tandem::encode_exception(to, thrown);
        for (std::size_t size = 0; size < to.position(); ++size) {
            const std::vector<std::byte> prefix(
                to.bytes().begin(), to.bytes().begin() + static_cast<std::ptrdiff_t>(size));
            tandem::reader from(prefix);
            CHECK_THROWS_AS(tandem::decode_exception(from, worker), tandem::codec_error);
        }
    }
}

TEST_CASE("bytes that claim too many nested exceptions or an unknown type are refused",
          "[exception_codec]") {
    const std::vector<std::byte> deep(1000, std::byte{1});
    tandem::reader from(deep);
    CHECK_THROWS_WITH(tandem::decode_exception(from, worker),
                      "decode: more than 16 exceptions are nested");
    const auto unknown = bytes_of({1, 0, 200});
    tandem::reader second(unknown);
    CHECK_THROWS_WITH(tandem::decode_exception(second, worker),
                      "decode: no exception type has the number 200");
}

TEST_CASE("noise instead of an exception is refused or is one, and never worse",
          "[exception_codec]") {
    std::mt19937_64 random(20240229);
    std::vector<std::vector<std::byte>> samples;
    for (const std::exception_ptr& thrown :
         {nest(3), std::make_exception_ptr(stranger("text")),
          std::make_exception_ptr(with_codec(1, "text")),
          std::make_exception_ptr(std::system_error(1, std::system_category(), "x")),
          std::make_exception_ptr(tandem::spawn_error({}, "step", "path"))}) {
        tandem::writer to;
        tandem::encode_exception(to, thrown);
        samples.emplace_back(to.bytes().begin(), to.bytes().end());
    }
    for (int round = 0; round < 5000; ++round) {
        std::vector<std::byte> bytes = samples[random() % samples.size()];
        for (int i = 0; i < 3; ++i) {
            bytes[random() % bytes.size()] =
                static_cast<std::byte>((random() % 2 == 0 ? random() % 40 : random()) & 255U);
        }
        if (random() % 4 == 0) bytes.resize(random() % bytes.size());
        tandem::reader from(bytes);
        try {
            static_cast<void>(tandem::decode_exception(from, worker));
        } catch (const tandem::codec_error&) {
        }
    }
}
