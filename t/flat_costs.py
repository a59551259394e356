#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What a record costs, and what that depends on: one table of the CPU time per
record of the master and of the drains of the workers, for more and more workers,
connections (also with TLS) and results in a report, and for messages that arrive
in pieces.  Each line is compared with the line above it, measured in turns in the
same run.

    flat_costs.py [--short] [--only PART] [ROUNDS]

The database is away: what a flush costs does not depend on any of this.
"""

import argparse
import collections
import glob
import json
import mmap
import os
import resource
import socket
import ssl
import statistics
import struct
import sys
import time

import scenario
import tls
from scenario import Failure, wait_for

CHUNK = 16384       # bytes that a busy agent writes at a time
WINDOW = 500000     # records on their way
RECORDS = 2000000   # of one measurement
KEYS = 40000
RING = 131072
FROM_ONE_ADDRESS = 10000
NOW = int(time.time())

Case = collections.namedtuple(
    "Case", "part name workers connections tls dialect results size cut",
    defaults=(2, 10, False, "native", 10, CHUNK, 0))


def cases(short, most):
    """The lines of the table, part by part."""
    few = 1000 if short else 10000
    for n in (1, 2, 4, 8, 16, 32, 64):
        yield Case("workers", f"{n}", workers=n)
    for n in (10, 100, 1000, 10000, 50000):
        if n <= most:
            yield Case("connections", f"{n}", connections=n)
        elif n == 50000 and not short:
            yield Case("connections", f"{most} (the limit on open files)",
                       connections=most)
    for n in (10, 100, 1000, 10000):
        if n <= min(most, few):
            yield Case("connections with TLS", f"{n}", connections=n, tls=True)
    for n in (1, 10, 100, 1000, 4000):
        yield Case("results in a report", f"{n}", results=n, size=65536)
    for n in (10, 100, 1000, 10000, 32000):
        yield Case("results without content, Lars", f"{n}", dialect="lars",
                   results=n, size=65536)
    for size in (65536, 4096, 1024):
        yield Case("whole messages", f"{size} bytes", results=size // 17,
                   size=size)
    for size in (1024, 4096, 65536):
        yield Case("messages cut into single bytes", f"{size} bytes",
                   results=size // 17, size=size, cut=1)


def blocks(case):
    """[(bytes, records)]: whole reports, that together have all keys, each at
    most `size` bytes in all."""
    made, data, count, key = [], b"", 0, 0
    # Results without content are of one key.
    keys = 32000 if case.dialect == "lars" else KEYS
    while key < keys:
        service, report = key // case.results, []
        for at in range(min(case.results, keys - key)):
            report.append((0, 0, 0, 0, 0) if case.dialect == "lars" else
                          (0x0A000000 + key + at, 8000, 1000 + at, 3, False))
        key += len(report)
        encode = scenario.lars if case.dialect == "lars" else scenario.native
        one = encode(service % 1000 + 1, service // 1000 + 1, 0x0A800000, NOW,
                     report)
        if data and len(data) + len(one) > case.size:
            made.append((data, count))
            data, count = b"", 0
        data, count = data + one, count + len(report)
    return made + [(data, count)]


class Bench:
    """A reporter, and what its processes have used."""

    def __init__(self, s, authority):
        self.s = s
        self.context = ssl.create_default_context(cafile=authority.certificate)

    def setup(self, case):
        """Start a reporter that has all keys and has touched its memory."""
        s = self.s
        s.reporter.clear()
        s.reporter.configure("reporter", workers=case.workers)
        s.reporter.start()
        self.pids = wait_for(lambda: self.running(), "the workers run")
        with open(f"/dev/shm/reporter.{s.reporter.instance}", "rb") as file:
            self.words = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        few = case._replace(connections=10, tls=False, cut=0)
        agents = self.connect(few)
        for _ in range(2 * RING * case.workers // RECORDS + 1):
            self.send(few, agents)
        self.close(agents)

    def running(self):
        found = self.s.reporter.workers().values()
        return (all(w["state"] == "running" for w in found)
                and [w["pid"] for w in found])

    def received(self):
        return struct.unpack_from("=Q", self.words, scenario.offsets()[
            "master_shared.input.received"])[0]

    def used(self):
        """Nanoseconds of the master, and of the workers' drains."""
        def ran(pid):
            with open(f"/proc/{pid}/task/{pid}/schedstat") as stat:
                return int(stat.read().split()[0])
        return ran(self.s.reporter.process.pid), sum(map(ran, self.pids))

    def connect(self, case):
        s, made = self.s, []
        before = s.reporter.status()["connections"]
        for n in range(case.connections):
            one = scenario.Agent(s.reporter.addresses[case.tls], "127.0.1.%d" % (
                n // FROM_ONE_ADDRESS + 1)).socket
            made.append(self.context.wrap_socket(
                one, server_hostname="127.0.0.2") if case.tls else one)
        wait_for(lambda: s.reporter.status()["connections"]
                 == before + case.connections, "all are connected")
        return made

    def close(self, agents):
        for agent in agents:
            agent.close()
        wait_for(lambda: self.s.reporter.status()["connections"] == 0,
                 "all are closed")

    def drained(self, received):
        records = self.s.reporter.status()["records"]
        return records["received"] >= received and records["queued"] == 0

    def send(self, case, agents):
        """Returns how many records."""
        data, sent, turn = blocks_of(case), 0, 0
        begun = self.received()
        wanted = 0 if case.cut else RECORDS
        while sent < wanted or turn < 1:
            for at, agent in enumerate(agents):
                block, count = data[(at + turn) % len(data)]
                if not case.cut:
                    agent.sendall(block)
                sent += count
                while sent - (self.received() - begun) > WINDOW:
                    time.sleep(50e-6)
                if sent >= wanted and turn > 0:
                    break
            turn += 1
        if case.cut:
            self.send_cut(case, agents, data)
        wait_for(lambda: self.drained(begun + sent), "all is in the tables")
        return sent

    def send_cut(self, case, agents, data):
        """Byte by byte, each agent in turn."""
        size = max(len(block) for block, _ in data)
        for at in range(0, size, case.cut):
            for n, agent in enumerate(agents):
                piece = data[n % len(data)][0][at:at + case.cut]
                if piece:
                    agent.send(piece)

    def measure(self, case):
        """Nanoseconds a record of master and drains, records a second."""
        self.setup(case)
        agents = self.connect(case)
        began, before = time.monotonic(), self.used()
        records = self.send(case, agents)
        took, after = time.monotonic() - began, self.used()
        self.close(agents)
        return [(b - a) / records for a, b in zip(before, after)] + [
            records / took]


MADE = {}


def blocks_of(case):
    key = (case.dialect, case.results, case.size)
    if key not in MADE:
        MADE[key] = blocks(case)
    return MADE[key]


def line(case, found, before):
    master, drains, rate = (statistics.median(each) for each in zip(*found))
    ratio = f"{(master + drains) / before:9.2f}" if before else " " * 9
    print(f"  {case.name:<36}{master:9.1f}{drains:9.1f}{master + drains:9.1f}"
          f"{ratio}{rate / 1e6:9.2f}", flush=True)
    return master + drains


def measure_part(bench, lines, rounds):
    """All lines of a part in turns."""
    found = {case: [] for case in lines}
    for _ in range(rounds):
        for case in lines:
            found[case].append(bench.measure(case))
    print(f"{lines[0].part}:")
    before = None
    for case in lines:
        before = line(case, found[case], before)


def limit():
    """How many connections master and agents can have."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return files - 1000


def tell(s, options):
    authority = tls.Authority(s.directory, "authority")
    certificate, key = authority.issue("server", "127.0.0.2")
    most = min(limit(), 50000)
    s.reporter.configure("reporter", listen="127.0.0.1:0, 127.0.0.2:0 tls")
    s.reporter.configure("tls", certificate=certificate, key=key)
    s.reporter.configure("limits", max_connections=most)
    s.reporter.configure("queue", ring_records=RING, table_keys=131072)
    bench = Bench(s, authority)
    print(f"{'':<38}{'CPU time per record, ns':>27}{'/ line':>9}"
          f"{'million':>9}\n  {'':<36}{'master':>9}{'drains':>9}{'both':>9}"
          f"{'above':>9}{'a second':>9}")
    parts = collections.defaultdict(list)
    for case in cases(options.short, most):
        parts[case.part].append(case)
    for part, lines in parts.items():
        if options.only in part:
            measure_part(bench, lines, options.rounds)
    s.reporter.clear()
    s.reporter.process = None


parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true")
parser.add_argument("--only", default="")
parser.add_argument("rounds", nargs="?", type=int, default=3)
given = parser.parse_args()
scenario.run(__doc__, lambda s: tell(s, given))
