// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/process_pool.hpp>

#include "pool/tasks.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <vector>

using namespace tandem;
using namespace std::chrono_literals;
using namespace tasks;
using tools::leaves_nothing;

// Data that is large, or does not travel.

TEST_CASE("64 MB go there and come back", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::vector<unsigned char> data(64 << 20);
        for (std::size_t i = 0; i < data.size(); i += 4093) data[i] = static_cast<unsigned char>(i);
        const auto back = pool.apply(
            [](std::vector<unsigned char> given) {
                given[1] = 17;
                return given;
            },
            data);
        REQUIRE(back.size() == data.size());
        CHECK(back[1] == 17);
        data[1] = 17;
        CHECK(std::ranges::equal(back, data));
        CHECK(pool.apply(twice, 1) == 2);
    });
}

TEST_CASE("large elements of one chunk arrive, however many go in a message", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        std::vector<std::string> elements;
        for (int i = 0; i < 50; ++i) {
            elements.emplace_back(static_cast<std::size_t>(100'000 + i), 'x');
        }
        const auto sizes =
            pool.map([](const std::string& s) { return s + "!"; }, elements, {.chunk_size = 50});
        for (std::size_t i = 0; i < 50; ++i) CHECK(sizes[i].size() == 100'001 + i);
    });
}

namespace {

// Fails where it is told to.
struct fragile {
    enum place { nowhere, encode_here, decode_there, encode_there, decode_here };
    place fails = nowhere;
    int value = 0;
};

}  // namespace

template <>
struct tandem::codec<fragile> {
    static void encode(writer& to, const fragile& f) {
        if (f.fails == fragile::encode_here && !is_worker()) throw std::domain_error("encode here");
        if (f.fails == fragile::encode_there && is_worker()) {
            throw std::domain_error("encode there");
        }
        tandem::encode(to, static_cast<int>(f.fails));
        tandem::encode(to, f.value);
    }
    static fragile decode(reader& from) {
        const auto fails = static_cast<fragile::place>(tandem::decode<int>(from));
        if (fails == fragile::decode_there && is_worker()) throw std::domain_error("decode there");
        if (fails == fragile::decode_here && !is_worker()) throw std::domain_error("decode here");
        return {fails, tandem::decode<int>(from)};
    }
};

TEST_CASE("what a codec throws fails that call alone, and the worker lives", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        const auto pid = pool.apply(worker_pid);
        const auto same = [](fragile f) { return f; };
        CHECK_THROWS_WITH(pool.submit(same, fragile{fragile::encode_here}), "encode here");
        auto decoding = pool.submit(same, fragile{fragile::decode_there});
        auto result = pool.submit(same, fragile{fragile::encode_there});
        auto returning = pool.submit(same, fragile{fragile::decode_here});
        auto good = pool.submit(same, fragile{fragile::nowhere, 5});
        CHECK_THROWS_WITH(decoding.get(), "decode there");
        CHECK_THROWS_WITH(result.get(), "encode there");
        CHECK_THROWS_WITH(returning.get(), "decode here");
        CHECK(good.get().value == 5);
        CHECK(pool.apply(worker_pid) == pid);
        CHECK(pool.stats().replaced == 0);
    });
}

TEST_CASE("what a codec throws fails that element of a map alone", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        const auto pid = pool.apply(worker_pid);
        std::vector<fragile> elements;
        for (int i = 0; i < 50; ++i) elements.push_back({static_cast<fragile::place>(i % 5), i});
        for (const int chunk : {1, 7, 50}) {
            auto results =
                pool.imap([](const fragile& f) { return f; }, elements, {.chunk_size = chunk});
            int at = 0;
            for (auto& one : results.outcomes()) {
                CHECK(one.has_value() == (at % 5 == 0));
                if (one) CHECK(one.value().value == at);
                ++at;
            }
            CHECK(at == 50);
            CHECK_THROWS_WITH(
                pool.map([](const fragile& f) { return f; }, elements, {.chunk_size = chunk}),
                "encode here");
        }
        CHECK(pool.apply(worker_pid) == pid);
    });
}

