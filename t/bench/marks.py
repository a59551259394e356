# SPDX-License-Identifier: MIT
"""Puts what a script has measured into a page, between the two marks of its
name: <!-- NAME: begin --> and <!-- NAME: end -->, each on its own line."""

import os
import textwrap


def load_text(load):
    """What a reader must know of the load before the start."""
    busy = (": the machine was busy, so CPU time is more reliable than rows/s"
            if load > 0.2 * os.cpu_count() else "")
    return f"load {load:.1f} before{busy}"


def put(path, name, lines):
    """Replace what is between the marks.  Text is filled to 80 columns, rows
    of a table are left alone."""
    with open(path) as file:
        page = file.read().splitlines()
    begin, end = (page.index(f"<!-- {name}: {word} -->")
                  for word in ("begin", "end"))
    shown = []
    for line in lines:
        shown += [line] if line.startswith("|") else \
            textwrap.wrap(line, 80, break_on_hyphens=False) or [""]
    page[begin + 1:end] = ["", *shown, ""]
    with open(path + ".new", "w") as file:
        file.write("\n".join(page) + "\n")
    os.replace(path + ".new", path)
