// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/shell.hpp: a line for the shell, and how to quote for it.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/subprocess/command.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem {

/// A line for /bin/sh: the only way to a shell. Give it what comes from outside as arguments, which
/// the line sees as "$1", "$2" ... and no shell takes apart: shell("grep -c \"$1\" *.txt", word).
/// Python: shell=True, whose first argument is $0.
template <class... Args>
    requires(std::convertible_to<Args, argument> && ...)
command shell(const argument& line, const Args&... args) {
    return command{"/bin/sh", "-c", line, "sh", argument(args)...};
}

/// The text as one word of a shell's line. Python: shlex.quote.
inline std::string quote(std::string_view text) {
    constexpr std::string_view harmless =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
    if (!text.empty() && text.find_first_not_of(harmless) == text.npos) return std::string(text);
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') {
            quoted += R"('"'"')";
        } else {
            quoted += c;
        }
    }
    return quoted + '\'';
}
/// The words as a shell's line. Python: shlex.join.
inline std::string quote(const std::vector<std::string>& words) {
    std::string line;
    for (const auto& word : words) line += (line.empty() ? "" : " ") + quote(word);
    return line;
}

/// Takes a line apart into words as a shell does, minding quotes and backslashes only.
/// Throws: std::invalid_argument if a quote is not closed, or nothing follows a backslash.
/// Python: shlex.split.
inline std::vector<std::string> split(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quoting = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        // Between double quotes a backslash is one only before what it would be needed for.
        const bool escapes = c == '\\' && quoting != '\'' &&
                             (quoting == 0 || (at + 1 < line.size() &&
                                               (line[at + 1] == '"' || line[at + 1] == '\\')));
        if (escapes) {
            if (++at == line.size()) {
                throw std::invalid_argument("split: nothing follows the last backslash");
            }
            word += line[at];
            in_word = true;
        } else if (quoting != 0) {
            if (c == quoting) {
                quoting = 0;
            } else {
                word += c;
            }
        } else if (c == '"' || c == '\'') {
            quoting = c;
            in_word = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quoting != 0) throw std::invalid_argument("split: a quote is not closed");
    if (in_word) words.push_back(std::move(word));
    return words;
}

}  // namespace tandem
