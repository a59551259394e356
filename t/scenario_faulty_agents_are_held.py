#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents in the manner of ELB and Lars connect again at once whenever they are
disconnected.  Whatever the reason, whether denied, one too many, denied behind a
balancer, without a valid PROXY header, without TLS, in the middle of a frame or
with a malformed message: all of them together cost the master less than 1 % of a
processor each.  Agents that are allowed are served all the while."""

import threading
import time

import scenario
import tls
from scenario import native, proxy_header, recorded, wait_for

TS = 1700000000
DENIED, CROWDED, HELD_S, SECONDS = "127.0.0.2", "127.0.0.3", 2, 2.5
AT_ONCE = 100  # faulty connections that are closed at once, each second
PLAIN, PROXY, TLS = range(3)
GOOD = native(1, 1, 1, TS, [(1, 1, 1, 0, False)])
# What is sent, from where, to which listener, and how it is counted.
REFUSED = (
    ("denied", b"", DENIED, PLAIN, ("refused", "denied")),
    ("one too many", GOOD, CROWDED, PLAIN,
     ("refused", "max_connections_per_address")),
    ("denied by a PROXY header", proxy_header(DENIED), None, PROXY,
     ("closed", "refused")),
)
FAULTY = (
    ("without PROXY header", GOOD, None, PROXY, ("closed", "proxy_header")),
    ("with a cut PROXY line", b"PROXY TCP4\r\n", None, PROXY,
     ("closed", "proxy_header")),
    ("without TLS", b"GET / HTTP/1.0\r\n\r\n", None, TLS, ("closed", "tls")),
    ("in the middle of a frame", recorded("lars-midframe-typical.bin"), None,
     PLAIN, ("closed", "bad_stream")),
    ("with a malformed report", b"\x96\xc1", None, PLAIN,
     ("closed", "bad_stream")),
)


def nanoseconds(s):
    """Of processor time that the master has used."""
    with open(f"/proc/{s.reporter.process.pid}/schedstat") as file:
        return int(file.read().split()[0])


class Storm(threading.Thread):
    """One agent that comes back at once, until it is told to stop."""

    def __init__(self, s, data, source, listener):
        super().__init__(daemon=True)
        self.address = s.reporter.addresses[listener]
        self.data, self.source = data, source
        self.times, self.on = 0, True

    def run(self):
        while self.on:
            try:
                agent = scenario.Agent(self.address, self.source)
                self.times += 1
                agent.send(self.data)
                agent.sees_end(2 * HELD_S)
            except OSError:
                pass  # reset before it had sent all
            agent.close()


def serves(s, agent):
    before = s.reporter.status()["reports"]
    agent.send(GOOD)
    wait_for(lambda: s.reporter.status()["reports"] > before,
             "a report is taken")


def rage(s, good, kinds, most):
    """One agent of each kind, all at once."""
    before = s.reporter.status()
    spent, began = nanoseconds(s), time.monotonic()
    storms = [Storm(s, *kind[1:4]) for kind in kinds]
    for storm in storms:
        storm.start()
    while time.monotonic() - began < SECONDS:
        serves(s, good)
        time.sleep(0.5)
    spent, took = nanoseconds(s) - spent, time.monotonic() - began
    for storm in storms:
        storm.on = False
    for storm in storms:
        storm.join()
    after = s.reporter.status()
    for kind, storm in zip(kinds, storms):
        group, name = kind[4]
        s.check(f"who is {kind[0]} is counted as {group}, {name}",
                after[group][name] > before[group][name])
        print(f"{kind[0]}: {storm.times} connections")
    times = sum(storm.times for storm in storms)
    s.check("they come back when they are let go", times <= most(took),
            f"{times} in {took:.1f} s")
    share = spent / took / 1e7 / len(kinds)
    print(f"{share:.2f} % of a processor each")
    sanitized = scenario.built_with("asan") or scenario.built_with("tsan")
    s.check("each costs the master less than 1 % of a processor",
            share < (10 if sanitized else 1), f"{share:.2f} %")


def tell(s):
    authority = tls.Authority(s.directory, "authority")
    certificate, key = authority.issue("server", "127.0.0.1")
    s.reporter.configure(
        "reporter", listen="127.0.0.1:0, 127.0.0.5:0 proxy, 127.0.0.6:0 tls")
    s.reporter.configure("limits", deny=DENIED, proxy_from="127.0.0.1",
                         max_connections_per_address=100)
    s.reporter.configure("tls", certificate=certificate, key=key)
    s.start()
    good = s.agent()
    full = [scenario.Agent(s.reporter.addresses[PLAIN], CROWDED)
            for _ in range(100)]
    s.agents.extend(full)
    wait_for(lambda: s.reporter.status()["connections"] == 101,
             "all are connected")
    serves(s, good)

    rage(s, good, REFUSED,
         lambda took: len(REFUSED) * (took / HELD_S + 1))
    rage(s, good, FAULTY, lambda took:
         len(FAULTY) * (took / HELD_S + 1) + AT_ONCE * (took + HELD_S) + 10)

    # The limit of all connections, for one agent more.
    s.reporter.configure("limits", max_connections=101, deny="")
    tls.reload(s)
    rage(s, good, (("one over max_connections", GOOD, "127.0.0.4", PLAIN,
                    ("refused", "max_connections")),),
         lambda took: took / HELD_S + 1)
    status = s.reporter.status()
    s.check("the log is short", s.reporter.log_text().count("\n") < 100)
    s.connections_add_up(status)
    s.identity(status)


scenario.run(__doc__, tell)
