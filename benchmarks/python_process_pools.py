#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures Python's process pools with the jobs of process_pool.cpp, in one table with them.

    python_process_pools.py [JSON]...

JSON is what process_pool wrote: --benchmark_out=FILE --benchmark_out_format=json. pebble and joblib
are measured where they are installed (Debian: python3-pebble, python3-joblib). Each figure is the
median of three; microseconds for each round trip and task, milliseconds for the others.
"""
import concurrent.futures
import json
import multiprocessing
import statistics
import sys
import time

try:
    import pebble
except ImportError:
    pebble = None
try:
    import joblib
except ImportError:
    joblib = None

TO_US = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
COUNT = 100_000


def same(x):
    return x


def size_of(data):
    return len(data)


def median(job, count=1, times=3):
    """Microseconds for each of `count`."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        job()
        took.append((time.perf_counter() - start) / count * 1e6)
    return statistics.median(took)


def trips(apply):
    def job():
        for _ in range(200):
            apply(1)
    job()
    return median(job, 200)


def pool_rows():
    with multiprocessing.Pool(2) as pool:
        numbers = range(COUNT)
        yield "round trip", trips(lambda x: pool.apply(same, (x,)))
        yield "task, chunk 1", median(lambda: pool.map(same, numbers, 1), COUNT, 1)
        yield "task, automatic", median(lambda: pool.map(same, numbers), COUNT)
        data = b"x" * (64 << 20)
        yield "64 MB", median(lambda: pool.apply(size_of, (data,)))
    yield "start and stop", median(lambda: multiprocessing.Pool(2).terminate())


def executor_rows():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        yield "round trip", trips(lambda x: pool.submit(same, x).result())
        yield "task, chunk 1", median(lambda: list(pool.map(same, range(COUNT // 10))),
                                      COUNT // 10, 1)
        yield "task, automatic", median(
            lambda: list(pool.map(same, range(COUNT), chunksize=COUNT // 8)), COUNT)
        data = b"x" * (64 << 20)
        yield "64 MB", median(lambda: pool.submit(size_of, data).result())

    def start():
        with concurrent.futures.ProcessPoolExecutor(2) as fresh:
            fresh.submit(same, 1).result()
    yield "start and stop", median(start)


def pebble_rows():
    with pebble.ProcessPool(2) as pool:
        yield "round trip", trips(lambda x: pool.schedule(same, args=(x,)).result())
        yield "task, chunk 1", median(lambda: list(pool.map(same, range(COUNT // 20)).result()),
                                      COUNT // 20, 1)


def joblib_rows():
    with joblib.Parallel(n_jobs=2) as parallel:
        call = joblib.delayed(same)
        yield "round trip", trips(lambda x: parallel([call(x)]))
        yield "task, automatic", median(lambda: parallel(call(x) for x in range(COUNT)), COUNT, 1)


def tandem_rows(files):
    """{row: microseconds}, of the raw limits too."""
    rows = {"round_trip/futex": ("round trip", "raw limit"),
            "round_trip/tandem": ("round trip", "tandem"),
            "tasks_100k/tandem/chunk/1": ("task, chunk 1", "tandem"),
            "tasks_100k/tandem/chunk/0": ("task, automatic", "tandem"),
            "argument_64MB/memcpy": ("64 MB", "raw limit"),
            "argument_64MB/tandem": ("64 MB", "tandem"),
            "start_and_stop/tandem": ("start and stop", "tandem")}
    found = {}
    for file in files:
        with open(file, encoding="utf-8") as source:
            for run in json.load(source)["benchmarks"]:
                place = rows.get(run["name"].replace("/real_time", ""))
                if place and run.get("run_type", "iteration") == "iteration":
                    us = run["real_time"] * TO_US[run["time_unit"]]
                    if place[0].startswith("task"):
                        us /= COUNT
                    found.setdefault(place[1], {})[place[0]] = us
    return found


def main():
    columns = tandem_rows(sys.argv[1:])
    columns["Pool"] = dict(pool_rows())
    columns["ProcessPoolExecutor"] = dict(executor_rows())
    if pebble:
        columns["pebble"] = dict(pebble_rows())
    if joblib:
        columns["joblib"] = dict(joblib_rows())
    print(f"{'us':16}" + "".join(f"{name:>21}" for name in columns))
    for row in ("round trip", "task, chunk 1", "task, automatic", "64 MB", "start and stop"):
        cells = (columns[name].get(row) for name in columns)
        print(f"{row:16}" + "".join(f"{'':>21}" if us is None else f"{us:>21,.2f}" for us in cells))


if __name__ == "__main__":
    main()
