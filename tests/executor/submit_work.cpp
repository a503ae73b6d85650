// SPDX-License-Identifier: BSL-1.0
#include <tandem/executor/submit_work.hpp>

#include "../support/catch.hpp"

#include <tandem/executor/inline_executor.hpp>

#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

using namespace tandem::detail;

namespace {

ref<executor_core> core() { return make_ref<inline_core>(); }

template <class R, class F, class... Args>
auto submitted(F f, Args... args) {
    return make_ref<local_submit<R, F, Args...>>(core(), std::move(f), std::move(args)...);
}

}  // namespace

TEST_CASE("a submitted call can be claimed once and run", "[submit_work]") {
    const auto call = submitted<int>([](int x) { return x + 1; }, 3);
    CHECK(call->unclaimed() == 1);
    const auto claimed = call->claim(10);
    CHECK(claimed.count == 1);
    CHECK(call->unclaimed() == 0);
    CHECK(call->claim(10).count == 0);
    CHECK(call->running());
    CHECK(call->run(claimed).thrown == 0);
    CHECK(call->result().value() == 4);
}

TEST_CASE("a submitted call that throws counts as thrown", "[submit_work]") {
    const auto call = submitted<void>([] { throw std::runtime_error("call"); });
    CHECK(call->run(call->claim(1)).thrown == 1);
    CHECK_THROWS_WITH(call->result().value(), "call");
}

TEST_CASE("callable and arguments are gone before the result is there", "[submit_work]") {
    const auto alive = std::make_shared<int>(0);
    const auto call = submitted<void>([alive](const std::shared_ptr<int>&) {}, alive);
    CHECK(alive.use_count() == 3);
    long seen = 0;
    struct look final : callback {
        look(const std::shared_ptr<int>& p, long& s) : watched(p), seen(s) {}
        void call(future_state&) override { seen = watched.use_count(); }
        std::weak_ptr<int> watched;
        long& seen;
    };
    call->add_callback(std::make_unique<look>(alive, seen));
    call->run(call->claim(1));
    CHECK(seen == 1);
}

TEST_CASE("an unclaimed call is abandoned with the reason, and its callable destroyed",
          "[submit_work]") {
    const auto alive = std::make_shared<int>(0);
    const auto call = submitted<void>([alive] {});
    CHECK(call->abandon(std::make_exception_ptr(std::runtime_error("why"))) == 1);
    CHECK(alive.use_count() == 1);
    CHECK_THROWS_WITH(call->result().value(), "why");
    CHECK(call->claim(1).count == 0);
    CHECK(call->abandon(std::make_exception_ptr(1)) == 0);
}

TEST_CASE("a claimed call is asked to stop when it is abandoned", "[submit_work]") {
    const auto call = submitted<bool>([](std::stop_token stop) { return stop.stop_requested(); });
    const auto claimed = call->claim(1);
    CHECK(call->abandon(std::make_exception_ptr(1)) == 0);
    CHECK_FALSE(call->cancel());
    call->run(claimed);
    CHECK(call->result().value());
}

TEST_CASE("a call that takes no stop_token has no room for one", "[submit_work]") {
    struct with_token {
        void operator()(std::stop_token) const {}
    };
    struct without {
        void operator()() const {}
    };
    STATIC_REQUIRE(sizeof(local_submit<void, without>) < sizeof(local_submit<void, with_token>));
}

TEST_CASE("arguments are passed on as rvalues, as a thread would", "[submit_work]") {
    const auto call =
        submitted<int>([](std::unique_ptr<int>&& p) { return *p; }, std::make_unique<int>(8));
    call->run(call->claim(1));
    CHECK(call->result().value() == 8);
}

#if TANDEM_LINUX

namespace {

int add(int x, int y) { return x + y; }
using add_call = shipped_submit<int, int (*)(int, int), int, int>;

}  // namespace

TEST_CASE("a shipped call is bytes that the thunk understands", "[submit_work]") {
    const auto call = make_ref<add_call>(core(), &add, 3, 4);
    CHECK(call->claim(1).count == 1);
    tandem::writer name;
    call->encode_call(name);
    tandem::writer arguments;
    call->encode_arguments(0, arguments);

    tandem::reader head(name.bytes());
    module_offset token;
    token.module = tandem::decode<std::uint64_t>(head);
    token.offset = tandem::decode<std::uint64_t>(head);
    const thunk* code = thunk::find(token);
    REQUIRE(code);
    tandem::reader in(arguments.bytes());
    tandem::writer out;
    code->run(head, in, out);

    tandem::reader result(out.bytes());
    CHECK(call->deliver(0, result));
    CHECK(call->result().value() == 7);
}

TEST_CASE("a shipped call can be given back and claimed again", "[submit_work]") {
    const auto call = make_ref<add_call>(core(), &add, 3, 4);
    CHECK(call->claim(1).count == 1);
    CHECK(call->unclaimed() == 0);
    call->give_back({0, 1});
    CHECK(call->unclaimed() == 1);
    CHECK(call->claim(1).count == 1);
    call->fail(0, std::make_exception_ptr(std::runtime_error("died")));
    CHECK_THROWS_WITH(call->result().value(), "died");
}

TEST_CASE("bytes that are no result are codec_error", "[submit_work]") {
    const auto call = make_ref<add_call>(core(), &add, 3, 4);
    CHECK(call->claim(1).count == 1);
    const std::byte junk[1] = {};
    tandem::reader in(junk);
    CHECK_FALSE(call->deliver(0, in));
    CHECK_THROWS_AS(call->result().value(), tandem::codec_error);
}

#endif
