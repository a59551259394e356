# SPDX-License-Identifier: MIT
"""The programs, as they are installed, have what a compiler and a linker can
do against an attacker: they lie at random addresses, nothing but code can be
run, tables of functions cannot be overwritten, buffers and stacks are watched,
and code can only be entered where it begins.

With sanitizers, --disable-hardening or -O0 some of that is left out on
purpose; then this says so, and looks at what must hold all the same."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["abs_top_builddir"])
FLAGS = os.environ["HARDENING"].split()
SANITIZED = "-fsanitize" in os.environ["SANITIZERS"]
UNOPTIMIZED = "-O0" in os.environ["CFLAGS"].split()
X86 = platform.machine() == "x86_64"
ARM = platform.machine() == "aarch64"

SKIPPED = 77
passed = failed = 0


def check(holds, what):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"does not hold: {what}")


def run(*command):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    environment["LC_ALL"] = "C"
    return subprocess.run(command, env=environment, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def readelf(option, path):
    return run("readelf", "--wide", option, path)


def words(text, first):
    """The words of each line that begins with this one."""
    return [line.split() for line in text.splitlines()
            if line.split()[:1] == [first]]


def features(path):
    """What an object's or a program's parts all have: IBT and SHSTK, or BTI
    and PAC."""
    found = None
    for part in readelf("--notes", path).split("File: "):
        has = {name for name in ("IBT", "SHSTK", "BTI", "PAC")
               for line in part.splitlines()
               if "feature" in line and name in line}
        if "NT_GNU_PROPERTY" in part or ".o)" in part:
            found = has if found is None else found & has
    return found or set()


def check_flags():
    """configure leaves a flag out where the compiler does not take it: that
    must not go unseen."""
    wanted = ["-fstack-protector-strong", "-fstack-clash-protection", "-fPIE",
              "-pie", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"]
    if X86:
        wanted.append("-fcf-protection=full")
    if ARM:
        wanted.append("-mbranch-protection=standard")
    if SANITIZED or UNOPTIMIZED:
        print("sanitizers or -O0: _FORTIFY_SOURCE is left out on purpose")
    else:
        wanted.append("-D_FORTIFY_SOURCE=2")
    for flag in wanted:
        check(flag in FLAGS, f"configure chose {flag}")


def check_program(path):
    name = path.name
    kind = words(readelf("--file-header", path), "Type:")
    check(kind and kind[0][1] == "DYN", f"{name} lies at a random address")
    segments = readelf("--program-headers", path)
    stack = words(segments, "GNU_STACK")
    check(stack and "E" not in stack[0][6], f"{name}: its stack is no code")
    check(all("RWE" not in line[6:7] for line in words(segments, "LOAD")),
          f"{name}: what can be written is no code")
    check(words(segments, "GNU_RELRO"), f"{name} has GNU_RELRO")
    dynamic = readelf("--dynamic", path)
    check("BIND_NOW" in dynamic and "NOW" in dynamic.split("FLAGS_1")[-1],
          f"{name} is bound at its start")
    check("PIE" in dynamic.split("FLAGS_1")[-1], f"{name} says PIE")
    check("TEXTREL" not in dynamic, f"{name}: its code is not written to")
    # Where a sanitizer brings its libraries, it may say where they are.
    check(SANITIZED or "PATH)" not in dynamic, f"{name} has no RPATH")
    symbols = readelf("--dyn-syms", path)
    check("__stack_chk_fail" in symbols, f"{name}: its stacks are watched")
    if not SANITIZED and not UNOPTIMIZED:
        check("printf_chk" in symbols, f"{name}: its buffers are watched")


def check_entries(programs):
    """Code is entered where it begins.  A program is marked so only if all of
    it is; the C library's own start files may not be."""
    wanted = {"IBT", "SHSTK"} if X86 else {"BTI", "PAC"} if ARM else set()
    if not wanted:
        print(f"{platform.machine()} has no control-flow protection")
        return
    for library in ("src/libreporter.a", "sql/libsql.a", "shm/libshm.a"):
        check(wanted <= features(BUILD / library), f"{library}: {wanted}")
    start = run(*os.environ["CC"].split(), "-print-file-name=Scrt1.o").strip()
    if not wanted <= features(start):
        print(f"{start} is not marked, so no program can be; ours would be")
        return
    for path in programs:
        check(wanted <= features(path), f"{path.name}: {wanted}")


def main():
    if not FLAGS:
        print("--disable-hardening: there is nothing to look at")
        return SKIPPED
    for name in "readelf", "make":
        if not shutil.which(name):
            print(f"skipped: {name} was not found: install Debian's package "
                  + {"readelf": "binutils"}.get(name, name))
            return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        run("make", "-s", "-C", str(BUILD), "install-binPROGRAMS",
            "install-sbinPROGRAMS", f"DESTDIR={directory}")
        programs = sorted(path for path in pathlib.Path(directory).rglob("*")
                          if path.is_file())
        # Of a directory that is empty, everything is true.
        check({"reporter", "reporterctl", "reporter-send"} <=
              {path.name for path in programs}, "the programs are installed")
        check_flags()
        for path in programs:
            check_program(path)
        check_entries(programs)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
