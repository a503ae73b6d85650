#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compares what the pools reach on all CPUs with what they must reach.

    check_targets.py [JSON]...

JSON is what gcd and primality wrote: --benchmark_out=FILE --benchmark_out_format=json. Without it
the programs in build/release/benchmarks are run, for a few minutes. Ends with 1 if a target is
missed. The medians count; `machine` is what bare threads that share nothing reach here, beside
whatever else this machine does: where that is low, the pools cannot be better.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

# job, executor, and the least (serial time) / (time on all CPUs) / CPUs
TARGETS = (("gcd_96", "threads", 0.97), ("gcd_96", "processes", 0.97),
           ("primality_272", "threads", 0.97), ("primality_272", "processes", 0.97),
           ("primality_200000", "processes", 0.93))

IN_SECONDS = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "build/release/benchmarks"


def medians(files):
    """{job: {("serial", 1) or ("threads", 2) or ...: seconds}}"""
    seconds = {}
    for file in files:
        with open(file, encoding="utf-8") as source:
            runs = json.load(source)["benchmarks"]
        for run in runs:
            if run.get("error_occurred"):
                sys.exit(f"{run['name']}: {run['error_message']}")
            if run.get("run_type", "iteration") != "iteration":
                continue
            job, how, *workers = run["name"].replace("/real_time", "").split("/")
            if how not in ("serial", "threads", "processes", "machine"):
                continue  # of another program
            key = how, int(workers[0]) if workers else 1
            times = seconds.setdefault(job, {}).setdefault(key, [])
            times.append(run["real_time"] * IN_SECONDS[run["time_unit"]])
    return {job: {key: statistics.median(times) for key, times in runs.items()}
            for job, runs in seconds.items()}


def run_programs(folder):
    """Measures what the targets need, and gives the files with the figures."""
    files = []
    for name in ("gcd", "primality"):
        program = PROGRAMS / name
        if not program.exists():
            sys.exit(f"there is no {program}: benchmarks/run {name} builds it")
        names = subprocess.run([program, "--benchmark_list_tests"], stdout=subprocess.PIPE,
                               check=True, encoding="utf-8").stdout.split()
        workers = max(int(name.split("/")[2]) for name in names if "/threads/" in name)
        wanted = "|".join(sorted({job for job, _, _ in TARGETS}))
        files.append(f"{folder}/{name}.json")
        # Interleaved, so that a busy moment of the machine does not meet one way of working alone.
        subprocess.run([program, "--benchmark_out=" + files[-1], "--benchmark_out_format=json",
                        f"--benchmark_filter=^({wanted})/(serial|[a-z]+/{workers})/",
                        "--benchmark_repetitions=5", "--benchmark_enable_random_interleaving",
                        "--benchmark_display_aggregates_only"],
                       check=True)
    return files


def check(seconds):
    """Prints a line for each target; whether all are reached."""
    reached = True
    print(f"{'':32}{'must reach':>12}{'reaches':>10}{'machine':>10}")
    for job, how, least in TARGETS:
        runs = seconds.get(job, {})
        cpus = max((workers for _, workers in runs), default=1)
        line = f"{job + ' ' + how:32}{least:12.2f}"
        if not {("serial", 1), (how, cpus)} <= runs.keys():
            print(line, "   was not measured")
            reached = False
            continue
        ratio = runs["serial", 1] / runs[how, cpus] / cpus
        machine = runs.get(("machine", cpus))
        line += f"{ratio:10.3f}"
        # Each of its threads does the whole job, so it has done it `cpus` times.
        line += f"{runs['serial', 1] / machine:10.3f}" if machine else " " * 10
        print(line, "  holds" if ratio >= least else "  MISSED", f" ({cpus} CPUs)")
        reached = reached and ratio >= least
    return reached


def main():
    if sys.argv[1:]:
        sys.exit(0 if check(medians(sys.argv[1:])) else 1)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if check(medians(run_programs(folder))) else 1)


if __name__ == "__main__":
    main()
