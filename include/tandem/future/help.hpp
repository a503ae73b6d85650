// SPDX-License-Identifier: BSL-1.0
// tandem/future/help.hpp: what a waiting thread does for the states behind the one it waits for.        level 1
#pragma once

#include <tandem/future/future_state.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tandem::detail {

// The way from the awaited state to one that it waits for.
struct help_step {
    ref<future_state> state;
    ref<future_state> helped;  // its source, when that was last helped
    std::size_t next = 0;      // of its many sources
};

// Depth first, with a stack of its own: sources lie as deep as chains are long.
inline void future_state::help_all(waker& waiter) noexcept {
    if (!has_sources()) return help();
    if (pools_of_thread == 0) return;  // others make all there is
    std::vector<help_step> path;
    path.push_back({ref<future_state>::share(this), {}, 0});
    while (!path.empty() && !ready()) {
        auto& here = path.back();
        future_state& at = *here.state;
        if (at.ready()) {
            path.pop_back();
        } else if (!at.has_sources()) {
            at.help();
            path.pop_back();
        } else if (auto source = at.source()) {
            if (source != here.helped) {
                here.helped = source;
                path.push_back({std::move(source), {}, 0});
            } else if (at.watch_source(source.get(), waiter)) {
                path.pop_back();  // it runs elsewhere, or waits for what is no pool's
            }
        } else if (auto* const one = at.source_at(here.next)) {
            ++here.next;
            path.push_back({ref<future_state>::share(one), {}, 0});
        } else {
            path.pop_back();
        }
    }
}

// A cancel that was put off.
class cancel_call final : public callback {
   public:
    void call(future_state& state) override { state.cancel(); }
};

inline void future_state::cancel_nested(ref<future_state> state) noexcept {
    auto& nesting = callback_depth::here();
    if (nesting.depth >= callback_depth::limit) {
        callback_list list(new (std::nothrow) cancel_call);
        if (!list.empty() && nesting.put_off(state, list)) return;
    }
    nesting.nest([&] { state->cancel(); });
}

}  // namespace tandem::detail
