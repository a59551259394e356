#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes lead one way: a folder uses itself and those above it in the list.

    layers.py

Prints each include that leads back, and each file of a folder that the list
does not have.
"""

import os
import pathlib
import re
import sys

SOURCE = pathlib.Path(os.environ.get("abs_top_srcdir") or
                      pathlib.Path(__file__).resolve().parent.parent)

LAYERS = ("shm", "sql", "src/lib", "src/conf", "src/privilege", "src/intake",
          "src/edge", "src/worker", "src/status", "src/master", "src/check",
          "src/send", "src", "src/ctl", "src/web", "src/bench")

# Of shm, these two know no more than what a record and a counter is.
SQL_USES = {"record.h", "counters.h"}


def folder_of(path):
    return str(path.parent.relative_to(SOURCE))


def main():
    files = [path for top in ("shm", "sql", "src")
             for path in sorted((SOURCE / top).rglob("*.[ch]"))]
    home = {path.name: folder_of(path) for path in files
            if path.suffix == ".h"}
    arrows = faults = 0
    for path in files:
        where, own = path.relative_to(SOURCE), folder_of(path)
        if own not in LAYERS:
            print(f"{where}: {own} is not in the list")
            faults += 1
            continue
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.M):
            other = home.get(name)
            if other is None or other == own:
                continue
            arrows += 1
            if LAYERS.index(other) > LAYERS.index(own) or \
                    own == "sql" and name not in SQL_USES:
                print(f"{where}: {name} is in {other}, above {own}")
                faults += 1
    # Of nothing, everything is true.
    if arrows < 100:
        print(f"only {arrows} includes were found")
        faults += 1
    print(f"{arrows - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
