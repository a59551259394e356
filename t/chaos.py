#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Chaos: agents report, and everything that can go wrong does, in an order
that comes from a seed.  In the end the table is compared with an oracle that
knows the right value of every key, and the counts must add up.

    chaos.py [FIRST [COUNT]]        seeds FIRST, FIRST + 1, ...

Each seed prints one line; one that fails prints what was done.  The same seed
does the same things again, though at other moments."""

import os
import signal
import sys
import time

import faulty
import scenario
from scenario import Failure, wait_for

# What the database client can be made to say: lost connections (2013 also
# after the commit), deadlocks, timeouts, a server that is full or read-only.
ERRORS = (1213, 1205, 2013, 2006, 1040, 1290)
DISK_FULL = 1021  # reporter waits a second and more then: not in each seed


class Chaos:
    """One seed."""

    def __init__(self, s, seed):
        self.s = s
        self.chance = faulty.seeded(seed)
        self.done = []  # what was done, for the one who looks at a failure
        services = self.chance.choice((8, 30, 200))
        self.oracle = faulty.Oracle(self.chance, services)
        self.stream = faulty.Stream(s, self.oracle)
        self.away = False    # the database is not there
        self.frozen = False  # or does not answer

    # ------------------------------------------------------- the settings --

    def shape(self):
        chance = self.chance
        self.s.reporter.configure("reporter", workers=chance.randrange(1, 6))
        self.s.reporter.configure(
            "queue", table_keys=chance.choice((1024, 1024, 4096)),
            ring_records=chance.choice((32768, 65536)))

    def errors(self):
        chance = self.chance
        errors = chance.sample(ERRORS, chance.randrange(1, len(ERRORS) + 1))
        rate = chance.choice((0, 10, 50, 150))
        if chance.random() < 0.1:
            errors.append(DISK_FULL)
            rate = min(rate, 50)
        words = ":".join(map(str, errors))
        # A connection asks some seven questions: with so many failures it
        # would hardly ever be made.
        calls = ",calls=connect:insert:prepare:execute" if rate > 50 else ""
        os.environ["REPORTER_FAULT_DB"] = (
            f"rate={rate},seed={chance.randrange(1 << 32)},errors={words}"
            f"{calls}")
        self.done.append(os.environ["REPORTER_FAULT_DB"])

    # --------------------------------------------------------- the faults --

    def kill_worker(self):
        pids = [w["pid"] for w in self.s.reporter.status()["workers"]
                if w["pid"]]
        if pids:
            try:
                os.kill(self.chance.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def next_master(self):
        """The master is dead: start one, often of another shape."""
        rest = self.stream.forget()
        if self.chance.random() < 0.5:
            self.shape()
        self.s.reporter.start()
        self.stream.resume(rest)

    def kill_master(self):
        faulty.kill_master(self.s.reporter)
        self.next_master()

    def kill_all(self):
        self.s.reporter.kill()
        self.next_master()

    def kill_at_reload(self):
        """While the master makes new segments, or is about to."""
        self.reload()
        self.kill_master()

    def stop_and_start(self):
        self.stream.close()
        self.s.reporter.stop()
        self.shape()
        self.s.reporter.start()
        self.stream.connect()

    def reload(self):
        self.shape()
        faulty.write_conf(self.s.reporter)
        self.s.reporter.process.send_signal(signal.SIGHUP)

    def broken_reload(self):
        faulty.write_conf(self.s.reporter, "[reporter]\nworkres = 3\n")
        self.s.reporter.process.send_signal(signal.SIGHUP)

    def freeze(self):
        if not self.away and not self.frozen:
            self.s.database.freeze()
            self.frozen = True

    def thaw(self):
        if self.frozen:
            self.s.database.thaw()
            self.frozen = False

    def database_goes(self):
        self.thaw()
        if not self.away:
            self.away = True
            if self.chance.random() < 0.5:
                self.s.database.kill()
            else:
                self.s.database.stop()

    def database_comes(self):
        self.thaw()
        if self.away:
            self.s.database.start()
            self.away = False

    def reconnect(self):
        self.stream.close()
        self.stream.connect()

    def flood(self):
        """More than a ring holds: the connection is throttled for a time."""
        self.database_comes()
        for _ in range(60):
            self.stream.make(100)

    def nothing(self):
        pass

    ACTIONS = (
        (kill_worker, 20), (kill_master, 8), (kill_all, 4),
        (kill_at_reload, 3), (stop_and_start, 3), (reload, 12),
        (broken_reload, 2), (freeze, 8), (thaw, 8), (database_goes, 3),
        (database_comes, 6), (reconnect, 6), (flood, 1), (nothing, 16),
    )

    # ------------------------------------------------------------ a seed --

    def run(self, steps):
        self.s.database.sql("TRUNCATE ServerCallStatus")
        self.errors()
        self.shape()
        self.s.reporter.configure(
            "mysql", flush_interval=f"{self.chance.choice((10, 50, 200))}ms")
        self.s.reporter.start()
        self.stream.connect()
        actions, weights = zip(*self.ACTIONS)
        for _ in range(steps):
            self.stream.make(self.chance.choice((1, 10, 60)))
            action = self.chance.choices(actions, weights)[0]
            self.done.append(action.__name__)
            action(self)
        self.stream.make(10)
        self.database_comes()
        status = faulty.at_rest(self.s, self.stream)
        self.stream.close()
        self.s.reporter.stop()
        faulty.compare(self.s, self.oracle)
        records = status["records"]
        if records["dropped"] or records["dead_letter"]:
            raise Failure(f"something was dropped or set aside: {records}")
        if self.s.reporter.segments():
            raise Failure(f"left behind: {self.s.reporter.segments()}")
        return records


def tell(s, first, count, steps=12):
    s.reporter.configure("reporter", shutdown_timeout="1s")
    s.reporter.configure("mysql", read_timeout="1s")
    s.reporter.configure("log", level="info")
    s.database.start()
    for seed in range(first, first + count):
        began = time.monotonic()
        chaos = Chaos(s, seed)
        try:
            records = chaos.run(steps)
        except Failure as failure:
            raise Failure(f"seed {seed}: {failure}\nDone were: "
                          + ", ".join(chaos.done)) from failure
        print(f"ok: seed {seed}: {len(chaos.oracle.table)} keys, "
              f"{records['received']} received, {records['replayed']} "
              f"replayed, {time.monotonic() - began:.1f} s", flush=True)
        s.passed += 1
        os.truncate(s.reporter.log, 0)


if __name__ == "__main__":
    FIRST = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    scenario.run(__doc__, lambda s: tell(s, FIRST, COUNT))
