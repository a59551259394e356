#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The master reads from the network, so it has no password to lose.  Agents
report, the configuration is reloaded, and reporter is searched: not one piece
of the password is in the master's memory, while the same search finds it in
each worker's, for root, who alone may look there.  Then the password is
changed, in the database and in the file, and the database drops its
connections: the workers take the new one with no reload.  At last the line is
spoilt and the connections are dropped again: the workers go on with what they
had, and say so."""

import errno
import mmap
import os
import re
import secrets
import signal
import time

import scenario
from scenario import Failure, wait_for

FIRST, SECOND = secrets.token_hex(60), secrets.token_hex(60)
PIECE = 16  # bytes that count as a piece
SHADOW = 1 << 30  # larger mappings are no program's

PRIVATE = "reporter@localhost"


def memory(pid):
    """The readable memory of a process, mapping by mapping.  That of devices
    cannot be read, nor the kernel's own."""
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if "r" not in mode or line.split()[-1].startswith(
                    ("[vvar", "[vsyscall]")):
                continue
            begin, end = (int(at, 16) for at in span.split("-"))
            # Terabytes of the sanitizers', which hold no byte of ours.
            if end - begin > SHADOW:
                continue
            at = begin
            while at < end:
                mem.seek(at)
                try:
                    data = mem.read(min(end - at, 1 << 24))
                except OSError as error:
                    # A guard page in the stack of a thread.
                    if error.errno != errno.EIO:
                        raise
                    at += mmap.PAGESIZE
                    continue
                if not data:
                    raise Failure(f"{line} cannot be read to its end")
                yield data
                at += len(data)


def finds(pid, secret):
    """How many pieces of the secret are in the memory of a process, and how
    much memory that was."""
    pieces = [secret[at:at + PIECE].encode()
              for at in range(0, len(secret) - PIECE, PIECE)]
    found = size = 0
    for data in memory(pid):
        size += len(data)
        found += sum(data.count(piece) for piece in pieces)
    return found, size


def tell(s):
    s.database.requires_mysql(5.7, "ALTER USER")
    s.database.start()
    s.database.administrate(
        f"ALTER USER reporter@localhost IDENTIFIED BY '{FIRST}'")
    s.database.password = FIRST
    s.reporter.configure("mysql", password=FIRST)
    s.reporter.start()
    reports = Reports(s)
    reports.send(200)
    s.reporter.configure("limits", idle_timeout="1min")
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    wait_for(lambda: s.reporter.status()["reloads"] == 1, "it is reloaded")
    reports.send(200)
    search(s, FIRST)
    changed(s, reports)
    spoilt(s, reports)
    s.identity()


class Reports:
    """Reports of new keys, some for each worker."""

    def __init__(self, s):
        self.s = s
        self.agent = s.agent()
        self.sent = 0

    def send(self, n):
        for _ in range(n):
            self.sent += 1
            self.agent.send(scenario.native(self.sent, 1, 1, int(time.time()),
                                            [(1, 1, 1, 0, False)]))
        wait_for(lambda: self.s.database.count() == self.sent,
                 f"{self.sent} records stand in the table")


def search(s, secret):
    found, size = finds(s.reporter.process.pid, secret)
    print(f"{size >> 20} MiB of the master searched")
    s.check("all of the master was searched", size > 1 << 20)
    s.equal("no piece of the password is in the master", found, 0)
    found, _ = finds(os.getpid(), secret)
    s.check("we have it ourselves: the search can find", found > 0)
    for slot, worker in s.reporter.workers().items():
        try:
            found, _ = finds(worker["pid"], secret)
            s.check(f"worker {slot} has it", found > 0)
        except PermissionError:
            s.check(f"worker {slot}: only root may look into its memory",
                    os.geteuid() != 0)


def drop_connections(s):
    """As a database that is restarted does, but sooner."""
    connects = [w["connects"] for w in s.reporter.status()["workers"]]
    s.database.disconnect()
    return connects


def changed(s, reports):
    pids = [w["pid"] for w in s.reporter.status()["workers"]]
    s.database.administrate(
        f"ALTER USER reporter@localhost IDENTIFIED BY '{SECOND}'")
    s.database.password = SECOND
    s.reporter.configure("mysql", password=SECOND)
    s.reporter.write_conf()
    connects = drop_connections(s)
    reports.send(200)
    workers = s.reporter.status()["workers"]
    s.check("each worker has connected anew",
            all(w["connects"] > before
                for w, before in zip(workers, connects)))
    s.equal("they are the same workers", [w["pid"] for w in workers], pids)
    search(s, SECOND)


def spoilt(s, reports):
    with open(s.reporter.conf, "a") as conf:
        conf.write("[mysql]\npassword = cut ;off\n")
    drop_connections(s)
    reports.send(200)
    s.check("the log says that the current password is kept",
            re.search(r"reporter.conf:\d+: mysql.password: a comment follows "
                      r"it.*; keeping the current password",
                      s.reporter.log_text()))
    s.reporter.write_conf()


scenario.run(__doc__, tell)
