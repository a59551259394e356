#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The init script, installed in a scratch root, does what LSB asks of each
verb, and each exit status is LSB's.  Starting what runs and stopping what does
not run is a success; a configuration with errors stops nothing and is not
loaded; a daemon that was killed is told from one that ended, from one that left
records, and from one that cannot be looked at, where it says why.  A restart
keeps the agents connected, also one that fails; where it must stop the running
process first, it warns."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import crowd
import installed
import scenario
from scenario import wait_for

TS = 1700000000


class Script:
    def __init__(self, s, place):
        self.s = s
        self.place = place
        self.path = place.move(place.path("initddir", "reporter"))
        self.said = ""

    def run(self, *verb, before=()):
        """Returns the exit status."""
        done = subprocess.run(
            [*before, self.path, *verb], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=150, env={"ASAN_OPTIONS": "detect_leaks=1"})
        self.said = done.stdout
        return done.returncode

    def expect(self, when, **verbs):
        """Each verb (- written as _) ends with the status said."""
        for verb, status in verbs.items():
            verb = verb.replace("_", "-")
            found = self.run(verb)
            self.s.check(f"{when}: {verb} ends with {status}",
                         found == status, f"found {found}: {self.said}")

    def pid(self):
        return self.s.reporter.status()["pid"]


def nothing_runs(s, script):
    script.expect("nothing runs", status=3, stop=0, try_restart=0, reload=7,
                  force_reload=7, configtest=0)
    script.expect("still nothing runs", status=3)
    s.equal("no verb is an argument too few", script.run(), 2)
    s.equal("an unknown verb is not implemented", script.run("frobnicate"), 3)


def it_runs(s, script):
    script.expect("it is started", start=0, status=0)
    first = script.pid()
    script.expect("it runs", start=0, configtest=0)
    s.equal("a start of what runs leaves it alone", script.pid(), first)
    script.expect("it runs", reload=0, force_reload=0)
    s.equal("two reloads are counted", s.reporter.status()["reloads"], 2)
    s.equal("and it is the same process", script.pid(), first)
    s.reporter.addresses = installed.addresses(s)
    kinds = {kind: crowd.Crowd(s, kind, 50, 50, 20)
             for kind in ("lars", "elb")}
    for one in kinds.values():
        one.connected()
    for verb in ("restart", "try-restart", "restart"):
        before = script.pid()
        s.equal(f"it runs: {verb} ends with 0", script.run(verb), 0)
        s.check(f"{verb} makes another process", script.pid() != before)
        wait_for(lambda: s.reporter.status()["records"]["received"] > 200,
                 "the agents report")
    wanted = {}
    for kind, one in kinds.items():
        refused, lost, frames = one.finished()
        s.equal(f"{kind}: refused, lost", (refused, lost), (0, 0))
        wanted |= crowd.rows(kind, frames, 20)
    s.reporter.settled(0)
    s.check("the table has what was sent", s.database.table() == wanted)
    s.database.sql("DELETE FROM ServerCallStatus")


