#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures Python's subprocess with the jobs of subprocess.cpp, in one table with them, and checks
the targets.

    python_subprocess.py [JSON]...

JSON is what the program wrote: --benchmark_out=FILE --benchmark_out_format=json. Without it the
table has Python's figures alone, and no target is checked. All are medians. Ends with 1 if a target
is missed.
"""
import json
import mmap
import statistics
import subprocess
import sys
import time

IN_SECONDS = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
CAT_BYTES = 256 << 20


def figures(files):
    """{name: seconds} of the jobs of subprocess.cpp."""
    times = {}
    for file in files:
        with open(file, encoding="utf-8") as source:
            runs = json.load(source)["benchmarks"]
        for run in runs:
            if run.get("error_occurred"):
                sys.exit(f"{run['name']}: {run['error_message']}")
            if run.get("run_type", "iteration") != "iteration":
                continue
            name = run["name"].replace("/real_time", "").replace("/manual_time", "")
            if name.split("/")[0] in ("start_and_wait", "cat", "end_to_return"):
                times.setdefault(name, []).append(run["real_time"] * IN_SECONDS[run["time_unit"]])
    return {name: statistics.median(values) for name, values in times.items()}


def measure(job, times):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def python_figures(sizes):
    found = {}
    for size in sizes:
        memory = mmap.mmap(-1, size << 20) if size > 10 else None
        for at in range(0, len(memory) if memory else 0, 4096):
            memory[at] = 1
        found[f"start_and_wait/python/{size}"] = measure(
            lambda: subprocess.run(["/bin/true"], check=True), 200)
        if memory:
            memory.close()
    data = b"x" * CAT_BYTES
    found["cat/python"] = measure(
        lambda: subprocess.run(["cat"], input=data, stdout=subprocess.PIPE, check=True), 3)
    return found


def main():
    found = figures(sys.argv[1:])
    sizes = sorted({int(name.split("/")[2]) for name in found if name.startswith("start_")}) or [10]
    found.update(python_figures(sizes))
    for name, seconds in sorted(found.items()):
        rate = f"{CAT_BYTES / seconds / 1e9:8.2f} GB/s" if name.startswith("cat") else ""
        print(f"{name:40}{seconds * 1e6:12.1f} us {rate}")

    missed = False
    print(f"\n{'':52}{'must be':>10}{'is':>8}")

    def target(what, a, b, most):
        nonlocal missed
        if a not in found or b not in found:
            return
        ratio = found[a] / found[b]
        missed = missed or ratio > most
        print(f"{what:52}{'<= ' + str(most):>10}{ratio:8.3f}  "
              f"{'holds' if ratio <= most else 'MISSED'}")

    for size in sizes:
        for way in ("tandem_run", "tandem_subprocess"):
            target(f"{way} / raw vfork, {size} MB", f"start_and_wait/{way}/{size}",
                   f"start_and_wait/raw_vfork/{size}", 1.1)
    target("communicate / bare poll loop", "cat/tandem_communicate", "cat/bare_poll_loop", 1.25)
    target("communicate / Python", "cat/tandem_communicate", "cat/python", 0.25)
    late = found.get("end_to_return/tandem_wait", 0)
    missed = missed or late > 2e-3
    if late:
        print(f"{'wait(deadline) returns after the end':52}{'<= 2 ms':>10}{late * 1e3:8.3f}  "
              f"{'holds' if late <= 2e-3 else 'MISSED'}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
