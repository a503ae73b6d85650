// SPDX-License-Identifier: BSL-1.0
// tandem/sync/pipeline.hpp: items go through stages that work at the same time.        level 1
// Read the end of examples/effective_python/39_queue.cpp first.
#pragma once

#include <tandem/core/config.hpp>
#include <tandem/sync/pipeline_run.hpp>
#include <tandem/sync/queue.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

/// How a stage of a pipeline works. The order of the fields is part of the interface.
struct stage_options {
    /// How many calls of the stage may be made at once; 0: one, or as many as the executor has
    /// workers.
    int workers = 0;
    /// How many items may wait for the stage.
    std::size_t capacity = 64;
};

namespace detail {

template <class Call>
struct pipeline_stage {
    Call call;
    int workers;
    std::size_t capacity;
};

// What comes out of the stages, given In.
template <class In, class... Stages>
struct stages_result {
    using type = In;
};
template <class In, class First, class... Rest>
struct stages_result<In, First, Rest...>
    : stages_result<stage_result_t<decltype(First::call), In>, Rest...> {};

// Whether nobody misses the elements of the source: they are ours, or were popped.
template <class Source>
inline constexpr bool gives_elements_away = false;
template <class R>
inline constexpr bool gives_elements_away<std::ranges::owning_view<R>> = true;
template <class T, class Order, class Allocator>
inline constexpr bool gives_elements_away<std::ranges::ref_view<queue<T, Order, Allocator>>> = true;

}  // namespace detail

/// Sends the elements of a range through stages, each with threads of its own and a bounded queue
/// in front: `pipeline(source).stage(f).stage(pool, g, {.workers = 4}).run()`. Nothing happens
/// before run() or for_each(). The order of results is that of the source. An exception in the
/// source, a stage or the sink closes every queue with it: calls that run end, nothing new starts,
/// and it is thrown again. Python: a chain of StoppableWorkers with ClosableQueues.
///
/// A source that waits for ever keeps the pipeline waiting, even if the sink wants no more: close
/// the queue that it reads from. A run inside a task of a pool that is also an executor of a stage
/// needs a free worker there.
/// Thread safety: a pipeline belongs to one thread. The threads of a stage share its callable;
/// on an executor each call gets a copy.
template <class Source, class... Stages>
class pipeline {
    using source_type = std::ranges::range_value_t<Source>;
    using reference = std::ranges::range_reference_t<Source>;
    using given_type = std::conditional_t<detail::gives_elements_away<Source>,
                                          std::remove_reference_t<reference>, reference>;

   public:
    /// What comes out.
    using result_type = detail::stages_result<source_type, Stages...>::type;

    /// Owns the range if it is an rvalue, else borrows it.
    template <std::ranges::viewable_range R>
        requires(sizeof...(Stages) == 0 && !std::same_as<std::remove_cvref_t<R>, pipeline>)
    explicit pipeline(R&& source) : source_(std::views::all(std::forward<R>(source))) {}
    pipeline(pipeline&&) = default;
    pipeline& operator=(pipeline&&) = default;
    ~pipeline() = default;

    /// Adds a stage that calls `f(item)` in threads of its own, or `f(stop_token, item)` if that is
    /// well-formed: the token is set when the run ends early.
    /// Throws: std::invalid_argument for less than 0 workers or a capacity of 0.
    template <class F>
        requires detail::task_invocable<F&, typename pipeline::result_type>
    [[nodiscard]] auto stage(F f, stage_options options = {}) && {
        return std::move(*this).add(detail::own_threads<F>{std::move(f)}, options);
    }
    /// Adds a stage that calls `g(item)` on an executor, which must outlive the run: a thread_pool
    /// or a process_pool, to which g and its item and result must be able to travel.
    template <class Executor, class G>
        requires std::invocable<detail::on_executor<Executor, G>&, std::stop_token,
                                typename pipeline::result_type>
    [[nodiscard]] auto stage(Executor& executor, G g, stage_options options = {}) && {
        return std::move(*this).add(detail::on_executor<Executor, G>{&executor, std::move(g)},
                                    options);
    }
    /// Gives results in the order in which they are ready.
    [[nodiscard]] pipeline unordered() && {
        ordered_ = false;
        return std::move(*this);
    }

    /// Runs the pipeline. Returns: what came out of the last stage. Blocks: until all has ended.
    /// Throws: the first exception of the source or a stage.
    auto run() && {
        std::vector<result_type> results;
        std::move(*this).for_each([&](result_type&& item) { results.push_back(std::move(item)); });
        return results;
    }
    /// Runs the pipeline and calls `sink(result)` in this thread for each. At most as many items as
    /// the capacities and the workers add up to are between the source and the sink. A sink that
    /// returns false ends the run: what is under way is dropped.
    /// Blocks: until all has ended. Throws: the first exception, the sink's included.
    template <class Sink>
        requires std::invocable<Sink&, typename pipeline::result_type>
    void for_each(Sink sink) && {
        queue<detail::pipeline_item<source_type>> first(capacity_before<0>());
        connect(sink, first);
    }

