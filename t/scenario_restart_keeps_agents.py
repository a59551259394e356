#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents of Lars, which never connect again once they were refused, and of ELB
send frames without a pause, while `reporter -r` takes over again and again: no
connect is refused, no connection is lost, and the table has what was sent.  So
it is with connections that are throttled, half closed, or in the middle of a
PROXY header, and with a program of another layout of shared memory.  Where
nothing can be taken over, the running process continues.

    scenario_restart_keeps_agents.py [AGENTS RESTARTS]
"""

import os
import signal
import socket
import subprocess
import sys
import time

import crowd
import scenario
from scenario import BUILD, wait_for

TS = 1700000000
KEYS = 20
OLDER = os.path.join(BUILD, "t", "reporter-older")


def launch(s, *options, program=None):
    """Start one more reporter on the same configuration."""
    with open(s.reporter.log, "a") as log:
        return subprocess.Popen(
            [program or scenario.program("reporter"), "-f", *options, "-c",
             s.reporter.conf], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
            env=dict(os.environ, ASAN_OPTIONS=s.reporter.asan_options))


def serves(s):
    """Whether the process that was started last runs the instance."""
    s.reporter.alive()
    try:
        return s.reporter.status()["pid"] == s.reporter.process.pid
    except scenario.Failure:
        return False


def take_over(s, program=None):
    """Returns the exit status of the process that ran before."""
    before, start = s.reporter.process, os.path.getsize(s.reporter.log)
    s.reporter.process = launch(s, "-r", program=program)
    wait_for(lambda: s.reporter.alive() or before.poll() is not None,
             "the process before ends")
    status = before.returncode
    # Of another layout there is no status.
    wait_for(lambda: "workers, generation" in s.reporter.log_text(start)
             if program else serves(s), "the new process runs")
    return status


def crowds(s, agents, restarts):
    """Both kinds of agents through many restarts."""
    period = max(50, agents // 10)
    kinds = {kind: crowd.Crowd(s, kind, agents // 2, period, KEYS)
             for kind in ("lars", "elb")}
    for one in kinds.values():
        one.connected()
    wait_for(lambda: s.reporter.status()["connections"] == agents,
             "all agents are accepted")
    began = time.monotonic()
    for turn in range(restarts):
        wait_for(lambda: s.reporter.status()["records"]["received"] >= agents,
                 "all agents report")
        if turn == restarts // 2:
            s.equal("to another layout: exit status", take_over(s, OLDER), 0)
        status = take_over(s)
        if status != 0:
            s.equal(f"restart {turn}: exit status", status, 0)
    print(f"{restarts} restarts in {time.monotonic() - began:.1f} s")
    wait_for(lambda: s.reporter.status()["connections"] == agents,
             "all connections were taken over")
    s.connections_add_up(s.reporter.status())
    wanted = {}
    for kind, one in kinds.items():
        refused, lost, frames = one.finished()
        s.equal(f"{kind}: refused, lost", (refused, lost), (0, 0))
        s.check(f"{kind}: all have sent", min(frames.values()) > restarts / 2,
                str(frames))
        wanted |= crowd.rows(kind, frames, KEYS)
        print(f"{kind}: {sum(frames.values())} frames")
    s.reporter.settled(0)
    return wanted


def upgrade(s):
    """From a program of another layout, and back."""
    report = scenario.lars(1000007, 7, 7, TS, [(1, 1, 5, 0, False)])
    s.equal("to another layout: exit status", take_over(s, OLDER), 0)
    agent = s.agent()
    agent.send(report[:11])
    s.equal("an upgrade: exit status", take_over(s), 0)
    agent.send(report[11:])
    s.reporter.settled(1)
    return scenario.rows(1000007, 7, 7, TS, [(1, 1, 5, 0, False)])


def throttled(s):
    """The database is away, and the rings are full."""
    s.reporter.configure("queue", table_keys=1024)
    s.reporter.configure("reporter", shutdown_timeout="60s")
    s.reporter.write_conf()
    take_over(s)
    s.database.freeze()
    agent = s.agent()
    agent.socket.setblocking(False)
    reports, wanted = [], {}
    for at in range(2000):
        results = [(1, port, at + 1, 0, False) for port in range(40)]
        reports.append(scenario.native(1000008, at, 8, TS, results))
        wanted |= scenario.rows(1000008, at, 8, TS, results)
    stream, at = b"".join(reports), 0

    def is_throttled():
        nonlocal at
        at += agent.send_some(stream[at:])
        return s.reporter.status()["throttled"] == 1

    wait_for(is_throttled, "the agent is throttled")
    s.reporter.configure("reporter", shutdown_timeout="1s")
    s.reporter.write_conf()
    began = time.monotonic()
    s.equal("throttled: exit status", take_over(s), 0)
    took = time.monotonic() - began
    s.check("it does not wait for the database", took < 20, took)
    wait_for(is_throttled, "it is throttled again")
    s.database.thaw()
    agent.socket.settimeout(scenario.PATIENCE)
    agent.send(stream[at:])
    return wanted


def header(s):
    """A balancer has sent a part of its header."""
    agent = s.agent(1)
    head = scenario.proxy_header("192.0.2.9")
    for part in (head[:5], head[5:20], head[20:] + b"\x96"):
        before = s.reporter.status()["connections_accepted"]
        agent.send(part)
        take_over(s)
        s.check("a header in parts is read on", agent.is_open())
    report = scenario.native(1000009, 9, 9, TS, [(1, 1, 9, 0, False)])
    agent.send(report[1:])
    return scenario.rows(1000009, 9, 9, TS, [(1, 1, 9, 0, False)])


def ask(s):
    """A new process, as far as connecting."""
    new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    new.connect(path(s))
    return new


def path(s):
    return os.path.join(s.directory, f"{s.reporter.instance}.ark")


def continues(s, what, wanted):
    """The running process has the agents as before."""
    log = s.reporter.log_text()
    s.check(f"{what}: it is logged", wanted in log, log[-500:])
    agent = s.agents[-1]
    before = s.reporter.status()["records"]["received"]
    agent.send(scenario.native(10, 1, 1, TS, [(1, 1, 1, 0, False)]))
    s.reporter.settled(before + 1)
    s.check(f"{what}: the agents are served", serves(s))


def nobody_answers(s):
    """Whoever connects does not take the ark, or exits."""
    s.agent()
    s.equal("nobody else can connect", os.stat(path(s)).st_mode & 0o777, 0o600)
    with ask(s) as new:
        began = time.monotonic()
        new.settimeout(scenario.PATIENCE)
        note, fds, _flags, _from = socket.recv_fds(new, 64, 8)
        for fd in fds:
            os.close(fd)
        s.equal("it is given an ark", (note[:8], len(fds)),
                (bytes([1, 0, 0, 0, 0, 0, 0, 0]), 2))
        s.equal("it is told that the other one continues",
                new.recv(64)[:8], bytes([1, 0, 0, 0, 2, 0, 0, 0]))
        s.check("after 5 s", 4 < time.monotonic() - began < 9)
    continues(s, "no answer", "handover failed: Connection timed out")
    ask(s).close()  # before or after the ark is sent
    wait_for(lambda: s.reporter.log_text().count("handover failed: ") == 2,
             "the failure is logged")
    continues(s, "the new process exits", "; continuing")
    with ask(s) as new:
        new.send(b"frobnicate")
        wait_for(lambda: "handover failed: Protocol error"
                 in s.reporter.log_text(), "the failure is logged")
    continues(s, "nonsense", "Protocol error")


def refused(s):
    """Who cannot start does not take over; nor do two at once."""
    listen = s.reporter.options["reporter"]["listen"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        s.reporter.configure("reporter", listen=f"{listen}, "
                             f"127.0.0.1:{taken.getsockname()[1]}")
        s.reporter.write_conf()
        s.equal("a port that is taken",
                launch(s, "-r").wait(scenario.PATIENCE), 1)
    s.reporter.configure("reporter", listen=listen)
    s.reporter.write_conf()
    continues(s, "a port that is taken", "Address already in use")
    conf, s.reporter.conf = s.reporter.conf, s.reporter.conf + ".bad"
    with open(conf) as file, open(s.reporter.conf, "w") as bad:
        bad.write(file.read() + "[log]\nlevel = loud\n")
    s.equal("a configuration with errors",
            launch(s, "-r").wait(scenario.PATIENCE), 1)
    s.reporter.conf = conf
    continues(s, "a configuration with errors", "log.level")
    # While it is stopped, both connect; and a reload is requested.
    running = s.reporter.process
    os.kill(running.pid, signal.SIGSTOP)
    os.kill(running.pid, signal.SIGHUP)
    both = [launch(s, "-r") for _ in range(2)]
    wait_for(lambda: listening_queue(s) == 2, "both have connected")
    os.kill(running.pid, signal.SIGCONT)
    s.equal("two at once: the running one ends",
            running.wait(scenario.PATIENCE), 0)
    wait_for(lambda: any(one.poll() is not None for one in both),
             "one is refused")
    s.reporter.process, = [one for one in both if one.poll() is None]
    wait_for(lambda: serves(s), "the other one runs")
    continues(s, "two at once", "cannot take over from the running process")
    continues(s, "a reload comes first", "configuration reloaded")


def while_stopping(s):
    """A process that stops does not hand over any more."""
    s.database.freeze()
    s.agents[-1].send(scenario.native(11, 1, 1, TS, [(1, 1, 1, 0, False)]))
    wait_for(lambda: s.reporter.status()["records"]["pending"] > 0,
             "a record is pending")
    stopping, start = s.reporter.process, os.path.getsize(s.reporter.log)
    stopping.terminate()
    wait_for(lambda: "stopping" in s.reporter.log_text(start), "it stops")
    s.equal("while it stops: exit status",
            launch(s, "-r").wait(scenario.PATIENCE), 1)
    s.check("and why is logged", "is running already" in
            s.reporter.log_text(start), s.reporter.log_text(start))
    s.database.thaw()
    s.equal("the stop goes on", stopping.wait(scenario.PATIENCE), 0)
    s.reporter.process = None
    s.reporter.start()


def listening_queue(s):
    """How many processes wait for the running one to accept them."""
    with open("/proc/net/unix") as file:
        lines = [line for line in file if line.rstrip().endswith(path(s))]
    return len(lines) - 1


def nothing_there(s):
    """It starts as usual, and in the background, with a pid file."""
    s.reporter.stop()
    start = os.path.getsize(s.reporter.log)
    file = os.path.join(s.directory, "pid")
    s.reporter.configure("reporter", pid_file=file)
    s.reporter.configure("log", target=s.reporter.log)
    s.reporter.write_conf()
    for turn in range(2):
        subprocess.run([scenario.program("reporter"), "-r", "-c",
                        s.reporter.conf], check=True, timeout=30,
                       stdin=subprocess.DEVNULL, capture_output=True)
        with open(file) as text:
            pid = int(text.read())
        done = s.reporter.ctl("status", "--json")
        s.check("the pid file is that of the new process",
                f'"pid": {pid},' in done.stdout, done.stdout + done.stderr)
    log = s.reporter.log_text(start)
    s.equal("it logs once that there was nothing to take over",
            log.count("nothing to take over at"), 1)
    s.reporter.ctl("stop").check_returncode()
    s.check("the pid file is gone", not os.path.exists(file))


def tell(s):
    agents, restarts = map(int, sys.argv[1:] or (300, 4))
    s.reporter.configure("reporter", shutdown_timeout="1s", listen=", ".join(
        f"127.0.0.1:{scenario.free_port()}{words}"
        for words in ("", " proxy")))
    s.reporter.configure("limits", proxy_from="127.0.0.1",
                         message_timeout="30s")
    s.reporter.configure("queue", ring_records=32768, table_keys=1 << 18)
    crowd.serve(s, agents + 100)
    wanted = crowds(s, agents, restarts)
    if not sys.argv[1:]:
        for show in (upgrade, throttled, header):
            wanted |= show(s)
    wait_for(lambda: s.database.count() == len(wanted),
             "all rows are in the table")
    s.reporter.settled(0)
    found = s.database.table()
    s.check("the table has what was sent", found == wanted,
            f"{len(found)} rows, wanted {len(wanted)}: "
            f"{sorted(set(found.items()) ^ set(wanted.items()))[:6]}")
    if not sys.argv[1:]:
        nobody_answers(s)
        refused(s)
        while_stopping(s)
        nothing_there(s)


scenario.run(__doc__, tell)
