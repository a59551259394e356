#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody watches a reporter with top, on a terminal of 80 columns.  The
service with most overloaded servers stands first; keys sort by errors, by
number, by reports, by records; a filter leaves one service; the list follows
what comes in, lives through a reload that makes new segments and through the
reporter's end, and q quits.  Without a terminal, or on one that only prints,
the same list is printed once."""

import os
import re
import subprocess
import time

import scenario
from scenario import wait_for

NOW = int(time.time())


class Terminal:
    """A tmux of one's own, without anybody's configuration."""

    def __init__(self, s):
        self.tmux = [scenario.tool("tmux", "tmux"), "-f", "/dev/null", "-S",
                     os.path.join(s.directory, "tmux")]

    def run(self, *arguments):
        return subprocess.run(
            [*self.tmux, *arguments], check=True, capture_output=True,
            text=True, timeout=scenario.PATIENCE,
            env=dict(os.environ, TERM="screen", LC_ALL="C.UTF-8")).stdout

    def open(self, command, *how):
        self.run(*(how or ("new-session", "-d", "-x", "80", "-y", "24")),
                 f"{command}; echo ended with $?; cat")

    def reopen(self, command):
        self.open(command, "respawn-pane", "-k")

    def type(self, *keys):
        self.run("send-keys", *keys)

    def screen(self):
        return self.run("capture-pane", "-p").splitlines()

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], check=False,
                       capture_output=True)


def report(s, modid, overloaded, err, keys):
    """One report of so many keys, some overloaded."""
    s.agent().send(scenario.native(modid, 1, 1, NOW, [
        (i, 80, 10, err, i < overloaded) for i in range(keys)]))
    return keys


HEADING = ("      MODID       CMDID   KEYS   REP/S   REC/S    SUCC     ERR  "
           "ERR% OVERL  AGE")


def services(screen):
    """The list's lines as {modid: fields}, in their order; none while the
    screen is drawn."""
    if HEADING not in screen:
        return {}
    at = screen.index(HEADING)
    return {int(f[0]): f for f in (line.split() for line in screen[at + 1:])
            if len(f) == 10 and f[0].lstrip("-").isdigit()}


def plain(s, *arguments):
    done = s.reporter.ctl("top", "-d", "0.2", *arguments)
    return done.returncode, done.stdout.splitlines(), done.stderr


def without_a_terminal(s):
    status, lines, _ = plain(s)
    s.equal("it is printed once", (status, lines.count(HEADING)), (0, 1))
    s.check("the instance stands above", re.fullmatch(
        rf"instance {s.reporter.instance}: 2 of 2 workers running, \d+\.\d "
        r"records/s, \d\d:\d\d:\d\d", lines[0]), lines[0])
    s.equal("and what there is", lines[1],
            "services all: 3 with 12 keys, 0 dirty; by overload")
    found = services(lines)
    s.equal("most overloads first", list(found), [2, 3, 1])
    s.equal("with its figures", found[2][:9],
            ["2", "1", "5", "0.0", "0.0", "50", "5", "9.1", "4"])
    s.equal("nobody fails", found[1][5:9],
            ["40", "0", "0.0", "0"])
    s.equal("sorted and filtered", list(services(
        plain(s, "-s", "errors", "-f", "3/1")[1])), [3])
    s.equal("several lists", plain(s, "-n", "3")[1].count(HEADING), 3)
    for wrong in (("-s", "x"), ("-d", "0"), ("-f", "1/"), ("-n", "0"), ("x",)):
        s.equal(f"{wrong} is refused", plain(s, *wrong)[0], 2)


def on_a_poor_terminal(s, terminal):
    """One that only prints, as TERM says, has the list printed."""
    top = f"{scenario.program('reporterctl')} -i {s.reporter.instance} top"
    terminal.open("for TERM in dumb no-such-terminal ''; do "
                  f"{top} -d 0.2 || break; done")
    screen = wait_for(lambda: "ended with 0" in terminal.screen()
                      and terminal.screen(), "the lists are printed")
    s.equal("on a terminal that only prints it is printed once",
            screen.count(HEADING), 3)
    s.equal("and is the same list", list(services(screen)), [2, 3, 1])


def on_a_terminal(s, terminal):
    terminal.reopen(f"{scenario.program('reporterctl')} -i "
                    f"{s.reporter.instance} top -d 0.2")

    def order():
        return list(services(terminal.screen()))

    def wait_order(wanted, what):
        wait_for(lambda: order() == wanted, f"{what}: {wanted}")
        s.check(what, True)

    wait_order([2, 3, 1], "most overloads stand first")
    screen = terminal.screen()
    s.equal("the heading is in its place", screen[3], HEADING)
    line = ("          2           1      5     0.0     0.0      50       5   "
            "9.1     4")
    wait_for(lambda: terminal.screen()[4][:74] == line, "the whole line")
    s.equal("help stands below", screen[23],
            "q quit  f filter  by: o overl  e err  r rep/s  c rec/s  k keys  "
            "s succ  n modid")
    terminal.type("e")
    wait_order([3, 2, 1], "by errors")
    terminal.type("n")
    wait_order([1, 2, 3], "by number")
    terminal.type("k")
    wait_order([2, 1, 3], "by keys")
    terminal.type("f")
    terminal.type("3/1", "Enter")
    wait_order([3], "the filter leaves one")
    s.equal("and says so", terminal.screen()[1].split(":")[0], "services 3/1")
    terminal.type("f")
    terminal.type("x", "Enter")
    wait_for(lambda: "invalid filter" in terminal.screen()[2],
             "a filter that is none is told")
    terminal.type("f")
    terminal.type("Enter")
    wait_order([2, 1, 3], "no filter")

    # What comes in shows, with its speed: four times as many reports of one
    # service, twice as many records of the other.
    agent = s.agent()

    def flows(first):
        for i in range(20):
            agent.send(scenario.native(1, 1, 1, NOW, [(1, 80, 10, 0, True)]))
            if i % 4 == 0:
                agent.send(scenario.native(2, 1, 1, NOW, [
                    (server, 80, 10, 0, True) for server in range(8)]))
        found = services(terminal.screen())
        if not {1, 2} <= found.keys():
            return False
        reports, records = ([float(found[modid][column]) for modid in (1, 2)]
                            for column in (3, 4))
        return list(found)[0] == first and reports[0] > 2 * reports[1] > 0 \
            and records[1] > 1.2 * records[0] and found[1][8] == "1"

    terminal.type("r")
    wait_for(lambda: flows(1), "the service whose reports come in is first")
    terminal.type("c")
    wait_for(lambda: flows(2), "by records it is another")


def tell(s):
    s.start()
    sent = report(s, 1, 0, 0, 4) + report(s, 2, 4, 1, 5) \
        + report(s, 3, 1, 50, 3)
    s.reporter.settled(sent)
    without_a_terminal(s)
    if not scenario.has("NCURSES"):
        print("this build has no ncurses: no screen")
        return
    terminal = Terminal(s)
    try:
        on_a_poor_terminal(s, terminal)
        on_a_terminal(s, terminal)
        # A reload with another table makes new segments.
        s.reporter.configure("queue", table_keys=131072)
        s.reporter.reload()
        report(s, 9, 2, 1, 2)
        wait_for(lambda: 9 in services(terminal.screen()),
                 "a service of the new segments")
        for agent in s.agents:
            agent.close()
        s.reporter.stop()
        wait_for(lambda: ": not running" in terminal.screen()[0],
                 "the reporter's end is told")
        damaged = f"/dev/shm/reporter.{s.reporter.instance}"
        with open(damaged, "wb") as file:
            file.write(b"x" * 65536)
        wait_for(lambda: ": damaged"
                 in terminal.screen()[0], "what is damaged may yet run")
        os.remove(damaged)
        terminal.type("q")
        wait_for(lambda: "ended with 0" in terminal.screen(), "q quits")
        s.check("q quits", True)
    finally:
        terminal.close()


scenario.run(__doc__, tell)
