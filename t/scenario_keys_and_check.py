#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""An administrator lists the keys that a reporter holds: the very records that
were sent, stored ones and, while the database hangs, dirty ones.  What keys
printed can be sent again.  A monitoring program checks it the while: all is
well, then the master hangs, then the workers, then the database, a worker dies
for good, the reporter stops; it says so in one line and with the exit status
that such programs understand."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import scenario
from scenario import wait_for

NOW = int(time.time())
OK, WARNING, CRITICAL, UNKNOWN = range(4)


def keys(s, *arguments):
    done = s.reporter.ctl("keys", *arguments)
    if done.returncode != 0 or done.stderr:
        raise scenario.Failure(f"keys: {done}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def as_rows(lines):
    """keys' lines as Database.table() has them."""
    def address(text):
        return struct.unpack(">I", socket.inet_aton(text))[0]

    return {(int(f[0]), int(f[1]), address(f[4]), int(f[5]), address(f[2])):
            (int(f[6]), int(f[7]), int(f[3]), int(f[8])) for f in lines}


def check(s, *limits):
    done = s.reporter.ctl("check", *limits)
    line = done.stdout
    if not re.fullmatch(r"REPORTER (OK|WARNING|CRITICAL|UNKNOWN) - .*\n", line):
        raise scenario.Failure(f"check: {done}")
    return done.returncode, line


def lists_keys(s):
    sent = {}
    for modid in (-7, 1, 2):
        for cmdid in (1, 2):
            results = [(0xC0A80000 + i, 80 + i, i, 2 * i, i % 3 == 0)
                       for i in range(50)]
            s.agent().send(scenario.native(modid, cmdid, 0x0A000001, NOW,
                                           results))
            sent |= scenario.rows(modid, cmdid, 0x0A000001, NOW, results)
    s.reporter.settled(len(sent))
    lines = keys(s)
    s.equal("the keys are what was sent", as_rows(lines), sent)
    s.equal("each is listed once", len(lines), len(sent))
    s.equal("all are stored", {line[9] for line in lines}, {"stored"})
    s.equal("those of a modid", as_rows(keys(s, "-7")),
            {k: v for k, v in sent.items() if k[0] == -7})
    s.equal("those of a service", as_rows(keys(s, "1", "2")),
            {k: v for k, v in sent.items() if k[:2] == (1, 2)})
    s.equal("those of nobody", keys(s, "99"), [])
    s.equal("and fresh", {line[11] for line in lines}, {"fresh"})
    objects = [json.loads(line) for line in
               s.reporter.ctl("keys", "--json", "2", "1").stdout.splitlines()]
    s.equal("as JSON", len(objects), 50)
    ages = {o.pop("age") for o in objects}
    s.check("with their ages", 0 <= min(ages) <= max(ages) < 45, ages)
    s.equal("with its fields", [o for o in objects if o["port"] == 83],
            [{"modid": 2, "cmdid": 1, "ip": "192.168.0.3", "port": 83,
              "caller": "10.0.0.1", "succ": 3, "err": 6, "ts": NOW,
              "overload": 1, "state": "stored", "freshness": "fresh"}])
    s.equal("an invalid modid is refused",
            s.reporter.ctl("keys", "x").returncode,
            2)

    # What was printed is what reporter-send reads, but for the state.
    text = "".join("\t".join(line[:9]) + "\n" for line in lines)
    subprocess.run([scenario.program("reporter-send"), "-p",
                    str(s.reporter.addresses[0][1])], input=text, text=True,
                   check=True)
    s.reporter.settled(2 * len(sent))
    s.equal("sent again it changes nothing", s.database.table(), sent)


def starts(s):
    """A check that comes before the workers run finds no fault."""
    early = []

    def look():
        while not going.is_set():
            line = s.reporter.ctl("check").stdout
            if re.search(r"[01] of 2 workers running", line):
                early.append(line)

    for _ in range(20):
        going = threading.Event()
        thread = threading.Thread(target=look)
        thread.start()
        try:
            s.reporter.start()
        finally:
            going.set()
            thread.join()
        if early:
            break
        s.reporter.stop()
    s.check("a check comes before the workers run", early)
    s.equal("that is no fault", [
        line for line in early if "(critical)" in line], [])


def checks(s):
    status, line = check(s)
    s.equal(f"well: {line}", status, OK)
    s.check("with performance data", re.search(
        r" \| flush_age=0s;30;120;0 .* received=\d+c;;;0 stored=\d+c;;;0$",
        line), line)
    s.equal("limits are refused that make no sense",
            check(s, "-w", "queued=x")[0], UNKNOWN)
    s.equal("and options", s.reporter.ctl("check", "-x").returncode, UNKNOWN)
    for words, status in ((("-x", "check"), UNKNOWN),
                          (("-i", "a.b", "check"), UNKNOWN),
                          (("-x", "status"), 2), (("-x",), 2)):
        s.equal(f"{words}: exit status", s.reporter.ctl(*words).returncode,
                status)

    # The master hangs.
    os.kill(s.reporter.status()["pid"], signal.SIGSTOP)
    wait_for(lambda: check(s, "-w", "master_age=2")[0] == WARNING,
             "a master not responding is a warning")
    os.kill(s.reporter.status()["pid"], signal.SIGCONT)
    wait_for(lambda: check(s, "-w", "master_age=2")[0] == OK,
             "and is none when it goes on")
    s.equal("a range says how many agents there must be", [
        check(s, "-c", f"connections={most}")[0]
        for most in ("1:", "100:", "@0:99", "~:0")],
            [OK, CRITICAL, CRITICAL, CRITICAL])

    # Workers hang: the few records in their rings wait for ever.
    workers = [worker["pid"] for worker in s.reporter.workers().values()]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    s.agent().send(scenario.native(5, 1, 1, NOW, [(1, 1, 1, 1, False)]))
    wait_for(lambda: s.reporter.status()["records"]["queued"] == 1,
             "a record is queued")
    status, line = check(s)
    s.equal(f"stalled workers: {line}", status, WARNING)
    s.check("it says so", "1 worker not draining the ring" in line,
            line)
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: check(s)[0] == OK, "and they go on")

    # The database hangs.
    s.database.freeze()
    s.agent().send(scenario.native(1, 1, 1, NOW, [(1, 1, 1, 1, False)]))
    wait_for(lambda: [line for line in keys(s) if line[9] == "dirty"],
             "a dirty key is listed")
    for status, limits in ((WARNING, ("-w", "flush_age=1")),
                           (CRITICAL, ("-w", "flush_age=1",
                                       "-c", "flush_age=2"))):
        wait_for(lambda: check(s, *limits)[0] == status,
                 f"keys wait, and the check's status is {status}")
    print(check(s, "-w", "flush_age=1")[1], end="")
    s.database.thaw()
    wait_for(lambda: check(s, "-w", "flush_age=1", "-c", "flush_age=2")[0]
             == OK, "it is well again")

    # A worker that dies again and again is not started at once.
    def dies():
        worker = s.reporter.workers()[0]
        try:
            if worker["pid"]:
                os.kill(worker["pid"], signal.SIGKILL)
        except ProcessLookupError:
            pass  # it is dead already, and has not been started again
        return check(s)[0] == CRITICAL

    wait_for(dies, "a dead worker is critical")
    wait_for(lambda: check(s, "-w", "restart_age=")[0] == OK,
             "it is started again", 60)
    status, line = check(s)
    s.equal("which is a warning for an hour", status, WARNING)
    s.check("that says so", re.search(
        r" seconds? since a worker was restarted after it died, 2 of", line)
            and re.search(r" restart_age=\d+s;3600:;;0 restarts=[1-9]", line),
            line)


def tell(s):
    s.database.start()
    starts(s)
    lists_keys(s)
    checks(s)
    master = f"/dev/shm/reporter.{s.reporter.instance}"
    s.finish()
    status, line = check(s)
    s.equal(f"a stopped one: {line}", status, CRITICAL)
    with open(master, "wb") as file:
        file.write(b"x" * 65536)
    status, line = check(s)
    s.equal(f"one that cannot be read: {line}", status, UNKNOWN)
    s.equal("keys say so, too", s.reporter.ctl("keys").returncode, 1)


scenario.run(__doc__, tell)
