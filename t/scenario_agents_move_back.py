#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Two reporters behind HAProxy.  One is stopped, and its agents connect again,
to the other one.  It is started, and the agents stay where they are, until
max_connection_age is set: then they move back, not all at once, although all
are older than that, and each between two reports.  Reports that come in two
pieces all the time are received whole, and none is lost."""

import os
import time

import galera
import scenario
from scenario import wait_for

AGENTS = 30
TS = 1700000000


class Agents:
    """Each sends the first half of a report in one turn and the second half in
    the next, half of them alternately with the others.  One that sees the end
    finishes its report and connects again, as agents do."""

    def __init__(self, port):
        self.address = ("127.0.0.1", port)
        self.agents = [scenario.Agent(self.address) for _ in range(AGENTS)]
        self.rest = [b""] * AGENTS
        self.sent = self.turns = 0
        self.ends = []  # when

    def finish(self, at):
        self.agents[at].send(self.rest[at])
        self.sent += bool(self.rest[at])
        self.rest[at] = b""

    def reconnect(self):
        for at, agent in enumerate(self.agents):
            if not agent.is_open():
                self.finish(at)
                agent.close()
                self.agents[at] = scenario.Agent(self.address)
                self.ends.append(time.monotonic())

    def turn(self):
        self.reconnect()
        for at, agent in enumerate(self.agents):
            if self.rest[at]:
                self.finish(at)
            elif (at + self.turns) % 2 == 0:
                report = scenario.native(at, 1, 1, TS + self.sent,
                                         [(1, 1, 1, 1, False)])
                agent.send(report[:9])
                self.rest[at] = report[9:]
        self.turns += 1

    def until(self, condition, what, seconds=scenario.PATIENCE):
        """Report until condition()."""

        def turn():
            self.turn()
            return condition()

        wait_for(turn, what, seconds)


def connections(reporter):
    return reporter.status()["connections"]


def tell(s):
    directory = os.path.join(s.directory, "second")
    os.mkdir(directory)
    first = s.reporter
    second = scenario.Reporter(directory, first.instance + "-2", s.database)
    s.database.start()
    ports = [scenario.free_port() for _ in range(3)]
    for reporter, port in zip((first, second), ports):
        reporter.configure("reporter", listen=f"127.0.0.1:{port} proxy")
        reporter.configure("limits", proxy_from="127.0.0.1")
        reporter.start()
    balancer = galera.Balancer(s, "reporters", "*:12316", {
        f"192.0.2.2{n}:12316": f"127.0.0.1:{port}"
        for n, port in enumerate(ports, 1)})
    try:
        story(s, first, second, Agents(balancer.port))
    finally:
        balancer.end()
        second.clear()


def received(reporter):
    return reporter.status()["records"]["received"]


def story(s, first, second, agents):
    agents.until(lambda: connections(second) >= AGENTS / 3,
                 "both reporters have agents")
    # Whole reports only, since an end of reporter cuts what is begun.
    for at in range(AGENTS):
        agents.finish(at)
    wait_for(lambda: received(first) + received(second) == agents.sent,
             "all was received")
    before = received(second)
    second.stop()

    def all_are_at_the_first():
        """More than once, since HAProxy's check connects as well."""
        agents.reconnect()
        return all(connections(first) >= AGENTS for _ in range(5))

    wait_for(all_are_at_the_first, "all agents are at the first")
    second.start()
    # All are over the age when it is set.
    time.sleep(12)
    agents.ends.clear()
    first.configure("limits", max_connection_age="10s")
    first.reload()
    agents.until(lambda: connections(second) >= AGENTS / 3,
                 "agents move back", 2 * scenario.PATIENCE)
    agents.until(lambda: len(agents.ends) >= AGENTS, "each had its turn",
                 2 * scenario.PATIENCE)
    s.check("they do not all move at once",
            max(agents.ends) - min(agents.ends) > 0.5, agents.ends)
    for at, agent in enumerate(agents.agents):
        agents.finish(at)
        agent.close()
    wait_for(lambda: received(first) + received(second) + before
             == agents.sent, "no report was lost")
    for reporter in first, second:
        status = reporter.settled(0)
        s.identity(status)
        s.equal("no report was cut", status["records"]["rejected"], 0)
    s.check("the first closed them for their age",
            first.status()["closed"]["age"] >= AGENTS / 3)
    wait_for(lambda: connections(first) == 0, "the agents are gone")
    s.connections_add_up(first.status())
    second.stop()


scenario.require("haproxy", "haproxy")
scenario.run(__doc__, tell)
