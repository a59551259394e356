#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Workers are started again while agents are connected.  Then an agent sends
bytes that are no MessagePack, and reporter closes its connection.  The agent
sees the end of the stream at once: no worker holds a copy of the socket, which
would keep the connection half open."""

import os
import signal

import scenario

TS = 1700000000


def sockets(pid):
    """How many TCP sockets a process holds.  Its connection to the database
    is a unix socket and does not count."""
    with open(f"/proc/{pid}/net/tcp") as table:
        inodes = {line.split()[9] for line in table.readlines()[1:]}
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        count += link.startswith("socket:[") and link[8:-1] in inodes
    return count


def tell(s):
    s.start()
    agents = [s.agent() for _ in range(4)]
    for at, agent in enumerate(agents):
        agent.send(scenario.native(1, at, 1, TS, [(1, 1, 1, 1, False)]))
    s.reporter.settled(len(agents))
    before = s.reporter.workers()
    for worker in before.values():
        os.kill(worker["pid"], signal.SIGKILL)
    scenario.wait_for(
        lambda: all(w["state"] == "running" and w["pid"] != before[slot]["pid"]
                    for slot, w in s.reporter.workers().items()),
        "the workers are started again")
    for slot, worker in s.reporter.workers().items():
        s.equal(f"worker {slot} holds no TCP socket", sockets(worker["pid"]),
                0)
    for agent in agents[:2]:
        agent.send(b"\xc1")
        s.check("an agent that sent bad bytes sees the end at once",
                agent.sees_end())
    s.check("the other agents stay connected",
            all(agent.is_open() for agent in agents[2:]))
    status = s.reporter.settled(len(agents) + 2)
    s.equal("two connections are left", status["connections"], 2)
    s.equal("the bad bytes are counted",
            status["rejected"]["not_msgpack"], 2)
    s.identity(status)


scenario.run(__doc__, tell)
