#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""`listen = *:PORT` stands for every address of the machine: agents connect by
IPv4 and by IPv6.  So does a host's name that has addresses of both.  A reload
may change it to 0.0.0.0 or [::] and back, and if one of these is listed as well,
its words apply.  A port that is taken on one of them is an error, and nothing
is listened on."""

import os
import socket
import subprocess

import scenario

TS = 1700000000


def addresses(name):
    try:
        return {found[4][0] for found in
                socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


HOSTS = ("127.0.0.1", "::1")


class Story:
    def __init__(self, s):
        self.s = s
        self.sent = 0

    def report(self, what, host, port):
        """A report to this address is in the table."""
        self.sent += 1
        agent = scenario.Agent((host, port))
        agent.send(scenario.native(1, self.sent, 1, TS,
                                   [(1, 1, 1, 0, False)]))
        scenario.wait_for(lambda: self.s.database.count() == self.sent,
                          f"{what}: a report to {host} is in the table")
        agent.close()

    def serves(self, what, port, hosts=HOSTS):
        """A report to each of these addresses is in the table, and nobody
        listens on the others."""
        for host in hosts:
            self.report(what, host, port)
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


    def needs_header(self, what, host, port):
        """Only who sends a PROXY header may come in there."""
        name, reporter = "proxy_header", self.s.reporter
        before = reporter.status()["closed"][name]
        agent = scenario.Agent((host, port))
        agent.send(scenario.native(1, 1, 1, TS, []))
        self.s.check(f"{what}: without a PROXY header there is no way in by "
                     f"{host}", agent.sees_end())
        self.s.equal("for that reason", reporter.status()["closed"][name],
                     before + 1)
        agent.close()

    def refuses_reload(self, listen, why):
        self.s.reporter.configure("reporter", listen=listen)
        start = len(self.s.reporter.log_text())
        self.s.reporter.reload(status=1)
        self.s.check(f"a reload is refused: {why}",
                     why in self.s.reporter.log_text(start),
                     self.s.reporter.log_text(start))


def start_and_reload(story, port):
    """What a word stands for may change while reporter runs."""
    s, everything = story.s, f"*:{port}"
    story.start(everything)
    story.serves("an asterisk", port)
    start = len(s.reporter.log_text())
    story.reload(f"0.0.0.0:{port}")
    s.check("the log names the address that is closed",
            f"no longer listening on [::]:{port}\n"
            in s.reporter.log_text(start), s.reporter.log_text(start))
    story.serves("reloaded with 0.0.0.0", port, HOSTS[:1])
    story.reload(everything)
    story.serves("reloaded with an asterisk", port)
    story.reload(f"[::]:{port}")
    story.serves("reloaded with [::]", port, HOSTS[1:])
    story.reload(everything)
    story.reload(f"{everything}, [::]:{port} proxy")
    story.needs_header("the more specific word counts", "::1", port)
    story.report("and not for the other address", HOSTS[0], port)
    story.reload(everything)
    story.serves("an asterisk once more", port)

    other = scenario.free_port()
    with socket.create_server(("::1", other), family=socket.AF_INET6):
        story.refuses_reload(f"*:{other}", "Address already in use")
    story.serves("it goes on as before", port)
    try:
        scenario.Agent((HOSTS[0], other)).close()
        s.check("and not on half of what was refused", False)
    except ConnectionRefusedError:
        s.check("and not on half of what was refused", True)


def names_and_numbers(story):
    """A host's name and its address take each other's place."""
    s, port = story.s, scenario.free_port()
    name, address = f"localhost:{port}", f"127.0.0.1:{port}"
    found = addresses("localhost") & set(HOSTS)
    hosts = tuple(host for host in HOSTS if host in found)
    s.reporter.configure("reporter", listen=f"{name}, {address} proxy")
    s.reporter.listens = len(hosts)
    s.reporter.start()
    story.needs_header("an address counts more than a name", HOSTS[0], port)
    story.reload(name)
    story.serves("reloaded with the name alone", port, hosts)
    story.reload(address)
    story.serves("with the address", port, HOSTS[:1])
    story.reload(name)
    story.serves("and with the name", port, hosts)
    s.reporter.stop()


def name_with_two_addresses(story, hosts, path):
    """As /etc/hosts has it, in a mount namespace of reporter's own; in the end
    that file has no names any more."""
    s, port = story.s, scenario.free_port()
    both = f"two.test:{port}"
    s.reporter.popen = {"preexec_fn": hosts}
    story.start(both)
    story.serves("a name with two addresses, one of them twice", port)
    story.reload(f"{both}, 127.0.0.1:{port} proxy")
    story.needs_header("an address beside the name", HOSTS[0], port)
    story.report("the rest of the name", HOSTS[1], port)
    with open(path, "w"):
        pass
    story.reload(both)
    story.serves("the name gets its address back without being resolved", port)
    story.refuses_reload(f"two.test:{port}, other.test:{scenario.free_port()}",
                         "cannot listen on other.test")
    story.serves("and goes on", port)
    s.reporter.stop()
    s.reporter.popen = {}


def tell(s):
    s.database.start()
    s.reporter.configure("limits", proxy_from="::1, 127.0.0.1")
    story = Story(s)
    start_and_reload(story, scenario.free_port())
    s.reporter.stop()

    for words in (("*", "[::]"), ("[::]", "*")):
        port = scenario.free_port()
        story.start(f"{words[0]}:{port}, {words[1]}:{port}")
        story.serves(" and ".join(words), port)
        s.reporter.stop()
        story.start(", ".join(f"{word}:{port}" + " proxy" * (word != "*")
                              for word in words))
        story.needs_header(" and ".join(words), "::1", port)
        story.report(" and ".join(words), HOSTS[0], port)
        s.reporter.stop()

    names_and_numbers(story)
    path = os.path.join(s.directory, "hosts")
    hosts = scenario.own_hosts(
        path, "127.0.0.1 two.test\n127.0.0.1 two.test\n::1 two.test\n")
    if hosts:
        name_with_two_addresses(story, hosts, path)
    else:
        print("a name with two addresses is not shown: it takes root")

    port = scenario.free_port()
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


if not scenario.has_ipv6():
    scenario.skip("this machine has no address ::1")
scenario.run(__doc__, tell)
