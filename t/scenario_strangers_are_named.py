#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Browsers, TLS clients, balancers with a PROXY header and SSH come to the port
of the agents, and an agent of Lars whose buffer begins in the middle of a frame.
Each is disconnected by its first bytes, before anything is read as a report.  The
log names what it is, once per kind.  The agent in the middle of a frame connects
again at once and again, with the rest of its buffer, until that begins with a
frame: then its reports are taken."""

import time

import scenario
from scenario import Agent, elb, lars, native, proxy_header, recorded, wait_for

TS = 1700000000
MIDDLE = "the middle of a frame or an unknown protocol"
KINDS = (
    ("an HTTP request", b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an HTTP request", b"OPTIONS * HTTP/1.1\r\n\r\n"),
    ("TLS, on a listener without tls",
     b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(500)),
    ("a PROXY header, on a listener without proxy",
     b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + native(1, 1, 1, TS, [])),
    ("a PROXY header, on a listener without proxy", proxy_header("10.0.0.1")),
    ("SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    (MIDDLE, recorded("lars-midframe-typical.bin")),
    # A protobuf field that looks like the id of a frame.
    (MIDDLE, lars(1, 1, 1, TS, [(1, 1, 1, 1, True)])[8:]),
    (MIDDLE, b"\x03\0\0\x01"),
)


def disconnected(s, agent, what):
    began = time.monotonic()
    s.check(f"{what}: disconnected at once",
            agent.sees_end() and time.monotonic() - began < 1)
    agent.close()


def comes_back(s, report):
    """Each connection takes some of the buffer, as the kernel does, and loses
    it; the report is behind it.  Who comes too often is held for a while."""
    buffer = recorded("lars-midframe-typical.bin")
    for at in range(0, len(buffer), 512):
        agent = s.agent()
        agent.send(buffer[at:at + 512])
        s.check(f"from byte {at} of the buffer on: disconnected",
                agent.sees_end())
    s.agent().send(lars(*report))


def tell(s):
    s.start()
    for what, data in KINDS:
        before = s.reporter.status()
        agent = s.agent()
        agent.send(data)
        disconnected(s, agent, what)
        status = s.reporter.status()
        s.equal("for its protocol, counted once",
                status["rejected"]["unknown_protocol"],
                before["rejected"]["unknown_protocol"] + 1)
        s.equal("nothing of it was received besides",
                status["records"]["received"],
                before["records"]["received"] + 1)
        wait_for(lambda: f"begins with {what}: closed"
                 in s.reporter.log_text(), f"{what} is named")
    for what in {what for what, _data in KINDS}:
        s.equal(f"{what} is logged once", s.reporter.log_text().count(
            f": begins with {what}: closed"), 1)
    # By bytes of which the first does not tell yet.
    agent = s.agent()
    for byte in b"\x08\0\0":
        agent.send(bytes([byte]))
    s.check("the beginning of an id may be cut", agent.is_open())
    agent.send(b"\x07")
    disconnected(s, agent, "no id after all")

    wanted = {}
    for report, dialect in (
            ((1, 1, 1, TS, [(1, 1, 1, 1, False)]), native),
            ((2, 1, 1, TS, [(1, 1, 1, 1, False)] * 20), native),
            ((3, 1, 1, TS, [(1, 1, 1, 1, False)]), elb),
            ((4, 1, 1, TS, [(1, 1, 1, 1, False)]), lars)):
        s.agent().send(dialect(*report))
        wanted.update(scenario.rows(*report))
    report = (5, 1, 1, TS, [(1, 1, 1, 1, False)])
    comes_back(s, report)
    wanted.update(scenario.rows(*report))
    wait_for(lambda: s.database.table() == wanted,
             "the reports of agents are in the table, and nothing else")
    s.identity()


scenario.run(__doc__, tell)
