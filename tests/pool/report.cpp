// SPDX-License-Identifier: BSL-1.0
#include <tandem/pool/report.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace {

struct listener final : tandem::detail::report_sink {
    listener() { tandem::detail::current_sink() = this; }
    ~listener() { tandem::detail::current_sink() = nullptr; }
    void add_report(std::span<const std::byte> bytes) noexcept override {
        heard.emplace_back(std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
    std::vector<tandem::progress_event> heard;
};

}  // namespace

TEST_CASE("a report without a listener is none", "[report]") { CHECK_FALSE(tandem::report(1)); }

TEST_CASE("a report arrives as the type that it was", "[report]") {
    listener here;
    CHECK(tandem::report(std::string("half")));
    CHECK(tandem::report(50));
    REQUIRE(here.heard.size() == 2);
    CHECK(here.heard[0].is<std::string>());
    CHECK(here.heard[0].as<std::string>() == "half");
    CHECK_FALSE(here.heard[1].is<std::string>());
    CHECK(here.heard[1].as<int>() == 50);
    CHECK_THROWS_AS(here.heard[1].as<long>(), tandem::codec_error);
}

TEST_CASE("bytes that are no report are of no type", "[report]") {
    const tandem::progress_event nothing({});
    CHECK_FALSE(nothing.is<int>());
    CHECK_THROWS_AS(nothing.as<int>(), tandem::codec_error);
}
