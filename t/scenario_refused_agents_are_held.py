#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""An agent in the manner of ELB and Lars connects again at once whenever it is
disconnected.  It is denied: its connection stays open, unread, for two seconds,
so that it comes back every two seconds and costs next to nothing.  The same
holds for one that is refused by the address in a PROXY header, and for one over
a limit.  Beyond 1,024 refused agents the oldest are disconnected first, and
agents that are allowed are served all the while.  Where descriptors run out,
refused agents are disconnected first."""

import os
import resource
import time

import scenario
from crowd import processor_time
from scenario import wait_for

TS = 1700000000
HELD, HELD_S = 1024, 2
DENIED = "127.0.0.2"


def connect(s, source, listener=0):
    agent = scenario.Agent(s.reporter.addresses[listener], source)
    s.agents.append(agent)
    return agent


def refused(s, reason):
    return s.reporter.status()["refused"][reason]


def comes_back(s, what, reason, call):
    """call() makes a connection; it is made again each time that it ends, for
    five seconds."""
    count, spent = refused(s, reason), processor_time(s)
    began = time.monotonic()
    times = 0
    while time.monotonic() < began + 5:
        agent = call()
        times += 1
        # It sends all it has, which nobody reads.
        agent.send(scenario.native(1, 1, 1, TS, [(1, 1, 1, 0, False)]))
        s.check(f"{what} is disconnected in the end", agent.sees_end(10))
        agent.close()
    took = time.monotonic() - began
    s.check(f"{what} comes back every two seconds or so",
            times <= took / HELD_S + 0.01, f"{times} in {took:.2f} s")
    s.check("and is not left there for long", took / times < HELD_S + 1.5,
            f"{times} in {took:.2f} s")
    s.equal("each time is counted", refused(s, reason), count + times)
    spent = processor_time(s) - spent
    s.check("the master has hardly noticed", spent < 0.2, f"{spent:.2f} s")


def serves(s, agent):
    before = s.reporter.status()["reports"]
    agent.send(scenario.native(2, 1, 1, TS, [(1, 1, 1, 0, False)]))
    wait_for(lambda: s.reporter.status()["reports"] > before,
             "a report is taken")


def too_many_to_hold(s, good):
    before = refused(s, "denied")
    began = time.monotonic()
    crowd = [connect(s, DENIED) for _ in range(HELD + 100)]
    wait_for(lambda: refused(s, "denied") == before + len(crowd),
             "all are refused")
    is_open = [agent.is_open() for agent in crowd]
    took = time.monotonic() - began
    if took < HELD_S:
        s.equal("the oldest of them are disconnected at once",
                is_open, [False] * 100 + [True] * HELD)
    else:
        print(f"this machine is too slow to see who is held: {took:.1f} s")
    s.check("an agent that is allowed is served meanwhile", good.is_open())
    serves(s, good)
    serves(s, connect(s, "127.0.0.1"))
    s.check("they are all disconnected in the end",
            all(agent.sees_end(10) for agent in crowd))
    for agent in crowd:
        agent.close()


def descriptors_run_out(s, good):
    """The limit is lowered to what is open, the refused ones among it."""
    for _ in range(20):
        connect(s, DENIED)
    before = refused(s, "denied")
    pid, began = s.reporter.process.pid, time.monotonic()
    _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    old = s.reporter.status()["connections"]
    held = connect(s, DENIED)
    wait_for(lambda: refused(s, "denied") > before, "they are refused")
    highest = max(map(int, os.listdir(f"/proc/{pid}/fd")))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, most))
    more = [connect(s, "127.0.0.1") for _ in range(10)]
    wait_for(lambda: s.reporter.status()["connections"] == old + len(more),
             "allowed agents are let in")
    if time.monotonic() < began + HELD_S:
        s.equal("nobody was turned away for want of descriptors",
                refused(s, "no_descriptors"), 0)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
    for agent in more:
        serves(s, agent)
    serves(s, good)
    held.close()


def tell(s):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    s.reporter.configure("reporter",
                         listen="127.0.0.1:0, 127.0.0.5:0 proxy")
    s.reporter.configure("limits", deny=DENIED, proxy_from="127.0.0.1",
                         max_connections_per_address=30)
    s.start()
    good = connect(s, "127.0.0.1")
    serves(s, good)

    comes_back(s, "an agent that is denied", "denied",
               lambda: connect(s, DENIED))

    def by_proxy():
        agent = connect(s, "127.0.0.1", 1)
        agent.send(scenario.proxy_header(DENIED))
        return agent

    comes_back(s, "one that is denied behind a balancer", "denied", by_proxy)

    full = [connect(s, "127.0.0.3") for _ in range(30)]
    for agent in full:
        serves(s, agent)
    comes_back(s, "one too many", "max_connections_per_address",
               lambda: connect(s, "127.0.0.3"))
    too_many_to_hold(s, good)
    descriptors_run_out(s, good)
    status = s.reporter.status()
    s.connections_add_up(status)
    s.identity(status)


if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * HELD:
    scenario.skip(f"requires {2 * HELD} open files (ulimit -Hn)")
scenario.run(__doc__, tell)
