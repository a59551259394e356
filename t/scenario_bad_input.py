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


def tell(s):
    s.start()
    other = s.agent()
    wanted, reasons, cmdid, received = {}, {}, 0, 0

    def good(agent, dialect):
        """A good report, which is taken."""
        nonlocal cmdid, received
        cmdid += 1
        received += 1
        report = (7, cmdid, 1, TS, GOOD)
        agent.send(dialect(*report))
        wanted.update(scenario.rows(*report))

    def bad(agent, data, reason):
        nonlocal received
        received += 1
        reasons[reason] = reasons.get(reason, 0) + 1
        agent.send(data)

    def rejected(what, agent, reason):
        """The fault, and nothing else, is counted and logged once."""
        status = scenario.wait_for(
            lambda: (t := s.reporter.status())["records"]["received"]
            >= received and t, f"{what}: {received} records are received")
        found = {name: n for name, n in status["rejected"].items() if n}
        s.equal(f"{what} is counted as {reason}", found, reasons)
        lines = [line for line in s.reporter.log_text().splitlines()
                 if f"{agent.name}:" in line and reason in line]
        s.equal(f"{what} is logged once", len(lines), 1)

    for what, data, reason, dialect in LIVES:
        agent = s.agent()
        good(agent, dialect)
        for _ in range(3):
            bad(agent, data, reason)
        good(agent, dialect)
        rejected(what, agent, reason)
        s.check(f"{what}: the connection lives", agent.is_open())
        good(other, native)
    for what, data, reason, dialect in CLOSES:
        agent = s.agent()
        good(agent, dialect)
        bad(agent, data, reason)
        s.check(f"{what}: the connection is closed", agent.sees_end())
        rejected(what, agent, reason)
        good(other, native)

    # A record out of range leaves its report's others in force.
    other.send(native(8, 1, 1, TS, [(1, 70000, 1, 1, False), *GOOD]))
    wanted.update(scenario.rows(8, 1, 1, TS, GOOD))
    received += 2

    status = s.reporter.settled(received)
    s.equal("every good report is in the table, and nothing else",
            s.database.table(), wanted)
    s.check("the other agent is still connected", other.is_open())
    s.identity(status)


scenario.run(__doc__, tell)
