#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles every C++ block of a Markdown file.

    readme.py README.md COMPILER [FLAG]...

A block with `int main` must compile as it stands. Any other is compiled behind <tandem.hpp>: as
declarations or, failing that, as the body of a function (of a coroutine if it says co_await).
A comment right above a block changes that:
    <!-- not compiled -->     the block is only looked at by people
    <!-- given: CODE -->      CODE stands before the block: declarations that it takes for granted
"""
import concurrent.futures
import os
import re
import subprocess
import sys

PRELUDE = """#include <tandem.hpp>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>
using namespace std::chrono_literals;
"""


def blocks(text):
    """(line number, the comment above, code) of each ```cpp block."""
    pattern = re.compile(r"(?:<!--((?:(?!-->).)*)-->[ \t]*\n\s*)?^```cpp[ \t]*\n(.*?)^```[ \t]*$",
                         re.DOTALL | re.MULTILINE)
    for found in pattern.finditer(text):
        yield text.count("\n", 0, found.start(2)) + 1, (found[1] or "").strip(), found[2]


def at_line(line, code):
    # Still in the main file: g++ warns of lambdas in coroutines that are in another one.
    return f'#line {line} "<stdin>"\n{code}\n'


def candidates(line, given, code):
    """The programs that the block may be, best first."""
    if re.search(r"^int main\b", code, re.MULTILINE):
        return [at_line(line, code)]
    includes = "\n".join(re.findall(r"^#include.*$", code, re.MULTILINE))
    body = at_line(line, re.sub(r"^#include.*$", "", code, flags=re.MULTILINE))
    head = f"{PRELUDE}{includes}\n{given}\n"
    kind = "tandem::task<void>" if re.search(r"\bco_(await|return)\b", code) else "void"
    end = "co_return;" if kind != "void" else ""
    return [head + body, f"{head}{kind} readme() {{\n{body}\n{end}\n}}\n"]


def compile_one(command, program):
    """None, or what the compiler says."""
    done = subprocess.run(command + ["-Wno-unused", "-x", "c++", "-"], input=program,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          errors="replace")
    return done.stdout if done.returncode else None


def compile_block(command, line, comment, code):
    """None, or what the compiler says of the last way to read it."""
    if comment.startswith("not compiled"):
        return None
    given = comment[len("given:"):] if comment.startswith("given:") else ""
    said = ""
    for program in candidates(line, given, code):
        said = compile_one(command, program)
        if said is None:
            break
    return said


def main():
    file, command = sys.argv[1], sys.argv[2:]
    with open(file, encoding="utf-8") as source:
        text = source.read()
    found = list(blocks(text))
    if not found:
        sys.exit(f"{file}: has no ```cpp block")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(lambda block: compile_block(command, *block), found))
    wrong = 0
    for (line, _, _), said in zip(found, answers):
        if said is not None:
            wrong += 1
            print(f"{file}:{line}: this block does not compile\n{said}")
    print(f"{len(found)} blocks, {wrong} wrong")
    sys.exit(1 if wrong else 0)


main()
