#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs an example and compares its standard output with what is expected of it.

    compare.py PROGRAM EXPECTED.txt

Says nothing if they agree, else shows the first difference, and ends with 1. The expected text is
compared line by line, and exactly, but for two things:

    ~ PATTERN       one line that PATTERN, a Python regular expression, matches from end to end
    {unordered      up to the next line that is just `}`: as many lines, in any order
    }

A literal line that starts with `~ ` is written as a pattern. The program must end with 0.

Standard error is not compared. Lines there of the form
    tandem-time: WHAT serial|threads|processes SECONDS
are timings, which examples/run puts in a table.
"""
import re
import subprocess
import sys

TIMING = re.compile(r"tandem-time: (.+) (serial|threads|processes) ([0-9.eE+-]+)")
TIMEOUT = 300  # seconds, enough for a sanitizer on a slow machine


def matches(expected, line):
    if expected.startswith("~ "):
        return re.fullmatch(expected[2:], line) is not None
    return expected == line


def assign(expected, lines):
    """Pairs expected lines with as many printed ones; the index of one left alone, or None."""
    taken = {}  # index of a line: index of the expected line that has it

    def place(one, tried):
        for index, line in enumerate(lines):
            if index not in tried and matches(expected[one], line):
                tried.add(index)
                if index not in taken or place(taken[index], tried):
                    taken[index] = one
                    return True
        return False

    for one in range(len(expected)):
        if not place(one, set()):
            return one
    return None


def difference(expected, got):
    """None if the output is as expected, else a text that says where it is not."""
    at = 0  # the next line of the output
    number = 0  # the next line of the expected text
    while number < len(expected):
        if expected[number] == "{unordered":
            end = expected.index("}", number) if "}" in expected[number:] else len(expected)
            block = expected[number + 1:end]
            lines = got[at:at + len(block)]
            wrong = assign(block, lines) if len(lines) == len(block) else 0
            if wrong is not None:
                return (f"lines {at + 1} to {at + len(block)} are not, in any order, those expected"
                        f"\nnowhere:  {block[wrong]}\nprinted:  " + "\n          ".join(lines))
            at += len(block)
            number = end + 1
            continue
        if at == len(got):
            return f"ends after line {at}\nexpected: {expected[number]}"
        if not matches(expected[number], got[at]):
            return f"line {at + 1}\nexpected: {expected[number]}\nprinted:  {got[at]}"
        at += 1
        number += 1
    return None if at == len(got) else f"goes on after the end\nprinted:  {got[at]}"


def run(program):
    """(exit status or a text, standard output, timings, the rest of standard error)."""
    try:
        done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT)
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        status, out, err = f"still running after {TIMEOUT} s", late.stdout, late.stderr
    out, err = ((text or b"").decode("utf-8", "replace") for text in (out, err))
    timings, rest = [], []
    for line in err.splitlines():
        timing = TIMING.fullmatch(line)
        if timing:
            timings.append((timing[1], timing[2], float(timing[3])))
        else:
            rest.append(line)
    return status, out, timings, rest


def check(status, out, expected_file):
    """None if all is as it should be, else a text that says what is not."""
    if status != 0:
        return f"ended with {status}"
    try:
        with open(expected_file, encoding="utf-8") as file:
            expected = file.read().splitlines()
    except FileNotFoundError:
        return f"has no {expected_file} to be compared with"
    return difference(expected, out.splitlines())


def main():
    program, expected_file = sys.argv[1:]
    status, out, _, rest = run(program)
    wrong = check(status, out, expected_file)
    if wrong:
        print(out, *rest, sep="\n")
        sys.exit(f"{program}: {wrong}")


if __name__ == "__main__":
    main()
