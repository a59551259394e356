#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Files fail under a reporter that runs: nobody reads the pipe of its log, the
log reaches the limit on a file's size, the disk is full, the directories of
the log and of the dead-letter file are replaced.  It goes on and stores
records, and counts what is missing: log lines, and refused records that no
dead-letter file took, which `reporterctl check` reports as critical.  Files
are written in the new directories."""

import fcntl
import os
import resource
import threading

import scenario
from scenario import wait_for

TS = 1700000000
LIMIT = 64 << 20  # bytes of a file; segments are smaller
BAD = 617
PIPE = 4096


class Pipe:
    """Standard error of reporter; what arrives is in its log as long as it is
    read."""

    def __init__(self, path):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE)
        os.set_blocking(self.reader, False)
        self.path = path
        self.reads = True
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        nap = threading.Event()
        while self.reads:
            try:
                data = os.read(self.reader, PIPE)
            except BlockingIOError:
                nap.wait(0.01)
                continue
            with open(self.path, "ab") as log:
                log.write(data)

    def stop(self):
        self.reads = False
        self.thread.join()


class Story:
    def __init__(self, s):
        self.s = s
        self.sent = 0
        self.reloads = 0

    def store(self, ip=1):
        """A report whose record is stored, or refused."""
        before = self.s.reporter.status()["records"]["received"]
        self.sent += 1
        self.s.agent().send(scenario.native(
            7, 1, 9, TS + self.sent, [(ip, 80, self.sent, 0, False)]))
        return self.s.reporter.settled(before + 1)

    def log_lines(self, n=40):
        """Have more lines logged than a pipe holds."""
        for _turn in range(n):
            self.reloads += 1
            self.s.reporter.configure("limits",
                                      max_connections=100 + self.reloads)
            self.s.reporter.reload()

    def lost(self, name):
        status = self.s.reporter.status()
        return sum(w[name] for w in status["workers"]) + status.get(name, 0)

    def check_line(self):
        done = self.s.reporter.ctl("check")
        return done.returncode, done.stdout


def pipe_nobody_reads(s, story):
    pipe = Pipe(s.reporter.log)
    s.reporter.popen = {"preexec_fn": lambda: os.dup2(pipe.writer, 2),
                        "pass_fds": (pipe.writer,)}
    try:
        s.reporter.start()
    finally:
        pipe.stop()
    story.log_lines()
    s.equal("records are stored while nobody reads the log",
            story.store()["records"]["stored"], 1)
    wait_for(lambda: s.reporter.status()["log_lost"] > 0,
             "lost lines are counted", seconds=10)
    s.equal("the other writers of the pipe may block as before",
            os.get_blocking(pipe.writer), True)
    s.reporter.stop()
    os.close(pipe.reader)
    os.close(pipe.writer)


def limit_is_reached(s, story):
    """A limit on the size of files, and the log is near it."""
    path = os.path.join(s.directory, "logs", "log")
    os.mkdir(os.path.dirname(path))
    os.mkdir(os.path.join(s.directory, "letters"))
    with open(path, "w") as file:
        file.truncate(LIMIT - 1000)
    s.reporter.configure("log", target=path)
    s.reporter.configure("mysql", dead_letter_file=os.path.join(
        s.directory, "letters", "dead"))
    s.reporter.popen = {"preexec_fn": lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (LIMIT, LIMIT))}
    s.reporter.start()
    story.log_lines(10)
    story.store()
    wait_for(lambda: s.reporter.status()["log_lost"] > 0,
             "lost lines are counted", seconds=10)
    return path


def directories_are_replaced(s, story, path):
    old = s.reporter.status()
    letters = os.path.join(s.directory, "letters")
    os.rename(letters, letters + ".old")
    os.rename(os.path.dirname(path), os.path.dirname(path) + ".old")
    os.mkdir(letters)
    os.mkdir(os.path.dirname(path))
    dead = os.path.join(letters, "dead")
    story.store(BAD)
    s.equal("no refused record is lost", story.lost("dead_lost"), 0)
    s.check("it is in the file of the new directory",
            os.path.exists(dead) and os.path.getsize(dead) > 10,
            os.listdir(letters))
    story.log_lines(1)
    with open(path) as file:
        s.check("and the log in its new directory",
                "configuration reloaded" in file.read())
    s.equal("where workers can reopen it", (s.reporter.ctl("reopen").stderr,
                                            os.path.exists(path)), ("", True))
    wait_for(lambda: all(w["state"] == "running" and w["pid"] not in
                         [v["pid"] for v in old["workers"]]
                         for w in s.reporter.status()["workers"]),
             "workers were restarted")
    s.equal("none of them died", [w["restarts"] for w in
                                  s.reporter.status()["workers"]], [0, 0])


def log_cannot_be_opened(s, path):
    """Rotation must learn of it."""
    os.rename(path, path + ".1")
    os.mkdir(path)
    done = s.reporter.ctl("reopen")
    s.equal("a reopen that fails gives the reason",
            (done.returncode, done.stderr),
            (1, "master cannot open the log: Is a directory; still writing to "
                "the former file\n"))
    os.rmdir(path)
    done = s.reporter.ctl("reopen")
    s.equal("the next one succeeds", (done.returncode, done.stderr), (0, ""))
    pids = [w["pid"] for w in s.reporter.status()["workers"]]
    for pid in [s.reporter.process.pid, *pids]:
        names = [os.readlink(entry.path)
                 for entry in os.scandir(f"/proc/{pid}/fd")]
        s.check("and when it is over, nobody has the former file open",
                path in names and path + ".1" not in names, names)


def disk_is_full(s, story):
    wait_for(lambda: story.check_line()[0] == 1, "the check warns", seconds=5)
    status, said = story.check_line()
    s.check("the check only warns of a record that was set aside",
            (status, "REPORTER WARNING" in said) == (1, True), said)
    s.reporter.configure("mysql", dead_letter_file="/dev/full")
    s.reporter.configure("log", target="/dev/full")
    s.reporter.reload()
    story.store(BAD)
    s.equal("a refused record is lost", story.lost("dead_lost"), 1)
    wait_for(lambda: story.check_line()[0] == 2, "the check is critical",
             seconds=10)
    status, said = story.check_line()
    s.check("and says why", "since a refused record was lost (critical)"
            in said, said)
    s.check("records are stored all the same",
            story.store()["records"]["stored"] > 0)


def tell(s):
    s.database.start()
    s.database.sql("ALTER TABLE ServerCallStatus "
                   f"ADD CONSTRAINT not_this CHECK (ip <> {BAD})")
    story = Story(s)
    pipe_nobody_reads(s, story)
    path = limit_is_reached(s, story)
    directories_are_replaced(s, story, path)
    log_cannot_be_opened(s, path)
    disk_is_full(s, story)


scenario.run(__doc__, tell)
