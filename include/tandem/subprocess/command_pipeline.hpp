// SPDX-License-Identifier: BSL-1.0
// tandem/subprocess/command_pipeline.hpp: commands each of which reads what the one before it writes.        level 1
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/subprocess/command.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tandem {

/// Commands in a row, made with `a | b | c`: each reads what the one before it writes. What is said
/// for standard input is for the first, what is said for standard output for the last, what is said
/// for standard error for all that say nothing themselves.
/// Python has none: chained Popen objects, most of which have a bug (an end left open, a status not
/// looked at).
/// Thread safety: a value, as std::vector.
class command_pipeline {
   public:
    friend command_pipeline operator|(command a, command b) {
        command_pipeline both;
        both.stages_.push_back(std::move(a));
        both.stages_.push_back(std::move(b));
        return both;
    }
    friend command_pipeline operator|(command_pipeline a, command b) {
        a.stages_.push_back(std::move(b));
        return a;
    }
    friend command_pipeline operator|(command a, command_pipeline b) {
        b.stages_.insert(b.stages_.begin(), std::move(a));
        return b;
    }
    friend command_pipeline operator|(command_pipeline a, command_pipeline b) {
        for (auto& stage : b.stages_) a.stages_.push_back(std::move(stage));
        return a;
    }

    /// The commands, from the first to the last.
    const std::vector<command>& stages() const noexcept { return stages_; }
    /// All their arguments, with "|" between commands.
    std::vector<std::string> args() const {
        std::vector<std::string> all;
        for (const auto& stage : stages_) {
            if (!all.empty()) all.emplace_back("|");
            all.insert(all.end(), stage.args().begin(), stage.args().end());
        }
        return all;
    }

   private:
    command_pipeline() = default;
    std::vector<command> stages_;
};

// Found where there is no pipeline yet.
command_pipeline operator|(command a, command b);

}  // namespace tandem
