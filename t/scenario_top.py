#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody watches a reporter with top, on a terminal of 80 columns.  What is in
trouble stands first, with its name; the flag of an agent that is dead leads
nothing.  A filter leaves what it describes.  Enter goes to the servers of a
service and to the callers of a server, where one caller that complains is told
from a bad server; Backspace goes back to where one was.  The list follows what
comes in, lives through a reload that makes new segments and through the
reporter's end, and q quits.  Without a terminal, or on one that only prints,
the same list is printed once.  keys shows the same ages."""

import json
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

    def cursor(self):
        """The row in which it is."""
        return int(self.run("display-message", "-p", "#{cursor_y}"))

    def screen(self):
        return self.run("capture-pane", "-p").splitlines()

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], check=False,
                       capture_output=True)


def report(s, modid, results, caller=1, age=0):
    """One report of results (ip, succ, err, overload)."""
    s.agent().send(scenario.native(modid, 1, caller, NOW - age, [
        (ip, 80, succ, err, overload)
        for ip, succ, err, overload in results]))
    return len(results)


# Fresh for ten minutes, so that the scenario may take its time.
AGES = ("-F", "600", "-S", "1800")
# An accent of its own, which takes no column.
NAMED = "支付e\u0301"
NAMES = f"""# services
2 1 {NAMED}
7 x login
3 1  log in
"""
SERVICES = "STATE      SERVICE     SERVERS  SINCE  ERR%  CALLS  REP/S   AGE NAME"
SERVERS = ("STATE      SERVER                CALLERS  SINCE  ERR%  CALLS  REP/S"
           "   AGE")
CALLERS = ("STATE      CALLER          OVERLOAD       SUCC        ERR  ERR%"
           "   AGE")


def reports(s):
    """What the services are: 1 is well, 2 and 3 are overloaded, 4 was when its
    only agent died, 5 is late, 6 has errors.  One of three callers complains
    about server 0.0.0.9 of service 3."""
    sent = report(s, 1, [(i, 10, 0, False) for i in range(4)])
    sent += report(s, 2, [(i, 10, 1, i < 4) for i in range(5)])
    for caller in (0x0A000001, 0x0A000002, 0x0A000003):
        sent += report(s, 3, [(8, 10, 0, False),
                              (9, 10, 40, caller == 0x0A000002)], caller)
    sent += report(s, 4, [(i, 0, 99, True) for i in range(6)], 0x0A000009, 3000)
    sent += report(s, 5, [(1, 10, 0, True)], age=1000)
    sent += report(s, 6, [(1, 80, 20, False)])
    return sent


TROUBLE = [2, 3, 6, 4, 5, 1]


def listed(screen, heading=SERVICES):
    """The list's lines as fields, in their order; none while the screen is
    drawn."""
    if heading not in screen:
        return []
    found = [line.split() for line in screen[screen.index(heading) + 1:]]
    return [fields for fields in found if len(fields) >= 7 and fields[0] in (
        "overloaded", "errors", "silent", "late", "fine", "fresh")]


def services(screen):
    return [int(fields[1].split("/")[0]) for fields in listed(screen)]


def top(s, *arguments, ages=AGES):
    done = s.reporter.ctl(*ages, "-n", s.names, "top", "-d", "0.2", *arguments)
    return done.returncode, done.stdout.splitlines(), done.stderr


def without_a_terminal(s):
    status, lines, errors = top(s)
    s.equal("it is printed once", (status, lines.count(SERVICES)), (0, 1))
    s.equal("a line of the names that is none is told", errors.count("\n"), 1)
    s.check("with its file and number", f"{s.names}:3: " in errors, errors)
    s.check("the instance stands above", re.fullmatch(
        rf"instance {s.reporter.instance}: 2 of 2 workers running, \d+\.\d "
        r"records/s, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[0]), lines[0])
    s.equal("then the verdict", lines[1:3], [
        "2 overloaded (5 servers), 1 with errors, 1 silent, 1 late; 1 silent "
        "caller", "6 services, by trouble"])
    s.equal("trouble first, no dead agent", services(lines), TROUBLE)
    found = {fields[1]: fields for fields in listed(lines)}
    s.equal("with its figures", [found["2/1"][i] for i in (0, 2, 4, 5, 6, 8)],
            ["overloaded", "4/5", "9.1", "55", "0.0", NAMED])
    s.check("overloaded before we came", found["2/1"][3].startswith(">"),
            found["2/1"])
    s.equal("a name of two words", found["3/1"][8:], ["log", "in"])
    s.equal("a dead agent's flags are stale", found["4/1"][:5],
            ["silent", "4/1", "0/6+6", "-", "-"])
    s.equal("and a late one's", found["5/1"][:5],
            ["late", "5/1", "0/1+1", "-", "-"])
    s.equal("silent by default", [
        fields[1] for fields in listed(top(s, ages=())[1])
        if fields[0] == "silent"], ["4/1", "5/1"])
    for arguments, wanted in (
            (("-s", "number"), [1, 2, 3, 4, 5, 6]),
            (("-s", "errors", "-f", "err>0"), [3, 6, 2]),
            (("-s", "overload", "-f", "state:overloaded"), [2, 3]),
            (("-f", "3/1"), [3]),
            (("-f", "LOG"), [3]),
            (("-f", "10.0.0.8/29"), [4]),
            (("-f", "state:silent,late"), [4, 5]),
            (("-s", "age", "-f", "age>900"), [4, 5])):
        s.equal(f"{arguments}", services(top(s, *arguments)[1]), wanted)
    s.equal("a filter is shown", top(s, "-f", "err>5")[1][2],
            "3 of 6 services, filter err>5, by trouble")
    s.check("all of it is", "filter err>5 age<9999, by" in
            top(s, "-f", "err>5 age<9999")[1][2])
    s.equal("several lists", top(s, "-n", "3")[1].count(SERVICES), 3)
    for wrong in (("-s", "x"), ("-d", "0"), ("-f", "1/"), ("-n", "0"), ("x",)):
        s.equal(f"{wrong} is refused", top(s, *wrong)[0], 2)
    for wrong in (("-F", "0"), ("-F", "301"), ("-S", "x")):
        s.equal(f"{wrong} is refused", top(s, ages=wrong)[0], 2)


def keys_age(s):
    """keys shows how old each is."""
    lines = [line.split("\t") for line in s.reporter.ctl(
        *AGES, "-n", s.names, "keys").stdout.splitlines()]
    s.equal("ages in words", {(int(f[0]), f[11]) for f in lines}, {
        (1, "fresh"), (2, "fresh"), (3, "fresh"), (4, "silent"), (5, "late"),
        (6, "fresh")})
    s.equal("in seconds", [f for f in lines
                           if not 0 <= int(f[10]) - (time.time() - int(f[3]))
                           + 2 <= 4], [])
    s.equal("and names", {f[13] for f in lines if len(f) == 14},
            {NAMED, "log in"})
    found = json.loads(s.reporter.ctl(
        "-n", s.names, "keys", "--json", "4").stdout.splitlines()[0])
    s.equal("as JSON", (found["freshness"], 3000 <= found["age"] < 3600),
            ("silent", True))


def command(s):
    return (f"{scenario.program('reporterctl')} {' '.join(AGES)} -n {s.names} "
            f"-i {s.reporter.instance} top -d 0.2")


def on_a_poor_terminal(s, terminal):
    """One that only prints, as TERM says, has the list printed."""
    terminal.open("for TERM in dumb no-such-terminal ''; do "
                  f"{command(s)} -f 3 2>/dev/null || break; done")
    screen = wait_for(lambda: "ended with 0" in terminal.screen()
                      and terminal.screen(), "the lists are printed")
    s.equal("on a terminal that only prints it is printed once",
            screen.count(SERVICES), 3)


def on_a_terminal(s, terminal):
    terminal.reopen(command(s))

    def wait_order(wanted, what):
        wait_for(lambda: services(terminal.screen()) == wanted,
                 f"{what}: {wanted}")
        s.check(what, True)

    def wait_list(text, heading):
        """Wait for the third line.  Returns the list."""
        return wait_for(lambda: terminal.screen()[2] == text
                        and listed(terminal.screen(), heading), text)

    wait_order(TROUBLE, "trouble stands first")
    screen = terminal.screen()
    s.equal("the heading is in its place", screen[3], SERVICES)
    s.check("the name is whole", screen[4].endswith(NAMED), screen[4])
    s.check("help stands below", screen[23].startswith("q quit  Enter open"),
            screen[23])
    for key, wanted in (("e", [3, 6, 2, 1, 4, 5]), ("n", [1, 2, 3, 4, 5, 6]),
                        ("a", [4, 5, 1, 2, 3, 6]), ("t", TROUBLE)):
        terminal.type(key)
        wait_order(wanted, f"key {key}")
    terminal.type("f")
    terminal.type("err>5 state:overloaded", "Enter")
    wait_order([2, 3], "the filter leaves two")
    terminal.type("f")
    terminal.type("err>x", "Enter")
    wait_for(lambda: "err>x" in terminal.screen()[2],
             "a filter that is none is told")
    wait_order([2, 3], "and changes nothing")
    terminal.type("f")
    terminal.type("支", "Escape")
    wait_for(lambda: terminal.screen()[2].startswith("2 of 6 services"),
             "Escape leaves the question")
    wait_order([2, 3], "and the filter")
    terminal.type("f")
    terminal.type("支付", "BSpace", "BSpace", "log", "Enter")
    wait_order([3], "what is typed is corrected")
    terminal.type("f")
    terminal.type("Enter")
    wait_order(TROUBLE, "no filter")

    # One caller complains about a server that others find well.
    terminal.type("Down", "Enter")
    found = wait_list("service 3/1 log in: 2 servers", SERVERS)
    s.equal("the servers, trouble first", [f[:3] for f in found], [
        ["overloaded", "0.0.0.9:80", "1/3"], ["fine", "0.0.0.8:80", "0/3"]])
    terminal.type("Enter")
    found = wait_list("service 3/1 log in, server 0.0.0.9:80: 3 callers",
                      CALLERS)
    s.equal("its callers, who complains first", [f[:6] for f in found], [
        ["fresh", "10.0.0.2", "yes", "10", "40", "80.0"],
        ["fresh", "10.0.0.1", "no", "10", "40", "80.0"],
        ["fresh", "10.0.0.3", "no", "10", "40", "80.0"]])
    terminal.type("BSpace", "Down")
    wait_list("service 3/1 log in: 2 servers", SERVERS)
    terminal.type("BSpace")
    wait_order(TROUBLE, "back to the services")
    s.equal("where one was", terminal.cursor(), 5)
    terminal.type("Up")


def rates_show(s, terminal):
    """What comes in shows, with its speed: four times as many reports of one
    service, twice as many records of the other."""
    agent = s.agent()

    def flows(first):
        for i in range(20):
            agent.send(scenario.native(1, 1, 1, NOW, [(1, 80, 10, 0, True)]))
            if i % 4 == 0:
                agent.send(scenario.native(2, 1, 1, NOW, [
                    (server, 80, 10, 0, True) for server in range(8)]))
        found = {f[1]: f for f in listed(terminal.screen())}
        of_1, of_2 = (found.get(service, "-" * 7)[6]
                      for service in ("1/1", "2/1"))
        if "-" in (of_1, of_2):  # of the first look there is no rate
            return False
        of_1, of_2 = float(of_1), float(of_2)
        return list(found)[0] == first and of_1 > 2 * of_2 > 0 \
            and found["1/1"][2] == "1/4" \
            and found["1/1"][3] != "-" and found["1/1"][3][0] != ">"

    terminal.type("r")
    wait_for(lambda: flows("1/1"),
             "the service whose reports come in is first, overloaded since now")
    terminal.type("c")
    wait_for(lambda: flows("2/1"), "by records it is another")


def tell(s):
    s.names = os.path.join(s.directory, "services")
    with open(s.names, "w") as file:
        file.write(NAMES)
    s.start()
    s.reporter.settled(reports(s))
    without_a_terminal(s)
    keys_age(s)
    if not scenario.has("NCURSES"):
        print("this build has no ncurses: no screen")
        return
    terminal = Terminal(s)
    try:
        on_a_poor_terminal(s, terminal)
        on_a_terminal(s, terminal)
        rates_show(s, terminal)
        # A reload with another table makes new segments.
        s.reporter.configure("queue", table_keys=131072)
        s.reporter.reload()
        report(s, 9, [(1, 10, 1, True)])
        wait_for(lambda: 9 in services(terminal.screen()),
                 "a service of the new segments")
        with open(s.names, "w") as file:
            file.write("9 1 nine")
        wait_for(lambda: ["9/1", "nine"] in [
            [f[1], f[-1]] for f in listed(terminal.screen())],
                 "another file of names")
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