TEST_CASE("a map whose every element cannot be encoded ends", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(2);
        const std::vector<fragile> elements(100, {fragile::encode_here, 0});
        CHECK_THROWS_WITH(pool.map([](const fragile&) {}, elements), "encode here");
        auto all = pool.map_async([](const fragile&) { return 0; }, elements);
        CHECK_THROWS_WITH(all.get(), "encode here");
        int count = 0;
        auto results = pool.imap([](const fragile&) { return 0; }, elements);
        for (auto& one : results.outcomes()) count += one.has_value() ? 0 : 1;
        CHECK(count == 100);
    });
}

// Exceptions.

namespace {

struct registered : std::runtime_error {
    using std::runtime_error::runtime_error;
};
const bool is_registered = register_exception<registered>();

struct stranger : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class E>
void arrives(process_pool& pool, void (*task)(), const char* text) {
    INFO(text);
    bool exact = false;
    std::string what;
    try {
        pool.apply(task);
    } catch (const std::exception& e) {
        what = e.what();
        exact = typeid(e) == typeid(E);
    }
    CHECK(exact);
    CHECK(what == text);
}

std::vector<std::string> chain_of(const std::exception& e) {
    std::vector<std::string> texts{e.what()};
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception& inner) {
        for (auto& text : chain_of(inner)) texts.push_back(std::move(text));
    }
    return texts;
}

}  // namespace

TEST_CASE("standard and registered exceptions arrive as themselves", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        const auto pid = pool.apply(worker_pid);
        arrives<std::out_of_range>(pool, [] { throw std::out_of_range("o"); }, "o");
        arrives<std::invalid_argument>(pool, [] { throw std::invalid_argument("i"); }, "i");
        arrives<std::logic_error>(pool, [] { throw std::logic_error("l"); }, "l");
        arrives<std::runtime_error>(pool, [] { throw std::runtime_error(""); }, "");
        arrives<std::bad_alloc>(pool, [] { throw std::bad_alloc(); }, "std::bad_alloc");
        arrives<timeout_error>(pool, [] { throw timeout_error("late"); }, "late");
        arrives<invalid_state>(pool, [] { throw invalid_state("state"); }, "state");
        arrives<registered>(pool, [] { throw registered("mine"); }, "mine");
        CHECK(is_registered);
        CHECK(pool.apply(worker_pid) == pid);
    });
}

TEST_CASE("a system_error arrives with its code in processes", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        try {
            pool.apply([] {
                throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory),
                                        "opening");
            });
            FAIL("nothing thrown");
        } catch (const std::system_error& e) {
            CHECK(e.code() == std::errc::no_such_file_or_directory);
            CHECK(std::string(e.what()).find("opening") == 0);
        }
    });
}

TEST_CASE("nested exceptions arrive nested in processes", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        try {
            pool.apply([] {
                try {
                    try {
                        throw std::out_of_range("inner");
                    } catch (...) {
                        std::throw_with_nested(std::logic_error("middle"));
                    }
                } catch (...) {
                    std::throw_with_nested(std::runtime_error("outer"));
                }
            });
            FAIL("nothing thrown");
        } catch (const std::runtime_error& e) {
            CHECK((chain_of(e) == std::vector<std::string>{"outer", "middle", "inner"}));
        }
    });
}

TEST_CASE("anything else arrives as a remote_exception that says what it was", "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        const auto pid = pool.apply(worker_pid);
        try {
            pool.apply([] { throw stranger("unknown here"); });
            FAIL("nothing thrown");
        } catch (const remote_exception& e) {
            CHECK(std::string(e.what()) == "unknown here");
            CHECK(e.type_name().find("stranger") != std::string::npos);
            CHECK(e.pid() == pid);
        }
        try {
            pool.apply([] { throw 42; });
            FAIL("nothing thrown");
        } catch (const remote_exception& e) {
            CHECK(e.type_name() == "int");
        }
        CHECK(pool.apply(worker_pid) == pid);
    });
}

TEST_CASE("a task that throws cancelled_error or worker_died does not confuse the pool",
          "[process_pool]") {
    leaves_nothing([] {
        process_pool pool(1);
        CHECK_THROWS_AS(pool.apply([] { throw cancelled_error("mine"); }), cancelled_error);
        CHECK_THROWS_AS(pool.apply([] { throw worker_died("mine", {}); }), worker_died);
        CHECK_THROWS_AS(pool.apply([] { throw broken_pool("mine"); }), broken_pool);
        CHECK(pool.apply(twice, 1) == 2);
        CHECK(pool.stats().replaced == 0);
    });
}
