#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody who sizes a machine measures the reporter that runs there.  The
figures come as JSON with their sizes and units; what cannot be measured is said
before anything is, or stands beside what was; and whatever ends the benchmark,
a signal or a failure, no row, directory or shared memory of it stays."""

import glob
import importlib.machinery
import importlib.util
import json
import math
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import scenario
import targets
from scenario import wait_for

BENCH = "reporter-bench"
SHORT = ("--rounds", "2", "--seconds", "0.05", "--keys", "2k",
         "--samples", "10", "--rate", "1000")


def bench(*words, **more):
    return subprocess.run(
        [scenario.program(BENCH), *words], stdin=subprocess.DEVNULL,
        timeout=scenario.PATIENCE * 3,
        **({"capture_output": True, "text": True} | more))


def figures(result):
    return {(f["name"], f["unit"]) for f in result["figures"]}


def measured(s):
    """One after the other, the plain listener found behind one for PROXY."""
    done = bench("-c", s.reporter.conf, "--json", *SHORT, "absorb", "flush",
                 "fresh")
    s.equal("it is measured", (done.returncode, done.stderr), (0, ""))
    found = json.loads(done.stdout)
    s.check("the machine is told", found["machine"]["cpus"] > 0
            and found["machine"]["memory"] > 0, found["machine"])
    s.equal("what was measured",
            [r["bench"] for r in found["results"]],
            ["absorb"] * 3 + ["flush", "fresh", "fresh"])
    s.equal("in each dialect",
            [r["dialect"] for r in found["results"][:3]],
            ["native", "elb", "lars"])
    for result in found["results"][:3]:
        s.check("absorb has its reference and the generator's share",
                figures(result) >= {
                    ("reporter", "records/s"), ("reporter", "B/s"),
                    ("raw sink", "records/s"), ("ratio", "ratio"),
                    ("generator waits", "ratio"),
                    ("generator waits, raw sink", "ratio")},
                figures(result))
    s.check("flush has its reference",
            figures(found["results"][3]) >= {
                ("reporter", "rows/s"), ("LOAD DATA", "rows/s"),
                ("ratio", "ratio")}, found["results"][3])
    fresh = {f["name"]: f["value"] for f in found["results"][5]["figures"]}
    s.check("ten samples know a median", fresh["50 % visible after"] > 0)
    s.equal("and no 99th percentile", fresh["99 %"], None)
    s.equal("the rate and interval are told",
            (found["results"][5]["rate"], found["results"][5]["interval_ms"]),
            (1000, 100))
    s.equal("no row of it stays", s.database.count(), 0)


SITE = ("--hosts", "20", "--services", "3", "--servers", "5", "--every", "0.4",
        "--interval", "800", "--seconds", "1.6", "--workers", "1")


def tables(s):
    return [name for row in s.database.sql("SHOW TABLES")
            for name in row.values()]


def site(s):
    """In the database of a configuration, next to a table that is in use."""
    s.database.sql("INSERT INTO ServerCallStatus VALUES (1,1,1,1,1,7,0,99,0)")
    before = (tables(s), s.database.table())
    done = bench("-c", s.reporter.conf, "--json", *SITE, "site")
    s.equal("a site is played", (done.returncode, done.stderr), (0, ""))
    result, = json.loads(done.stdout)["results"]
    found = {f["name"]: f["value"] for f in result["figures"]}
    s.check("all of its records arrive",
            675 < found["records"] < 825, found)
    s.check("a flush of two reports of a key is a row, and so is each probe",
            0.4 < found["rows per record"] < 0.75, found)
    s.check("urgent keys do not wait for flush_interval, other keys do",
            found["overload, 50 %"] < 400 and found["new key, 50 %"] < 400
            < 1000 * found["age, 50 %"], found)
    s.equal("nobody can read the CPU time of a foreign database",
            found["CPU of the database"], None)
    s.check("the figures are explained", any(
        "300 keys, each reported every 0.4 s" in sentence
        for sentence in result["meaning"]), result)
    done = bench("-c", s.reporter.conf, *SITE, "--dialect", "lars",
                 "--calls", "30", "--seconds", "0.1", "site")
    s.check("as agents of Lars", done.returncode == 0
            and "as agents of lars" in done.stdout, done)
    s.equal("the table in use is not touched, and no other stays",
            (tables(s), s.database.table()), before)
    process = subprocess.Popen(
        [scenario.program(BENCH), "-c", s.reporter.conf, *SITE, "--seconds",
         "60", "site"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(tables(s)) > len(before[0]), "a table of its own")
    process.send_signal(signal.SIGINT)
    s.equal("an interrupted one", process.wait(scenario.PATIENCE), 3)
    s.equal("leaves no table", tables(s), before[0])
    s.database.sql("DELETE FROM ServerCallStatus")


def wrong_rows(s):
    """The database changes one row into what nobody has sent."""
    s.database.sql("CREATE TRIGGER one BEFORE UPDATE ON ServerCallStatus FOR "
                   "EACH ROW SET NEW.ts = IF(NEW.ip = 0x0a000000, 1, NEW.ts)")
    done = bench("-c", s.reporter.conf, *SHORT, "flush")
    s.database.sql("DROP TRIGGER one")
    s.check("a figure of rows that are not there is none",
            done.returncode == 3 and "rows/s" not in done.stdout
            and "invalid table" in done.stderr, done)
    s.equal("no row stays of it either", s.database.count(), 0)


def left_out(s):
    done = bench("-c", s.reporter.conf, "--json", *SHORT, "--connections",
                 "10,1000", "absorb", "flat")
    s.equal("flat needs more keys than the tables hold", done.returncode, 3)
    found = json.loads(done.stdout)
    s.equal("what was measured before is told",
            [r["bench"] for r in found["results"]][:3], ["absorb"] * 3)
    s.check("1,000 connections are left out, since so many are not let in",
            "max_connections allows 500" in done.stdout, done.stdout)
    s.check("and the reason why it ended",
            "table_keys" in found["error"], found)
    s.equal("no row stays of a failure", s.database.count(), 0)
    port = str(s.reporter.addresses[1][1])
    for words in (["backlog"], ["absorb", "backlog"], ["-p", port, "flush"],
                  ["-H", "127.0.0.1", "-c", s.reporter.conf, "cost"],
                  ["-p", port, "fresh"], ["absorb", "nothing"],
                  ["-p", port, "site"],
                  ["-c", s.reporter.conf, "site", "cost"]):
        done = bench(*words)
        s.equal(f"{words}: said before anything is measured",
                (done.returncode, done.stdout), (2, ""))
    wrong = os.path.join(s.directory, "wrong.conf")
    with open(wrong, "w") as file:
        file.write("[reporter]\nlisten = 127.0.0.1\n")
    done = bench("-c", wrong, "absorb")
    s.check("what is wrong with a configuration is told by its line",
            done.returncode == 3 and done.stderr.startswith(
                f'{wrong}:2: reporter.listen: "127.0.0.1" has no port; ')
            and done.stderr.endswith(
                f"reporter-bench: {wrong} has errors\n"), done)


def statistics_are_right(s):
    """The script's own functions."""
    loader = importlib.machinery.SourceFileLoader(
        "reporter_bench", scenario.program(BENCH))
    script = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(script)
    for values, median in (([5, 1, 3], 3), ([4, 1, 3, 2], 2.5), ([7], 7)):
        s.equal(f"the median of {values}", script.median(values), median)
    s.check("of nothing there is none", math.isnan(script.median([])))
    thousand = list(range(1, 1001))
    for values, q, rank in ((thousand, 0.5, 500), (thousand, 0.99, 990),
                            (thousand, 0.999, 999), (thousand, 1, 1000),
                            ([1, 2, 3], 0.5, 2), (thousand[:10], 0.99, 10),
                            ([1], 0.001, 1)):
        s.equal(f"quantile {q} of {len(values)}", script.quantile(values, q),
                rank)
    s.check("nor a quantile", math.isnan(script.quantile([], 0.5)))
    for n, q, backed in ((100, 0.99, True), (99, 0.99, False),
                         (1000, 0.999, True), (999, 0.999, False),
                         (2, 0.5, True), (1, 0.5, False)):
        s.equal(f"{n} samples are enough for {q}",
                not math.isnan(script.percentile([1.0] * n, q)), backed)
    for value, unit, text in (
            (6.589e6, "records/s", "6.59 M"), (12.34e3, "rows/s", "12.3 k"),
            (999.6e3, "rows/s", "1.00 M"), (999.4, "rows/s", "999"),
            (2.2e9, "B/s", "2.20 G"), (0.0954, "ratio", "0.095"),
            (1.3, "ratio", "1.300"), (8.76, "ms", "8.76"),
            (1024, "bytes", "1024"), (0.0423, "s", "0.042"), (0, "s", "0.00"),
            (math.nan, "ms", "-")):
        s.equal(f"{value} {unit} for people", script.figure_text(value, unit),
                text)
    for text, numbers in (("10,1k,2M", [10, 1000, 2000000]), ("10", [10]),
                          ("1,2,3,4,5,6,7,8", [1, 2, 3, 4, 5, 6, 7, 8])):
        s.equal(f"numbers {text}", script.whole_numbers(text, 10000000),
                numbers)
    for text in ("", ",", "1,", ",1", "0", "-1", "1x", "11", "1 ", "1k",
                 "1,2,3,4,5,6,7,8,9", "99999999999999999999999"):
        try:
            found = script.whole_numbers(text, 10)
        except ValueError:
            found = None
        s.equal(f'"{text}" is refused', found, None)


