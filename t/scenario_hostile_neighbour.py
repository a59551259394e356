#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A user without rights plants files under the names of shared memory.  A pipe
in the place of an instance holds up neither reporterctl nor reporter-web, and
one with a hole in it takes no memory.  Hundreds of names do not keep an
instance from starting, and are told of.  Beside a reporter that runs, segments
of a stranger are not believed: they hide no key and show none.  And one that
says that a process of root's is its master does not make root stop that, nor
does a start name that process."""

import fcntl
import mmap
import os
import pwd
import shutil
import struct
import subprocess

import scenario
from scenario import wait_for

scenario.requires_root("it plays another user")

STRANGER = pwd.getpwnam("nobody")[2]
SECONDS = 10  # what is held up is so for ever
PAGE = os.sysconf("SC_PAGESIZE")

# A record from its ip on: caller, succ, err.
GOOD = struct.pack("=4I", 0x01020304, 5, 7, 0)
BAD = struct.pack("=4I", 0x01020304, 5, 7, 9)


def planted(s, suffix="", like=None):
    """The path of a stranger's file; a copy of another one."""
    path = f"/dev/shm/reporter.{s.reporter.instance}{suffix}"
    if like:
        shutil.copyfile(like, path)
        os.chmod(path, 0o644)
        os.chown(path, STRANGER, -1)
    return path


def ctl(s, *words):
    """Ends reporterctl when it is held up."""
    try:
        return s.reporter.ctl(*words, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise scenario.Failure(
            f"reporterctl {words[0]} is held up") from None


def keys(s):
    """The keys that reporterctl lists, as fields up to the state: the age
    that follows grows."""
    done = ctl(s, "keys")
    s.equal("reporterctl keys works", done.returncode, 0)
    return [line.split("\t")[:10] for line in done.stdout.splitlines()]


def a_pipe(s):
    path = planted(s)
    os.mkfifo(path, 0o644)
    os.chown(path, STRANGER, -1)
    for words in (("status",), ("keys",), ("check",), ("stop",)):
        done = ctl(s, *words)
        s.check(f"reporterctl {words[0]} is not held up by a pipe",
                done.returncode != 0, done.stdout)
    web = os.path.join(scenario.BUILD, "src", "reporter-web")
    if os.access(web, os.X_OK):
        held_up(s, web)
    os.unlink(path)


def held_up(s, web):
    log = os.path.join(s.directory, "web.log")
    with open(log, "w") as out:
        process = subprocess.Popen(
            [web, "-f", "-i", s.reporter.instance, "-l", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
            start_new_session=True)
    try:
        wait_for(lambda: "listening on" in scenario.tail(log, 5),
                 "reporter-web listens")
        port = int(scenario.tail(log, 5).split("127.0.0.1:")[1].split()[0])
        agent = scenario.Agent(("127.0.0.1", port))
        agent.send(b"GET /metrics HTTP/1.0\r\n\r\n")
        agent.socket.settimeout(SECONDS)
        s.check("reporter-web answers beside a pipe",
                b"503" in agent.socket.recv(64))
        agent.close()
        process.terminate()
        process.wait(SECONDS)
        s.equal("and ends when it is to", process.returncode, 0)
    finally:
        scenario.end_group(process)


def a_hole(s, kept):
    """All is as it should be, but most of it was never written."""
    path = planted(s, like=kept)
    s.equal("reporterctl looks at another user's instance",
            ctl(s, "status").returncode, 3)
    os.truncate(path, PAGE)
    os.truncate(path, os.path.getsize(kept))
    done = ctl(s, "status")
    s.check("one that is mostly a hole is damaged",
            done.returncode == 1 and "damaged" in done.stderr, done.stderr)
    os.unlink(path)


def many_names(s):
    """More segments than an instance can have, as if left by an earlier run.
    Returns their paths."""
    paths = [planted(s, f".{generation}.0") for generation in range(100, 400)]
    for path in paths:
        with open(path, "x"):
            os.chown(path, STRANGER, -1)
    return paths


def strangers_segments(s, worker):
    """Of a newer generation, so that they would count more."""
    before = keys(s)
    s.equal("reporterctl shows the key", len(before), 1)
    path = planted(s, ".99.0", like=worker)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        at = memory.rfind(GOOD)
        s.check("the stranger has another opinion of it", at >= 0)
        memory[at:at + len(GOOD)] = BAD
    s.equal("a stranger's segment beside it changes nothing", keys(s), before)
    os.unlink(path)


def somebody_elses_process(s, master, pid):
    """The stranger holds its segment, as a master does."""
    victim = subprocess.Popen(["sleep", "300"])
    path = planted(s, like=master)
    with open(path, "r+b") as file:
        data = file.read()
        file.seek(data.index(struct.pack("=i", pid)))
        file.write(struct.pack("=i", victim.pid))
        file.flush()
        fcntl.lockf(file, fcntl.LOCK_EX)
        done = ctl(s, "status", "--json")
        s.check("the victim is said to be the master",
                f'"running": true,\n "pid": {victim.pid}' in done.stdout,
                done.stdout[:400])
        for words in (("stop", "-t", "1"), ("reload", "-t", "1"),
                      ("reopen",)):
            done = ctl(s, *words)
            s.check(f"root's reporterctl {words[0]} is refused",
                    done.returncode == 1
                    and "Operation not permitted" in done.stderr,
                    done.stderr)
        s.equal("and the victim lives", victim.poll(), None)
        done = subprocess.run(
            [scenario.program("reporter"), "-f", "-c", s.reporter.conf],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=scenario.PATIENCE)
        s.check("a start names the segment, and not the victim",
                done.returncode == 1
                and f"as process {victim.pid}" not in done.stderr
                and f"segment /{os.path.basename(path)}: " in done.stderr,
                done.stderr)
    victim.kill()
    victim.wait()
    os.unlink(path)


def tell(s):
    a_pipe(s)
    names = many_names(s)
    s.start()
    s.equal("it starts beside many planted names",
            [path for path in names if not os.path.exists(path)], [])
    s.check("and says so", f"300 segments of instance {s.reporter.instance} "
            "under /dev/shm are owned by another user" in s.reporter.log_text())
    for path in names:
        os.unlink(path)
    agent = s.agent()
    agent.send(scenario.native(1, 1, 5, 1700000000,
                               [(0x01020304, 1, 7, 0, False)]))
    wait_for(lambda: s.database.count() == 1, "the report is in the table")
    master = os.path.join(s.directory, "master")
    shutil.copyfile(planted(s), master)
    for path in s.reporter.segments():
        with open(path, "rb") as file:
            if GOOD in file.read():
                strangers_segments(s, path)
    pid = s.reporter.process.pid
    s.reporter.stop()
    a_hole(s, master)
    somebody_elses_process(s, master, pid)


scenario.run(__doc__, tell)
