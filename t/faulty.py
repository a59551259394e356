# SPDX-License-Identifier: MIT
"""A reporter that can be made to die at a named point, or to have its system
calls, allocations and database calls fail: t/reporter-fault, built from the
same sources with the seams compiled in (shm/faultpoint.h, sql/fault.h), and a
generator that knows the right final value of every key.

Importing this module makes scenario.Reporter start that program."""

import mmap
import os
import random
import signal
import struct

import scenario
from scenario import Failure, offsets, wait_for

MASTER, WORKER = 0, 1  # enum fault_process of t/faultpoint.h

plain_program = scenario.program


def program(name):
    """As scenario.program(), with the faulty daemon in place of the true."""
    if name != "reporter":
        return plain_program(name)
    path = os.path.join(scenario.BUILD, "t", "reporter-fault")
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: make check builds it")
    return path


scenario.program = program


class Faults:
    """The words that the daemon and all its workers look at."""

    def __init__(self, directory):
        path = os.path.join(directory, "faults")
        size = offsets()["fault_words"]
        with open(path, "wb") as file:
            file.write(bytes(size))
        with open(path, "r+b") as file:
            self.words = mmap.mmap(file.fileno(), size)
        os.environ["REPORTER_FAULT_FILE"] = path

    def _write(self, point=b"", countdown=0, number=0, poison=0, process=0,
               fail_at=0):
        # The point's name goes last: it arms the rest.
        name = self._at("countdown")
        self.words[:] = bytes(len(self.words))
        for field, value in (("countdown", countdown), ("signal", number),
                             ("poison", poison), ("process", process),
                             ("fail_at", fail_at)):
            struct.pack_into("=i", self.words, self._at(field), value)
        self.words[:name] = point.ljust(name, b"\0")

    @staticmethod
    def _at(field):
        return offsets()[f"fault_words.{field}"]

    def _get(self, field):
        return struct.unpack_from("=i", self.words, self._at(field))[0]

    def clear(self):
        self._write()

    def kill(self, point, times=1, number=signal.SIGKILL):
        """Whoever passes the point for that time dies there."""
        self._write(point.encode(), times, number)

    def poison(self, point, modid):
        """Each process dies that passes the point with such a record."""
        self._write(point.encode(), poison=modid)

    def fail(self, process, call):
        """That call of the process's life fails; 0: they are counted."""
        self._write(process=process, fail_at=call)

    def countdown(self):
        return self._get("countdown")

    def happened(self):
        """Whether the armed point has killed."""
        return self.countdown() <= 0

    def deaths(self):
        """How many processes the poison has killed."""
        return -self.countdown()

    def calls(self):
        return self._get("calls")

    def failed(self):
        """The name of the call that failed, "" when none did."""
        return self.words[self._at("failed"):].partition(b"\0")[0].decode()


def master_words(instance):
    """How many records the master has counted as received, and its pid,
    whether it lives or is dead: read from shared memory."""
    at = offsets()
    pid = at["master_shared.pid"]
    with open(f"/dev/shm/reporter.{instance}", "rb") as file:
        head = file.read(pid + 4)
    if len(head) < pid + 4:
        raise Failure("the segment is not whole")
    if struct.unpack_from("=QI", head) != (at["SEGMENT_MAGIC"],
                                           at["SEGMENT_VERSION"]):
        raise Failure("a segment of another layout")
    return (struct.unpack_from("=Q", head,
                               at["master_shared.input.received"])[0],
            struct.unpack_from("=i", head, pid)[0])


def received(instance):
    return master_words(instance)[0]


def kill_master(reporter):
    """SIGKILL for the master alone; its workers are left to themselves."""
    process, reporter.process = reporter.process, None
    process.kill()
    process.wait()


def write_conf(reporter, more=""):
    """Write the configuration in one step: the master may be reading it."""
    conf, reporter.conf = reporter.conf, reporter.conf + ".new"
    try:
        reporter.write_conf()
        with open(reporter.conf, "a") as file:
            file.write(more)
        os.rename(reporter.conf, conf)
    finally:
        reporter.conf = conf


