# SPDX-License-Identifier: MIT
"""reporter-web, or another server of HTTP, as scenarios start and ask it."""

import http.client
import json
import os
import re
import subprocess

import scenario


class Server:
    """A process that tells where it listens."""

    # A confined process has no /proc, and without that the sanitizer cannot
    # look for leaks.
    ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}

    def __init__(self, command, log, pattern):
        with open(log, "w") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env=self.ENVIRONMENT)
        self.log = log

        def listens():
            if self.process.poll() is not None:
                raise scenario.Failure("it ended:\n" + scenario.tail(log, 20))
            with open(log) as text:
                return re.search(pattern, text.read())

        self.port = int(scenario.wait_for(
            listens, f"{command[0]} listens").group(1))

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=scenario.PATIENCE)

    def ask(self, path, method="GET", body=None, connection=None, **headers):
        """(status, headers, text)"""
        own = connection or self.connect()
        own.request(method, path, body, {
            name.replace("_", "-"): value for name, value in headers.items()})
        answer = own.getresponse()
        text = answer.read().decode()
        if connection is None:
            own.close()
        return answer.status, answer.headers, text

    def json(self, path):
        return json.loads(self.ask(path)[2])


def start(s, *options, instance=None):
    """reporter-web in the foreground, on a port of its own."""
    name = instance or s.reporter.instance
    return Server(
        [scenario.program("reporter-web"), "-f", "-i", name,
         "-l", "127.0.0.1:0", *options],
        os.path.join(s.directory, f"web.{name}.log"),
        r"listening on 127\.0\.0\.1:(\d+)")
