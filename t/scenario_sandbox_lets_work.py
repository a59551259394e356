#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What the sandbox must not stop, although no other scenario does it: the
database is found by its name, after one that no name server knows; it is
talked to over TCP with TLS, as an option file of the client library says; the
log goes to syslog and the service manager is notified; a reload listens on
one more address by name.  Nobody is killed."""

import os
import re
import signal
import socket
import subprocess
import time

import scenario
from scenario import wait_for


class WithTls(scenario.Networked):
    """A database that listens on loopback, with TLS."""

    def __init__(self, directory):
        os.makedirs(directory)
        self.certificate = os.path.join(directory, "certificate.pem")
        key = os.path.join(directory, "key.pem")
        subprocess.run(
            [scenario.tool("openssl", "openssl"), "req", "-x509", "-nodes",
             "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=localhost",
             "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True)
        super().__init__(directory, f"--ssl-cert={self.certificate}",
                         f"--ssl-key={key}")


class Listener:
    """A datagram socket, in place of the service manager's."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.heard = ""

    def hears(self, text):
        while True:
            try:
                self.heard += self.socket.recv(65536).decode() + "\n"
            except BlockingIOError:
                return text in self.heard


def tell(s):
    database = WithTls(os.path.join(s.directory, "networked"))
    try:
        story(s, database)
    finally:
        scenario.end_group(database.process)


def story(s, database):
    database.start()
    database.administrate("ALTER USER reporter@127.0.0.1 REQUIRE SSL")
    options = os.path.join(s.directory, "client.cnf")
    with open(options, "w") as file:
        file.write(f"[client]\nssl-ca={database.certificate}\nssl\n")
    # However many name servers are asked, and do not answer.
    os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"
    notified = Listener(os.path.join(s.directory, "notify"))
    os.environ["NOTIFY_SOCKET"] = os.path.join(s.directory, "notify")
    s.reporter.configure(
        "mysql", socket="", defaults_file=options,
        host=f"no-such-host.invalid:1, localhost:{database.port}")
    s.reporter.start()
    wait = time.monotonic()
    s.agent().send(scenario.native(1, 1, 1, int(time.time()),
                                   [(1, 1, 1, 0, False)] * 3))
    wait_for(lambda: database.count() == 1, "a row stands in the table")
    print(f"after {time.monotonic() - wait:.1f} s")
    s.check("the first name was looked for", re.search(
        r"no-such-host\.invalid:1: error 2005", s.reporter.log_text()))
    s.check("the database was found by its name",
            f"database localhost:{database.port}: connected"
            in s.reporter.log_text())
    if scenario.has("SYSTEMD"):
        wait_for(lambda: notified.hears("READY=1"), "it is ready")
    s.reporter.configure("reporter", listen="127.0.0.1:0, localhost:0")
    s.reporter.configure("log", target="syslog")
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    wait_for(lambda: s.reporter.status()["reloads"] == 1, "it is reloaded")
    if scenario.has("SYSTEMD"):
        wait_for(lambda: notified.hears("RELOADING=1"), "it says so")
    s.agent().send(scenario.native(2, 1, 1, int(time.time()),
                                   [(1, 1, 1, 0, False)]))
    wait_for(lambda: database.count() == 2, "one more row stands there")
    s.equal("nobody was killed", [w["restarts"] for w in s.reporter.status()[
        "workers"]], [0, 0])
    s.reporter.stop()
    s.check("the log does not speak of the sandbox",
            "Bad system call" not in s.reporter.log_text())


scenario.run(__doc__, tell)
