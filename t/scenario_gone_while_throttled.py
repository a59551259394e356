#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is away, and ring and table are full.  Hosts connect, send a
report that must wait, and close, until they had all of max_connections.  Their
connections count as closed, so that good agents are let in; a host that has its
max_connections_per_address is not.  An agent that closes its direction with more
to send than the sockets hold, and one that does so through TLS, lose nothing.
When the database is back all reports are taken."""

import fcntl
import socket
import termios

import scenario
import tls
from scenario import wait_for

TS = 1700000000
KEYS = 1024
RING = 32768
PER_REPORT = 50
MAX, PER_ADDRESS = 60, 30
HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
LARGE = 600  # reports; about 350 KB


def reports(modid, first, n):
    return [(modid, 1, 1, TS, [(ip, 80, ip, 0, False) for ip in
                               range(at * PER_REPORT, (at + 1) * PER_REPORT)])
            for at in range(first, first + n)]


def data_of(messages):
    return b"".join(scenario.native(*message) for message in messages)


def connect(s, source):
    agent = scenario.Agent(s.reporter.addresses[0], source)
    s.agents.append(agent)
    return agent


def fill(s):
    """Returns an agent that is throttled for good, and how many reports it
    has sent."""
    agent = s.agent()
    agent.socket.setblocking(False)
    n = 2 * RING // PER_REPORT
    data, sent = data_of(reports(1, 0, n)), 0

    def full():
        nonlocal sent
        sent += agent.send_some(data[sent:])
        status = s.reporter.status()
        return (sent == len(data) and status["throttled"] == 1
                and status["records"]["pending"] == KEYS
                and status["records"]["queued"] > RING - PER_REPORT)

    wait_for(full, "ring and table are full")
    return n


def leave_and_count(s):
    """Each host sends a report on each of its connections, and closes."""
    for number, host in enumerate(HOSTS):
        before = s.reporter.status()["throttled"]
        crowd = [connect(s, host) for _ in range(PER_ADDRESS)]
        for agent in crowd:
            agent.send(data_of(reports(2 + number, 0, 1)))
        wait_for(lambda: s.reporter.status()["throttled"]
                 == before + PER_ADDRESS, "they are throttled")
        for agent in crowd:
            agent.close()
        wait_for(lambda: s.reporter.status()["connections"] == 1,
                 "they do not count any more", 10)
    status = s.reporter.status()
    s.equal("all of them wait", status["throttled"],
            1 + PER_ADDRESS * len(HOSTS))
    s.equal("nobody was refused", status["connections_refused"], 0)
    s.connections_add_up(status)
    connect(s, HOSTS[0])
    wait_for(lambda: s.reporter.status()["refused"]
             ["max_connections_per_address"] == 1, "a host has its limit")
    return PER_ADDRESS * len(HOSTS)


def half_close(s):
    """More than the sockets hold stays with the sender's system."""
    agent = socket.socket()
    agent.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    agent.connect(s.reporter.addresses[0])
    data = data_of(reports(100, 0, LARGE))
    agent.setblocking(False)
    sent = agent.send(data)
    s.equal("the system takes all of it", sent, len(data))
    unsent = fcntl.ioctl(agent, termios.TIOCOUTQ, bytes(4))
    s.check("and cannot send all", int.from_bytes(unsent, "little") > 0)
    agent.shutdown(socket.SHUT_WR)
    agent.settimeout(scenario.PATIENCE)
    return agent


def tls_close(s, authority):
    """Its last words are close_notify and the end of its direction."""
    agent = tls.TlsAgent(s.reporter.addresses[1], authority)
    agent.send(data_of(reports(101, 0, 100)))
    wait_for(lambda: s.reporter.status()["throttled"]
             == 3 + PER_ADDRESS * len(HOSTS), "it is throttled")
    raw = agent.socket.detach()
    agent = socket.socket(fileno=raw)
    agent.shutdown(socket.SHUT_WR)
    agent.settimeout(scenario.PATIENCE)
    return agent


def tell(s):
    authority = tls.Authority(s.directory, "authority")
    certificate, key = authority.issue("server", "127.0.0.6")
    s.database.start()
    s.reporter.configure("reporter", workers=1,
                         listen="127.0.0.1:0, 127.0.0.6:0 tls")
    s.reporter.configure("tls", certificate=certificate, key=key)
    s.reporter.configure("limits", max_connections=MAX,
                         max_connections_per_address=PER_ADDRESS)
    s.reporter.configure("queue", ring_records=RING, table_keys=KEYS)
    s.reporter.start()
    s.database.stop()
    sent = fill(s)
    sent += leave_and_count(s)
    large = half_close(s)
    wait_for(lambda: s.reporter.status()["throttled"]
             == 2 + PER_ADDRESS * len(HOSTS), "the large one is throttled")
    secure = tls_close(s, authority)
    wait_for(lambda: s.reporter.status()["connections"] == 2,
             "who has closed through TLS does not count")
    good = [connect(s, "127.0.0.9") for _ in range(PER_ADDRESS)]
    wait_for(lambda: s.reporter.status()["connections"] == 2 + len(good),
             "good agents are let in")
    s.identity()
    s.database.start()
    for agent in (large, secure):
        data = b"x"
        while data:  # with TLS, the end of the session comes first
            data = agent.recv(1000)
    sent += LARGE + 100
    status = wait_for(lambda: (t := s.reporter.status())["reports"] >= sent
                      and t, "all reports are taken")
    s.equal("and no more", status["reports"], sent)
    for agent in good:
        agent.send(data_of(reports(102, 0, 1)))
    status = s.reporter.settled(PER_REPORT * (sent + len(good)))
    s.equal("those that were gone are closed", status["closed"]["by_agent"],
            PER_ADDRESS * len(HOSTS) + 2)
    s.equal("the others are connected", status["connections"],
            1 + len(good))
    s.equal("nobody is throttled", status["throttled"], 0)
    s.connections_add_up(status)
    s.identity(status)


scenario.run(__doc__, tell)
