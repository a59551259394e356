#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Between reporter and its database is a firewall that drops idle connections:
nothing passes on them any more, neither side is notified, and new connections
pass.  The server would keep the old session for hours.  The kernel
probes idle connections, so that this is rare; when it happens all the same, the
next report is in the table after read_timeout and a few seconds, and the old
session is ended.  The same holds if reporter is killed and restarted at that
moment."""

import os
import socket
import threading
import time

import scenario

TS = 1700000000
READ_TIMEOUT = 2
KEEPALIVE = 7
# For the statement that nobody answers, and for the way there.
ENOUGH = READ_TIMEOUT + 5
SESSIONS = ("SELECT COUNT(*) FROM information_schema.PROCESSLIST "
            "WHERE USER = 'reporter'")


class Firewall:
    """Passes connections on to the database."""

    def __init__(self, port):
        self.database = ("127.0.0.1", port)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.passing = threading.Event()  # of the connections made lately
        self.passing.set()
        self.kept = []  # no socket is closed: nobody is told
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _peer = self.listening.accept()
            far = socket.create_connection(self.database)
            self.kept += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pass, daemon=True,
                                 args=(*pair, self.passing)).start()

    @staticmethod
    def _pass(source, target, passing):
        try:
            while data := source.recv(1 << 16):
                if not passing.is_set():
                    return
                target.sendall(data)
            if passing.is_set():
                target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def forget(self):
        """Nothing passes any more on the connections that there are."""
        self.passing.clear()
        self.passing = threading.Event()
        self.passing.set()


def is_probed(s, port):
    probes = scenario.wait_for(lambda: scenario.keepalive(port),
                               "the idle connection is probed")
    s.check("after the time of keepalive", max(probes) <= KEEPALIVE,
            str(probes))


def tell(s):
    database = scenario.Networked(os.path.join(s.directory, "far"))
    try:
        database.start()
        database.ask("SET GLOBAL log_output = 'TABLE'")
        database.ask("SET GLOBAL general_log = 1")
        story(s, database, Firewall(database.port))
    finally:
        scenario.end_group(database.process)


def story(s, database, firewall):
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("mysql", socket="",
                         host=f"127.0.0.1:{firewall.port}",
                         read_timeout=f"{READ_TIMEOUT}s",
                         keepalive=f"{KEEPALIVE}s")
    s.reporter.start()
    wanted = {}

    def send(turn):
        report = (1, turn, 3, TS, [(1, 80, turn, 1, False)])
        wanted.update(scenario.rows(*report))
        s.agent().send(scenario.native(*report))

    def arrives(what):
        began = time.monotonic()
        scenario.wait_for(lambda: database.table() == wanted, what)
        took = time.monotonic() - began
        s.check(f"{what}, in time", took < ENOUGH, f"{took:.1f} s")

    def sessions():
        return int(database.ask(SESSIONS)[0])

    def only_one():
        scenario.wait_for(lambda: sessions() == 1,
                          "the session that was forgotten is ended")

    send(1)
    arrives("a report is in the table")
    s.part(is_probed, s, firewall.port)

    firewall.forget()
    s.equal("the server keeps the session that was forgotten", sessions(), 1)
    send(2)
    arrives("after the firewall has forgotten the connection, the next one is")
    only_one()

    firewall.forget()
    send(3)
    scenario.wait_for(lambda: s.reporter.status()["records"]["pending"] == 1,
                      "the report waits")
    s.reporter.kill()
    s.reporter.start()
    arrives("and after a restart it is as well")
    only_one()
    log = database.ask("SELECT argument FROM mysql.general_log")
    s.check("the log of the server has the statements",
            any("INSERT INTO" in line for line in log), str(len(log)))
    s.equal("no lock of the server is used",
            [line for line in log if "_LOCK(" in line.upper()], [])
    s.equal("nothing was set aside",
            s.reporter.status()["records"]["dead_letter"], 0)


scenario.run(__doc__, tell)
