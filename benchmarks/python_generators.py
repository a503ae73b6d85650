#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures Python's generators with the jobs of generator.cpp, and compares.

    python_generators.py [JSON]...

JSON is what generator.cpp wrote: --benchmark_out=FILE --benchmark_out_format=json. Without it there
are Python's figures alone. Python plays Life on a smaller grid; the figures are those of one cell.
With JSON it ends with 1 if tandem misses a target. CPU time counts, the least of several runs.
"""
import json
import sys
import time
from collections import namedtuple

ALIVE, EMPTY, TICK = "*", "-", object()
SIDE = 100
Query = namedtuple("Query", ("y", "x"))
Transition = namedtuple("Transition", ("y", "x", "state"))

# job, how many times as fast as Python tandem must be: where that takes 42 ns to send and 120 ns to
# delegate, it is 2.6 ns and 8 ns.
TARGETS = (("send", 16), ("delegate", 15), ("life", 60))


def adder():
    total = 0
    while True:
        total += yield total


def inner(x):
    return (yield x)


def outer():
    total = 0
    while True:
        total += yield from inner(total)


def count_neighbors(y, x):
    n_ = yield Query(y + 1, x + 0)
    ne = yield Query(y + 1, x + 1)
    e_ = yield Query(y + 0, x + 1)
    se = yield Query(y - 1, x + 1)
    s_ = yield Query(y - 1, x + 0)
    sw = yield Query(y - 1, x - 1)
    w_ = yield Query(y + 0, x - 1)
    nw = yield Query(y + 1, x - 1)
    count = 0
    for state in (n_, ne, e_, se, s_, sw, w_, nw):
        if state == ALIVE:
            count += 1
    return count


def rule(state, count):
    return ALIVE if count == 3 or (count == 2 and state == ALIVE) else EMPTY


def step_cell(y, x):
    state = yield Query(y, x)
    count = yield from count_neighbors(y, x)
    yield Transition(y, x, rule(state, count))


def simulate():
    while True:
        for y in range(SIDE):
            for x in range(SIDE):
                yield from step_cell(y, x)
        yield TICK


def generation(now, then, sim):
    item = next(sim)
    while item is not TICK:
        if isinstance(item, Query):
            item = sim.send(now[item.y % SIDE][item.x % SIDE])
        else:
            then[item.y % SIDE][item.x % SIDE] = item.state
            item = next(sim)


def least(work, count, runs):
    """Seconds for one of the `count` things that work() does."""
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count


def python():
    """{job: seconds}"""
    def sends(g):
        send = g.send
        next(g)

        def work():
            for _ in range(200_000):
                send(1)
        return work

    now = [[EMPTY] * SIDE for _ in range(SIDE)]
    random = 1
    for y in range(SIDE):
        for x in range(SIDE):
            random = (random * 1664525 + 1013904223) & 0xFFFFFFFF
            now[y][x] = ALIVE if random >> 28 < 5 else EMPTY
    then = [[EMPTY] * SIDE for _ in range(SIDE)]
    sim = simulate()
    return {"send": least(sends(adder()), 200_000, 10),
            "delegate": least(sends(outer()), 200_000, 10),
            "life": least(lambda: generation(now, then, sim), SIDE * SIDE, 10)}


def measured(files):
    """{job: {how: seconds}} of generator.cpp"""
    seconds = {}
    in_seconds = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    for file in files:
        with open(file, encoding="utf-8") as source:
            runs = json.load(source)["benchmarks"]
        for run in runs:
            job, how, *rest = run["name"].split("/")
            if run.get("run_type") != "iteration" or rest or "cpu_time" not in run:
                continue
            took = run.get("per_cell", run["cpu_time"] * in_seconds[run["time_unit"]])
            runs_of = seconds.setdefault(job.replace("_1000", ""), {})
            runs_of[how] = min(took, runs_of.get(how, took))
    return seconds


def main():
    cpp = measured(sys.argv[1:])
    reached = True
    print(f"{'':10}{'Python':>12}{'tandem':>12}{'by hand':>12}{'Boost':>12}{'x Python':>10}")
    for job, target in TARGETS:
        if job == TARGETS[0][0]:
            in_python = python()
        cells = [in_python[job]] + [cpp.get(job, {}).get(how)
                                    for how in ("tandem", "state_machine", "boost_coroutine2")]
        line = f"{job:10}" + "".join(f"{c * 1e9:9.1f} ns" if c else f"{'-':>12}" for c in cells)
        if cells[1]:
            ratio = cells[0] / cells[1]
            reached = reached and ratio >= target
            line += f"{ratio:10.0f}  {'holds' if ratio >= target else 'MISSED'} (at least {target})"
        print(line)
    sys.exit(0 if reached or not cpp else 1)


if __name__ == "__main__":
    main()
