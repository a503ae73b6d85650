// SPDX-License-Identifier: BSL-1.0
// tandem/executor/any_executor.hpp: an executor that is chosen when the program runs.        level 2
#pragma once

#include <tandem/executor/algorithms.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tandem {

/// Holds any executor, or refers to one: serial, threads or processes, by a value of the program.
/// Takes shippable calls only, and gives map's functions const elements, whatever it holds, so that
/// each choice computes the same.
/// Thread safety: shared use is safe, except assignment. Copies refer to the same executor.
/// Lifetime: an executor given by reference outlives it and the futures.
class any_executor : public executor_algorithms<any_executor, true> {
   public:
    /// Refers to an executor of the caller's.
    template <class Executor>
        requires(!std::same_as<Executor, any_executor> &&
                 requires(Executor& e) { detail::executor_access::core(e); })
    any_executor(Executor& executor) : core_(core_of(executor)) {}

    /// Shares an executor, which goes with its last owner.
    template <class Executor>
    any_executor(std::shared_ptr<Executor> executor)
        : owner_(executor), core_(core_of(*executor)) {}

    /// Makes and owns an executor: `any_executor(std::in_place_type<thread_pool>, 4)`.
    template <class Executor, class... Args>
    explicit any_executor(std::in_place_type_t<Executor>, Args&&... args)
        : any_executor(std::make_shared<Executor>(std::forward<Args>(args)...)) {}

   private:
    friend detail::executor_access;

    template <class Executor>
    static auto core_of(Executor& executor) {
        return detail::ref<detail::executor_core>::share(&detail::executor_access::core(executor));
    }
    detail::executor_core& core() const noexcept { return *core_; }

    std::shared_ptr<void> owner_;  // null if the executor is the caller's
    detail::ref<detail::executor_core> core_;
};

}  // namespace tandem
