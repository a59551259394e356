#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents report the address of their host name as their caller; where that is
127.0.1.1, as by Debian's default, they overwrite each other's rows.  The log
says so, at a limited rate, and also that two addresses report as one caller.
With check_caller = replace each has rows of its own, under the address that it
comes from, be it that of a PROXY header.  An agent that comes over IPv6 has no
such address: its reports are taken as they are, and counted as foreign."""

import socket

import scenario
from scenario import elb, lars, native, wait_for

TS = 1700000000
DEBIAN = 0x7F000101  # 127.0.1.1
MANY = 40


def number(address):
    return int.from_bytes(socket.inet_aton(address), "big")


class Story:
    def __init__(self, s):
        self.s = s
        self.modid = 0

    def agent(self, address):
        """An agent at this address, behind a balancer."""
        agent = self.s.agent()
        family, here = ("TCP6", "::1") if ":" in address else (
            "TCP4", "127.0.0.1")
        agent.send(f"PROXY {family} {address} {here} 1 2\r\n".encode())
        return agent

    def report(self, agent, caller, dialect=native):
        """Returns the callers that its rows have."""
        s, self.modid = self.s, self.modid + 1
        agent.send(dialect(self.modid, 1, caller, TS,
                           [(1, port, 1, 0, False) for port in (1, 2, 3)]))
        wait_for(lambda: len(self.rows()) == 3, "its rows are in the table")
        return {key[4] for key in self.rows()}

    def rows(self):
        return [key for key in self.s.database.table()
                if key[0] == self.modid]

    def lines(self, text):
        return self.s.reporter.log_text().count(text)

    def foreign(self):
        return self.s.reporter.status()["foreign"]


def noticed(story):
    s = story.s
    agents = [story.agent(f"10.0.0.{n}") for n in (1, 2)]
    for agent in agents:
        s.equal("off: the caller is stored as it is",
                story.report(agent, DEBIAN), {DEBIAN})
    for n in (1, 2):
        s.equal(f"that 10.0.0.{n} reports as a loopback caller is logged",
                story.lines(f"agent 10.0.0.{n}:1: reports as loopback caller "
                            "127.0.1.1"), 1)
    for _ in range(3):
        story.report(agents[0], DEBIAN)
    s.equal("once for a connection", story.lines("loopback caller"), 2)

    other = number("10.9.9.9")
    for agent in agents:
        story.report(agent, other)
    s.equal("that two addresses report as one caller is logged", story.lines(
        "agent 10.0.0.2:1: reports as caller 10.9.9.9, as 10.0.0.1 did"), 1)
    story.report(story.agent("10.0.0.2"), other)
    s.equal("not if it is the same one again", story.lines("as 10.0.0"), 1)
    local = story.agent("127.0.0.9")
    story.report(local, other)
    story.report(local, DEBIAN)
    s.equal("a tool of this machine may report for others",
            story.lines("agent 127.0.0.9:1: reports as"), 0)
    s.equal("nothing is counted as foreign", story.foreign(), 0)

    before = story.lines("reports as")
    for n in range(MANY):
        story.report(story.agent(f"10.1.0.{n}"), DEBIAN)
    s.check("of many agents some are logged",
            story.lines("reports as") - before <= 5,
            f"{story.lines('reports as') - before} lines")


def replaced(story):
    s = story.s
    s.reporter.configure("limits", check_caller="replace")
    s.reporter.reload()
    for n, dialect in enumerate((native, elb, lars), 1):
        address = f"10.0.0.{n}"
        s.equal("replace: the caller is the agent's address", story.report(
            story.agent(address), DEBIAN, dialect), {number(address)})
    agent = story.agent("10.0.0.5")
    s.equal("also if it is no loopback address",
            story.report(agent, number("10.9.9.9")), {number("10.0.0.5")})
    s.equal("or the right one", story.report(agent, number("10.0.0.5")),
            {number("10.0.0.5")})
    s.equal("or that of IPv4 at an IPv6 socket", story.report(
        story.agent("::ffff:10.0.0.6"), DEBIAN), {number("10.0.0.6")})
    s.equal("none of them is foreign", story.foreign(), 0)
    s.equal("an agent that comes over IPv6 is taken as it is",
            story.report(story.agent("2001:db8::1"), DEBIAN), {DEBIAN})
    s.equal("and is foreign", story.foreign(), 1)


def tell(s):
    s.reporter.configure("reporter", listen="127.0.0.1:0 proxy")
    s.reporter.configure("limits", proxy_from="127.0.0.1")
    s.start()
    story = Story(s)
    noticed(story)
    replaced(story)
    s.identity()


scenario.run(__doc__, tell)
