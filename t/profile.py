#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where the time goes: nanoseconds of each stage of a record's way.

    profile.py [SECONDS]        of each benchmark, 10 when not given

Runs reporter-bench's absorb and flush while perf samples the whole machine,
and divides the CPU time that the benchmark found for the master and the
workers by the share of samples in each stage's functions.  Needs perf (Debian:
linux-perf) and the right to look at the kernel (root).  What is in none of the
stages stands under "other".
"""

import json
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ.get("abs_top_builddir") or os.getcwd()

KERNEL, CLIENT = "kernel", "client library"

# Which functions make up a stage; the first that matches has it.
MASTER = (("read", r"^\[k\]|^read$|conn_(read|ready|touch|take|append|hold)"),
          ("decode", r"native_|take_|settle|skip|load_|intake_|frame_"),
          ("route", r"route|murmur|jump_hash"),
          ("ring", r"ring_|mem(cpy|move)"))
DRAIN = (("drain", r"table_|slot_|drain|ring_peek|ring_advance"),
         ("wait and wake", r"^\[k\]|ring_|flush_|worker_|sigtimedwait"))
FLUSH = (("drain", r"table_put|drain|ring_"),
         ("collect", r"table_(collect|refresh|read)|round_|order_|sort_|"
          "flush_main|store_try"),
         ("build", r"bulk_|batch_|run_store"),
         ("settle", r"table_|store_"),
         (CLIENT, r"^libmariadb|^libmysql|mem(cpy|move)"),
         ("send and wait", r"^\[k\]"))


def bench(seconds, *arguments):
    """Run one benchmark under perf.  Returns its figures, and the samples as
    (process, function) to share."""
    with tempfile.TemporaryDirectory() as directory:
        data = os.path.join(directory, "perf.data")
        words = ["perf", "record", "-q", "-a", "-F", "1999", "-o", data, "--",
                 os.path.join(BUILD, "src/reporter-bench"), "--self", "--json",
                 "--seconds", str(seconds), *arguments]
        result = json.loads(subprocess.run(
            words, check=True, stdout=subprocess.PIPE).stdout)
        report = subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "--no-children", "-F",
             "sample,comm,dso,symbol", "--field-separator=\t"], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    return result["results"][0]["figures"], list(samples(report))


def samples(report):
    for line in report.splitlines():
        words = [word.strip() for word in line.split("\t")]
        if line.startswith("#") or len(words) < 4:
            continue
        count, process, library, function = words[:4]
        kind, _, name = function.partition(" ")
        if kind == "[k]":
            name = "[k]" + name
        elif library.startswith(("libmariadb", "libmysql")):
            name = library
        yield int(count), process, name


def figure(figures, name, unit):
    for f in figures:
        if (f["name"], f["unit"]) == (name, unit):
            return f["median"]
    raise SystemExit(f"profile.py: reporter-bench tells no {name} in {unit}")


def show(title, process, stages, total, unit, found):
    """Share TOTAL out among the stages of one process."""
    counts = dict.fromkeys([name for name, _ in stages] + ["other"], 0)
    for count, comm, function in found:
        if comm != process:
            continue
        for name, functions in stages:
            if re.search(functions, function):
                break
        else:
            name = "other"
        counts[name] += count
    sampled = sum(counts.values())
    if sampled == 0:
        raise SystemExit(f"profile.py: perf saw nothing of \"{process}\"")
    print(f"{title}: {total:.1f} {unit}, {sampled} samples")
    for name, count in counts.items():
        print(f"    {name:<16} {total * count / sampled:8.1f}")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    figures, found = bench(seconds, "--rounds", "1", "--dialect", "native",
                           "absorb")
    unit = "CPU ns/record"
    show("master", "reporter master", MASTER,
         figure(figures, "master", unit), unit, found)
    show("workers, drain", "reporter worker", DRAIN,
         figure(figures, "workers", unit), unit, found)
    figures, found = bench(seconds, "--rounds", "5", "--keys", "100000",
                           "--workers", "1", "flush")
    per_row = 1000
    show("worker, flush", "reporter worker", FLUSH, per_row *
         figure(figures, "workers", "CPU s/M rows"), "CPU ns/row", found)
    print(f"database: {per_row * figure(figures, 'database', 'CPU s/M rows'):.0f} "
          f"CPU ns/row")


if __name__ == "__main__":
    main()
