#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""shellcheck has nothing to say about any shell script of the project."""

import os
import subprocess

import scenario


def scripts():
    """Every file of the source that begins as a shell script does."""
    found = []
    for directory, directories, names in os.walk(scenario.SOURCE):
        directories[:] = [name for name in directories if name in (
            ".ci", "debian", "etc", "man", "shm", "sql", "src", "t")]
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                first = file.readline()
            if first.startswith(b"#!") and first.rstrip().endswith(b"sh"):
                found.append(path)
    # autoconf's own: it is made, and not for shellcheck.
    return sorted(path for path in found if os.path.basename(path) not in (
        "configure", "configure~", "config.status", "libtool"))


def tell(s):
    found = scripts()
    names = [os.path.relpath(path, scenario.SOURCE) for path in found]
    s.check("the scripts are found", {"quickstart", "etc/reporter.init.in",
                                      "etc/conffile.sh"} <= set(names), names)
    for path, name in zip(found, names):
        done = subprocess.run(
            [scenario.tool("shellcheck", "shellcheck"), "-x", path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        s.check(f"shellcheck {name}", done.returncode == 0, done.stdout)


scenario.run(__doc__, tell)
