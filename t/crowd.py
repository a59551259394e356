# SPDX-License-Identifier: MIT
"""A crowd of agents beside a scenario: t/crowd, and what is measured of a
master that serves one."""

import os
import re
import resource
import subprocess

import scenario
from scenario import Failure, wait_for


class Crowd:
    """A process that plays many agents, see t/crowd.c."""

    def __init__(self, s, *arguments):
        path = os.path.join(scenario.BUILD, "t", "crowd")
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is missing: make check builds it")
        host, port = s.reporter.addresses[0]
        self.said = os.path.join(s.directory, f"crowd-{arguments[0]}")
        with open(self.said, "w") as said:
            self.process = subprocess.Popen(
                [path, host, str(port), *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        s.agents.append(self)

    def connected(self):
        """Wait until all are connected."""
        def so_far():
            if self.process.poll() is not None:
                raise Failure("the crowd ended: "
                              + scenario.tail(self.said, 5))
            return "connected" in scenario.tail(self.said, 5)

        wait_for(so_far, "the crowd is connected")

    def ended(self):
        """Wait until it ends by itself.  Returns its exit status."""
        return self.process.wait(scenario.PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def finished(self):
        """End agents of Lars or ELB.  Returns how many were refused, how many
        lost their connection, and {agent: frames sent}."""
        self.process.terminate()
        self.process.wait(scenario.PATIENCE)
        with open(self.said) as said:
            text = said.read()
        counts = re.search(r"^refused (\d+) lost (\d+)$", text, re.M)
        if not counts:
            raise Failure(f"the crowd ended: {text[-300:]}")
        frames = dict(tuple(map(int, line)) for line in re.findall(
            r"^(\d+) (\d+)$", text, re.M))
        return int(counts[1]), int(counts[2]), frames

    # Scenario.finish() closes agents.
    close = kill


def rows(kind, frames, keys):
    """What the table has after agents of Lars or ELB have sent so many
    frames: of each key the last."""
    first = 1000001 if kind == "elb" else 1
    return {(number + 1, at % keys, 1, 1, number + first):
            (at + 1, 0, 1700000000, 0)
            for number, count in frames.items() for at in range(count)}


def serve(s, agents, **limits):
    """Start database and reporter for so many agents."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < agents + 200:
        raise Failure(f"{agents} agents need {agents + 200} open files, the "
                      f"hard limit is {most}: raise it (ulimit -Hn)")
    s.reporter.configure("limits", max_connections=agents, **limits)
    # What ASan keeps of freed memory, to find who still uses it, would look
    # like growth.
    s.reporter.asan_options += (":quarantine_size_mb=0"
                                  ":thread_local_quarantine_size_kb=0")
    s.start()


def resident(s):
    """The master's own memory, in bytes: what is not shared with others."""
    with open(f"/proc/{s.reporter.process.pid}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise Failure("this kernel does not tell RssAnon")


def processor_time(s):
    """Seconds of processor time that the master has used."""
    fields = scenario.process_fields(f"/proc/{s.reporter.process.pid}/stat")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
