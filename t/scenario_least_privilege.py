#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Once reporter listens, its master and its workers have no capability left,
can gain none, and are in the sandbox, workers in a narrower one. A worker
holds one socket, the database's, as only root can see. Shared memory is for
reporter's user alone; the log and the dead-letter file may be read by its
group. Where the kernel has Landlock a worker makes files in the directory that it
was started with, and in no other one that takes its place; where it has none the
log says so. A worker that the
sandbox kills is said to have been, and started again. With sandbox = off there
is no sandbox, and the log says so."""

import ctypes
import errno
import os
import stat
import struct
import subprocess
import time

import scenario
from scenario import Failure, wait_for

SETS = ["CapInh", "CapPrm", "CapEff", "CapAmb"]
if os.geteuid() == 0:
    # Nobody else may empty it; no_new_privs makes nothing of it.
    SETS.append("CapBnd")

REFUSED = 666
NO_LANDLOCK = ("master: warning: Landlock is not available: a worker can write to every "
               "file that its user can")
LANDLOCK_CREATE_RULESET = 444
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file
                    if ":\t" in line)


def processes(s):
    """The name and the pid of each."""
    workers = s.reporter.workers()
    return [("the master", s.reporter.process.pid)] + [
        (f"worker {slot}", workers[slot]["pid"]) for slot in sorted(workers)]


def tell(s):
    s.database.start()
    dead = os.path.join(s.directory, "dead")
    os.mkdir(dead)
    s.reporter.configure("mysql", dead_letter_file=os.path.join(dead, "dead"))
    s.reporter.start()
    reports = scenario.Reports(s)
    reports.send()
    powers(s, scenario.has("SECCOMP"))
    s.part(descriptors, s)
    files(s)
    killed(s, reports)
    s.equal("the log warns where there is no Landlock",
            s.reporter.log_text().count(NO_LANDLOCK), not has_landlock())
    s.reporter.stop()
    without_landlock(s, reports)
    s.reporter.configure("reporter", sandbox="off")
    s.reporter.start()
    reports.send()
    powers(s, False)
    s.equal("the log warns of root", os.geteuid() == 0,
            "warning: running as root" in s.reporter.log_text())
    s.check("the log says that there is no sandbox",
            (", sandbox off" if scenario.has("SECCOMP") else ", built without a sandbox")
            in s.reporter.log_text())


def powers(s, sandbox):
    for name, pid in processes(s):
        status = status_of(pid)
        s.equal(f"{name}: {', '.join(SETS)} are empty",
                [int(status[name], 16) for name in SETS], [0] * len(SETS))
        s.equal(f"{name}: no_new_privs", status["NoNewPrivs"], "1")
        s.equal(f"{name}: seccomp and its filters",
                (status["Seccomp"], status["Seccomp_filters"]),
                ("0", "0") if not sandbox else
                ("2", "1" if name == "the master" else "2"))


# ----------------------------------------------------------- descriptors --

def sockets(pid):
    """The inodes of the sockets that a process holds."""
    directory = f"/proc/{pid}/fd"
    links = [os.readlink(os.path.join(directory, fd))
             for fd in os.listdir(directory)]
    return [int(link[8:-1]) for link in links if link.startswith("socket:")]


def unix_sockets():
    """(path, inode, inode of the other end) of all that are connected."""
    lines = subprocess.run([scenario.tool("ss", "iproute2"), "-xnH"],
                           check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return [(words[4], int(words[5]), int(words[7]))
            for words in map(str.split, lines)]


def descriptors(s):
    if os.readlink("/proc/self/fd/2").startswith("socket:"):
        raise Failure("standard error is a socket: not the place for this")
    agent = s.agent()
    agent.send(scenario.native(1001, 1, 1, int(time.time()),
                               [(1, 1, 1, 0, False)]))
    wait_for(lambda: len(sockets(s.reporter.process.pid)) >= 2,
             "the master holds its listener and an agent")
    database = {inode for path, inode, _ in unix_sockets()
                if path == s.database.socket}
    ends = {inode: end for _, inode, end in unix_sockets()}
    for name, pid in processes(s)[1:]:
        try:
            held = sorted(set(sockets(pid)))  # twice: sql/deadline.c
        except PermissionError:
            s.check(f"{name}: only root may look at what it holds",
                    os.geteuid() != 0)
            continue
        s.check(f"{name} holds one socket, which leads to the database",
                len(held) == 1 and ends.get(held[0]) in database,
                f"{held} {ends} {database}")
    agent.close()


# ----------------------------------------------------------------- files --

def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def files(s):
    segments = s.reporter.segments()
    s.equal("shared memory is for the user alone",
            [mode(path) for path in segments], [0o600] * 6)
    s.database.sql(
        "DELIMITER //\nCREATE TRIGGER refuse BEFORE INSERT ON ServerCallStatus"
        f" FOR EACH ROW IF NEW.modid = {REFUSED} THEN"
        " SIGNAL SQLSTATE '45000'; END IF//\n")
    s.agent().send(scenario.native(REFUSED, 1, 1, int(time.time()),
                                   [(1, 1, 1, 0, False)]))
    wait_for(lambda: s.reporter.status()["records"]["dead_letter"] == 1,
             "a record is refused")
    logs = os.path.join(s.directory, "logs")
    os.mkdir(logs)
    log = os.path.join(logs, "log")
    before = pids(s)
    s.reporter.configure("log", target=log)
    s.reporter.write_conf()
    s.reporter.process.send_signal(scenario.signal.SIGHUP)
    wait_for(lambda: os.path.exists(log), "the log goes to a file")
    s.equal("the dead-letter file's group may read it",
            mode(os.path.join(s.directory, "dead", "dead")), 0o640)
    s.equal("the log's group may read it", mode(log), 0o640)
    other_folder(s, logs, before)
    s.reporter.configure("log", target="stderr")
    s.reporter.write_conf()
    s.reporter.process.send_signal(scenario.signal.SIGHUP)
    wait_for(lambda: s.reporter.status()["reloads"] == 2, "it is reloaded")
    wait_for(lambda: all(w["state"] == "running"
                         for w in s.reporter.status()["workers"]),
             "the workers run")


def has_landlock():
    """Whether this build and this kernel have it."""
    if not scenario.has("LINUX_LANDLOCK_H"):
        return False
    version = 1
    return ctypes.CDLL(None).syscall(
        LANDLOCK_CREATE_RULESET, None, 0, version) > 0


def hide_landlock():
    """From now on the kernel says ENOSYS to the call that begins with it."""
    allow, enosys = 0x7fff0000, 0x00050000 | errno.ENOSYS
    filters = b"".join(struct.pack("=HBBI", *line) for line in (
        (0x20, 0, 0, 0),                    # load the call's number
        (0x15, 0, 1, LANDLOCK_CREATE_RULESET),
        (0x06, 0, 0, enosys), (0x06, 0, 0, allow)))
    text = ctypes.create_string_buffer(filters, len(filters))
    program = ctypes.create_string_buffer(
        struct.pack("@HP", len(filters) // 8, ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, 2, program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def without_landlock(s, reports):
    """It works, and says so once."""
    start = os.path.getsize(s.reporter.log)
    s.reporter.popen = {"preexec_fn": hide_landlock}
    s.reporter.start()
    reports.send()
    s.reporter.popen = {}
    s.equal("the log warns once where it is kept from us",
            s.reporter.log_text(start).count(NO_LANDLOCK), 1)
    s.reporter.stop()


def pids(s):
    return {w["pid"] for w in s.reporter.status()["workers"]}


def other_folder(s, logs, before):
    """The master may write to it, since a reload may name any; its workers may
    not, and are started again."""
    if not has_landlock():
        print("not shown: this kernel has no Landlock")
        return
    wait_for(lambda: not pids(s) & before and all(
        w["state"] == "running" for w in s.reporter.status()["workers"]),
             "other workers run")
    log = os.path.join(logs, "log")
    former = pids(s)
    os.rename(logs, logs + ".old")
    os.mkdir(logs)
    s.reporter.process.send_signal(scenario.signal.SIGUSR1)
    wait_for(lambda: not pids(s) & former and all(
        w["state"] == "running" for w in s.reporter.status()["workers"]),
             "workers that may write to it run instead")
    for pid in pids(s):
        names = [os.readlink(entry.path)
                 for entry in os.scandir(f"/proc/{pid}/fd")]
        s.check("the log is in the new folder", log in names, names)


def killed(s, reports):
    before = s.reporter.workers()[0]["pid"]
    os.kill(before, scenario.signal.SIGSYS)
    wait_for(lambda: s.reporter.workers()[0]["pid"] not in (0, before),
             "another worker runs")
    wait_for(lambda: f"worker 0 (pid {before}) died unexpectedly: "
             "killed by signal 31 (Bad system call: see "
             "sandbox in reporter.conf(5)); "
             in s.reporter.log_text(), "the log says what killed it")
    reports.send()
    s.check("one that the sandbox kills is replaced", True)


scenario.run(__doc__, tell)
