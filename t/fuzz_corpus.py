# SPDX-License-Identifier: MIT
"""Every input that is kept in t/corpus goes through every fuzz target, in this
build: what fuzzing once found stays found, also without a fuzzer.  Each
target has inputs of its own, each is tried, and none ends a target.  The inputs that t/fuzz_seeds.py makes
are as it makes them today."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("abs_top_builddir", "."))
SOURCE = pathlib.Path(os.environ.get(
    "abs_top_srcdir", pathlib.Path(__file__).parent.parent))
CORPUS = SOURCE / "t" / "corpus"
TIMEOUT = 120


def run(program, files):
    """The status, and what was said; it ends with the file under trial."""
    child = subprocess.Popen([program, *files], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    try:
        said = child.communicate(timeout=TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        said = child.communicate()[0] + b"\nit did not come to an end\n"
    # Of one that did not come to its end.
    for left in pathlib.Path("/dev/shm").glob(f"reporter.fuzz-{child.pid}*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
    return child.returncode, said.decode(errors="replace")


def check_seeds():
    """Whether all that fuzz_seeds.py makes of today's headers is kept."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, "-B", SOURCE / "t" / "fuzz_seeds.py",
                        place], check=True)
        made = [path for path in pathlib.Path(place).rglob("*")
                if path.is_file()]
        stale = []
        for path in made:
            kept = CORPUS / path.relative_to(place)
            if not kept.exists() or kept.read_bytes() != path.read_bytes():
                stale.append(str(path.relative_to(place)))
    if stale or not made:
        print(f"run t/fuzz_seeds.py, since these have changed: {stale}")
    return bool(made) and not stale


def main():
    names = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
    targets = sorted(path.stem[len("fuzz_"):]
                     for path in SOURCE.glob("t/fuzz_*.c")
                     if "\nLLVMFuzzerTestOneInput(" in path.read_text())
    # A target without inputs, or inputs without a target, would be missed.
    if names != targets:
        print(f"t/corpus has {names}, the targets are {targets}")
        return 1
    files = sorted(str(path) for path in CORPUS.glob("*/*"))
    passed = failed = 0
    if check_seeds():
        passed += 1
    else:
        failed += 1
    for name in names:
        status, said = run(BUILD / "t" / f"fuzz_{name}", files)
        if status == 0 and said.endswith(f"\n{len(files)} tried\n"):
            passed += 1
            continue
        failed += 1
        print(f"fuzz_{name} ended with {status}:")
        print("\n".join(said.splitlines()[-40:]))
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
