#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What settings of the database change: rows/s of reporter's flush with each,
against the default of the same server, and what the setting costs or risks.

    database.py [--keys N] [--rounds N] [--passes N] [--workers N]
                [--only WORD] [--into FILE]

    --only   the settings whose text contains WORD
    --into   put the table into FILE, between the two marks for it

Runs reporter-bench --self flush: every key is in the table, and each round
changes all rows.  In each pass, each setting gets a server of its own between
two servers with the defaults, and its median is divided by theirs; the median
of the passes is shown.  A server that refuses a setting has no figure for it.
TMPDIR should be on the disk that the database will use: three settings decide
how often the server waits for it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import marks

BUILD = os.environ.get("abs_top_builddir") or os.getcwd()
SOURCE = os.environ.get("abs_top_srcdir") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

KEY = "PRIMARY KEY (modid, cmdid, ip, port, caller)"
ENGINE = ") ENGINE=InnoDB"
BINLOG = ("log-bin=binlog", "server-id=1", "binlog-format=ROW", "sync-binlog=0")

NOTHING = "nothing"
SECOND = ("after a crash of the machine, the last second is lost: agents "
          "report it again")

# The text, options of the server, a change of the schema, what it risks.
SETTINGS = (
    ("the defaults again, for comparison", (), None, "-"),
    ("`innodb_flush_log_at_trx_commit=2`",
     ("innodb-flush-log-at-trx-commit=2",), None, SECOND),
    ("`innodb_flush_log_at_trx_commit=0`",
     ("innodb-flush-log-at-trx-commit=0",), None,
     "the same, also after a crash of the server alone"),
    ("`innodb_buffer_pool_size=8M`, smaller than the table",
     ("innodb-buffer-pool-size=8M",), None,
     "pages are read from the disk"),
    ("`innodb_buffer_pool_size=1G`",
     ("innodb-buffer-pool-size=1G",), None, "1 GB of memory"),
    ("`innodb_log_file_size=10M`",
     ("innodb-log-file-size=10M",), None,
     "pages are written again and again"),
    ("`innodb_log_file_size=1G`",
     ("innodb-log-file-size=1G",), None,
     "1 GB of disk; recovery after a crash takes longer"),
    ("`innodb_doublewrite=0`", ("innodb-doublewrite=0",), None,
     "a power failure can damage the data: only with a file system that "
     "writes pages of 16 KiB whole"),
    ("`innodb_adaptive_hash_index=1`", ("innodb-adaptive-hash-index=1",), None,
     NOTHING),
    ("`innodb_flush_neighbors=0`", ("innodb-flush-neighbors=0",), None,
     "more seeks on a rotating disk"),
    ("binlog, `sync_binlog=0`", BINLOG, None,
     "disk space, see `expire_logs_days`; after a crash of the machine, "
     "replicas may differ"),
    ("binlog, `sync_binlog=1`", (*BINLOG, "sync-binlog=1"), None,
     "disk space; the default of MySQL"),
    ("binlog, `binlog_row_image=MINIMAL`",
     (*BINLOG, "binlog-row-image=MINIMAL"), None,
     "whatever reads the binlog must not need the other columns"),
    ("binlog, `log_bin_compress=1`", (*BINLOG, "log-bin-compress=1"), None,
     "replicas must be MariaDB"),
    ("`ROW_FORMAT=COMPACT`", (), (ENGINE, ENGINE + " ROW_FORMAT=COMPACT"),
     NOTHING),
    ("`ROW_FORMAT=COMPRESSED`", (),
     (ENGINE, ENGINE + " ROW_FORMAT=COMPRESSED"),
     "the buffer pool has a page twice, compressed and not"),
    ("primary key `(caller, modid, cmdid, ip, port)`", (),
     (KEY, "PRIMARY KEY (caller, modid, cmdid, ip, port)"),
     "the rows of a service are not together: queries by service read the "
     "whole table"),
    ("one more index, `KEY (ts)`", (), (KEY, KEY + ", KEY (ts)"),
     "disk space; queries by age alone use it"),
)


