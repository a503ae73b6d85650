#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Lets Spin try every interleaving of a model, then of the model with each of its bugs.

    check.py MODEL.pml

Ends with 0 if nobody waits for ever in any variant of the model, and somebody does in one of them
with each BUG_ that the file knows.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# What is defined for a variant, the quick ones first.
VARIANTS = {"wait_side": (["LATE"], ["CLOSES"], ["STOPS"])}


def errors(model, defines):
    """How many errors Spin finds: 0, or 1, with which it ends."""
    with tempfile.TemporaryDirectory() as folder:
        for command in (["spin", "-a", *(f"-D{name}" for name in defines), str(model)],
                        ["cc", "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"],
                        ["./pan", "-m1000000"]):
            said = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, encoding="utf-8",
                                  errors="replace").stdout
    found = re.search(r"errors: (\d+)", said)
    if not found or "max search depth too small" in said or "out of memory" in said:
        raise RuntimeError(f"{model.name} {' '.join(defines)} was not explored:\n{said}")
    return int(found[1])


def main():
    model = pathlib.Path(sys.argv[1]).resolve()
    variants = VARIANTS.get(model.stem, ([],))
    bugs = sorted(set(re.findall(r"\bBUG_[A-Z_]+", model.read_text(encoding="utf-8"))) - {"BUG_"})
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        hangs = pool.map(lambda variant: errors(model, variant), variants)
        finds = pool.map(lambda bug: any(errors(model, [*v, bug]) for v in variants), bugs)
        wrong = [f"{' '.join(v)}: somebody waits for ever" for v, e in zip(variants, hangs) if e]
        wrong += [f"{bug} is not found" for bug, found in zip(bugs, finds) if not found]
    for line in wrong:
        print(f"{model.name}: {line}")
    print(f"{model.name}: {len(variants)} variants explored, {len(bugs)} bugs tried")
    sys.exit(1 if wrong or not bugs else 0)


main()
