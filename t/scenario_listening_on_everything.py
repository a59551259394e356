#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""`listen = *:PORT` stands for every address of the machine: agents connect by
IPv4 and by IPv6.  So does a host's name that has addresses of both.  A reload
may change it into one of the two and back, and beside it one of the two may
stand by itself, which then counts.  A port that is taken on one of them is an
error, and nothing is listened on."""

import socket
import subprocess
import sys

import scenario

TS = 1700000000


def has_ipv6():
    """Whether this machine has the loopback address ::1 at all."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def addresses(name):
    try:
        return {found[4][0] for found in
                socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


def free_port():
    """One that is free by IPv4 and by IPv6."""
    for _ in range(100):
        port = scenario.free_port()
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", port))
                return port
            except OSError:
                continue
    raise scenario.Failure("no port is free by IPv4 and by IPv6")


HOSTS = ("127.0.0.1", "::1")


class Story:
    def __init__(self, s):
        self.s = s
        self.sent = 0

    def serves(self, what, port, hosts=HOSTS):
        """A report to each of these addresses is in the table, and nobody
        listens on the others."""
        for host in hosts:
            self.sent += 1
            agent = scenario.Agent((host, port))
            agent.send(scenario.native(1, self.sent, 1, TS,
                                       [(1, 1, 1, 0, False)]))
            scenario.wait_for(lambda: self.s.database.count() == self.sent,
                              f"{what}: a report to {host} is in the table")
            agent.close()
        for host in set(HOSTS) - set(hosts):
            try:
                scenario.Agent((host, port)).close()
                self.s.check(f"{what}: not on {host}", False)
            except ConnectionRefusedError:
                pass
        self.s.check(f"{what}: on {' and '.join(hosts)}", True)

    def start(self, listen):
        self.s.reporter.configure("reporter", listen=listen)
        self.s.reporter.listens = 2
        self.s.reporter.start()

    def reload(self, listen):
        self.s.reporter.configure("reporter", listen=listen)
        self.s.reporter.reload()


def start_and_reload(story, port):
    """What a word stands for may change while reporter runs."""
    everything = f"*:{port}"
    story.start(everything)
    story.serves("an asterisk", port)
    story.reload(f"0.0.0.0:{port}")
    story.serves("reloaded with 0.0.0.0", port, HOSTS[:1])
    story.reload(everything)
    story.serves("reloaded with an asterisk", port)
    story.reload(f"[::]:{port}")
    story.serves("reloaded with [::]", port, HOSTS[1:])
    story.reload(everything)
    story.reload(f"{everything}, [::]:{port} proxy")
    agent = scenario.Agent(("::1", port))
    agent.send(scenario.native(1, 1, 1, TS, []))
    story.s.check("the word that is more particular counts: without a PROXY "
                  "header there is no way in by IPv6", agent.sees_end())
    story.s.equal("for that reason",
                  story.s.reporter.status()["closed"]["proxy_header"], 1)
    agent.close()


def tell(s):
    s.database.start()
    s.reporter.configure("limits", proxy_from="::1")
    story = Story(s)
    start_and_reload(story, free_port())
    s.reporter.stop()

    for words in (("*", "[::]"), ("[::]", "*")):
        port = free_port()
        story.start(", ".join(f"{word}:{port}" for word in words))
        story.serves(" and ".join(words), port)
        s.reporter.stop()

    if addresses("localhost") == set(HOSTS):
        port = free_port()
        story.start(f"localhost:{port}")
        story.serves("a name with two addresses", port)
        s.reporter.stop()
    else:
        print("localhost has not both addresses here: no name is shown")

    port = free_port()
    for host in HOSTS:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family):
            s.reporter.configure("reporter", listen=f"*:{port}")
            s.reporter.write_conf()
            done = subprocess.run(
                [scenario.program("reporter"), "-f", "-c", s.reporter.conf],
                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=scenario.PATIENCE)
            s.check(f"a port that is taken on {host} is an error",
                    done.returncode == 1
                    and f"cannot listen on *:{port}: Address already in use"
                    in done.stderr, done.stderr)


if not has_ipv6():
    print("skipped: this machine has no address ::1")
    sys.exit(77)
scenario.run(__doc__, tell)
