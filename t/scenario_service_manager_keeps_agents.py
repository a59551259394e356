#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A service manager restarts reporter by SIGTERM and a start, as `systemctl
restart` does, with its descriptor store and without a socket unit.  Agents of
Lars and of ELB send frames meanwhile: no connect is refused, no connection is
lost, and the table has what was sent; so it is with one that is throttled.  A
socket that is passed in as well does no harm.  After a damaged ark and after a
stop the agents are disconnected; what had arrived by then is in the table."""

import os
import socket

import crowd
import scenario
import service_manager
from scenario import wait_for

TS = 1700000000
KEYS = 20
AGENTS = 200
RESTARTS = 4


def restarts(s, manager, held):
    kinds = {kind: crowd.Crowd(s, kind, AGENTS // 2, 50, KEYS)
             for kind in ("lars", "elb")}
    for one in kinds.values():
        one.connected()
    log = s.reporter.log_text
    for turn in range(RESTARTS):
        wait_for(lambda: s.reporter.status()["connections"] == AGENTS and
                 s.reporter.status()["records"]["received"] >= AGENTS,
                 "all agents report")
        status = manager.stop()
        s.equal(f"restart {turn}: exit status, stored",
                (status, [name for name, _ in manager.store]),
                (0, ["ark", "ark"]))
        start = os.path.getsize(s.reporter.log)
        manager.start(*(held if turn % 2 else []))
        s.equal("the store is empty again", manager.store, [])
        s.check("it took the connections over",
                f"took over: {AGENTS} connections" in log(start), log(start))
        s.check("without a warning of its sockets",
                "not in reporter.listen" not in log(start), log(start))
    s.connections_add_up(s.reporter.status())
    wanted = {}
    for kind, one in kinds.items():
        refused, lost, frames = one.finished()
        s.equal(f"{kind}: refused, lost", (refused, lost), (0, 0))
        wanted |= crowd.rows(kind, frames, KEYS)
    s.reporter.settled(0)
    s.check("the table has what was sent", s.database.table() == wanted)


def throttled(s, manager):
    """The database is away: an agent waits, also in the store."""
    s.reporter.configure("queue", table_keys=1024)
    s.reporter.configure("reporter", shutdown_timeout="1s")
    manager.stop()
    manager.start()
    before = s.database.count()
    s.database.freeze()
    agent = s.agent()
    agent.socket.setblocking(False)
    stream = b"".join(
        scenario.native(2000000, at, 1, TS,
                        [(1, port, 1, 0, False) for port in range(40)])
        for at in range(2000))
    at = 0

    def waits():
        nonlocal at
        at += agent.send_some(stream[at:])
        manager.listen()
        return s.reporter.status()["throttled"] == 1

    wait_for(waits, "the agent is throttled")
    s.equal("throttled: exit status", manager.stop(), 0)
    manager.start()
    wait_for(waits, "it is throttled again")
    s.database.thaw()
    agent.socket.settimeout(scenario.PATIENCE)
    agent.send(stream[at:])
    wait_for(lambda: s.database.count() - before == 80000,
             "all of its records are in the table")
    s.check("throttled: the agent is connected", agent.is_open())
    agent.close()
    wait_for(lambda: s.reporter.status()["connections"] == 0, "closed")


def no_room(s, manager):
    """The start fails when connections are about to be taken."""
    agent, queue = s.agent(), dict(s.reporter.options["queue"])
    workers = s.reporter.options["reporter"].get("workers", 2)
    manager.stop()
    s.reporter.configure("queue", table_keys=1 << 28)
    s.reporter.configure("reporter", workers=64)
    try:
        manager.start()
        s.check("no room: the start fails", False)
    except scenario.Failure:
        s.check("no room: the start fails",
                "is too small: 64 workers need" in s.reporter.log_text())
    s.equal("no room: exit status",
            s.reporter.process.wait(scenario.PATIENCE), 1)
    manager.listen()
    s.reporter.options["queue"] = queue
    s.reporter.configure("reporter", workers=workers)
    manager.start()
    agent.send(scenario.native(5, 1, 1, TS, [(1, 1, 1, 0, False)]))
    s.reporter.settled(1)
    s.check("no room: the agent is still connected", agent.is_open())
    agent.close()


def start_fails(s, manager):
    """A port is taken, and free at the next start; then it listens on all
    addresses with the port that it had on one."""
    agent, listen = s.agent(), s.reporter.options["reporter"]["listen"]
    manager.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        s.reporter.configure("reporter", listen=f"{listen}, "
                             f"127.0.0.1:{taken.getsockname()[1]}")
        try:
            manager.start()
            s.check("the start fails", False)
        except scenario.Failure:
            s.check("the start fails", "Address already in use"
                    in s.reporter.log_text())
    manager.listen()
    s.equal("the connections are stored again",
            [name for name, _ in manager.store], ["ark", "ark"])
    s.reporter.configure("reporter", listen=listen.replace("127.0.0.1", "*"))
    manager.start()
    agent.send(scenario.native(4, 1, 1, TS, [(1, 1, 1, 0, False)]))
    s.reporter.settled(1)
    s.agent().close()
    s.check("the agent is still connected", agent.is_open())
    agent.close()
    s.reporter.configure("reporter", listen=listen)
    manager.stop()
    manager.start()


def damaged(s, manager):
    """A queue is lost."""
    agent = s.agent()
    wait_for(lambda: s.reporter.status()["connections"] == 1, "connected")
    manager.stop()
    for at, (_name, fd) in enumerate(manager.store):
        if "socket:" in os.readlink(f"/proc/self/fd/{fd}"):
            os.close(fd)
            del manager.store[at]
    manager.start()
    s.check("a damaged ark is logged", "cannot take connections over: ark: "
            "incomplete; agents must reconnect" in s.reporter.log_text())
    s.check("the agent is disconnected", agent.sees_end())


def stopped(s, manager):
    """The manager closes the store: what has arrived is read first."""
    agent, before = s.agent(), s.database.count()
    report = [scenario.lars(3000000, at, 1, TS, [(1, 1, 1, 0, False)])
              for at in range(5000)]
    agent.send(b"".join(report) + report[0][:9])
    s.equal("a stop: exit status", manager.stop(), 0)
    manager.drop()
    s.check("the agent is disconnected", agent.sees_end())
    s.equal("all that had arrived is in the table",
            s.database.count() - before, 5000)
    try:
        s.agent()
        s.check("nobody listens", False)
    except ConnectionRefusedError:
        s.check("nobody listens", True)


def tell(s):
    s.database.start()
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    held.listen(512)
    s.reporter.addresses = [held.getsockname()]
    s.reporter.configure("reporter",
                         listen="%s:%d" % s.reporter.addresses[0])
    manager = service_manager.Manager(s)
    manager.start(held)
    restarts(s, manager, [held])
    held.close()
    throttled(s, manager)
    no_room(s, manager)
    start_fails(s, manager)
    damaged(s, manager)
    stopped(s, manager)


scenario.run(__doc__, tell)
