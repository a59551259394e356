#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Root starts reporter, which is to become another user.  While that user
cannot read the configuration it does not start, and says what to do.  Then it
works, with nothing of root's left: its log can be rotated, a reload that asks
for a privileged port is refused with the reason, and a worker that cannot read
its password any more is not started again until it can and a reload says so.
A group is named: its members see the status, others do not, and neither may
stop it, nor hold up a worker or a start by locks of the segments.  Started by
that user itself it needs no root; its memory and that of its workers is not
even that user's to look into."""

import fcntl
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

import scenario
from scenario import PATIENCE, wait_for

USER, GROUP, STRANGER = "daemon", "adm", "nobody"

scenario.requires_root("it starts reporter as another user")

UID, GID = pwd.getpwnam(USER)[2:4]


def readable(s, yes):
    """Let the other user's group read the configuration, or not."""
    os.chown(s.reporter.conf, 0, GID if yes else 0)
    os.chmod(s.reporter.conf, 0o640)


def tell(s):
    os.chmod(s.directory, 0o755)
    programs(s)
    state = os.path.join(s.directory, "state")
    os.mkdir(state, 0o750)
    os.chown(state, UID, GID)
    s.database.start()
    s.reporter.configure("reporter", user=USER, runtime_directory=os.path.join(
        s.directory, "run"), listen=f"127.0.0.1:{scenario.free_port()}")
    s.reporter.configure("mysql", dead_letter_file=os.path.join(state, "dead"))
    s.reporter.configure("log", target=os.path.join(state, "log"))
    reports = scenario.Reports(s)
    refused(s)
    works(s, reports)
    taken_over(s, reports)
    rotated(s, state)
    privileged_port(s)
    password_gone(s, reports)
    s.reporter.stop()
    only_root_can_reach_it(s, reports)
    the_group(s)
    started_by_the_user(s, reports)


def programs(s):
    """Copies that others can get at, wherever the build is."""
    for name in ("reporter", "reporterctl"):
        shutil.copy(scenario.program(name), s.directory)
        os.chmod(os.path.join(s.directory, name), 0o755)
    s.reporter.popen = {"executable": os.path.join(s.directory, "reporter")}


def log_text(s):
    with open(s.reporter.options["log"]["target"]) as log:
        return log.read()