def command_line(s):
    for words, expected in (
            (["--keys", "0", "absorb"], "--keys: invalid value"),
            (["--rounds", "1,2", "absorb"], "a number from 1 to 1000"),
            (["--dialect", "xml", "absorb"], "native, elb or lars"),
            (["-i", "a b", "absorb"], "-i: invalid value"),
            (["--seconds", "nan", "absorb"], "0.01 to 3600 seconds"),
            (["--nothing"], "usage: "), ([], "usage: ")):
        done = bench(*words)
        s.check(f"{words}: what was expected is said", done.returncode == 2
                and expected in done.stderr and done.stdout == "", done)
    done = bench("--help")
    s.check("help", done.returncode == 0 and "backlog" in done.stdout, done)


def targets_are_judged(s):
    for sense, met in ((targets.AT_LEAST, (True, True, False, False)),
                       (targets.AT_MOST, (True, False, True, False))):
        s.equal(f"a figure that is {sense} the bound",
                tuple(targets.met(sense, 0.9, found)
                      for found in (0.9, 1, 0.8, None)), met)
    for number, text, *_, bound, _find in targets.TARGETS:
        s.check(f"target {number} is complete", text and len(text) <= 43
                and bound > 0, text)
    s.equal("the last one", targets.TARGETS[-1][0], "13")


