#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks what the shape of the project promises; needs no compiler. Prints one line a breach.

    check_layers.py [project folder]

- an include goes down, or sideways in its own folder: never up, never into another folder of the
  same level; no cycle
- what is not Linux-only includes what is only inside `#if defined(__linux__)`
- each header has its test, which includes it first, and is in the umbrella
- each header opens with the licence, its path and its level, and has at most 400 lines
- every source and script carries the licence; no line but a header's title is wider than 100
- no <iostream>, no <regex>, no macro of ours outside core/config.hpp, and neither of the two things
  that g++ 12 gets wrong (a bare fence, the counting semaphore)
"""
import pathlib
import re
import sys

LEVELS = {
    "core": 0,
    "sync": 1, "future": 1, "coroutine": 1, "subprocess": 1, "ipc": 1,
    "executor": 2,
    "async": 3, "pool": 3,
    "mpi": 4, "observe": 4, "testing": 4,
}
LINUX = {"subprocess", "async", "pool", "mpi"}  # and what says so itself with an #error, as in ipc
NOT_IN_UMBRELLA = {"mpi"}
LICENCE = "SPDX-License-Identifier: BSL-1.0"
MAX_LINES = 400
MAX_COLUMNS = 100

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
root = root if root.is_dir() else root.parent.parent
include = root / "include"
umbrella = include / "tandem.hpp"
breaches = []


def breach(path, what, line=None):
    where = path.relative_to(root)
    breaches.append(f"{where}:{line}: {what}" if line else f"{where}: {what}")


def text_of(path):
    return path.read_text(encoding="utf-8")


def code_of(text):
    """The text without comments, line for line; strings are left alone."""
    text = re.sub(r"/\*.*?\*/", lambda c: "\n" * c[0].count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def includes(text):
    """(line number, what, inside `#if defined(__linux__)`) of each include."""
    conditions = []
    for number, line in enumerate(code_of(text).splitlines(), 1):
        directive = re.match(r"\s*#\s*(\w+)\s*(.*?)\s*$", line)
        if not directive:
            continue
        word, rest = directive.groups()
        if word in ("if", "ifdef", "ifndef"):
            conditions.append(f"{word} {rest}")
        elif word in ("elif", "else") and conditions:
            conditions[-1] = f"{word} {rest}"
        elif word == "endif" and conditions:
            conditions.pop()
        elif word == "include":
            linux = any(re.match(r"(el)?if(def)? .*(__linux__|TANDEM_LINUX)", c) and "!" not in c
                        for c in conditions)
            yield number, rest, linux


def own(what):
    """`sync/queue.hpp` for `<tandem/sync/queue.hpp>`, else None."""
    found = re.fullmatch(r"<tandem/(.+)>", what)
    return found[1] if found else None


def needs_linux(name):
    """Whether the header is Linux-only: its folder is, it says so itself with an #error, or it
    includes one that is."""
    path = include / "tandem" / name
    if name.split("/")[0] in LINUX or not path.exists():
        return True
    text = text_of(path)
    return bool(re.search(r"^\s*#\s*error\b", text, re.MULTILINE)) or any(
        own(what) and not linux and needs_linux(own(what)) for _, what, linux in includes(text))


def check_header(name, path):
    text = text_of(path)
    lines = text.splitlines()
    folder = name.split("/")[0]
    if folder not in LEVELS or name.count("/") != 1:
        breach(path, "is in none of the folders " + " ".join(LEVELS))
        return
    if len(lines) > MAX_LINES:
        breach(path, f"has {len(lines)} lines: is it two headers? (at most {MAX_LINES})")
    head = re.fullmatch(r"// tandem/(\S+): \S.*\S +level (\d)", lines[1] if len(lines) > 1 else "")
    if lines[:1] != [f"// {LICENCE}"]:
        breach(path, f"does not start with `// {LICENCE}`", 1)
    if not head or head[1] != name or int(head[2]) != LEVELS[folder]:
        breach(path, f"should be `// tandem/{name}: PURPOSE  level {LEVELS[folder]}`", 2)
    if "#pragma once" not in lines[2:6]:
        breach(path, "has no `#pragma once` below its head")
    check_includes(name, path, text)
    check_words(name, path, text)
    check_test(name, path)


def check_includes(name, path, text):
    folder = name.split("/")[0]
    for number, what, linux in includes(text):
        to = own(what)
        if what in ("<iostream>", "<regex>"):
            breach(path, f"includes {what}, which every user would pay for", number)
        if what.startswith('"') or what.startswith("<tandem.hpp"):
            breach(path, f"includes {what}: own headers are <tandem/FOLDER/NAME.hpp>", number)
        if to is None:
            continue
        other = to.split("/")[0]
        if not (include / "tandem" / to).exists():
            breach(path, f"includes {what}, which does not exist", number)
        elif other != folder and LEVELS.get(other, 9) >= LEVELS[folder]:
            way = "up" if LEVELS.get(other, 9) > LEVELS[folder] else "sideways"
            breach(path, f"includes {what}: {folder} (level {LEVELS[folder]}) may not go {way} "
                         f"to {other}", number)
        elif needs_linux(to) and not needs_linux(name) and not linux:
            breach(path, f"includes {what} outside `#if defined(__linux__)`", number)


def check_words(name, path, text):
    for number, line in enumerate(code_of(text).splitlines(), 1):
        if re.search(r"\batomic_thread_fence\b", line):
            breach(path, "uses a bare fence, which ThreadSanitizer does not model", number)
        if re.search(r"\bcounting_semaphore\b", line):
            breach(path, "uses std::counting_semaphore, which can miss a wake-up in g++ 12", number)
        if re.match(r"\s*#\s*define\b", line) and name != "core/config.hpp":
            breach(path, "defines a macro: those are in core/config.hpp", number)


def check_test(name, path):
    test = root / "tests" / pathlib.Path(name).with_suffix(".cpp")
    if not test.exists():
        breach(path, f"has no test {test.relative_to(root)}")
        return
    first = next((what for _, what, _ in includes(text_of(test))), None)
    if first != f"<tandem/{name}>":
        breach(test, f"does not include <tandem/{name}> first, which shows that it stands alone")


def check_cycles(headers):
    graph = {name: [own(what) for _, what, _ in includes(text_of(path)) if own(what) in headers]
             for name, path in headers.items()}
    done, trail = set(), []

    def visit(name):
        if name in trail:
            circle = trail[trail.index(name):] + [name]
            breach(headers[name], "includes itself: " + " -> ".join(circle))
        elif name not in done:
            trail.append(name)
            for to in graph[name]:
                visit(to)
            trail.pop()
            done.add(name)

    for name in headers:
        visit(name)


def check_umbrella(headers):
    if not umbrella.exists():
        breach(umbrella, "does not exist")
        return
    text = text_of(umbrella)
    seen = {}
    for number, what, linux in includes(text):
        if own(what) not in headers:
            breach(umbrella, f"includes {what}, which is not one of our headers", number)
        elif own(what) in seen:
            breach(umbrella, f"includes {what} twice", number)
        seen[own(what)] = linux
    for name in headers:
        if name.split("/")[0] in NOT_IN_UMBRELLA:
            if name in seen:
                breach(umbrella, f"includes <tandem/{name}>, which needs more than the system has")
        elif name not in seen:
            breach(umbrella, f"does not include <tandem/{name}>")
        elif needs_linux(name) and not seen[name]:
            breach(umbrella, f"includes <tandem/{name}> outside `#if defined(__linux__)`")
    for number, line in enumerate(code_of(text).splitlines(), 1):
        if line.strip() and not re.match(r"\s*#\s*(include|if|endif|pragma once)\b", line):
            breach(umbrella, "holds more than includes", number)


def check_cmake():
    path = root / "CMakeLists.txt"
    for level in sorted(set(LEVELS.values())):
        listed = re.search(rf"^set\(level_{level} (.*)\)$", text_of(path), re.MULTILINE)
        folders = {folder for folder in LEVELS if LEVELS[folder] == level}
        if set(listed[1].split() if listed else ()) != folders:
            breach(path, f"does not list level {level} as {' '.join(sorted(folders))}")
    if len(text_of(path).splitlines()) > 120:
        breach(path, "has more than 120 lines")


def sources():
    """Every file of ours that is a source or a script."""
    for top in ("include", "tests", "benchmarks", "examples", ".ci", ".github", "CMakeLists.txt"):
        for path in [root / top, *sorted((root / top).rglob("*"))]:
            if path.is_file() and "__pycache__" not in path.parts and (
                    path.suffix in (".hpp", ".cpp", ".py", ".sh", ".cmake", ".yml") or
                    path.name in ("CMakeLists.txt", "run")):
                yield path


def check_sources():
    for path in sources():
        lines = text_of(path).splitlines()
        # A script opens with #!, a file that must not compile with what is expected of it.
        if not any(LICENCE in line for line in lines[:2]):
            breach(path, f"has no `{LICENCE}` at its top", 1)
        if path.suffix in (".hpp", ".cpp", ".py"):
            for number, line in enumerate(lines, 1):
                title = number == 2 and path.is_relative_to(include)
                if len(line) > MAX_COLUMNS and not title:
                    breach(path, f"is {len(line)} columns wide (at most {MAX_COLUMNS})", number)
                if line != line.rstrip() or "\t" in line:
                    breach(path, "ends in a space or has a tab", number)


def main():
    headers = {str(path.relative_to(include / "tandem")): path
               for path in sorted((include / "tandem").rglob("*.hpp"))}
    for name, path in headers.items():
        check_header(name, path)
    check_cycles(headers)
    check_umbrella(headers)
    check_cmake()
    check_sources()
    print(*breaches, sep="\n", end="\n" if breaches else "")
    print(f"check_layers: {len(headers)} headers, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


main()