def refused(s):
    s.reporter.write_conf()
    done = subprocess.run(
        [os.path.join(s.directory, "reporter"), "-f", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=PATIENCE)
    s.equal("it does not start", done.returncode, 1)
    for part in (f"{s.reporter.conf}: cannot read: Permission denied",
                 f"must be readable by user {USER}", "chown root:GROUP",
                 "chmod 0640"):
        s.check(f"it says: {part}", part in done.stderr, done.stderr)
    s.equal("and leaves nothing", s.reporter.segments(), [])


def works(s, reports):
    write = s.reporter.write_conf

    def write_readable():
        write()
        readable(s, True)

    s.reporter.write_conf = write_readable
    s.reporter.write_conf()
    s.reporter.start()
    log = s.reporter.options["log"]["target"]
    s.equal("the log that root made is the user's", os.stat(log).st_uid, UID)
    reports.send()
    s.check("it does not warn of root", "as root" not in log_text(s))
    for worker in [{"pid": s.reporter.process.pid}] + list(
            s.reporter.workers().values()):
        with open(f"/proc/{worker['pid']}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file
                          if ":\t" in line)
        s.equal("a process is the user's",
                set(status["Uid"].split()), {str(UID)})
        s.equal("and has no capability", [
            int(status[name], 16) for name in (
                "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd")], [0] * 5)


def taken_over(s, reports):
    """Root, the user, and nobody else."""
    path = os.path.join(s.directory, "run", f"{s.reporter.instance}.ark")
    s.equal("the directory of the socket is the user's",
            os.stat(os.path.dirname(path)).st_uid, UID)
    s.equal("the socket's mode and owner",
            (os.stat(path).st_mode & 0o777, os.stat(path).st_uid), (0o600, UID))
    os.chmod(path, 0o666)
    os.chmod(os.path.dirname(path), 0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        pid = os.fork()
        if pid == 0:
            try:
                os.setuid(pwd.getpwnam(STRANGER).pw_uid)
                stranger.connect(path)
                stranger.settimeout(PATIENCE)
                os._exit(stranger.recv(64) != b"")
            finally:
                os._exit(2)
        s.equal("a stranger gets nothing", os.waitpid(pid, 0)[1], 0)
    s.check("and is logged", "handover refused: process" in log_text(s))
    before = s.reporter.process
    s.reporter.process = subprocess.Popen(
        [os.path.join(s.directory, "reporter"), "-f", "-r", "-c",
         s.reporter.conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True)
    s.equal("root takes over", before.wait(PATIENCE), 0)
    wait_for(lambda: s.reporter.ctl("status").returncode == 0, "it runs")
    reports.send()


def rotated(s, state):
    log = s.reporter.options["log"]["target"]
    os.rename(log, log + ".1")
    s.reporter.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: os.path.exists(log), "there is a new log")
    s.equal("the new log's mode", os.stat(log).st_mode & 0o777, 0o640)
    s.check("nothing was said about it", "cannot read" not in
            log_text(s))


def privileged_port(s):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
        port = int(file.read()) - 1
    if port < 1:
        print("not shown: this system has no privileged ports")
        return
    before = s.reporter.options["reporter"]["listen"]
    s.reporter.configure("reporter", listen=f"{before}, 127.0.0.1:{port}")
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    wait_for(lambda: s.reporter.status()["reload_errors"] == 1,
             "the reload is refused")
    s.check("the log says why",
            f"cannot listen on 127.0.0.1:{port}: Permission denied; a port "
            "below 1024 requires root" in log_text(s), log_text(s))
    s.reporter.configure("reporter", listen=before)


def password_gone(s, reports):
    s.reporter.write_conf()
    readable(s, False)
    worker = s.reporter.workers()[0]
    os.kill(worker["pid"], signal.SIGKILL)
    wait_for(lambda: s.reporter.workers()[0]["state"] == "failed",
             "the worker gives up")
    s.check("the log says why", "cannot read the password from " in log_text(s)
            and "it must be valid and readable by the user" in log_text(s))
    readable(s, True)
    s.reporter.process.send_signal(signal.SIGHUP)
    wait_for(lambda: s.reporter.workers()[0]["state"] == "running",
             "a reload starts it again")
    reports.send()


# ------------------------------------------------------------- the group --

def ctl(s, user, group, *arguments):
    return subprocess.run(
        [os.path.join(s.directory, "reporterctl"), "-i", s.reporter.instance,
         *arguments], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=PATIENCE, user=user, group=group, extra_groups=[])


def only_root_can_reach_it(s, reports):
    """The path of the configuration leads through a directory of root's."""
    plain, closed = s.reporter.conf, os.path.join(s.directory, "closed")
    os.mkdir(closed, 0o700)
    s.reporter.conf = os.path.join(closed, "reporter.conf")
    os.symlink(plain, s.reporter.conf)
    done = subprocess.run(
        [os.path.join(s.directory, "reporter"), "-t", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE)
    s.equal("reporter -t accepts it", (done.returncode, done.stderr), (0, ""))
    s.reporter.start()
    s.check("it warns that it will not follow links again",
            f"user {USER} cannot access {s.reporter.conf}; using the resolved "
            "path, so changed symbolic links are not noticed" in log_text(s))
    # A pid of 0 would be the group of this test.
    old = wait_for(lambda: (w := s.reporter.workers())[0]["pid"] and w,
                   "the worker has a pid")
    s.equal("a reload succeeds", s.reporter.ctl("reload").returncode, 0)
    os.kill(old[0]["pid"], signal.SIGKILL)
    wait_for(lambda: (w := s.reporter.workers()[0])["state"] == "running"
             and w["pid"] != old[0]["pid"], "a killed worker runs again")
    reports.send()
    s.reporter.stop()
    s.reporter.conf = plain


def the_group(s):
    s.reporter.configure("reporter", group=GROUP)
    s.reporter.start()
    gid = grp.getgrnam(GROUP).gr_gid
    s.equal("shared memory is for the group to read",
            [(os.stat(path).st_mode & 0o777, os.stat(path).st_gid)
             for path in s.reporter.segments()
             if not path.endswith(".secret")], [(0o640, gid)] * 4)
    s.equal("the secrets of the hash are not",
            [os.stat(path).st_mode & 0o777 for path in s.reporter.segments()
             if path.endswith(".secret")], [0o600] * 3)
    member = ctl(s, STRANGER, GROUP, "status", "--json")
    s.check("a member sees the status", member.returncode == 0
            and '"running": true' in member.stdout.replace('":t', '": t'),
            member.stderr)
    s.equal("and the agents", ctl(s, STRANGER, GROUP, "agents").returncode, 0)
    other = ctl(s, STRANGER, "nogroup", "status")
    s.check("others do not", other.returncode == 1
            and "Permission denied" in other.stderr
            and "reporter.group" in other.stderr, other.stderr)
    stop = ctl(s, STRANGER, GROUP, "stop")
    s.check("a member cannot stop it", stop.returncode == 1
            and "not permitted" in stop.stderr, stop.stderr)
    locks_of_a_member(s, gid)
    s.reporter.kill()
    # What is left is adopted, and is the group's no more.
    s.reporter.configure("reporter", group="")
    s.reporter.start()
    s.equal("without the group it is for the user alone",
            [os.stat(path).st_mode & 0o777
             for path in s.reporter.segments()], [0o600] * 7)
    s.reporter.stop()


def lock_all(paths, gid, ready):
    """In a process of its own, as a member of the group."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(pwd.getpwnam(STRANGER).pw_uid)
    files = [open(path) for path in paths]
    os.write(ready, b"tries")
    while True:  # until it is killed
        for file in files:
            for lock in fcntl.flock, fcntl.lockf:
                try:
                    lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # its holder's, who may die
        time.sleep(0.005)


def locks_of_a_member(s, gid):
    """On all that it can open, before a worker and a master start."""
    paths = [path for path in s.reporter.segments()
             if os.stat(path).st_gid == gid]
    s.check("members can open segments", len(paths) == 4, paths)
    workers = s.reporter.workers()
    ends = os.pipe()
    member = os.fork()
    if member == 0:
        try:
            lock_all(paths, gid, ends[1])
        finally:
            os._exit(1)
    os.close(ends[1])
    try:
        s.equal("a member tries to lock them", os.read(ends[0], 16), b"tries")
        os.kill(workers[0]["pid"], signal.SIGKILL)
        wait_for(lambda: (w := s.reporter.workers()[0])["state"] == "running"
                 and w["pid"] != workers[0]["pid"], "a worker starts again")
        s.equal("the master is found running",
                s.reporter.ctl("reload").returncode, 0)
        s.reporter.kill()
        s.equal("a killed one is not", s.reporter.ctl("status").returncode, 3)
        s.reporter.start()
        wait_for(lambda: s.reporter.ctl("check").returncode == 0,
                 "the next master starts")
        s.equal("and can be signaled", s.reporter.ctl("reload").returncode, 0)
    finally:
        os.kill(member, signal.SIGKILL)
        os.waitpid(member, 0)
        os.close(ends[0])


def started_by_the_user(s, reports):
    s.reporter.popen.update(user=USER, group=GID, extra_groups=[])
    s.reporter.configure("reporter", group=GROUP)
    s.reporter.write_conf()
    done = subprocess.run(
        [os.path.join(s.directory, "reporter"), "-f", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=PATIENCE, user=USER, group=GID, extra_groups=[])
    s.check("it cannot give what it has not got", done.returncode == 1 and
            "cannot join reporter.group" in done.stderr,
            done.stderr)
    s.reporter.configure("reporter", group="")
    s.reporter.start()
    reports.send()
    # The kernel gives these files to root when memory is not to be dumped.
    s.equal("only root may look into the master and the workers", [
        os.stat(f"/proc/{pid}/mem").st_uid for pid in [
            s.reporter.process.pid, *(
                w["pid"] for w in s.reporter.workers().values())]], [0, 0, 0])


scenario.run(__doc__, tell)
