#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures Python's own pools with the jobs of gcd.cpp and primality.cpp, in one table with them.

    python_pools.py [--quick] [JSON]...

JSON is what the two programs wrote: --benchmark_out=FILE --benchmark_out_format=json. Without it
the table has Python's columns alone. A cell is the median of the seconds, and the speed relative to
the serial run in the same language. Of the largest jobs Python, being slower, does a part: the
table says which, and its seconds are those of the part. --quick: once each instead of three times,
and smaller parts.

As in the C++ programs the pools exist before the clock starts. Pool and ThreadPool choose their
chunk size; ProcessPoolExecutor would send element by element, and gets the chunk size of Pool.
"""
import argparse
import concurrent.futures
import math
import multiprocessing
import multiprocessing.pool
import os
import statistics
import sys
import time

from check_targets import medians

PAIRS = [(1963309, 2265973), (2030677, 3814172), (1551645, 2229620), (2039045, 2020802),
         (1823712, 1924928), (2293129, 1020491)]
SEVENTEEN = [17977, 10619863, 106198, 6620830889, 80630964769, 228204732751, 1171432692373,
             1398341745571, 10963707205259, 15285151248481, 99999199999, 304250263527209,
             30425026352720, 10657331232548839, 10657331232548830, 44560482149, 1746860020068409]


def gcd(pair):
    a, b = pair
    divisor = min(a, b)
    while a % divisor != 0 or b % divisor != 0:
        divisor -= 1
    return divisor


def is_prime(number):
    if number <= 1:
        return False
    if number == 2:
        return True
    if number % 2 == 0:
        return False
    for divisor in range(3, math.isqrt(number) + 1, 2):
        if number % divisor == 0:
            return False
    return True


def jobs(quick):
    """(name, function, inputs, which part of the C++ job that is)"""
    pairs, numbers = (24, 10_000) if quick else (96, 50_000)
    yield "gcd_6", gcd, PAIRS, ""
    yield "gcd_96", gcd, PAIRS * (pairs // 6), "" if pairs == 96 else f"{pairs} of 96 pairs"
    yield "primality_17", is_prime, SEVENTEEN, ""
    yield "primality_272", is_prime, sorted(SEVENTEEN * 2, reverse=True), "34 of 272 numbers"
    yield ("primality_200000", is_prime, range(1_000_000_000, 1_000_000_000 + numbers),
           f"{numbers} of 200000 numbers")


def pool_maps(workers):
    """(column, the map of a pool), one pool after the other."""
    with multiprocessing.pool.ThreadPool(workers) as pool:
        yield "ThreadPool", pool.map
    with multiprocessing.Pool(workers) as pool:
        yield "Pool", pool.map
    with concurrent.futures.ProcessPoolExecutor(workers) as executor:
        def executor_map(function, inputs):
            chunk = -(-len(inputs) // (4 * workers))  # as Pool.map does
            return list(executor.map(function, inputs, chunksize=chunk))
        executor_map(abs, range(4 * workers))  # starts the workers
        yield "ProcessPoolExecutor", executor_map


def measure(work, expected, times):
    """The median of the seconds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        results = work()
        seconds.append(time.perf_counter() - start)
        if results != expected:
            sys.exit("python_pools.py: wrong results")
    return statistics.median(seconds)


def measure_python(cpus, quick):
    """{job: {(column, workers): seconds}} and {job: part}"""
    seconds, parts = {}, {}
    times = 1 if quick else 3
    for name, function, inputs, part in jobs(quick):
        print(f"python_pools.py: {name}", file=sys.stderr, flush=True)
        expected = list(map(function, inputs))
        runs = seconds[name] = {}
        parts[name] = part
        runs["serial", 1] = measure(lambda: list(map(function, inputs)), expected, times)
        for workers in range(1, cpus + 1):
            for column, pool_map in pool_maps(workers):
                runs[column, workers] = measure(lambda: pool_map(function, inputs), expected, times)
    return seconds, parts


def cell(runs, column, workers):
    if not {("serial", 1), (column, workers)} <= runs.keys():
        return ""
    seconds = runs[column, workers]
    speed = f" {runs['serial', 1] / seconds:5.2f}x"
    return f"{seconds:.3f}" + ("" if column == "serial" else speed)


def print_table(cpp, python, parts, cpus):
    cpp_columns = {}
    if cpp:
        cpp_columns = {"serial": "C++ serial", "threads": "thread_pool",
                       "processes": "process_pool"}
    python_columns = {"serial": "Python serial", "ThreadPool": "ThreadPool", "Pool": "Pool",
                      "ProcessPoolExecutor": "ProcessPoolExecutor"}
    rows = [["job", "workers", *cpp_columns.values(), *python_columns.values(), "Python does"]]
    for name, runs in python.items():
        for workers in range(1, cpus + 1):
            rows.append([name, str(workers),
                         *(cell(cpp.get(name, {}), column, workers) for column in cpp_columns),
                         *(cell(runs, column, workers) for column in python_columns),
                         parts[name] or "all"])
    widths = [max(map(len, column)) for column in zip(*rows)]
    print("Seconds, and speed relative to serial in the same language")
    for row in rows:
        print("  ".join(text.ljust(width) if index in (0, len(row) - 1) else text.rjust(width)
                        for index, (text, width) in enumerate(zip(row, widths))).rstrip())


def available_cpus():
    """What this process may use, without a look at cgroups."""
    return len(os.sched_getaffinity(0))


def main():
    parser = argparse.ArgumentParser(description="Measures Python's own pools.")
    parser.add_argument("--quick", action="store_true", help="once each, and smaller parts")
    parser.add_argument("json", nargs="*", help="what gcd and primality wrote")
    options = parser.parse_args()
    cpp = medians(options.json)
    cpus = max((workers for runs in cpp.values() for _, workers in runs), default=0)
    cpus = cpus or available_cpus()
    python, parts = measure_python(cpus, options.quick)
    print_table(cpp, python, parts, cpus)


if __name__ == "__main__":
    main()
