#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A service manager holds the listening socket and passes it to each reporter
that it starts.  Agents that connect while reporter is stopped, or was killed,
are not refused: they wait, and the next reporter reads what they sent.  A
socket that `listen` does not name is closed with a warning, and so is one that
does not listen; and what `listen` names beside it is bound as ever."""

import os
import socket
import subprocess
import sys

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
    folder = f"/proc/{s.reporter.process.pid}/fd"
    return name in [os.readlink(os.path.join(folder, fd))
                    for fd in os.listdir(folder)]


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
            f"which reporter.listen does not name: closed" in log)
    s.check("it warns of a socket that does not listen",
            "passed in descriptor 5, which does not listen for TCP" in log)
    s.check("it keeps neither",
            not held_by(s, stranger) and not held_by(s, datagrams))
    s.reporter.settled(1)


def tell(s):
    s.database.start()
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


def has_systemd():
    """Whether this build has libsystemd."""
    with open(os.path.join(scenario.BUILD, "config.h")) as file:
        return "#define HAVE_SYSTEMD 1" in file.read()


if not has_systemd():
    print("skipped: built without libsystemd, so nothing is taken over")
    sys.exit(77)
scenario.run(__doc__, tell)
