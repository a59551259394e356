#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A database server was taken over: to whatever a worker asks it answers with
a request for a file of the client's, the one with the password in it.  It gets
none, the workers say what went wrong, and the records wait for a better
one."""

import os
import socketserver
import struct
import threading

import scenario
from scenario import wait_for

CAPABILITIES = 0x00A8A2A7  # with LOAD DATA LOCAL, without TLS
COM_QUIT, COM_QUERY, COM_PREPARE, COM_PING = 1, 3, 22, 14


class Session(socketserver.BaseRequestHandler):
    """One connection of a worker."""

    def send(self, number, payload):
        self.request.sendall(len(payload).to_bytes(3, "little")
                             + bytes([number]) + payload)

    def receive(self):
        """(number, payload), or None at the end."""
        head = self.exactly(4)
        if not head:
            return None
        return head[3], self.exactly(int.from_bytes(head[:3], "little"))

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.request.recv(n - len(data))
            if not more:
                return b""
            data += more
        self.server.seen += data
        return data

    def handle(self):
        salt = b"0123456789abcdefghij"
        self.send(0, b"\x0a5.7.0-hostile\0" + struct.pack("<I", 1) + salt[:8]
                  + b"\0" + struct.pack("<H", CAPABILITIES & 0xFFFF)
                  + b"\x21" + struct.pack("<HH", 2, CAPABILITIES >> 16)
                  + bytes([21]) + bytes(10) + salt[8:] + b"\0"
                  + b"mysql_native_password\0")
        if not self.receive():
            return
        self.send(2, b"\0\0\0\2\0\0\0")
        while packet := self.receive():
            number, payload = packet
            if payload[:1] == bytes([COM_QUIT]):
                return
            if payload[:1] == bytes([COM_PING]):
                self.send(number + 1, b"\0\0\0\2\0\0\0")
            else:
                self.server.asked += 1
                self.send(number + 1, b"\xfb" + self.server.wanted.encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, wanted):
        super().__init__(("127.0.0.1", 0), Session)
        self.wanted = wanted
        self.asked = 0
        self.seen = b""
        threading.Thread(target=self.serve_forever, daemon=True).start()


def tell(s):
    with Server(s.reporter.conf) as server:
        del s.reporter.options["mysql"]["socket"]
        s.reporter.configure("reporter", workers=1, shutdown_timeout="1s")
        s.reporter.configure("mysql", host="127.0.0.1",
                             port=server.server_address[1])
        s.reporter.start()
        s.agent().send(scenario.native(1, 1, 1, 1700000000,
                                       [(1, 1, 1, 1, False)]))
        wait_for(lambda: server.asked >= 3, "a file was asked for three times")
        status = s.reporter.status()
        s.equal("the record waits", status["records"]["pending"], 1)
        s.check("the worker says what is wrong",
                status["workers"][0]["last_error"], status["workers"])
        with open(s.reporter.conf, "rb") as file:
            conf = file.read()
        s.check("it does hold what was asked for",
                scenario.PASSWORD.encode() in conf)
        s.check("no byte of the file came", b"[mysql]" not in server.seen
                and scenario.PASSWORD.encode() not in server.seen,
                server.seen[-400:])
        s.reporter.stop()
        for segment in s.reporter.segments():
            os.unlink(segment)


scenario.run(__doc__, tell)
