#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents of ELB and Lars are silent while nobody calls: idle_timeout does not
end their connections, nor does it after a restart that takes them over; it ends
those of native agents and of who has not sent anything, but not of one that
sends reports without results as heartbeats.  Then the host of some is lost: no packet comes from it any more, and
none says so.  The kernel's probes find out, within two minutes, and a silent
agent whose host lives stays connected.

The agents are in a network namespace of their own.  To save time the probes of
their connections are made to follow faster, unless it is run with --long."""

import ctypes
import json
import os
import socket
import subprocess
import sys
import time

import scenario
from scenario import elb, lars, native, wait_for

TS = 1700000000
NEAR, FAR = "198.18.0.1", "198.18.0.2"
CLONE_NEWNET = 0x40000000
PIDFD_GETFD = 438  # the same number everywhere
FOUND_S = 120
LONG = "--long" in sys.argv
libc = ctypes.CDLL(None, use_errno=True)


def ip(*words, inside=None):
    into = [scenario.tool("nsenter", "util-linux"), "-n", "-t", str(inside)]
    done = subprocess.run([*(into if inside else []),
                           scenario.tool("ip", "iproute2"), *words],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise scenario.Missing(f"ip {' '.join(words)}: {done.stderr}")


class Host:
    """Another host: a network namespace beside ours."""

    def __init__(self):
        self.process = subprocess.Popen(
            [scenario.tool("unshare", "util-linux"), "-n", "sleep", "600"],
            stdin=subprocess.DEVNULL, start_new_session=True)
        self.space = f"/proc/{self.process.pid}/ns/net"
        own = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(self.space) != own, "there is a host")
        pid = self.process.pid
        ip("link", "add", "near", "type", "veth", "peer", "name", "far",
           "netns", str(pid))
        for name, address, inside in (("near", NEAR, None),
                                      ("far", FAR, pid)):
            ip("address", "add", f"{address}/30", "dev", name, inside=inside)
            ip("link", "set", name, "up", inside=inside)

    def agent(self, address):
        with open("/proc/self/ns/net") as own, open(self.space) as other:
            libc.setns(other.fileno(), CLONE_NEWNET)
            try:
                return scenario.Agent(address)
            finally:
                libc.setns(own.fileno(), CLONE_NEWNET)

    def is_lost(self):
        """It hears, and never answers."""
        ip("route", "add", "blackhole", NEAR, inside=self.process.pid)

    def end(self):
        scenario.end_group(self.process)


def masters_end(s, agent):
    """The master's socket of an agent's connection."""
    pid = s.reporter.process.pid
    process = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket"):
                continue
            fd = libc.syscall(PIDFD_GETFD, process, int(name), 0)
            if fd < 0:
                break
            found = socket.socket(fileno=fd)
            try:
                if found.getpeername() == agent.socket.getsockname():
                    return found
            except OSError:
                pass  # it listens, or is not of this family
            found.close()
    finally:
        os.close(process)
    raise scenario.Missing("the master's sockets cannot be looked at")


def is_probed(s, agent):
    """See when it is probed, and have that happen earlier."""
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    with masters_end(s, agent) as end:
        idle, interval, probes = [
            end.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        s.check("it is probed", end.getsockopt(
            socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        s.equal("and is found dead after two minutes",
                idle + interval * probes, FOUND_S)
        if not LONG:
            for option in options[:2]:
                end.setsockopt(socket.IPPROTO_TCP, option, 1)


def closed(s):
    closed = s.reporter.status()["closed"]
    return closed["idle"], closed["by_agent"]


def beats(s):
    """For two seconds a native agent sends nothing but heartbeats."""
    before = s.reporter.status()
    agent = s.agent()
    for _ in range(20):
        agent.send(native(1, 2, scenario.LOCALHOST, 0, []))
        time.sleep(0.1)
    wait_for(lambda: s.reporter.status()["reports"] == before["reports"] + 20,
             "each heartbeat counts as a report")
    s.check("an agent with heartbeats stays", agent.is_open())
    status = s.reporter.status()
    s.equal("a heartbeat has no records, and is not rejected",
            status["records"], before["records"])
    rows = json.loads(s.reporter.ctl("agents", "--json").stdout)["agents"]
    s.equal("the list of agents has it", [
        (row["reports"], row["records"], row["caller"]) for row in rows
        if row["address"] == agent.name], [(20, 0, "127.0.0.1")])
    agent.close()
    wait_for(lambda: closed(s) == (2, 1), "it has closed its connection")


def idle_timeout(s, host):
    """Returns the agents that are left."""
    address = s.reporter.addresses[0]
    agents = [host.agent(address) for _ in range(5)]
    s.agents.extend(agents)
    report = (1, 1, 1, TS, [(1, 1, 1, 0, False)])
    for agent, dialect in zip(agents, (elb, lars, elb, native)):
        agent.send(dialect(*report))
    wait_for(lambda: s.reporter.status()["reports"] == 4, "all have reported")
    s.reporter.configure("limits", idle_timeout="1s")
    s.reporter.reload()
    s.check("a native agent that is silent is disconnected",
            agents[3].sees_end(10))
    s.check("and so is who never sent anything", agents[4].sees_end(10))
    beats(s)
    s.check("silent agents of ELB and Lars stay",
            all(agent.is_open() for agent in agents[:3]))
    s.equal("nobody else was disconnected", closed(s), (2, 1))
    return agents[:3]


def taken_over(s, agents):
    before = s.reporter.process
    s.reporter.configure("reporter",
                         listen="%s:%d" % s.reporter.addresses[0])
    s.reporter.write_conf()
    with open(s.reporter.log, "a") as log:
        s.reporter.process = subprocess.Popen(
            [scenario.program("reporter"), "-f", "-r", "-c", s.reporter.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)

    def serves():
        try:
            return s.reporter.status()["pid"] == s.reporter.process.pid
        except scenario.Failure:
            return False

    before.wait(scenario.PATIENCE)
    wait_for(serves, "the next process has taken over")
    time.sleep(2)
    s.check("they stay in the next process as well",
            all(agent.is_open() for agent in agents))


def tell(s):
    if libc.unshare(CLONE_NEWNET) != 0:
        raise scenario.Missing("requires network namespaces")
    ip("link", "set", "lo", "up")
    host = Host()
    try:
        s.reporter.configure("reporter", listen=f"{NEAR}:0")
        s.start()
        lost = idle_timeout(s, host)
        taken_over(s, lost)
        reports = s.reporter.status()["reports"]
        alive = s.agent()
        alive.send(elb(1, 1, 1, TS, [(1, 1, 1, 0, False)]))
        wait_for(lambda: s.reporter.status()["reports"] > reports,
                 "one reports")
        for agent in (*lost, alive):
            is_probed(s, agent)
        host.is_lost()
        began = time.monotonic()
        wait_for(lambda: s.reporter.status()["connections"] == 1,
                 "those of the lost host are closed", FOUND_S + 20)
        took = time.monotonic() - began
        s.check("in time", took < (FOUND_S + 15 if LONG else 15),
                f"{took:.1f} s")
        s.equal("none of them as idle", closed(s), (0, 3))
        reports = s.reporter.status()["reports"]
        s.check("the silent agent of a host that lives stays",
                alive.is_open())
        alive.send(elb(2, 1, 1, TS, [(1, 1, 1, 0, False)]))
        wait_for(lambda: s.reporter.status()["reports"] > reports,
                 "and its next report is taken")
        s.identity()
    finally:
        host.end()


scenario.requires_root("network namespaces")
scenario.run(__doc__, tell)
