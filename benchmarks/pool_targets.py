#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Sets thread_pool beside its peers, and beside what it must reach.

    benchmarks/run pool pool_targets --benchmark_repetitions=5 \\
        --benchmark_enable_random_interleaving
    pool_targets.py JSON...      what `pool` wrote: --benchmark_out=FILE --benchmark_out_format=json

The least time of all repetitions counts: whatever else the machine does only adds. Ends with 1 if a
target is missed, or was not measured.
"""
import json
import sys

# job, the peers of which the best counts, and how much of its time thread_pool may take
TARGETS = (
    ("round_trip", ("tbb", "asio", "async"), 0.5),
    ("round_trip_after_10ms", ("two_futex_hops",), 1.15),
    ("detached", ("tbb",), 0.5),
    ("futures", ("tbb", "asio"), 0.4),
    ("for_each", ("tbb",), 1.0),
    ("map", ("tbb",), 1.0),
    ("fork_join", ("tbb_task_group",), 0.4),
    ("fork_join", ("tbb_parallel_invoke",), 1.0),
)


def least(files):
    """{(job, who): nanoseconds an item}"""
    times = {}
    for file in files:
        with open(file, encoding="utf-8") as source:
            runs = json.load(source)["benchmarks"]
        for run in runs:
            if run.get("run_type", "iteration") != "iteration" or "ns" not in run:
                continue
            key = tuple(run["name"].split("/")[:2])
            times[key] = min(run["ns"], times.get(key, run["ns"]))
    return times


def main():
    times = least(sys.argv[1:])
    jobs = list(dict.fromkeys(job for job, _ in times))
    peers = list(dict.fromkeys(who for _, who in times))
    print(f"{'ns an item':24}" + "".join(f"{who:>22}" for who in peers))
    for job in jobs:
        row = (f"{times[job, who]:22.2f}" if (job, who) in times else " " * 22 for who in peers)
        print(f"{job:24}" + "".join(row))
    print(f"\n{'':46}{'may take':>10}{'takes':>10}")
    reached = True
    for job, others, most in TARGETS:
        known = [times[job, who] for who in others if (job, who) in times]
        line = f"{job + ' of ' + ', '.join(others):46}{most:10.2f}"
        if not known or (job, "tandem") not in times:
            print(line, "  was not measured")
            reached = False
            continue
        ratio = times[job, "tandem"] / min(known)
        print(f"{line}{ratio:10.2f}", "  holds" if ratio <= most else "  MISSED")
        reached = reached and ratio <= most
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
