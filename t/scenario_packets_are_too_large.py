#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Before the database stands a proxy that takes shorter packets than the
database says: at a longer one it says so and closes the connection, as servers
do.  A worker finds out once what it may send, and not at each batch anew.
When the proxy takes longer packets, the next connection sends them."""

import os
import socket
import socketserver
import threading

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 40000
PER_REPORT = 200
LIMIT = 64 * 1024       # shorter than bulk execution sends
LIMIT_MYSQL = 12 * 1024 # than a statement of 250 rows
# Until each part of the first 10,000 rows fits: 1 + 2 + 4, and 8 as text; on MySQL
# until 125 rows do.
MOST, MOST_MYSQL = 15, 25
TOO_LARGE = b"\xff" + (1153).to_bytes(2, "little") + b"#08S01too large"


class Session(socketserver.BaseRequestHandler):
    """One connection of a worker."""

    def exactly(self, n):
        data = bytearray()
        while len(data) < n:
            more = self.request.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return bytes(data)

    def answers(self, database):
        try:
            while data := database.recv(65536):
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def handle(self):
        proxy = self.server
        proxy.newest = self.request
        with socket.socket(socket.AF_UNIX) as database:
            database.connect(proxy.behind)
            threading.Thread(target=self.answers, args=(database,),
                             daemon=True).start()
            try:
                while True:
                    head = self.exactly(4)
                    length = int.from_bytes(head[:3], "little")
                    body = self.exactly(length)
                    proxy.longest = max(proxy.longest, length)
                    if length > proxy.limit:
                        proxy.refused += 1
                        self.request.sendall(
                            len(TOO_LARGE).to_bytes(3, "little")
                            + bytes([head[3] + 1]) + TOO_LARGE)
                        break
                    database.sendall(head + body)
            except (EOFError, OSError):
                pass
            # Ends the thread of the answers as well.
            database.shutdown(socket.SHUT_RDWR)


class Proxy(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path, behind, limit):
        super().__init__(path, Session)
        self.behind = behind
        self.limit = limit
        self.refused = self.longest = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


def send_all(s, agent, ts):
    """All keys come to the flush at once."""
    pending = s.reporter.status()["records"]["stored"] + KEYS
    s.database.freeze()
    for first in range(0, KEYS, PER_REPORT):
        agent.send(scenario.native(1, 1, 1, ts, [
            (ip, 80, ip, 0, False) for ip in range(first, first + PER_REPORT)]))
    wait_for(lambda: s.reporter.status()["records"]["received"] == pending,
             "all is received")
    wait_for(lambda: s.reporter.status()["records"]["queued"] == 0,
             "all is in the table")
    s.database.thaw()
    return s.reporter.settled(pending)


def tell(s):
    s.database.start()
    path = os.path.join(s.directory, "proxy.sock")
    limit = LIMIT_MYSQL if s.database.is_mysql else LIMIT
    with Proxy(path, s.database.socket, limit) as proxy:
        s.reporter.configure("reporter", workers=1)
        s.reporter.configure("mysql", socket=path, read_timeout="30s")
        s.reporter.start()
        agent = s.agent()
        status = send_all(s, agent, TS)
        s.equal("all is stored", status["records"]["stored"], KEYS)
        s.equal("and nothing else in the table", s.database.count(), KEYS)
        s.check("statements were too long", proxy.refused > 0)
        most = MOST_MYSQL if s.database.is_mysql else MOST
        s.check("until the worker knew", proxy.refused <= most,
                f"{proxy.refused} were refused")

        proxy.limit = 1 << 24
        proxy.longest = 0
        proxy.newest.shutdown(socket.SHUT_RDWR)
        send_all(s, agent, TS + 1)
        s.check("a new connection sends longer ones", proxy.longest > limit,
                f"{proxy.longest} bytes at the most")


scenario.run(__doc__, tell)
