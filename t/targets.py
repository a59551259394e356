#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast, against the targets: each with its figure and whether it is met.

    targets.py [--short] [--strict] [--json]

    --short   fewer keys and rounds: less than two minutes
    --strict  exit with 1 when a target is missed or could not be measured
    --json    print one JSON object: the targets, and all that was measured

Runs reporter-bench --self and reads its JSON.  Exits with reporter-bench's
status when that fails.
"""

import argparse
import json
import os
import subprocess
import sys

BUILD = os.environ.get("abs_top_builddir") or os.getcwd()

# What each run of reporter-bench measures: {a whole run, a short one}.
RUNS = (
    (("flush", "--workers", "1,2"),
     ("--keys", "300k", "--rounds", "5"), ("--keys", "100k", "--rounds", "3")),
    (("absorb", "--dialect", "native"),
     ("--rounds", "5", "--seconds", "1"), ("--rounds", "3", "--seconds", "0.2")),
    (("flat", "--connections", "10,10000"),
     ("--keys", "10k,10M", "--rounds", "5", "--seconds", "1"),
     ("--keys", "10k,1M", "--rounds", "3", "--seconds", "0.2")),
    (("fresh", "--rate", "20k"),
     ("--samples", "200"), ("--samples", "100", "--interval", "50")),
    (("site",),
     ("--hosts", "5000"),
     ("--hosts", "100", "--every", "1.5", "--interval", "6000",
      "--seconds", "18")),
    (("idle",), (), ("--seconds", "1", "--connections", "1k")),
)

AT_MOST, AT_LEAST = "at most", "at least"


def figure(results, name, unit, **case):
    """The median, or the one value, of a figure of the result whose members
    are these; None: not measured."""
    for result in results:
        if all(result.get(key) == value if key != "like" else
               result["case"].startswith(value)
               for key, value in case.items()):
            for f in result.get("figures", ()):
                if (f["name"], f["unit"]) == (name, unit):
                    return f["value"] if "value" in f else f["median"]
    return None


def flush(workers, name="ratio"):
    return lambda r: figure(r, name, "ratio", bench="flush", workers=workers)


def cost(results):
    """The more expensive of the two."""
    both = [flush(n, "reporter / database")(results) for n in (1, 2)]
    return None if None in both else max(both)


def flat(what):
    return lambda r: figure(r, "records/s, ratio", "ratio", bench="flat",
                            like=f"max {what}")


def memory(what):
    return lambda r: figure(r, what, "bytes", bench="flat", like="memory")


def site(name, unit="ms"):
    return lambda r: figure(r, name, unit, bench="site")


def late(results):
    """Past flush_interval."""
    found = figure(results, "99 %", "ms", bench="fresh", rate=20000)
    interval = next((r["interval_ms"] for r in results
                     if r.get("rate") == 20000), None)
    return None if found is None else found - interval


def idle(results):
    """Of the process that wakes up most, without and with agents."""
    found = [f["value"] for r in results if r["bench"] == "idle"
             for f in r["figures"] if f["unit"] == "times/s"]
    return max(found, default=None)


def none(_results):
    """reporter-bench does not measure this."""


# Number, text, unit, sense, bound, and how it is found in the results.
TARGETS = (
    ("1", "rows written per report, 1 M keys", "ratio", AT_MOST, 0.30,
     site("rows per record", "ratio")),
    ("2", "overload change visible, 99th percentile", "ms", AT_MOST, 100,
     site("overload, 99 %")),
    ("2", "new key visible, 99th percentile", "ms", AT_MOST, 100,
     site("new key, 99 %")),
    ("3", "flush / LOAD DATA, one worker", "ratio", AT_LEAST, 1.0, flush(1)),
    ("3", "flush / LOAD DATA, two workers", "ratio", AT_LEAST, 1.5, flush(2)),
    ("4", "CPU of reporter / of the database", "ratio", AT_MOST, 0.07, cost),
    ("5", "absorb, native / raw sink", "ratio", AT_LEAST, 0.20,
     lambda r: figure(r, "ratio", "ratio", bench="absorb")),
    ("6", "absorb, 10 M keys (--short: 1 M) / 10 k", "ratio", AT_LEAST, 0.65, flat("keys")),
    ("7", "absorb, 10000 connections / 10", "ratio", AT_LEAST, 0.9,
     flat("connections")),
    ("8", "fresh: a lone report, 99th percentile", "ms", AT_MOST, 5,
     lambda r: figure(r, "99 %", "ms", bench="fresh", rate=0)),
    ("9", "fresh at 20 k/s, 99th, past the interval", "ms", AT_MOST, 20, late),
    ("10", "memory of an idle connection", "bytes", AT_MOST, 512,
     memory("an idle connection")),
    ("10", "memory of a key", "bytes", AT_MOST, 64, memory("a key")),
    ("11", "worker with 10 M keys killed, running again", "s", AT_MOST, 0.5,
     none),
    ("12", "idle: wake-ups a second of a process", "", AT_MOST, 1, idle),
    ("13", "reporter-web, 1 M keys, 100 viewers", "% CPU", AT_MOST, 5, none),
)


def met(sense, bound, found):
    """Whether a figure is what the target asks for; None never is."""
    if found is None:
        return False
    return found <= bound if sense == AT_MOST else found >= bound


def verdict(sense, bound, found):
    if found is None:
        return "not measured"
    return "met" if met(sense, bound, found) else "missed"


def measure(words):
    """The results of one run.  Its failure is ours."""
    done = subprocess.run(
        [os.path.join(BUILD, "src/reporter-bench"), "--self", "--json", *words],
        stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode if done.returncode > 0 else 3)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description="Print each target with its "
                                     "figure and whether it is met.")
    for name, text in (("short", "fewer keys and rounds"),
                       ("strict", "exit with 1 when a target is not met"),
                       ("json", "print one JSON object")):
        parser.add_argument(f"--{name}", action="store_true", help=text)
    options = parser.parse_args()
    runs = []
    for (bench, *words), whole, short in RUNS:
        runs.append(measure([*words, *(short if options.short else whole),
                             bench]))
    results = [result for run in runs for result in run["results"]]
    found = [find(results) for *_, find in TARGETS]
    if options.json:
        print(json.dumps({**runs[0], "results": results, "targets": [
            {"number": number, "text": text, "unit": unit, "sense": sense,
             "bound": bound, "found": value,
             "verdict": verdict(sense, bound, value)}
            for (number, text, unit, sense, bound, _), value
            in zip(TARGETS, found)]}, indent=2))
    else:
        print(f" {'#':<3} {'target':<43} {'bound':>9} {'found':>9}")
        for (number, text, unit, sense, bound, _), value in zip(TARGETS, found):
            shown = "-" if value is None else f"{value:.3g}"
            print(f" {number:<3} {text:<43} {'<=' if sense == AT_MOST else '>='}"
                  f" {bound:6g} {shown:>9} {unit if unit != 'ratio' else '':<6}"
                  f" {verdict(sense, bound, value)}")
    missed = not all(met(sense, bound, value)
                     for (_, _, _, sense, bound, _), value
                     in zip(TARGETS, found))
    sys.exit(1 if options.strict and missed else 0)


if __name__ == "__main__":
    main()
