# SPDX-License-Identifier: MIT
"""A service manager with a descriptor store, for scenarios: it starts reporter,
hears its notifications, keeps what it stores and passes that to the next."""

import os
import socket
import subprocess

import scenario
from scenario import wait_for


class Manager:
    """The service manager: notifications, and the store."""

    def __init__(self, s):
        self.s = s
        path = os.path.join(s.directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        os.environ["NOTIFY_SOCKET"] = path
        os.environ["INVOCATION_ID"] = "0" * 32
        self.heard = []
        self.store = []  # (name, descriptor)

    def listen(self):
        while True:
            try:
                note, fds, _flags, _from = socket.recv_fds(self.socket, 4096,
                                                           16)
            except BlockingIOError:
                return
            words = dict(line.split("=", 1)
                         for line in note.decode().splitlines())
            self.heard.append(words)
            if "FDSTORE" in words:
                # The newest first, as systemd has them.
                self.store[:0] = [(words["FDNAME"], fd) for fd in fds]
            else:
                for fd in fds:
                    os.close(fd)
            if "FDSTOREREMOVE" in words:
                self.drop()

    def drop(self):
        for _name, fd in self.store:
            os.close(fd)
        self.store = []

    def start(self, *held):
        """Pass in these sockets and what is in the store."""
        s = self.s
        s.reporter.write_conf()
        passed = [("reporter.socket", one.fileno()) for one in held]
        passed += self.store
        spare = [os.dup2(fd, 100 + at) for at, (_, fd) in enumerate(passed)]
        names = ":".join(name for name, _ in passed)
        environment = f"LISTEN_PID=$$ LISTEN_FDS={len(passed)}"
        if passed:
            environment += f" LISTEN_FDNAMES={names}"

        def place():
            for at, fd in enumerate(spare):
                os.dup2(fd, 3 + at)

        self.heard = []
        with open(s.reporter.log, "a") as log:
            s.reporter.process = subprocess.Popen(
                ["/bin/sh", "-c", f'{environment} exec "$@"', "sh",
                 scenario.program("reporter"), "-f", "-c", s.reporter.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=place, start_new_session=True,
                pass_fds=range(3, 3 + len(passed)))
        for fd in spare:
            os.close(fd)
        wait_for(lambda: self.is_ready(), "reporter is ready")

    def is_ready(self):
        self.s.reporter.alive()
        self.listen()
        return any("READY" in words for words in self.heard)

    def stop(self):
        """Returns the exit status."""
        process, self.s.reporter.process = self.s.reporter.process, None
        process.terminate()

        def ended():
            self.listen()
            return process.poll() is not None

        wait_for(ended, "reporter ends")
        self.listen()
        return process.returncode
