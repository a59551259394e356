#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody installs libreporter, copies the example of reporter_client(3),
compiles it as pkg-config says, and finds its calls in the table.  Somebody else
pipes lines to reporter-send --agent, with TLS as well; and the clock of an agent
is set, forwards and back.

Then an agent made of the same example, which reads its calls as lines, reports
without a pause, while the master is killed and started again, the database goes
away and comes back, a worker is killed, and the agent is refused for a time.  In
the end each key has the counts that were made last, all that was counted before
being sent, and each that was called once has that call.

scenario_client_library.py --long   an outage of a minute, many more faults, in an
order of chance, and a host that is lost without a word (make check-client)"""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import faulty
import installed
import scenario
import tls
from scenario import wait_for

KEYS = 200


def example():
    """The program of the manual."""
    with open(os.path.join(scenario.SOURCE, "man", "reporter_client.3")) as page:
        text = page.read()
    program = re.search(r"^#include <reporter.h>.*?^\.Ed", text, re.M | re.S)
    return program[0].removesuffix(".Ed").replace("\\e", "\\")


# What the agent of the chaos does in place of the example's calls: a line has
# the counts of a key, and an empty one stands for reporter_flush().
LOOP = r"""
    char line[80];
    int modid, cmdid;
    unsigned ip, succ, err;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "%d %d %u %u %u", &modid, &cmdid, &ip, &succ,
            &err) == 5)
            reporter_add(reporter, modid, cmdid, ip, 80, succ, err);
        else if (printf("%d\n", reporter_flush(reporter, 70000)) > 0)
            fflush(stdout);
    }
