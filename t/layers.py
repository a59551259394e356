#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes and calls lead one way: a directory includes itself and those above it
in the list, and no two files call each other, by whatever way around.  And a
call leads to one place: no two files have a function or a variable of one name,
of which a program that links both libraries would silently get the first.

    layers.py

Prints each include that leads back, each file of a directory that the list does
not have, each name that two files have, and the first circle of calls.
"""

import graphlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

BUILD = pathlib.Path(os.environ.get("abs_top_builddir") or ".")
SOURCE = pathlib.Path(os.environ.get("abs_top_srcdir") or
                      pathlib.Path(__file__).resolve().parent.parent)

LAYERS = ("shm", "sql", "src/lib", "src/conf", "src/privilege", "src/intake",
          "src/edge", "src/check", "src/worker", "src/status", "src/master",
          "src/client", "src/send", "src", "src/ctl", "src/web", "t/bench")

# Of shm, these two know no more than what a record and a counter is.
SQL_USES = {"shm/record.h", "shm/counters.h"}

LIBRARIES = ("shm/libshm.a", "sql/libsql.a", "src/libreporter.a",
             "src/client/libclient.a", "t/bench/libbench.a")


def directory_of(path):
    return str(path.parent.relative_to(SOURCE))


def directory_of_include(name):
    """The directory of the header, None for one that is not ours; a name
    without its directory is of none that LAYERS has."""
    if name == "config.h":
        return None
    directory = str(pathlib.PurePath(name).parent)
    own = ("shm", "sql", "t/bench")
    return directory if directory in own else f"src/{directory}"


def check_includes():
    """Returns how many includes lead to a file of ours, and how many faults
    there are."""
    files = [path for top in ("shm", "sql", "src", "t/bench")
             for path in sorted((SOURCE / top).rglob("*.[ch]"))
             if ".pb-c." not in path.name]  # made by a build in the source
    arrows = faults = 0
    for path in files:
        where, own = path.relative_to(SOURCE), directory_of(path)
        if own not in LAYERS:
            print(f"{where}: {own} is not in the list")
            faults += 1
            continue
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M):
            other = directory_of_include(name)
            if other is None or other == own:
                continue
            arrows += 1
            if other not in LAYERS:
                print(f"{where}: {name} does not say its directory")
                faults += 1
                continue
            if LAYERS.index(other) > LAYERS.index(own) or \
                    own == "sql" and name not in SQL_USES:
                print(f"{where}: {name} is above {own}")
                faults += 1
    return arrows, faults


def calls():
    """Of each object file, those that it needs something of; and how many names
    two of them have."""
    table = subprocess.run(
        ["nm", "--print-file-name", *(BUILD / name for name in LIBRARIES)],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    home, needs, twice = {}, {}, 0
    for line in re.finditer(r"^(\S+):[0-9a-f ]+ ([A-Z]) (\S+)$", table, re.M):
        file, kind, name = line.groups()
        if kind == "U":
            needs.setdefault(file, set()).add(name)
        elif name in home:
            print(f"{name} is in {home[name]} and in {file}")
            twice += 1
        else:
            home[name] = file
    return {file: {home[name] for name in names if name in home} - {file}
            for file, names in needs.items()}, twice


def check_calls():
    """The same of calls."""
    graph, faults = calls()
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        print("a circle of calls: " + ", ".join(
            re.sub(r".*[:-]", "", file) for file in error.args[1]))
        faults += 1
    return sum(map(len, graph.values())), faults


def main():
    if not shutil.which("nm"):
        print("skipped: nm was not found: install Debian's package binutils")
        return 77
    arrows = faults = 0
    for what, check in (("includes", check_includes), ("calls", check_calls)):
        found, wrong = check()
        # Of nothing, everything is true.
        if found < 100:
            print(f"only {found} {what} were found")
            wrong += 1
        arrows += found
        faults += wrong
    print(f"{arrows - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
