#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents send everything that can be wrong with a report.  Each fault is
counted under its reason and logged once for a connection, with the field, its
value and where in the stream the report begins.  Where the stream can still be
followed the connection lives, and its next report is taken;
where it cannot, the connection is closed, and the whole reports before the
fault count.  Another agent's reports go through all the while.  What the log
reports of a stream, reporter-send --check prints of a file with its bytes, and
at which byte the field is."""

import json
import os
import re
import subprocess

import scenario
from scenario import elb, framed, lars, native, pack

TS = 1700000000
GOOD = [(1, 1, 1, 1, False)]

I32 = "expected -2147483648 to 2147483647"
U16 = "expected 0 to 65535"
U32 = "expected 0 to 4294967295"

# What is wrong, the bytes, the reason, a whole report of its dialect, and the
# field and its value in the log.
LIVES = (
    ("another message number", pack([2, 1, 1, 1, TS, []]), "other_message",
     native,
     "message number: 2; expected 1 to 1"),
    ("a text", pack("hello"), "wrong_shape", native,
     "message: string; expected array of 1 or more"),
    ("a map", b"\x81\x01\x02", "wrong_shape", native,
     "message: map; expected array of 1 or more"),
    ("too few elements", pack([1, 1, 1, 1]), "wrong_shape", native,
     "message: array of 4; expected array of 6 or more"),
    ("results that are no list", pack([1, 1, 1, 1, TS, 5]), "wrong_shape",
     native,
     "results: 5; expected array of 0 or more"),
    ("a modid that is a text", pack([1, "one", 1, 1, TS, []]),
     "wrong_shape", native,
     f"modid: string; {I32}"),
    ("a result with too few elements", native(1, 1, 1, TS, [(1, 1, 1)]),
     "wrong_shape", native,
     "results[0].elements: array of 3; expected array of 5 or more"),
    ("an overload that is a text", native(1, 1, 1, TS, [(1, 1, 1, 1, "y")]),
     "wrong_shape", native,
     "results[0].overload: string; expected 0 to 1"),
    ("a modid over its range", native(1 << 31, 1, 1, TS, GOOD),
     "out_of_range", native,
     f"modid: 2147483648; {I32}"),
    ("a caller over its range", native(1, 1, 1 << 32, TS, GOOD),
     "out_of_range", native,
     "caller: 4294967296; expected -2147483648 to 4294967295"),
    ("a time below zero", native(1, 1, 1, -1, GOOD), "out_of_range", native,
     "ts: -1; expected 0 to 9007199254740992"),
    ("a port over its range", native(1, 1, 1, TS, [(1, 65536, 1, 1, False)]),
     "out_of_range", native,
     f"results[0].port: 65536; {U16}"),
    ("a port below zero", native(1, 1, 1, TS, [(1, -1, 1, 1, False)]),
     "out_of_range", native,
     f"results[0].port: -1; {U16}"),
    ("a count below zero", native(1, 1, 1, TS, [(1, 1, -1, 1, False)]),
     "out_of_range", native,
     f"results[0].succ: -1; {U32}"),
    ("an overload of 2", native(1, 1, 1, TS, [(1, 1, 1, 1, 2)]),
     "out_of_range", native,
     "results[0].overload: 2; expected 0 to 1"),
    ("a payload that is no protobuf", framed(3, b"\x07\xff\xff"),
     "not_protobuf", lars,
     "field: malformed; expected a tag and a value"),
    ("a payload that is cut", framed(8, elb(1, 1, 1, TS, GOOD)[8:-3]),
     "not_protobuf", elb, "field: malformed; expected a tag and a value"),
    ("a cmdid that is a long text", b"\x96\x01\x01\xd9\x64" + b"\x1b" * 100
     + b"\x01\x01\x90", "wrong_shape", native, f"cmdid: string; {I32}"),
    ("a caller that is a float", b"\x96\x01\x01\x01\xca\0\0\0\0\x01\x90",
     "wrong_shape", native,
     "caller: float; expected -2147483648 to 4294967295"),
    ("an ip over all ranges", b"\x96\x01\x01\x01\x01\x01\x91\x95\xcf"
     + b"\xff" * 8 + b"\x01\x01\x01\xc2", "out_of_range", native,
     "results[0].ip: 18446744073709551615; expected -2147483648 to "
     "4294967295"),
    ("a port of ELB", elb(1, 1, 1, TS, [(1, 65536, 1, 1, False)]),
     "out_of_range", elb,
     "results[0].port: 65536; expected a varint of 0 to 65535"),
    ("a port of Lars", lars(1, 1, 1, TS, [(1, -1, 1, 1, False)]),
     "out_of_range", lars,
     "results[0].port: -1; expected a varint of 0 to 65535"),
    ("ELB without a field", framed(8, b"\x08\x01\x10\x01"), "not_protobuf",
     elb, "caller: missing; expected a varint"),
    ("Lars with a text", framed(3, b"\x12\x01x"), "not_protobuf", lars,
     "cmdid: bytes; expected a varint"),
    ("a result with a text", framed(3, b"\x22\x00\x22\x03\x0a\x01x"),
     "not_protobuf", lars, "results[1].ip: bytes; expected a varint"),
    ("a frame of another message", framed(5, b"anything"), "other_message",
     lars,
     "message id: 5; expected 3"),
)
CLOSES = (
    ("bytes that are no MessagePack", b"\xc1", "not_msgpack", native,
     "byte: 0xc1"),
    ("a message that claims to be long", b"\xdb\x7f\xff\xff\xff",
     "too_long", native,
     "expected up to 65536 bytes"),
    ("a message that is too long", b"\xdc\xff\xff" + b"\x00" * 65537,
     "too_long", native,
     "expected up to 65536 bytes"),
    ("a negative length", b"\x03\0\0\0\xff\xff\xff\xff", "negative_length",
     lars, "length: -1; expected 0 to 65527"),
    ("a negative length", b"\x08\0\0\0\0\0\0\x80", "negative_length", elb,
     "length: -2147483648; expected 0 to 65528"),
    ("a length over the limit", b"\x03\0\0\0\xf8\xff\0\0", "too_long", lars,
     "length: 65528; expected 0 to 65527"),
    ("a length over the limit", b"\x08\0\0\0\xf9\xff\0\0", "too_long", elb,
     "length: 65529; expected 0 to 65528"),
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
        """A good report, which is taken.  Returns its length."""
        self.sent += 1
        self.received += 1
        report = (self.modid, self.sent, 1, TS, GOOD)
        agent.send(dialect(*report))
        self.wanted.update(scenario.rows(*report))
        return len(dialect(*report))

    def bad(self, agent, data, reason):
        self.received += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        agent.send(data)

    def rejected(self, what, agent, reason, line):
        """The fault, and nothing else, is counted and logged once, so."""
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
        self.s.check(f"{what} is logged once", len(logged()) == 1
                     and re.search(f"agent {agent.name}: {line}$", logged()[0]),
                     f"{logged()}, expected {line}")

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


# Bytes of reports, and where in them the field of the fault is.
PLACES = (
    (native(1, 1, 1, 0, [(1, 1, 1, 1, False), (1, 70000, 1, 1, False)]), 15),
    (pack([1, "one", 1, 1, TS, []]), 2),
    (elb(1, 1, 1, TS, [(1, 65536, 1, 1, False)]), 19),
    (framed(3, b"\x22\x00\x22\x03\x0a\x01x"), 13),
    (framed(8, b"\x08\x01\x10\x01"), 12),
    (native(1, 1, 1, TS, GOOD)[:-1], 16),
)


def check(data):
    """What reporter-send --check prints of these bytes: its exit status, and
    an object for each message."""
    done = subprocess.run(
        [scenario.program("reporter-send"), "--check", "--json", "-"],
        input=data, capture_output=True, timeout=scenario.PATIENCE)
    return done.returncode, [json.loads(line) for line in
                             done.stdout.decode().splitlines()]


def checked(s, what, data, reason, dialect, fault, closes):
    good = dialect(1, 2, 3, TS, GOOD)
    status, found = check(good + data + good)
    s.equal(f"{what}: --check finds what the log reports",
            (status, [m["verdict"] for m in found][0::2],
             found[1]["fault"]["reason"], found[1]["fault"]["text"],
             found[1]["byte"], found[0].get("results")),
            (1, ["report"] if closes else ["report", "report"], reason, fault,
             len(good), [{"ip": "0.0.0.1" if dialect != elb else "1.0.0.0",
                          "port": 1, "succ": 1, "err": 1, "overload": False}]))


def checks(s):
    """What --check prints of bytes that no reporter has to be asked for."""
    for data, place in PLACES:
        status, found = check(data)
        s.equal(f"the fault of {data.hex()} has its place",
                (status, found[-1]["fault"]["byte"]), (1, place))
    for name in ("elb-reports.bin", "elb-agent-real.bin", "lars-report.bin",
                 "lars-agent-real.bin"):
        status, found = check(scenario.recorded(name))
        s.equal(f"{name} is valid",
                (status, {m["verdict"] for m in found}, sum(
                    m["bytes"] for m in found)),
                (0, {"report"}, len(scenario.recorded(name))))
    for data, reason in ((b"GET / ", "unknown_protocol"), (b"", "cut"),
                         (scenario.recorded("lars-midframe-typical.bin"),
                          "unknown_protocol")):
        status, found = check(data)
        s.equal(f"{data[:6]} is refused", (status, found[0]["fault"]["reason"]),
                (1, reason))
    s.equal("a heartbeat is a report without results",
            [m["results"] for m in check(native(1, 2, 3, 0, []))[1]], [[]])
    # Its text is what reporter-send reads, so that a recording can be sent,
    # whatever the name of its file.
    name = os.path.join(s.directory, "a\n1 2 3")
    with open(name, "wb") as file:
        file.write(native(1, 2, 0x7F000001, TS,
                          [(0x0A000001, 8080, 100, 3, True)]))
    lines = subprocess.run(
        [scenario.program("reporter-send"), "--check", name],
        capture_output=True, timeout=scenario.PATIENCE).stdout.decode()
    s.equal("the text has lines that can be sent",
            lines.splitlines()[1:],
            [f"1 2 127.0.0.1 {TS} 10.0.0.1 8080 100 3 1"])
    s.equal("a file that cannot be read is one line as well",
            len(subprocess.run(
                [scenario.program("reporter-send"), name + "0"],
                capture_output=True, text=True).stderr.splitlines()), 2)


def tell(s):
    s.database.start()
    checks(s)

    part = Part(s, 7)
    for what, data, reason, dialect, fault in LIVES:
        checked(s, what, data, reason, dialect, fault, False)
        agent = s.agent()
        at = part.good(agent, dialect)
        for _ in range(3):
            part.bad(agent, data, reason)
        part.good(agent, dialect)
        part.rejected(
            what, agent, reason,
            f"report at byte {at} of its stream rejected: {TEXTS[reason]}: "
            f"{re.escape(fault)}; logged once per connection")
        s.check(f"{what}: the connection lives", agent.is_open())
        part.good(part.other, native)
    # A record out of range leaves its report's others in force.
    part.other.send(native(7, 0, 1, TS, [*GOOD * 3, (1, 70000, 1, 1, False)]))
    part.wanted.update(scenario.rows(7, 0, 1, TS, GOOD))
    part.received += 4
    part.end()
    s.check("it is the fourth one", "value out of range: results[3].port: 70000;"
            in s.reporter.log_text())

    part = Part(s, 8)
    for what, data, reason, dialect, fault in CLOSES:
        checked(s, what, data, reason, dialect, fault, True)
        agent = s.agent()
        at = part.good(agent, dialect)
        part.bad(agent, data, reason)
        s.check(f"{what}: the connection is closed", agent.sees_end())
        # The fault lies in the frame's length.  How much of a message is read
        # until it is too long depends on the reads.
        at = (at + 4 if dialect != native else
              at if reason == "not_msgpack" else r"\d+")
        part.rejected(what, agent, reason,
                      rf"{TEXTS[reason]} at byte {at} of its stream: closed; "
                      + fault)
        part.good(part.other, native)
    agent = s.agent()
    part.bad(agent, b"GET / HTTP/1.0\r\n\r\n", "unknown_protocol")
    s.check("a stranger's connection is closed", agent.sees_end())
    part.rejected("a stranger", agent, "unknown_protocol",
                  "begins with an HTTP request: closed")
    part.end()
    s.equal("no bad report made a row",
            {key[0] for key in s.database.table()}, {7, 8})


scenario.run(__doc__, tell)
