#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""reporter listens on two IPv4 addresses and one IPv6 address.  Agents of all
three are served at one time.  An agent whose address is not in `allow` is sent
away, and the others are not."""

import socket

import scenario

TS = 1700000000


def tell(s):
    s.database.start()
    listeners = ["127.0.0.1:0", "127.0.0.2:0"]
    if scenario.has_ipv6():
        listeners.append("[::1]:0")
    else:
        print("this machine has no ::1: only IPv4 is shown")
    s.reporter.configure("reporter", listen=", ".join(listeners))
    s.reporter.configure("limits", allow="127.0.0.1, ::1")
    s.reporter.start()
    wanted = {}
    for at in range(len(listeners)):
        report = (1, at, 1, TS, [(1, 1, at, 0, False)])
        s.agent(at).send(scenario.native(*report))
        wanted.update(scenario.rows(*report))
    status = s.reporter.settled(len(listeners))
    s.equal("the reports of each listener are in the table",
            s.database.table(), wanted)

    stranger = socket.socket()
    stranger.bind(("127.0.0.3", 0))
    stranger.settimeout(5)
    stranger.connect(s.reporter.addresses[0])
    try:
        end = stranger.recv(1)
    except ConnectionResetError:
        end = b""
    s.equal("an agent that is not allowed is sent away", end, b"")
    stranger.close()
    status = s.reporter.status()
    s.equal("and counted", status["connections_refused"], 1)
    s.equal("the others stay", status["connections"], len(listeners))
    s.identity(status)


scenario.run(__doc__, tell)