   private:
    template <class, class...>
    friend class pipeline;
    pipeline(Source source, std::tuple<Stages...> stages, bool ordered)
        : source_(std::move(source)), stages_(std::move(stages)), ordered_(ordered) {}

    template <class Call>
    auto add(Call call, stage_options options) && {
        static_assert(!std::is_void_v<std::invoke_result_t<Call&, std::stop_token, result_type>>,
                      "tandem: a stage returns something; what returns nothing is for for_each()");
        if (options.workers < 0) throw std::invalid_argument("workers must not be negative");
        if (options.capacity == 0) throw std::invalid_argument("a stage needs a capacity");
        const int workers = options.workers == 0 ? call.default_workers() : options.workers;
        using added = detail::pipeline_stage<Call>;
        return pipeline<Source, Stages..., added>(
            std::move(source_),
            std::tuple_cat(std::move(stages_),
                           std::make_tuple(added{std::move(call), workers, options.capacity})),
            ordered_);
    }

    static constexpr std::size_t stage_count = sizeof...(Stages);

    // The capacity of the queue before a stage; before the sink, that of the last stage's.
    template <std::size_t I>
    std::size_t capacity_before() const {
        if constexpr (stage_count == 0) {
            return stage_options().capacity;
        } else {
            return std::get<std::min(I, stage_count - 1)>(stages_).capacity;
        }
    }

    // Makes the queues behind each stage, one a call, for they cannot be moved.
    template <class Sink, class... Queues>
    void connect(Sink& sink, Queues&... queues) {
        constexpr std::size_t made = sizeof...(Queues);
        if constexpr (made == stage_count + 1) {
            run(sink, std::make_index_sequence<stage_count>(), std::tie(queues...));
        } else {
            using in = std::tuple_element_t<made - 1, std::tuple<Queues...>>::value_type;
            using call = decltype(std::tuple_element_t<made - 1, std::tuple<Stages...>>::call);
            using out = detail::stage_result_t<call, decltype(in::value)>;
            queue<detail::pipeline_item<out>> next(capacity_before<made>());
            connect(sink, queues..., next);
        }
    }

    template <class Sink, std::size_t... I, class... Queues>
    void run(Sink& sink, std::index_sequence<I...>, std::tuple<Queues&...> queues) {
        detail::pipeline_end end;
        detail::pipeline_window window(window_size());
        std::apply([&](auto&... q) { (end.closes(q), ...); }, queues);
        {
            std::vector<std::jthread> threads;  // they join before the queues go
            end.guard([&] {
                threads.emplace_back([&] { read_source(end, window, std::get<0>(queues)); });
                (detail::start_stage(threads, end, std::get<I>(stages_).call,
                                     std::get<I>(stages_).workers, std::get<I>(queues),
                                     std::get<I + 1>(queues)),
                 ...);
                drain(end, window, sink, std::get<stage_count>(queues));
            });
            window.end();
        }
        end.rethrow();
    }

    void read_source(detail::pipeline_end& end, detail::pipeline_window& window,
                     queue<detail::pipeline_item<source_type>>& to) {
        end.guard([&] {
            std::size_t number = 0;
            for (auto&& element : source_) {
                if (!window.enter(number)) break;
                auto&& given = static_cast<given_type&&>(element);
                if (!to.emplace(number, source_type(std::forward<decltype(given)>(given)))) break;
                ++number;
            }
        });
        to.close();
    }

    template <class Sink>
    void drain(detail::pipeline_end& end, detail::pipeline_window& window, Sink& sink,
               queue<detail::pipeline_item<result_type>>& from) {
        detail::pipeline_sink_order<result_type> order(reorders());
        auto give = [&](result_type&& item) {
            using answer = std::remove_cvref_t<std::invoke_result_t<Sink&, result_type>>;
            static_assert(std::is_void_v<answer> || std::same_as<answer, bool>,
                          "tandem: a sink returns nothing, or a bool: whether it wants more");
            window.deliver();
            if constexpr (std::same_as<answer, bool>) {
                return static_cast<bool>(sink(std::move(item)));
            } else {
                sink(std::move(item));
                return true;
            }
        };
        while (auto item = from.pop()) {
            if (!order.give(*std::move(item), give)) return end.stop();
        }
    }

    // One worker a stage keeps the order by itself.
    bool reorders() const {
        return ordered_ && std::apply([](auto&... s) { return (... || (s.workers > 1)); }, stages_);
    }
    std::size_t window_size() const {
        if (!reorders()) return unbounded;
        std::size_t size = capacity_before<stage_count>();
        const auto add = [&](const auto& s) {
            size = s.capacity > unbounded - size - 1 ? unbounded : size + s.capacity;
            if (size != unbounded) size += static_cast<std::size_t>(s.workers);
        };
        std::apply([&](const auto&... s) { (add(s), ...); }, stages_);
        return size;
    }

    Source source_;
    std::tuple<Stages...> stages_;
    bool ordered_ = true;
};

template <std::ranges::viewable_range R>
pipeline(R&&) -> pipeline<std::views::all_t<R>>;

}  // namespace tandem
