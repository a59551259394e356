#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page's modules without a browser: its size, its types and its pure
functions (t/page_*.mjs).  PAGE: another directory of it.

Requires Debian's nodejs (18 or later); the types also node-typescript."""

import glob
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("abs_top_srcdir") or
                      pathlib.Path(__file__).resolve().parent.parent)
RAW, PACKED = 60 * 1024, 20 * 1024
# Nothing may come from elsewhere, and no text may become markup.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|"
    r"new Function|\bstyle=|\bon[a-z]+=|https?://(?!www\.w3\.org/)|@import")


def sizes(files):
    """Complaints about the size of the files, as they are compiled in."""
    raw = packed = 0
    for file in files:
        data = subprocess.run(["sed", "-f", SOURCE / "src/web/page.sed", file],
                              check=True, stdout=subprocess.PIPE).stdout
        raw += len(data)
        packed += len(gzip.compress(data, 9, mtime=0))
    print(f"page: {raw} bytes, {packed} compressed")
    if raw > RAW or packed > PACKED:
        yield f"the page is over {RAW} bytes, or {PACKED} compressed"


def forbidden(files):
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = FORBIDDEN.search(line)
            if found:
                yield f"{file}:{number}: {found.group()}"


def types(directory):
    compiler = shutil.which("tsc")
    if not compiler:
        print("left out: types: install Debian's package node-typescript")
        return
    done = subprocess.run(
        [compiler, "--noEmit", "--allowJs", "--checkJs", "--strict",
         "--noImplicitAny", "false",
         "--target", "es2022", "--module", "es2022", "--moduleResolution",
         "node", "--lib", "es2022,dom,dom.iterable",
         *sorted(glob.glob("*.js", root_dir=directory))],
        cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120)
    if done.returncode != 0:
        yield done.stdout + done.stderr


def modules(directory):
    done = subprocess.run(
        ["node", "--test", *sorted(glob.glob(f"{SOURCE}/t/page_*.mjs"))],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120,
        env={**os.environ, "PAGE": directory})
    print(done.stdout)
    if done.returncode != 0:
        yield "tests of modules failed"


def main():
    page = pathlib.Path(os.environ.get("PAGE") or SOURCE / "src/web/page")
    if not shutil.which("node"):
        print("skipped: install Debian's package nodejs")
        sys.exit(77)
    files = sorted(page.iterdir())
    complaints = [*sizes(files), *forbidden(files)]
    # Node takes a .js file for a module only where a package.json says so.
    with tempfile.TemporaryDirectory() as directory:
        for file in files:
            shutil.copy(file, directory)
        with open(f"{directory}/package.json", "w") as package:
            package.write('{"type":"module"}')
        complaints += [*types(directory), *modules(directory)]
    print("\n".join(complaints))
    sys.exit(1 if complaints or not files else 0)


if __name__ == "__main__":
    main()