def measure(options, schema, arguments):
    """Rows/s and the database's CPU time for a row in microseconds, medians,
    and all that was found; None when the server does not take the options."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(schema)
        file.flush()
        words = ["local-infile=0", *options]  # no LOAD DATA: half the time
        done = subprocess.run(
            [os.path.join(BUILD, "src/reporter-bench"), "--self", "--json",
             "--keys", arguments.keys, "--rounds", str(arguments.rounds),
             "--workers", str(arguments.workers), "flush"],
            env={**os.environ, "REPORTER_BENCH_SCHEMA": file.name,
                 "REPORTER_BENCH_OPTIONS": " ".join("--" + w for w in words)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        return None
    found = json.loads(done.stdout)
    medians = {(f["name"], f["unit"]): f["median"]
               for f in found["results"][0]["figures"]}
    return (medians["reporter", "rows/s"],
            medians["database", "CPU s/M rows"], found)


def changed(schema, change):
    if change is None:
        return schema
    if schema.count(change[0]) != 1:
        raise SystemExit(f"database.py: the schema has no \"{change[0]}\"")
    return schema.replace(*change)


def turns(schema, arguments):
    """Returns {text of a setting: its ratios to the defaults, of rows/s and of
    CPU time}, and what was measured with the defaults."""
    settings = [s for s in SETTINGS if arguments.only in s[0]]
    ratios, defaults = {text: [] for text, *_ in settings}, []

    def with_defaults():
        defaults.append(measure((), schema, arguments) or sys.exit(3))
        return defaults[-1]

    before = with_defaults()
    for _ in range(arguments.passes):
        for text, options, change, _risk in settings:
            found = measure(options, changed(schema, change), arguments)
            after = with_defaults()
            if found is not None:
                ratios[text].append([2 * found[i] / (before[i] + after[i])
                                     for i in (0, 1)])
                print(text, ratios[text][-1], file=sys.stderr, flush=True)
            before = after
    return ratios, defaults


def table(ratios):
    yield "| setting | rows/s | CPU time of the database | costs and risks |"
    yield "|---|---|---|---|"
    for text, _, _, risk in SETTINGS:
        shown = " | ".join(
            f"{statistics.median(values):.2f} "
            f"({min(values):.2f} to {max(values):.2f})"
            for values in zip(*ratios.get(text, ()))) or "- | -"
        if text in ratios:
            yield f"| {text} | {shown} | {risk} |"


def heading(defaults, arguments):
    rates, costs = ([d[i] for d in defaults] for i in (0, 1))
    found = defaults[0][2]
    return (
        f"{found['database']}; {arguments.keys} keys, {arguments.workers} "
        f"worker{'s'[:arguments.workers != 1]}, {found['machine']['cpus']} "
        f"CPUs for all; {marks.load_text(found['machine']['load'])}. With the "
        f"defaults {statistics.median(rates) / 1000:.0f} k rows/s "
        f"({min(rates) / 1000:.0f} to {max(rates) / 1000:.0f}) and "
        f"{statistics.median(costs):.1f} us of the database's CPU time a row "
        f"({min(costs):.1f} to {max(costs):.1f}).")


def main():
    parser = argparse.ArgumentParser(description="Measure reporter's flush "
                                     "with settings of the database.")
    parser.add_argument("--keys", default="300k")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--into", metavar="FILE")
    arguments = parser.parse_args()
    with open(os.path.join(SOURCE, "sql/schema.sql")) as file:
        ratios, defaults = turns(file.read(), arguments)
    lines = [heading(defaults, arguments), "", *table(ratios)]
    print("\n".join(lines))
    if arguments.into:
        marks.put(arguments.into, "bench-database", lines)


if __name__ == "__main__":
    main()
