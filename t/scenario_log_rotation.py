#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""logrotate itself rotates the log of a reporter that writes to it all the
time, by the file that is installed for it.  After each rotation master and
workers write to the new file, and at the end each line that was written stands
in one of the files, once and in its turn.  The log of a second instance beside it
is rotated and reopened as well."""

import glob
import grp
import gzip
import os
import pwd
import re
import subprocess
import threading

import installed
import scenario
from scenario import Failure, wait_for

ROTATIONS = 3
FIRST = 1000


class Talker(threading.Thread):
    """Makes the master log one line after the other: each reload changes
    max_connections by one, and says so."""

    def __init__(self, s):
        super().__init__()
        self.s = s
        self.said = 0
        self.failure = None
        self.enough = threading.Event()

    def run(self):
        while not self.enough.is_set():
            self.s.reporter.configure(
                "limits", max_connections=FIRST + self.said + 1)
            self.s.reporter.write_conf()
            done = self.s.reporter.ctl("reload")
            if done.returncode != 0:
                self.failure = done.stderr
                return
            self.said += 1

    def goes_on(self):
        """Wait until some more lines have been written."""
        before = self.said

        def more():
            if self.failure:
                raise Failure(f"the reload failed: {self.failure}")
            return self.said >= before + 5

        wait_for(more, "the log grows")


def rotate(s, place):
    """logrotate -f, with a state of its own."""
    done = subprocess.run(
        [scenario.tool("logrotate", "logrotate"), "-v", "-f", "-s",
         os.path.join(s.directory, "rotation"),
         place.path("logrotatedir", "reporter")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    s.check("logrotate has no complaint", done.returncode == 0
            and "error" not in done.stdout, done.stdout)


def has_open(pid, path):
    directory = f"/proc/{pid}/fd"
    names = []
    for fd in os.listdir(directory):
        try:
            names.append(os.readlink(os.path.join(directory, fd)))
        except OSError:
            pass  # closed meanwhile
    return path in names


def all_write_to(reporter, new, old):
    """Whether each process of reporter has let go of the old file."""
    status = reporter.status()
    pids = [status["pid"]] + [w["pid"] for w in status["workers"]]
    return all(has_open(pid, new) and not has_open(pid, old) for pid in pids)


def lines(s):
    """The numbers in all files of the log, the oldest first."""
    numbers = []
    files = glob.glob(s.reporter.log + ".*") + [s.reporter.log]
    files.sort(key=lambda path: -int((re.findall(r"log\.(\d+)", path)
                                      or ["0"])[0]))
    for path in files:
        with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
            numbers += re.findall(r"max_connections: changed from \d+ to (\d+)",
                                  file.read())
    return [int(number) for number in numbers], len(files)


def turns(s, place, second):
    talker = Talker(s)
    talker.start()
    try:
        for _turn in range(ROTATIONS):
            talker.goes_on()
            rotate(s, place)
            s.check("master and workers write to the new file", all_write_to(
                s.reporter, s.reporter.log, s.reporter.log + ".1"))
            s.check("those of the second instance as well", all_write_to(
                second, second.log, second.log + ".1"))
        talker.goes_on()
    finally:
        talker.enough.set()
        talker.join()
    found, files = lines(s)
    s.equal("there is a file for each rotation, and one", files, ROTATIONS + 1)
    s.equal("each line stands in one of them, in its turn", found,
            list(range(FIRST + 1, FIRST + talker.said + 1)))
    s.check("no file is the world's to read", not [
        path for path in glob.glob(s.reporter.log + "*")
        if os.stat(path).st_mode & 0o007])


def second_instance(s):
    """A reporter beside it, with a log in the same directory."""
    directory = os.path.join(s.directory, "second")
    os.mkdir(directory)
    second = scenario.Reporter(directory, s.reporter.instance + "-2", s.database)
    second.log = os.path.join(os.path.dirname(s.reporter.log), "second.log")
    second.configure("log", target=second.log)
    second.write_conf()
    subprocess.run([scenario.program("reporter"), "-c", second.conf],
                   check=True, stdin=subprocess.DEVNULL)
    return second


def tell(s):
    s.database.start()
    place = installed.Installed(os.path.join(s.directory, "root"))
    installed.use(s, place)
    s.reporter.log = place.path("localstatedir", "log", "reporter",
                                "reporter.log")
    os.makedirs(os.path.dirname(s.reporter.log), 0o750)
    s.reporter.configure("log", target=s.reporter.log, level="info")
    s.reporter.configure("limits", max_connections=FIRST)
    s.reporter.write_conf()
    # There is no user reporter here: it is whoever runs this.
    # And other tests may run.
    place.move(place.path("logrotatedir", "reporter"), **{
        "/dev/shm/reporter.*": f"/dev/shm/reporter.{s.reporter.instance}*",
        "su reporter reporter": "su %s %s" % (
            pwd.getpwuid(os.geteuid()).pw_name,
            grp.getgrgid(os.getegid()).gr_name)})
    subprocess.run([scenario.program("reporter"), "-c", s.reporter.conf],
                   check=True, stdin=subprocess.DEVNULL)
    second = second_instance(s)
    try:
        turns(s, place, second)
    finally:
        second.ctl("stop", seconds=120)
        installed.end(s)


installed.needs("logrotatedir")
scenario.run(__doc__, tell)
