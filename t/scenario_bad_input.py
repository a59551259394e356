#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents send everything that can be wrong with a report.  Each fault is
counted under its reason and logged once for a connection.  Where the stream
can still be followed the connection lives, and its next report is taken;
where it cannot, the connection is closed, and the whole reports before the
fault count.  Another agent's reports go through all the while."""

import scenario
from scenario import elb, framed, lars, native, pack

TS = 1700000000
GOOD = [(1, 1, 1, 1, False)]

# What is wrong, the bytes, the reason, and a whole report of its dialect.
LIVES = (
    ("another message number", pack([2, 1, 1, 1, TS, []]), "other_message",
     native),
    ("a text", pack("hello"), "wrong_shape", native),
    ("a map", b"\x81\x01\x02", "wrong_shape", native),
    ("too few elements", pack([1, 1, 1, 1]), "wrong_shape", native),
    ("results that are no list", pack([1, 1, 1, 1, TS, 5]), "wrong_shape",
     native),
    ("a modid that is a text", pack([1, "one", 1, 1, TS, []]),
     "wrong_shape", native),
    ("a result with too few elements", native(1, 1, 1, TS, [(1, 1, 1)]),
     "wrong_shape", native),
    ("an overload that is a text", native(1, 1, 1, TS, [(1, 1, 1, 1, "y")]),
     "wrong_shape", native),
    ("a modid over its range", native(1 << 31, 1, 1, TS, GOOD),
     "out_of_range", native),
    ("a caller over its range", native(1, 1, 1 << 32, TS, GOOD),
     "out_of_range", native),
    ("a time below zero", native(1, 1, 1, -1, GOOD), "out_of_range", native),
    ("a port over its range", native(1, 1, 1, TS, [(1, 65536, 1, 1, False)]),
     "out_of_range", native),
    ("a port below zero", native(1, 1, 1, TS, [(1, -1, 1, 1, False)]),
     "out_of_range", native),
    ("a count below zero", native(1, 1, 1, TS, [(1, 1, -1, 1, False)]),
     "out_of_range", native),
    ("an overload of 2", native(1, 1, 1, TS, [(1, 1, 1, 1, 2)]),
     "out_of_range", native),
    ("a payload that is no protobuf", framed(3, b"\x07\xff\xff"),
     "not_protobuf", lars),
    ("a payload that is cut", framed(8, elb(1, 1, 1, TS, GOOD)[8:-3]),
     "not_protobuf", elb),
    ("a frame of another message", framed(5, b"anything"), "other_message",
     lars),
)
CLOSES = (
    ("bytes that are no MessagePack", b"\xc1", "not_msgpack", native),
    ("a message that claims to be long", b"\xdb\x7f\xff\xff\xff",
     "too_long", native),
    ("a message that is too long", b"\xdc\xff\xff" + b"\x00" * 65537,
     "too_long", native),
    ("a negative length", b"\x03\0\0\0\xff\xff\xff\xff", "negative_length",
     lars),
    ("a negative length", b"\x08\0\0\0\0\0\0\x80", "negative_length", elb),
    ("a length over the limit", b"\x03\0\0\0\xf8\xff\0\0", "too_long", lars),
    ("a length over the limit", b"\x08\0\0\0\xf9\xff\0\0", "too_long", elb),
)

# What the log calls the reasons.
TEXTS = {
    "not_msgpack": "not MessagePack",
    "too_long": "message too long",
    "negative_length": "negative length",
    "not_protobuf": "not a protobuf message",
    "other_message": "not a report message",
    "wrong_shape": "invalid structure",
    "out_of_range": "value out of range",
    "unknown_protocol": "begins with an HTTP request",
}


class Part:
    """Some of the faults, told to a reporter that was just started: its log
    holds lines back when there are too many."""

    def __init__(self, s, modid):
        s.reporter.start()
        self.s = s
        self.modid = modid
        self.other = s.agent()
        self.wanted, self.reasons = {}, {}
        self.sent = self.received = 0

    def good(self, agent, dialect):
        """A good report, which is taken."""
        self.sent += 1
        self.received += 1
        report = (self.modid, self.sent, 1, TS, GOOD)
        agent.send(dialect(*report))
        self.wanted.update(scenario.rows(*report))

    def bad(self, agent, data, reason):
        self.received += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        agent.send(data)

    def rejected(self, what, agent, reason):
        """The fault, and nothing else, is counted and logged once."""
        status = scenario.wait_for(
            lambda: (t := self.s.reporter.status())["records"]["received"]
            >= self.received and t, f"{what}: it is received")
        found = {name: n for name, n in status["rejected"].items() if n}
        self.s.equal(f"{what} is counted as {reason}", found, self.reasons)

        # It is counted before it is logged.
        def logged():
            return [line for line in self.s.reporter.log_text().splitlines()
                    if f"{agent.name}:" in line and TEXTS[reason] in line]

        scenario.wait_for(logged, f"{what} is logged")
        self.s.equal(f"{what} is logged once", len(logged()), 1)

    def end(self):
        status = self.s.reporter.settled(self.received)
        table = {key: row for key, row in self.s.database.table().items()
                 if key[0] == self.modid}
        self.s.equal("every good report is in the table, and nothing else",
                     table, self.wanted)
        self.s.check("the other agent is still connected",
                     self.other.is_open())
        self.s.identity(status)
        self.s.reporter.stop()


def tell(s):
    s.database.start()

    part = Part(s, 7)
    for what, data, reason, dialect in LIVES:
        agent = s.agent()
        part.good(agent, dialect)
        for _ in range(3):
            part.bad(agent, data, reason)
        part.good(agent, dialect)
        part.rejected(what, agent, reason)
        s.check(f"{what}: the connection lives", agent.is_open())
        part.good(part.other, native)
    # A record out of range leaves its report's others in force.
    part.other.send(native(7, 0, 1, TS, [(1, 70000, 1, 1, False), *GOOD]))
    part.wanted.update(scenario.rows(7, 0, 1, TS, GOOD))
    part.received += 2
    part.end()

    part = Part(s, 8)
    for what, data, reason, dialect in CLOSES:
        agent = s.agent()
        part.good(agent, dialect)
        part.bad(agent, data, reason)
        s.check(f"{what}: the connection is closed", agent.sees_end())
        part.rejected(what, agent, reason)
        part.good(part.other, native)
    agent = s.agent()
    part.bad(agent, b"GET / HTTP/1.0\r\n\r\n", "unknown_protocol")
    s.check("a stranger's connection is closed", agent.sees_end())
    part.rejected("a stranger", agent, "unknown_protocol")
    part.end()
    s.equal("no bad report made a row",
            {key[0] for key in s.database.table()}, {7, 8})


scenario.run(__doc__, tell)