def restarts_in_a_row(s, script):
    """The next restart begins when the last has hardly ended, then while it
    still goes on: that one may fail."""
    for _ in range(3):
        s.equal("a restart soon after another", script.run("restart"), 0)
        time.sleep(0.09)
    at_once = []
    for _ in range(3):
        at_once.append(subprocess.Popen(
            [script.path, "restart"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(0.09)
    statuses = [one.wait(scenario.PATIENCE) for one in at_once]
    s.check("restarts during a restart", statuses[0] == 0
            and set(statuses) <= {0, 1}, statuses)


def restart_fails(s, script, place):
    """The new process cannot take over: the running one continues."""
    daemon = os.path.join(s.directory, "daemon")
    with open(daemon, "w") as file:
        file.write('#!/bin/sh\n[ "$1" != -r ] || exit 1\n'
                   f'exec {place.path("sbindir", "reporter")} "$@"\n')
    os.chmod(daemon, 0o755)
    place.set(INSTANCE=s.reporter.instance, DAEMON=daemon)
    before = script.pid()
    script.expect("it cannot take over", restart=1, try_restart=1)
    s.check("it says that it continues",
            "the running process continues" in script.said, script.said)
    s.equal("it is the same process", script.pid(), before)
    place.set(INSTANCE=s.reporter.instance)


def socket_is_late(s, script, ark):
    """As that of a process that has just taken over."""
    before = script.pid()
    os.rename(ark, ark + ".away")
    late = threading.Timer(1, os.rename, (ark + ".away", ark))
    late.start()
    script.expect("the socket is late", restart=0)
    late.join()
    s.check("another process runs", script.pid() != before)
    s.check("without a warning", "cannot take over" not in script.said,
            script.said)


def restarts(s, script, place):
    ark = os.path.join(s.directory, s.reporter.instance + ".ark")
    agents = crowd.Crowd(s, "lars", 50, 50, 20)
    agents.connected()
    restarts_in_a_row(s, script)
    restart_fails(s, script, place)
    socket_is_late(s, script, ark)
    s.equal("each restart keeps the agents: refused, lost",
            agents.finished()[:2], (0, 0))
    before = script.pid()
    os.unlink(ark)
    script.expect("the socket is gone", restart=0)
    s.check("another process runs", script.pid() != before)
    s.check("it warns that agents are refused",
            f"no socket {ark}" in script.said
            and "agents are refused" in script.said, script.said)
    s.reporter.settled(0)
    s.database.sql("DELETE FROM ServerCallStatus")


def bad_configuration(s, script):
    before = script.pid()
    with open(s.reporter.conf, "a") as conf:
        conf.write("\n[log]\nlevel = loud\n")
    script.expect("a configuration with errors", configtest=6, reload=1,
                  force_reload=1, restart=6, try_restart=6, status=0, start=0)
    s.equal("what runs goes on", script.pid(), before)
    s.equal("and the refused reloads are counted",
            s.reporter.status()["reload_errors"], 2)
    script.run("restart")
    s.check("the error is said", "log.level" in script.said, script.said)
    script.expect("it can be stopped all the same", stop=0, status=3, start=6)
    s.reporter.write_conf()


def killed(s, script, with_pid_file):
    what = "with" if with_pid_file else "without"
    script.expect(f"started {what} a pid file", start=0)
    pid = script.pid()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: script.run("status") != 0, "the killed one is seen dead")
    script.expect(f"killed, {what} a pid file", status=1, reload=7, stop=0)
    script.expect(f"killed, {what} a pid file", start=0)
    s.check("another process goes on", script.pid() != pid)
    script.expect("started again", stop=0)
    script.expect("ended", status=3)


def after_a_boot(s, script, place):
    """/run is empty, and the pid file is to be in a directory there."""
    run = place.path("runstatedir", "reporter")
    shutil.rmtree(run, ignore_errors=True)
    s.reporter.configure("reporter", pid_file=os.path.join(run, "pid"))
    s.reporter.write_conf()
    script.expect("after a boot", start=0)
    with open(os.path.join(run, "pid")) as file:
        s.equal("the pid file is there", int(file.read()), script.pid())
    script.expect("after a boot", stop=0)
    shutil.rmtree(run)
    script.expect("after another boot", configtest=0)


def pid_file(s, script):
    path = s.reporter.options["reporter"]["pid_file"]
    with open(path, "w") as file:
        file.write("1\n")
    s.equal("a stale pid file: status ends with 1", script.run("status"), 1)
    script.expect("a stale pid file does not keep it from starting", start=0)
    with open(path) as file:
        s.equal("the pid file is right", int(file.read()), script.pid())
    script.expect("it is stopped", stop=0, status=3)
    s.check("the pid file is gone", not os.path.exists(path))


def records_left(s, script):
    s.reporter.configure("reporter", shutdown_timeout="100ms")
    s.reporter.write_conf()
    start = os.path.getsize(s.reporter.log)
    script.expect("before the database is away", start=0)
    s.reporter.addresses = installed.addresses(s, start)
    s.database.freeze()
    report = (1, 1, 1, TS, [(1, 1, 1, 0, False)])
    agent = s.agent()
    agent.send(scenario.native(*report))
    wait_for(lambda: s.reporter.status()["records"]["received"] == 1,
             "the report is taken in")
    script.expect("the database is away", stop=0)
    s.check("it warns of the records that are left",
            "records are left in shared memory" in script.said, script.said)
    script.expect("records are left", status=2)
    s.database.thaw()
    script.expect("the database is back", start=0)
    s.reporter.settled(1)
    s.equal("the record was kept", s.database.table(), scenario.rows(*report))
    script.expect("nothing is left", stop=0, status=3)


def segments_removed(s, script):
    """At a moment when the master has not noticed yet."""
    for verb in ("status", "stop"):
        script.expect("before the segments are removed", start=0)
        for path in glob.glob(f"/dev/shm/reporter.{s.reporter.instance}*"):
            os.unlink(path)
        script.expect("they are removed", **{verb: 0})
    script.expect("it was stopped", status=3)


def not_possible(s, script, place):
    path = place.path("sbindir", "reporter")
    os.rename(path, path + ".away")
    script.expect("reporter is not installed", start=5, restart=5)
    os.rename(path + ".away", path)
    os.rename(s.reporter.conf, s.reporter.conf + ".away")
    script.expect("no configuration", start=6, configtest=6)
    os.rename(s.reporter.conf + ".away", s.reporter.conf)
    place.set(INSTANCE="other")
    script.expect("another instance than the configuration's", start=6)
    place.set(INSTANCE=s.reporter.instance,
              CONTROL=os.path.join(s.directory, "none"))
    script.expect("it cannot be looked at", status=4, start=5, stop=0)
    place.set(INSTANCE=s.reporter.instance)
    s.reporter.configure("reporter", listen="192.0.2.1:1")
    s.reporter.write_conf()
    script.expect("an address of another machine", start=6)
    s.check("it says why", "192.0.2.1:1" in script.said, script.said)
    script.expect("it was not started", status=3)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        s.reporter.configure("reporter", listen=taken)
        s.reporter.write_conf()
        script.expect("a port that is taken", start=1, status=3)
        s.check("it says why, too", taken in script.said
                or taken in s.reporter.log_text(), script.said)
    s.reporter.configure("reporter", listen="127.0.0.1:0")
    s.reporter.write_conf()


def no_permission(s, script):
    if os.geteuid() != 0:
        print("who is not root cannot become somebody else: that is not shown")
        return
    script.expect("started by root", start=0)
    nobody = [scenario.tool("setpriv", "util-linux"), "--reuid=65534",
              "--regid=65534", "--clear-groups"]
    os.chmod(s.directory, 0o755)
    for verb, status in (("status", 4), ("stop", 4), ("reload", 4),
                         ("restart", 4), ("start", 4)):
        found = script.run(verb, before=nobody)
        s.check(f"somebody else: {verb} ends with {status}", found == status,
                f"found {found}: {script.said}")
    script.expect("it still runs", status=0, stop=0)
    found = script.run("start", before=nobody)
    s.check("somebody else cannot read the configuration: start ends with 4",
            found == 4, f"found {found}: {script.said}")


def another_layout(s, script):
    """A reporter of another version runs."""
    script.expect("nothing runs", start=0)
    version = scenario.offsets()["master_shared.header.version"]
    with open(f"/dev/shm/reporter.{s.reporter.instance}", "r+b") as segment:
        segment.seek(version)
        ours = segment.read(4)
        segment.seek(version)
        segment.write(b"\xff\xff\xff\xff")
        segment.flush()
        script.expect("its layout is another", stop=4)
        s.check("it says so", "the layout of another version" in script.said,
                script.said)
        segment.seek(version)
        segment.write(ours)
        segment.flush()
        script.expect("it still runs", status=0)
        segment.seek(version)
        segment.write(b"\xff\xff\xff\xff")
        segment.flush()
        script.expect("one of another layout hands over", restart=0)
    script.expect("and the new one runs", status=0, stop=0)


def socket_unit(s, script):
    """systemd would start it again."""
    tools = os.path.join(s.directory, "tools")
    os.mkdir(tools)
    with open(os.path.join(tools, "systemctl"), "w") as file:
        file.write('#!/bin/sh\necho "$@" >>"$0.log"\n')
    os.chmod(os.path.join(tools, "systemctl"), 0o755)
    with open(script.path) as file:
        text = file.read()
    script.path += ".systemd"
    with open(script.path, "w") as file:
        file.write(text.replace("PATH=", f"PATH={tools}:", 1))
    os.chmod(script.path, 0o755)
    script.expect("beside systemd", start=0, stop=0)
    s.check("it tells how to stop both", "systemctl stop reporter.socket "
            "reporter.service" in script.said, script.said)
    script.path = script.path.removesuffix(".systemd")


def without_lsb(s, script):
    """A system that has no functions of LSB."""
    with open(script.path) as file:
        text = file.read()
    script.path += ".plain"
    with open(script.path, "w") as file:
        file.write(text.replace("/lib/lsb/init-functions",
                                os.path.join(s.directory, "none")))
    os.chmod(script.path, 0o755)
    script.expect("without functions of LSB", start=0, status=0, reload=0,
                  stop=0)
    script.expect("without functions of LSB", status=3, reload=7)


def tell(s):
    s.database.start()
    place = installed.Installed(os.path.join(s.directory, "root"))
    script = Script(s, place)
    # A restart keeps a socket whose address is in `listen`.
    s.reporter.configure("reporter",
                         listen=f"127.0.0.1:{scenario.free_port()}")
    installed.use(s, place)
    try:
        nothing_runs(s, script)
        it_runs(s, script)
        restarts(s, script, place)
        bad_configuration(s, script)
        killed(s, script, with_pid_file=False)
        after_a_boot(s, script, place)
        s.reporter.configure("reporter",
                             pid_file=os.path.join(s.directory, "pid"))
        s.reporter.write_conf()
        killed(s, script, with_pid_file=True)
        pid_file(s, script)
        records_left(s, script)
        segments_removed(s, script)
        not_possible(s, script, place)
        no_permission(s, script)
        another_layout(s, script)
        socket_unit(s, script)
        without_lsb(s, script)
    finally:
        installed.end(s)


installed.needs("initddir")
scenario.run(__doc__, tell)