class Oracle:
    """Makes reports of keys that it remembers, and knows what must stand in
    the table in the end: the newer ts wins, an equal ts takes the later
    arrival.  Everything comes from the random numbers given."""

    TS = 1700000000

    def __init__(self, chance, services=24, servers=12):
        self.chance = chance
        self.services = [(chance.randrange(1, 1 << 31), chance.randrange(9),
                          chance.randrange(1 << 32))
                         for _ in range(services)]
        self.servers = [(chance.randrange(1 << 32), chance.randrange(1 << 16))
                        for _ in range(servers)]
        self.now = {service: self.TS for service in self.services}
        self.table = {}

    def _ts(self, service):
        """Mostly later than all before, sometimes the same, sometimes earlier."""
        draw = self.chance.random()
        if draw < 0.15:
            return self.now[service]
        if draw < 0.25:
            return self.now[service] - self.chance.randrange(1, 5)
        self.now[service] += self.chance.randrange(1, 4)
        return self.now[service]

    def report(self):
        """A report as scenario.native() and its like take it."""
        chance = self.chance
        modid, cmdid, caller = service = chance.choice(self.services)
        servers = chance.sample(self.servers,
                                chance.randrange(1, len(self.servers) + 1))
        report = (modid, cmdid, caller, self._ts(service),
                  [(ip, port, chance.randrange(1000), chance.randrange(1000),
                    chance.random() < 0.1) for ip, port in servers])
        self.learn(report)
        return report

    def learn(self, report):
        """The report will arrive after all that came before."""
        for key, value in scenario.rows(*report).items():
            if key not in self.table or value[2] >= self.table[key][2]:
                self.table[key] = value


class Stream:
    """Reports over one connection at a time, of which none may be lost: those
    that a killed master had not read are sent again to the next one."""

    def __init__(self, s, oracle):
        self.s = s
        self.oracle = oracle
        self.agent = None
        self.base = 0      # received when the connection was made
        self.counts = []   # for each report sent over it: records so far
        self.reports = []  # and the report
        self.encode = scenario.native

    def connect(self):
        """A new connection: the counts begin anew.  A master that starts has
        put the counters in order when it writes its pid."""
        reporter = self.s.reporter
        wait_for(lambda: master_words(reporter.instance)[1]
                 == reporter.process.pid, "the master is ready")
        self.agent = scenario.Agent(reporter.addresses[0])
        self.base = received(reporter.instance)
        self.encode = self.oracle.chance.choice(
            (scenario.native, scenario.elb, scenario.lars))
        self.counts, self.reports = [], []

    def sent(self):
        """Records sent over this connection."""
        return self.counts[-1] if self.counts else 0

    def expected(self):
        """What the master counts when it has read all."""
        return self.base + self.sent()

    def send(self, reports):
        """Send these.  False: the connection broke, the master is gone; they
        will go to the next one."""
        data = b""
        for report in reports:
            self.counts.append(self.sent() + len(report[4]))
            self.reports.append(report)
            data += self.encode(*report)
        try:
            self.agent.send(data)
            return True
        except OSError:
            return False

    def make(self, number):
        """Send as many new reports."""
        return self.send([self.oracle.report() for _ in range(number)])

    def close(self):
        """Close it in an orderly way, when all was read."""
        self.drained()
        self.agent.close()

    def drained(self):
        wait_for(lambda: received(self.s.reporter.instance)
                 >= self.expected(), "all that was sent is read")

    def forget(self):
        """The master is dead.  Returns the reports that it had not counted:
        sent again, they change nothing that was right."""
        self.agent.close()
        taken = received(self.s.reporter.instance) - self.base
        rest = [report for count, report in zip(self.counts, self.reports)
                if count > taken]
        if taken != 0 and taken not in self.counts:
            raise Failure(f"{taken} records were counted: no whole reports")
        return rest

    def resume(self, rest):
        """A new master runs: send what the dead one had not taken."""
        self.connect()
        return self.send(rest)


def at_rest(s, stream):
    """Wait until everything has found its end, and check table and counts."""

    def done():
        status = s.reporter.status()
        records = status["records"]
        return (records["received"] == stream.expected()
                and records["queued"] == 0 and records["pending"] == 0
                and all(w["queued"] == 0 and w["pending"] == 0
                        for w in status["workers"]) and status)

    status = wait_for(done, "all records have found their end")
    identity(status)
    compare(s, stream.oracle)
    return status


def identity(status):
    """The status derives `queued` from the other counts: it must be what the
    rings hold."""
    records = status["records"]
    if records["queued"] != sum(w["queued"] for w in status["workers"]):
        raise Failure(f"the counts do not add up: {status}")


def compare(s, oracle):
    """The table against the oracle, key by key."""
    table = s.database.table()
    if table == oracle.table:
        return
    for key in sorted(set(table) | set(oracle.table)):
        if table.get(key) != oracle.table.get(key):
            raise Failure(f"key {key}: the table has {table.get(key)}, "
                          f"right is {oracle.table.get(key)}")


def seeded(seed):
    return random.Random(seed)
