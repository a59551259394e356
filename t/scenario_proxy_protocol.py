#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents come through a balancer, HAProxy, which tells their addresses by the
PROXY protocol, in version 1 as in version 2.  The agent's own address is what allow, deny, the limit for one
address, check_caller and the log see; through TLS as well, which the balancer
passes on.  The balancer's health checks are served.  Who comes to that port and
is no balancer is refused; a balancer that does not say whose connection it is,
or does not come to the end of it, is sent away and counted."""

import os
import re
import subprocess

import scenario
from scenario import PROXY_SIGNATURE, Agent, proxy_header
import tls

TS = 1700000000
BALANCER, AGENT, DENIED, STRANGER = (
    "127.0.0.1", "127.0.0.5", "127.0.0.6", "127.0.0.7")
CALLER = 0x7F000005


class Balancer:
    """A real HAProxy in front of the listeners `proxy` and `proxy tls`."""

    CONF = """global
    log stderr format raw local0
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
"""
    PART = """frontend f{n}
    bind 127.0.0.1:{port}
    default_backend b{n}
backend b{n}
    server s{n} {host}:{to} {header} {check}
"""

    def __init__(self, s):
        self.ports = [scenario.free_port() for _ in range(4)]
        conf = os.path.join(s.directory, "haproxy.cfg")
        with open(conf, "w") as file:
            file.write(self.CONF)
            for n, port in enumerate(self.ports):
                # To both listeners by version 2, then by version 1.
                host, to = s.reporter.addresses[n % 2]
                check = "" if n % 2 else "check check-send-proxy inter 100"
                header = "send-proxy-v2" if n < 2 else "send-proxy"
                file.write(self.PART.format(n=n, port=port, host=host, to=to,
                                            header=header, check=check))
        self.log = open(os.path.join(s.directory, "haproxy.log"), "w")
        self.process = subprocess.Popen(
            [scenario.tool("haproxy", "haproxy"), "-db", "-f", conf],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True)
        for port in self.ports:
            scenario.wait_for(lambda: self.listens(port), "HAProxy listens")

    def listens(self, port):
        if self.process.poll() is not None:
            raise scenario.Failure(
                "HAProxy ended:\n" + scenario.tail(self.log.name, 20))
        with open("/proc/net/tcp") as table:
            return f"0100007F:{port:04X} 00000000:0000 0A" in table.read()

    def end(self):
        scenario.end_group(self.process)
        self.log.close()


class Story:
    def __init__(self, s):
        self.s = s
        self.modid = 0
        self.wanted = {}
        self.authority = tls.Authority(s.directory, "authority")

    def status(self, group, name):
        return self.s.reporter.status()[group][name]

    def report(self, caller=CALLER):
        self.modid += 1
        report = (self.modid, 1, caller, TS, [(1, 1, self.modid, 0, False)])
        self.wanted.update(scenario.rows(*report))
        return scenario.native(*report)

    def arrived(self, what):
        scenario.wait_for(
            lambda: self.s.database.table() == self.wanted, what)
        self.s.check(what, True)

    def counted(self, what, group, name, call):
        """call() makes this be counted once, and its connection be closed."""
        before = self.status(group, name)
        agent = call()
        self.s.check(f"{what} is sent away", agent.sees_end(10))
        scenario.wait_for(lambda: self.status(group, name) > before,
                          f"{what} is counted as {group} {name}")
        self.s.equal(f"and counted as {group}, {name}",
                     self.status(group, name), before + 1)
        agent.close()

    def logged(self, text):
        """A regular expression."""
        log = self.s.reporter.log_text()
        self.s.check(f"the log says: {text}", re.search(text, log),
                     log[-800:])


def direct(story, data, source=BALANCER, listener=0):
    agent = Agent(story.s.reporter.addresses[listener], source)
    agent.send(data)
    story.s.agents.append(agent)
    return agent


def through_haproxy(story, balancer):
    s = story.s
    front = ("127.0.0.1", balancer.ports[0])
    agent = Agent(front, AGENT)
    agent.send(story.report())
    story.arrived("a report passed on by HAProxy is in the table")
    s.equal("and not foreign: its caller is the agent's address",
            s.reporter.status()["foreign"], 0)
    agent.send(story.report(CALLER + 1))
    story.arrived("another caller's as well")
    s.equal("which is foreign", s.reporter.status()["foreign"], 1)
    story.logged(rf"agent {agent.name}: reports as caller 127\.0\.0\.6")

    secure = tls.s_client(
        ("127.0.0.1", balancer.ports[1]), story.report(), "-bind",
        f"{AGENT}:0", "-CAfile", story.authority.certificate)
    s.check("TLS is passed on", "Verify return code: 0" in secure[1],
            secure[1])
    story.arrived("and brings its report")
    s.equal("from the agent's address as well",
            s.reporter.status()["foreign"], 1)
    by_version_1(story, balancer)

    for source, name, text in (
            (DENIED, "denied", "address is in limits.deny"),
            (STRANGER, "not_allowed", "address is not in limits.allow")):
        story.counted(f"an agent that is {name}", "refused", name,
                      lambda: Agent(front, source))
        story.logged(rf"agent {source}:\d+: refused: {text}; passed on by "
                     rf"{BALANCER}:\d+")
    s.reporter.configure("limits", max_connections_per_address=1)
    tls.reload(s)
    story.counted("a second one of one address", "refused",
                  "max_connections_per_address", lambda: Agent(front, AGENT))
    s.reporter.configure("limits", max_connections_per_address=0)
    tls.reload(s)
    agent.send(story.report())
    story.arrived("the first one goes on")

    status = s.reporter.status()
    s.equal("the health checks are no fault",
            [status["closed"][name] for name in ("proxy_header", "refused")],
            [0, 3])
    s.reporter.configure("limits", deny=f"{DENIED}, {AGENT}")
    tls.reload(s)
    s.check("a reload that denies the agent closes it", agent.sees_end(10))
    s.reporter.configure("limits", deny=DENIED)
    tls.reload(s)


def by_version_1(story, balancer):
    """Through HAProxy, plain and with TLS; and a caller of another host, to see
    whose address is known."""
    s = story.s
    agent = Agent(("127.0.0.1", balancer.ports[2]), AGENT)
    s.agents.append(agent)
    agent.send(story.report())
    story.arrived("version 1 passes reports on as well")
    s.equal("from the agent's address", s.reporter.status()["foreign"], 1)
    secure = tls.s_client(
        ("127.0.0.1", balancer.ports[3]), story.report(), "-bind",
        f"{AGENT}:0", "-CAfile", story.authority.certificate)
    s.check("and TLS, of which no byte is missing",
            "Verify return code: 0" in secure[1], secure[1])
    story.arrived("with its report")
    s.equal("from the agent's address, too", s.reporter.status()["foreign"], 1)
    agent.close()
    scenario.wait_for(lambda: story.status("closed", "by_agent") > 0,
                      "the agent is gone")


def by_hand(story):
    s = story.s
    by_hand_version_1(story)
    whole = proxy_header(AGENT) + story.report()
    agent = direct(story, b"")
    for byte in whole:
        agent.send(bytes([byte]))
    story.arrived("a header may come byte by byte")
    direct(story, proxy_header(AGENT, more=b"\x04\0\x02hi") + story.report())
    story.arrived("and have values of other kinds")
    foreign = s.reporter.status()["foreign"]
    direct(story, proxy_header(None, command=0x20)
           + story.report(0x7F000001))
    story.arrived("the balancer's own reports have its own address")
    s.equal("so they are not foreign", s.reporter.status()["foreign"], foreign)

    for what, data in (
            ("who sends a report and no header",
             scenario.native(999, 1, 1, TS, [])),
            ("version 1 without an address", b"PROXY TCP4\r\n"),
            ("one that does not end", b"PROXY TCP4 127.0.0.5" + b" " * 90),
            ("an unknown command", proxy_header(AGENT, command=0x22)),
            ("a header too long", PROXY_SIGNATURE + b"\x21\x11\xff\xff"),
            ("one without address", proxy_header(None))):
        story.counted(what, "closed", "proxy_header",
                      lambda: direct(story, data))
    story.logged(r"agent 127\.0\.0\.1:\d+: invalid PROXY header: "
                 r"not a PROXY header: closed")
    story.logged(r"agent 127\.0\.0\.1:\d+: invalid PROXY header: "
                 r"a malformed PROXY header of version 1: closed")
    story.counted("a header behind which no TLS comes", "closed", "tls",
                  lambda: direct(story, proxy_header(AGENT) + b"no TLS at all",
                                 listener=1))
    story.logged(r"agent 127\.0\.0\.5:1234: TLS failed: ")
    story.counted("who is no balancer", "refused", "not_trusted",
                  lambda: Agent(s.reporter.addresses[0], AGENT))

    s.reporter.configure("limits", message_timeout="300ms")
    tls.reload(s)
    story.counted("half a header", "closed", "message_timeout",
                  lambda: direct(story, proxy_header(AGENT)[:20]))
    story.counted("a header that is whole, and no TLS", "closed",
                  "message_timeout",
                  lambda: direct(story, proxy_header(AGENT), listener=1))
    s.reporter.configure("limits", message_timeout="30s")
    tls.reload(s)
    idle = direct(story, proxy_header(AGENT))
    idle.send(story.report())
    story.arrived("who is through goes on")

    s.reporter.configure("limits", proxy_from=STRANGER)
    tls.reload(s)
    story.counted("the balancer, when it is not trusted any more", "refused",
                  "not_trusted",
                  lambda: Agent(s.reporter.addresses[0], BALANCER))
    idle.send(story.report())
    story.arrived("but its connections of before stay")


def by_hand_version_1(story):
    s = story.s
    text = f"PROXY TCP4 {AGENT} 127.0.0.1 1 2\r\n".encode()
    agent = direct(story, b"")
    for byte in text + story.report():
        agent.send(bytes([byte]))
    story.arrived("a header of version 1 may come byte by byte")
    direct(story, text + story.report())
    story.arrived("or with the report")
    foreign = s.reporter.status()["foreign"]
    direct(story, text + story.report(CALLER + 1))
    story.arrived("another caller's as well")
    s.equal("which is foreign", s.reporter.status()["foreign"], foreign + 1)
    direct(story, b"PROXY UNKNOWN\r\n" + story.report(0x7F000001))
    story.arrived("the balancer's own reports have its own address")
    s.equal("so they are not foreign", s.reporter.status()["foreign"],
            foreign + 1)
    story.counted("a denied agent by version 1", "refused", "denied",
                  lambda: direct(story, text.replace(
                      AGENT.encode(), DENIED.encode())))


def tell(s):
    story = Story(s)
    certificate, key = story.authority.issue("server", "127.0.0.1")
    s.database.start()
    s.reporter.configure(
        "reporter", listen="127.0.0.1:0 proxy, 127.0.0.2:0 proxy tls")
    s.reporter.configure("limits", proxy_from=BALANCER, allow=AGENT,
                         deny=DENIED, check_caller="log")
    s.reporter.configure("tls", certificate=certificate, key=key)
    s.reporter.start()
    balancer = Balancer(s)
    try:
        through_haproxy(story, balancer)
    finally:
        balancer.end()
    by_hand(story)
    status = s.reporter.status()
    s.identity(status)
    s.connections_add_up(status)


scenario.run(__doc__, tell)
