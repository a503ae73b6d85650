#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Builds and runs examples, for examples/run.

    run_all.py BUILD_TREE JOBS [WHICH]...
"""
import pathlib
import subprocess
import sys

import compare

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("serial", "threads", "processes")


def selected(words):
    """The examples (`FOLDER/NAME`) that a word picks by number or by a part of the name."""
    names = sorted(str(path.relative_to(HERE).with_suffix("")) for path in HERE.glob("*/*.cpp"))
    if not names:
        sys.exit("there are no examples")
    if not words:
        return names
    chosen = []
    for word in words:
        found = [name for name in names
                 if (word == name.split("/")[1].split("_")[0] if word.isdigit() else word in name)]
        if not found:
            sys.exit(f"no example is called {word}; there are\n  " + "\n  ".join(names))
        chosen += [name for name in found if name not in chosen]
    return chosen


def build(tree, jobs, names):
    targets = [name.replace("/", ".") for name in names]
    subprocess.run(["cmake", "--build", tree, "-j", jobs, "--target", *targets],
                   stdin=subprocess.DEVNULL, check=True)


def print_table(timings):
    """One row for what was timed: seconds, and how many times as fast as the serial run."""
    rows = []
    for what, seconds in timings.items():
        row = [what]
        for mode in MODES:
            cell = f"{seconds[mode]:.3f} s" if mode in seconds else "-"
            if mode in seconds and mode != "serial" and seconds.get("serial"):
                cell += f"  {seconds['serial'] / seconds[mode]:5.2f} x" if seconds[mode] else ""
            row.append(cell)
        rows.append(row)
    if not rows:
        return
    rows.insert(0, ["", *MODES])
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    print("\nSeconds, and speed relative to serial")
    for row in rows:
        print(row[0].ljust(widths[0]),
              *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])), sep="   ")


def main():
    tree, jobs, *words = sys.argv[1:]
    names = selected(words)
    build(tree, jobs, names)
    timings, wrong = {}, {}
    for name in names:
        print(f"\n== {name}", flush=True)
        status, out, timed, rest = compare.run(f"{tree}/examples/{name}")
        print(out, end="" if out.endswith("\n") or not out else "\n", flush=True)
        if rest:
            print(*rest, sep="\n", file=sys.stderr, flush=True)
        for what, mode, seconds in timed:
            number = name.split("/")[1].split("_")[0]
            timings.setdefault(f"{number} {what}", {})[mode] = seconds
        problem = compare.check(status, out, HERE / "expected" / f"{name}.txt")
        if problem:
            wrong[name] = problem
            print(f"** WRONG: {problem}", flush=True)
    print_table(timings)
    print()
    for name, problem in wrong.items():
        print(f"** {name}: {problem}")
    print(f"{len(names) - len(wrong)} of {len(names)} examples print what they should")
    sys.exit(1 if wrong else 0)


main()
