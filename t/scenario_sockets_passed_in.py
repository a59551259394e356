#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A service manager holds the listening socket and passes it to each reporter
that it starts.  Agents that connect while reporter is stopped, or was killed,
are not refused: they wait, and the next reporter reads what they sent.  A
socket that `listen` does not name is closed with a warning, and so is one that
does not listen; and what `listen` names beside it is bound as ever, also the
rest of an asterisk."""

import os
import socket
import subprocess

import scenario
from scenario import Failure, wait_for

TS = 1700000000


def listening():
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen(64)
    return held


def spec(held):
    return "%s:%d" % held.getsockname()


def launch(s, sockets):
    """Start reporter as a service manager does: the sockets are descriptors 3
    and on, LISTEN_FDS says how many, LISTEN_PID whom they are for."""
    s.reporter.write_conf()
    # Out of the way first: one may have a number that another is to have.
    spare = [os.dup2(held.fileno(), 100 + at)
             for at, held in enumerate(sockets)]

    def place():
        for at, fd in enumerate(spare):
            os.dup2(fd, 3 + at)

    with open(s.reporter.log, "a") as log:
        s.reporter.process = subprocess.Popen(
            ["/bin/sh", "-c",
             f'LISTEN_PID=$$ LISTEN_FDS={len(spare)} exec "$@"', "sh",
             scenario.program("reporter"), "-f", "-c", s.reporter.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=place, start_new_session=True,
            pass_fds=range(3, 3 + len(spare)))
    for fd in spare:
        os.close(fd)


def ready(s):
    s.reporter.alive()
    try:
        return s.reporter.status()["running"]
    except Failure:
        return False


def send(s, address, cmdid):
    agent = scenario.Agent(address)
    s.agents.append(agent)
    report = (1, cmdid, 1, TS, [(1, 1, cmdid, 0, False)])
    agent.send(scenario.native(*report))
    return scenario.rows(*report)


def held_by(s, held):
    """Whether reporter's master has this socket."""
    name = f"socket:[{os.fstat(held.fileno()).st_ino}]"
    directory = f"/proc/{s.reporter.process.pid}/fd"
    return name in [os.readlink(os.path.join(directory, fd))
                    for fd in os.listdir(directory)]


def first_start(s, held):
    stranger = listening()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    launch(s, [held, stranger, datagrams])
    wait_for(lambda: ready(s), "reporter runs")
    log = s.reporter.log_text()
    s.check("it takes the socket that was passed in",
            f"listening on {spec(held)}\n" in log and held_by(s, held))
    s.check("it binds what else is to be listened on",
            "listening on 127.0.0.2:" in log)
    s.check("it warns of a socket that listen does not name",
            f"the service manager passed in a socket for {spec(stranger)}, "
            f"which is not in reporter.listen: not read" in log)
    s.check("it warns of a socket that does not listen",
            "passed in descriptor 5, which is not a listening TCP socket"
            in log)
    s.check("it keeps neither",
            not held_by(s, stranger) and not held_by(s, datagrams))
    s.reporter.settled(1)


def an_asterisk(s, family, both):
    """Of all addresses, one socket is passed in; if it is of IPv6 it serves
    both kinds.  What it does not serve is bound."""
    held = socket.socket(family)
    if family == socket.AF_INET6:
        held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
    # Free for both kinds.
    port = scenario.free_port()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("", port))
    held.listen(64)
    s.reporter.configure("reporter", listen=f"*:{port}")
    launch(s, [held])
    wait_for(lambda: ready(s), "reporter runs")
    for turn in ("at the start", "after a reload"):
        for host in ("127.0.0.1", "::1"):
            before = s.reporter.status()["reports"]
            send(s, (host, port), 9)
            wait_for(lambda: s.reporter.status()["reports"] > before,
                     f"a report to {host} is taken")
        s.check(f"an asterisk is served by IPv4 and IPv6 {turn}", True)
        s.equal("a reload succeeds", s.reporter.ctl("reload").returncode, 0)
    held.close()
    s.reporter.stop()


def tell(s):
    s.database.start()
    if socket.has_dualstack_ipv6():
        for family, both in ((socket.AF_INET, False), (socket.AF_INET6, True),
                             (socket.AF_INET6, False)):
            an_asterisk(s, family, both)
        s.database.sql("DELETE FROM ServerCallStatus")
    else:
        print("this machine has no IPv6: an asterisk is not shown")
    held = listening()
    address = held.getsockname()
    s.reporter.configure("reporter", listen=f"{spec(held)}, 127.0.0.2:0")
    wanted = send(s, address, 1)  # before the first start
    first_start(s, held)

    s.reporter.stop()
    wanted |= send(s, address, 2)  # nobody is there
    launch(s, [held])
    wait_for(lambda: ready(s), "reporter runs again")
    s.reporter.settled(1)

    s.reporter.kill()
    wanted |= send(s, address, 3)  # nobody is there, by force
    launch(s, [held])
    wait_for(lambda: ready(s), "reporter runs once more")
    s.reporter.settled(2)
    s.equal("no agent was refused, all reports are in the table",
            s.database.table(), wanted)
    s.identity()


scenario.run(__doc__, tell)
