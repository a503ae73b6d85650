// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/shell.hpp>

#include <tandem/subprocess/run.hpp>

#include "support/catch.hpp"

#include <stdexcept>
#include <string>
#include <vector>

using namespace tandem;
using words = std::vector<std::string>;

TEST_CASE("the arguments of a shell's line are $1 and on, and stay whole", "[shell]") {
    CHECK(output(shell("printf '%s|' \"$@\"", "a b", std::string("$HOME; rm"), "*")) ==
          "a b|$HOME; rm|*|");
    CHECK(output(shell("echo \"$0 $1\"", "first")) == "sh first");
    CHECK(output(shell("echo a | tr a b")) == "b");
}

TEST_CASE("what is quoted is one word again for the shell and for split", "[shell]") {
    for (const std::string text :
         {"", "plain", "two words", "it's", "\"both\" 'kinds'", "$HOME `ls` \\ !", "new\nline",
          "-x=/a.b:c,d@e%f+g", "~", "a;b", "\xff\x01"}) {
        CHECK(output(shell("printf %s " + quote(text))) == text);
        CHECK(split(quote(text)) == words{text});
    }
    CHECK(quote("plain/path-1.txt") == "plain/path-1.txt");
    CHECK(quote("") == "''");
    CHECK(quote("it's") == R"('it'"'"'s')");
    CHECK(quote(words{"git", "commit", "-m", "a message"}) == "git commit -m 'a message'");
}

TEST_CASE("a line is split as a shell would, and nothing more", "[shell]") {
    CHECK(split("a  b\tc\n d ") == words{"a", "b", "c", "d"});
    CHECK(split("'a b' \"c d\"e f\\ g") == words{"a b", "c de", "f g"});
    CHECK(split(R"("a\"b\\c\d" 'x\y')") == words{R"(a"b\c\d)", R"(x\y)"});
    CHECK(split("'' \"\"") == words{"", ""});
    CHECK(split("").empty());
    CHECK(split("$HOME *.txt #no").size() == 3);
    CHECK_THROWS_AS(split("'open"), std::invalid_argument);
    CHECK_THROWS_AS(split("\"open\\\""), std::invalid_argument);
    CHECK_THROWS_AS(split("end\\"), std::invalid_argument);
}
