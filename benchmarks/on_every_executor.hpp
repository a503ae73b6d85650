// SPDX-License-Identifier: BSL-1.0
// on_every_executor.hpp: benchmarks of one job in a loop, on threads and on processes.
#pragma once

#include <benchmark/benchmark.h>
#include <tandem.hpp>

#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace jobs {

/// Calls to measure, and what they return.
template <class Input, class Result>
struct job {
    Result (*function)(Input);
    std::vector<std::remove_cvref_t<Input>> inputs;
    std::vector<Result> expected;

    std::vector<Result> in_a_loop() const {
        std::vector<Result> results;
        results.reserve(inputs.size());
        for (const auto& input : inputs) results.push_back(function(input));
        return results;
    }
};

template <class Call>
void measure(const std::string& name, Call call) {
    benchmark::RegisterBenchmark(name.c_str(), call)->Unit(benchmark::kMillisecond)->UseRealTime();
}

/// Does the job again and again by `work`, which returns its results.
template <class Job, class Work>
void repeat(benchmark::State& state, const Job& job, Work work) {
    for (auto _ : state) {
        if (work() != job.expected) state.SkipWithError("wrong results");
    }
}

/// NAME/threads/W, NAME/processes/W. The pool is made before the clock starts.
template <class Pool, class Job>
void measure_pool(const std::string& name, std::shared_ptr<const Job> job, int workers) {
    measure(name + "/" + std::to_string(workers), [job, workers](benchmark::State& state) {
        Pool pool(workers);
        repeat(state, *job, [&] { return pool.map(job->function, job->inputs); });
    });
}

/// What this machine can do: W bare threads do the whole job each. CPUs that were all our own would
/// take as long as for NAME/serial.
template <class Job>
void measure_machine(const std::string& name, std::shared_ptr<const Job> job, int workers) {
    measure(name + "/" + std::to_string(workers), [job, workers](benchmark::State& state) {
        repeat(state, *job, [&] {
            std::vector<std::jthread> others;
            for (int i = 1; i < workers; ++i) {
                others.emplace_back([&] { benchmark::DoNotOptimize(job->in_a_loop()); });
            }
            return job->in_a_loop();
        });
    });
}

/// Registers NAME/serial; NAME/threads/W and NAME/processes/W for 1 to available_cpus() workers;
/// NAME/machine/W for all of them. A thread_pool without an initializer lets the thread that waits
/// take part, but no more than W calls run at once, its own included.
template <class Input, class Result, class Expected>
void on_every_executor(const std::string& name, Result (*function)(Input),
                       std::vector<std::remove_cvref_t<Input>> inputs, Expected expected) {
    using job_type = job<Input, Result>;
    job_type made{function, std::move(inputs), {}};
    for (const auto& input : made.inputs) made.expected.push_back(expected(input));
    const auto shared = std::make_shared<const job_type>(std::move(made));

    const int cpus = tandem::available_cpus();
    measure(name + "/serial", [shared](benchmark::State& state) {
        repeat(state, *shared, [&] { return shared->in_a_loop(); });
    });
    for (int workers = 1; workers <= cpus; ++workers) {
        measure_pool<tandem::thread_pool>(name + "/threads", shared, workers);
    }
    for (int workers = 1; workers <= cpus; ++workers) {
        measure_pool<tandem::process_pool>(name + "/processes", shared, workers);
    }
    measure_machine(name + "/machine", shared, cpus);
}

inline int run(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}

}  // namespace jobs
