#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles one file that must not compile, and looks at what the compiler says.

    check.py FILE COMPILER [FLAG]...

The first line of FILE is `// expect: TEXT`: it must fail to compile, and TEXT must be among the
messages. `// expect-ok` instead: it must compile, the twin which proves that the rest is right.
"""
import os
import re
import subprocess
import sys


def main():
    file, command = sys.argv[1], sys.argv[2:]
    with open(file, encoding="utf-8") as source:
        first = source.readline().rstrip("\n")
    expected = re.fullmatch(r"// expect: (.*\S)", first)
    if not expected and first != "// expect-ok":
        sys.exit(f"{file}: the first line is neither `// expect: TEXT` nor `// expect-ok`")
    done = subprocess.run(command + [file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                          env={**os.environ, "LC_ALL": "C"})
    if not expected:
        if done.returncode:
            sys.exit(f"{done.stdout}\n{file}: does not compile, and should")
    elif done.returncode == 0:
        sys.exit(f"{file}: compiles, and should not; expected: {expected[1]}")
    elif expected[1] not in messages(done.stdout):
        sys.exit(f"{done.stdout}\n{file}: fails, but not with: {expected[1]}")


def messages(text):
    """The errors and notes alone: the source lines below them would quote the file's own text."""
    return "\n".join(line for line in text.splitlines()
                     if re.match(r"\S.*: (fatal )?(error|note): ", line))


main()