def all_that_can_be(s):
    port = str(s.reporter.addresses[1][1])
    done = bench("-p", port, "--json", *SHORT, "--dialect", "lars",
                 "--connections", "10", "all")
    s.equal("all of one that only its port is known of", done.returncode, 0)
    found = json.loads(done.stdout)
    s.equal("the others are named", [r["bench"] for r in found["results"]
                                     if r["case"] == "left out"],
            ["flush", "fresh", "backlog", "idle"])
    s.check("so are the rows that stay",
            "2000000000" in done.stderr, done.stderr)
    s.reporter.settled(1)
    s.database.sql("DELETE FROM ServerCallStatus")


def interrupted(s):
    """The reporter is held for a moment, as on a busy machine: it has not read
    all that was sent."""
    master = s.reporter.process
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        process = subprocess.Popen(
            [scenario.program(BENCH), "-c", s.reporter.conf, *SHORT, "--rounds",
             "1000", "absorb"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for(s.database.count, "rows of the benchmark")
        master.send_signal(signal.SIGSTOP)
        os.killpg(process.pid, sign)
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            pass
        master.send_signal(signal.SIGCONT)
        process.wait(scenario.PATIENCE)
        s.reporter.settled(1)
        s.equal(f"{sign.name} ends it and its rows",
                (process.returncode, s.database.count()), (3, 0))


def engine_killed(s):
    """As by the kernel, when memory runs out."""
    process = subprocess.Popen(
        [scenario.program(BENCH), "-c", s.reporter.conf, "--json", *SHORT,
         "--rounds", "1000", "absorb"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    wait_for(s.database.count, "rows of the benchmark")
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
        os.kill(int(children.read().split()[0]), signal.SIGKILL)
    found = json.loads(process.communicate(timeout=scenario.PATIENCE * 3)[0])
    s.equal("an engine that was killed is a failure",
            (process.returncode, found["error"]),
            (3, "the engine ended with status -9"))
    s.equal("and its rows go", s.database.count(), 0)


def one_after_the_other(s):
    """What is pending of the first is newer than the clock; it must not be
    newer than the second."""
    for turn in (1, 2):
        done = bench("-c", s.reporter.conf, *SHORT, "--rounds", "6", "flush")
        s.equal(f"flush, time {turn}", (done.returncode, done.stderr), (0, ""))


def not_there(s):
    """Nothing listens; a reporter of our own does not start."""
    for _ in range(10):
        done = bench("-p", "1", "absorb")
        s.check("a refused connection is the only thing that is said",
                done.returncode == 3 and done.stderr.count("\n") == 1
                and "cannot connect" in done.stderr, done)
    broken = os.path.join(s.directory, "broken")
    with open(broken, "w") as file:
        file.write("#!/bin/sh\necho no room on the moon\nexit 1\n")
    os.chmod(broken, 0o755)
    done = bench("--self", "--server", broken, "absorb")
    s.check("why a server did not start is shown", done.returncode == 3
            and "no room on the moon" in done.stderr, done)
    done = bench("-c", "/tmp/" + "\u00e9" * 301, "absorb")
    s.check("a long name is cut, not a fault", done.returncode == 3
            and "has errors" not in done.stdout
            and "Traceback" not in done.stderr, done)


def full_device(s):
    with open("/dev/full", "w") as full:
        done = bench("--nope", capture_output=False, stderr=full)
    s.equal("a usage error that nobody reads is one", done.returncode, 2)
    for words in (["--help"], ["--version"]):
        with open("/dev/full", "w") as full:
            done = bench(*words, capture_output=False, stdout=full,
                         stderr=subprocess.PIPE)
        s.check(f"{words} to a full device fails", done.returncode == 3
                and done.stderr.startswith(
                    "reporter-bench: cannot write the results"), done)


def nothing_behind(s):
    """Servers of its own; nobody reads what it has to say."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="b") as directory, \
            open("/dev/full", "w") as full:
        reading, writing = os.pipe()
        os.close(reading)
        own = [scenario.program(BENCH), "--self", "--server",
               scenario.program("reporter"), *SHORT]
        environment = dict(os.environ, TMPDIR=directory)
        done = subprocess.run([*own, "absorb"], stdout=full, stderr=writing,
                              env=environment, timeout=scenario.PATIENCE * 3)
        os.close(writing)
        s.equal("results that cannot be written are a failure",
                done.returncode, 3)
        s.equal("of which nothing stays", os.listdir(directory), [])
        process = subprocess.Popen([*own, "--rounds", "1000", "cost"],
                                   stdout=subprocess.DEVNULL, text=True,
                                   stderr=subprocess.PIPE, env=environment,
                                   start_new_session=True)
        wait_for(lambda: glob.glob(f"{directory}/*/reporter.log"),
                 "a reporter of its own")
        own_shm = f"/dev/shm/reporter.bench-{process.pid}*"
        wait_for(lambda: glob.glob(own_shm), "its shared memory")
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=scenario.PATIENCE)[1]
        s.equal("an interrupted one says so, once",
                told, "reporter-bench: interrupted; cleaning up\n")
        s.equal("and leaves nothing",
                (os.listdir(directory), glob.glob(own_shm)), ([], []))


def progress(s):
    """Standard error is a terminal."""
    ours, theirs = pty.openpty()
    done = bench("-c", s.reporter.conf, *SHORT, "--dialect", "native", "absorb",
                 capture_output=False, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    told = b""
    try:
        while piece := os.read(ours, 65536):
            told += piece
    except OSError:
        pass  # EIO: nobody has it open any more
    os.close(ours)
    s.equal("it is measured", done.returncode, 0)
    s.check("a terminal is told what is going on, and is clean at the end",
            b"absorb: round 2 of 2" in told and told.endswith(b"\r\033[K"),
            told)


def page_made(s, script, page, *words):
    """Have a script of t/bench put what it measures into a copy of a page.
    Returns the page before and after."""
    copy = os.path.join(s.directory, page)
    shutil.copy(os.path.join(scenario.SOURCE, page), copy)
    with open(copy) as file:
        before = file.read()
    done = subprocess.run(
        [sys.executable, "-B",
         os.path.join(scenario.SOURCE, "t/bench", script), *words,
         "--into", copy], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=scenario.PATIENCE * 4)
    s.equal(f"{script} measures", (done.returncode, done.stderr[-2000:]
                                   if done.returncode else ""), (0, ""))
    with open(copy) as file:
        return before, file.read()


def outside(page, *names):
    """The page without what is between these marks."""
    for name in names:
        page = re.sub(f"(?s)(<!-- {name}: begin -->).*(<!-- {name}: end -->)",
                      r"\1\2", page)
    return page


def pages_are_made(s):
    """The tables of INSTALL.md and PERFORMANCE.md; the rest of a page stays."""
    before, after = page_made(
        s, "database.py", "INSTALL.md", "--keys", "1k", "--rounds", "1",
        "--passes", "1", "--only", "FORMAT=COMPACT")
    s.equal("the rest of INSTALL.md stays", outside(after, "bench-database"),
            outside(before, "bench-database"))
    s.equal("one setting, with both ratios and what it risks", re.findall(
        r"^\| `ROW_FORMAT=(\w+)` (?:\| \d+\.\d\d \([\d. to]+\) ){2}\| (.+) \|$",
        after, re.M), [("COMPACT", "nothing")])
    names = "bench-peers-once", "bench-peers-often"
    before, after = page_made(
        s, "peers.py", "PERFORMANCE.md", "--keys", "2000", "--rounds", "1",
        "--only", "reporter, two")
    s.equal("the rest of PERFORMANCE.md stays", outside(after, *names),
            outside(before, *names))
    rows = [list(map(str.strip, row.split("|")))[1:-1] for row in re.findall(
        r"^\| reporter, two workers .*", after, re.M)]
    s.equal("once and ten times, nothing lost", [row[-1] for row in rows],
            ["0", "0"])
    s.check("with ten reports a key, rows are saved",
            0.1 <= float(rows[1][1]) < 1, rows)


def tell(s):
    behind_balancer, plain = scenario.free_port(), scenario.free_port()
    s.reporter.configure(
        "reporter", listen=f"127.0.0.1:{behind_balancer} proxy, "
                           f"127.0.0.1:{plain}")
    s.reporter.configure("limits", proxy_from="127.0.0.1")
    s.reporter.configure("queue", table_keys=4096)
    s.start()
    measured(s)
    site(s)
    wrong_rows(s)
    left_out(s)
    statistics_are_right(s)
    command_line(s)
    targets_are_judged(s)
    pages_are_made(s)
    all_that_can_be(s)
    interrupted(s)
    engine_killed(s)
    one_after_the_other(s)
    not_there(s)
    full_device(s)
    progress(s)
    nothing_behind(s)


if __name__ == "__main__":
    scenario.run(__doc__, tell)