"""


def agent_of_lines():
    """The program of the manual, but for its calls and its interval."""
    program = example()
    for pattern, text in ((r"^ {4}for \(.*?^ {4}\}\n", LOOP),
                          (r"(?<=interval_ms = )5000", "50")):
        program, n = re.subn(pattern, lambda _m, text=text: text, program,
                             flags=re.M | re.S)
        if n != 1:
            raise scenario.Failure(f"the example has {n} of {pattern}")
    return program


class Compiled:
    """The library as installed, and programs with it."""

    def __init__(self, s):
        self.directory = s.directory
        root = os.path.join(s.directory, "root")
        place = installed.Installed(root)
        self.environment = {
            **os.environ, "PKG_CONFIG_SYSROOT_DIR": root,
            "PKG_CONFIG_PATH": place.path("libdir", "pkgconfig"),
            "LD_LIBRARY_PATH": place.path("libdir")}
        self.flags = subprocess.run(
            [scenario.tool("pkg-config", "pkg-config"), "--cflags", "--libs",
             "reporter"], env=self.environment, check=True, text=True,
            stdout=subprocess.PIPE).stdout.split()
        self.compiler = os.environ.get("CC", "cc").split()

    def program(self, name, text):
        source = os.path.join(self.directory, f"{name}.c")
        with open(source, "w") as file:
            file.write(text)
        subprocess.run([*self.compiler, source, "-o", source[:-2],
                        *self.flags], check=True)
        return source[:-2]


def first_row(s, compiled):
    program = compiled.program("example", example())
    for words in (["-std=c99", "-D_DEFAULT_SOURCE"], ["-x", "c++"]):
        done = subprocess.run(
            [*compiled.compiler, *words, "-Wall", "-Wextra", "-Werror",
             "-fsyntax-only", f"{program}.c", compiled.flags[0]],
            capture_output=True, text=True)
        missing = words[0] == "-x" and "c++" in done.stderr and (
            "cc1plus" in done.stderr)
        s.check(f"the example compiles with {' '.join(words)}",
                done.returncode == 0 or missing, done.stderr)
    host, port = s.reporter.addresses[0]
    done = subprocess.run(
        [program, f"{host}:{port}"], env=compiled.environment,
        capture_output=True, text=True, timeout=scenario.PATIENCE)
    s.equal("it ends without an error", done.returncode, 0)
    s.check("its log has the connection", "reporter: connected to" in
            done.stderr and "retrying" not in done.stderr, done.stderr)
    key = (1, 2, 0x0A000001, 8080, scenario.LOCALHOST)
    row = wait_for(lambda: s.database.table().get(key), "its row is there")
    s.check("the row has some of its 18 successful calls", 0 < row[0] <= 18,
            str(row))
    s.database.sql("TRUNCATE ServerCallStatus")


def lines(s, authority):
    """reporter-send --agent adds up what it reads, also with TLS."""
    for n, more in enumerate((("-v", "--caller", "10.9.8.7"),
                              ("--tls", "--ca", authority.certificate))):
        host, port = s.reporter.addresses[n]
        done = subprocess.run(
            [scenario.program("reporter-send"), "--agent", "-H",
             f"{host}:{port}", *more], capture_output=True, text=True,
            input=f"1 {n} 1.1.1.1 5 10.0.0.1 80 1 2 0\n" * 3
            + f"1 {n} 1.1.1.1 5 10.0.0.2 80 1 0 1\n",
            timeout=scenario.PATIENCE)
        # The overload of the last line may be sent before the rest.
        told = "" if n else ("reporter-send: connected to .*\n"
                             "[12] reports with 2 records sent\n")
        s.check("reporter-send --agent ends without an error",
                done.returncode == 0 and re.fullmatch(told, done.stderr),
                str(done))
    # Its input has no end: a signal ends it.
    fifo = os.path.join(s.directory, "calls")
    os.mkfifo(fifo)
    pipe = os.open(fifo, os.O_RDWR)
    host, port = s.reporter.addresses[0]
    agent = subprocess.Popen(
        [scenario.program("reporter-send"), "--agent", "-H", f"{host}:{port}"],
        stdin=pipe)
    os.write(pipe, b"1 2 1.1.1.1 5 10.0.0.1 80 7 0 0\n")
    time.sleep(0.5)
    agent.terminate()
    s.equal("SIGTERM ends it", agent.wait(scenario.PATIENCE), 0)
    os.close(pipe)
    wanted = {(1, n, 0x0A000000 + ip, 80, caller): figures
              for n, caller in enumerate((0x0A090807, scenario.LOCALHOST))
              for ip, figures in ((1, (3, 6, 0)), (2, (1, 0, 1)))}
    wanted[1, 2, 0x0A000001, 80, scenario.LOCALHOST] = (7, 0, 0)
    s.reporter.settled(s.reporter.status()["records"]["received"])
    s.equal("the sums of its lines are in the table",
            {key: (succ, err, overload) for key, (succ, err, _ts, overload)
             in s.database.table().items()}, wanted)
    s.database.sql("TRUNCATE ServerCallStatus")


def clock_jumps(s):
    """Each report of an overload changes the row, whatever the agent's clock says:
    its own times never go back, and the reporter takes none of the future."""
    clock = scenario.Clock(s.directory)
    host, port = s.reporter.addresses[0]
    agent = subprocess.Popen(
        [scenario.program("reporter-send"), "--agent", "-H", f"{host}:{port}"],
        stdin=subprocess.PIPE, env={**os.environ, **clock.environment})
    key = (1, 3, 0x0A000001, 80, scenario.LOCALHOST)
    try:
        for n, offset in enumerate(("+0", "+1d", "-2d", "+0"), 1):
            clock.set(offset)
            agent.stdin.write(b"1 3 0.0.0.0 0 10.0.0.1 80 %d 0 %d\n"
                              % (n, n % 2))
            agent.stdin.flush()
            row = wait_for(
                lambda n=n: (row := s.database.table().get(key))
                and (row[0], row[3]) == (n, n % 2) and row,
                f"the row is new with the agent's clock at {offset}", 12)
            s.check("and has the time of today",
                    abs(row[2] - time.time()) < 60, str(row))
        s.check("the clock was ahead", s.reporter.status()["skewed"] > 0)
        agent.stdin.close()
        s.equal("it ends", agent.wait(scenario.PATIENCE), 0)
    finally:
        agent.kill()
    s.database.sql("TRUNCATE ServerCallStatus")


# ------------------------------------------------------------------ chaos --

class Agent:
    """Of the example: calls without a pause, until told to stop."""

    def __init__(self, s, compiled, *hosts):
        self.log = os.path.join(s.directory, "agent.log")
        hosts = ", ".join(f"{host}:{port}" for host, port in hosts)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [compiled.program("agent", agent_of_lines()), hosts],
                env=compiled.environment, text=True, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.stopped = False
        self.keys = KEYS
        self.thread = threading.Thread(target=self._calls, daemon=True)
        self.thread.start()

    def add(self, keys, figures):
        """figures(n): the calls of key n."""
        self.process.stdin.write("".join(
            "%d %d %d %d %d\n" % (n % 7, n, n, *figures(n)) for n in keys))
        self.process.stdin.flush()

    def _calls(self):
        """Of KEYS all the time; and of one more key after the other once, whose
        figures are lost for good if they are lost."""
        while not self.stopped:
            for _ in range(10):
                self.add(range(KEYS), lambda n: (1, 0))
                time.sleep(0.01)
            self.add([self.keys], lambda n: (n, 1))
            self.keys += 1

    def served(self, s):
        """Calls of now reach the table: after a pause, if it was refused."""
        n = self.keys + 1
        wait_for(lambda: (n % 7, n, n, 80, scenario.LOCALHOST)
                 in s.database.table(), "the agent is served", 80)

    def finish(self, s):
        """What was counted is sent; then one more call of each kind."""
        self.stopped = True
        self.thread.join()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        s.equal("the agent has sent everything",
                self.process.stdout.readline(), "0\n")
        self.add(range(KEYS), lambda n: (1000 + n, n))
        self.process.stdin.close()
        s.equal("it ends", self.process.wait(scenario.PATIENCE), 0)
        with open(self.log) as file:
            log = file.read()
        s.check("and was read", "reporter_close" not in log, log)

    def kill(self):
        self.stopped = True
        self.process.kill()
        self.process.wait()


def kill_master(s):
    faulty.kill_master(s.reporter)
    s.reporter.start()


def restart(s):
    s.reporter.stop()
    s.reporter.start()


def kill_worker(s):
    pid = s.reporter.status()["workers"][0]["pid"]
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it was killed before, and is started again


def database_goes(s):
    s.database.stop()
    time.sleep(0.3)
    s.database.start()


def minute(s):
    """The reporter is away; the agent counts on."""
    s.reporter.stop()
    time.sleep(60)
    s.reporter.start()


def refusal(s):
    """From a restart on no agent may connect; then they may again."""
    s.reporter.stop()
    s.reporter.configure("limits", deny="127.0.0.0/8")
    s.reporter.start()
    wait_for(lambda: sum(s.reporter.status()["refused"].values()),
             "the agent is refused", 70)
    s.reporter.configure("limits", deny="")
    faulty.write_conf(s.reporter)
    s.reporter.process.send_signal(signal.SIGHUP)


FAULTS = (kill_worker, database_goes, kill_master, refusal, restart)


def chaos(s, compiled, faults):
    agent = Agent(s, compiled, s.reporter.addresses[0])
    try:
        for fault in faults:
            agent.served(s)
            fault(s)
        agent.served(s)
        agent.finish(s)
    finally:
        agent.kill()
    wanted = {(n % 7, n, n, 80, scenario.LOCALHOST):
              (1000 + n, n, 0) if n < KEYS else (n, 1, 0)
              for n in range(agent.keys)}

    def found():
        return {key: (succ, err, overload) for key, (succ, err, _ts, overload)
                in s.database.table().items()}

    try:
        wait_for(lambda: found() == wanted, "the table is as it should be")
    except scenario.Failure:
        pass
    has = found()
    s.equal("the table has the last counts of each key",
            {key: (has.get(key), wanted.get(key)) for key in {*has, *wanted}
             if has.get(key) != wanted.get(key)}, {})
    s.database.sql("TRUNCATE ServerCallStatus")


# -------------------------------------------------------- a lost host -----

NEAR, FAR = "198.18.0.5", "198.18.0.6"


def ip(*words, inside=()):
    subprocess.run([*inside, scenario.tool("ip", "iproute2"), *words],
                   check=True, stdin=subprocess.DEVNULL)


def lost_host(s, compiled):
    """Packets to it arrive, and none comes back: the next host is used."""
    scenario.requires_root("network namespaces")
    near = f"near{os.getpid()}"
    host = subprocess.Popen(
        [scenario.tool("unshare", "util-linux"), "-n", sys.executable, "-c",
         "import socket, sys, time\n"
         "sys.stdin.readline()\n"
         f"listener = socket.create_server(('{FAR}', 12316))\n"
         "print('listening', flush=True)\n"
         "agent = listener.accept()[0]\n"
         "print('connected', flush=True)\n"
         "while agent.recv(65536): pass\n"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True)
    inside = [scenario.tool("nsenter", "util-linux"), "-n", "-t",
              str(host.pid)]
    agent = None
    try:
        own = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(f"/proc/{host.pid}/ns/net") != own,
                 "there is a host")
        ip("link", "add", near, "type", "veth", "peer", "name", "far",
           "netns", str(host.pid))
        ip("address", "add", f"{NEAR}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("address", "add", f"{FAR}/30", "dev", "far", inside=inside)
        ip("link", "set", "far", "up", inside=inside)
        host.stdin.write("go\n")
        host.stdin.flush()
        s.equal("a host listens", host.stdout.readline(), "listening\n")
        agent = Agent(s, compiled, (FAR, 12316), s.reporter.addresses[0])
        s.equal("it is connected", host.stdout.readline(), "connected\n")
        began = time.monotonic()
        ip("route", "add", "blackhole", NEAR, inside=inside)
        wait_for(lambda: s.database.table(), "the next host has its calls", 70)
        waited = time.monotonic() - began
        s.check("the loss was noticed in 30 to 50 seconds", 30 < waited < 50,
                f"{waited} s")
        agent.finish(s)
    finally:
        if agent is not None:
            agent.kill()
        scenario.end_group(host)
    s.database.sql("TRUNCATE ServerCallStatus")


def tell(s):
    s.database.start()
    authority = tls.Authority(s.directory, "authority")
    certificate, key = authority.issue("reporter", "127.0.0.2")
    s.reporter.configure("tls", certificate=certificate, key=key)
    ports = scenario.free_port(), scenario.free_port()
    s.reporter.configure(
        "reporter", shutdown_timeout="1s",
        listen="127.0.0.1:%d, 127.0.0.2:%d tls" % ports)
    s.reporter.configure("mysql", flush_interval="20ms", read_timeout="1s")
    s.reporter.start()
    compiled = Compiled(s)
    if "--long" in sys.argv:
        lost_host(s, compiled)
        chaos(s, compiled, [minute])
        chance = faulty.seeded(time.time_ns())
        faults = [*FAULTS, *chance.choices(FAULTS, k=5)]
        chance.shuffle(faults)
        chaos(s, compiled, faults)
        return
    first_row(s, compiled)
    lines(s, authority)
    s.part(clock_jumps, s)
    chaos(s, compiled, FAULTS[:4])


if any(map(scenario.built_with, ("asan", "tsan", "ubsan"))):
    scenario.skip("the example is compiled without the sanitizer")
scenario.run(__doc__, tell)
