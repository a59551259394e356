#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody installs libreporter, copies the example of reporter_client(3),
compiles it as pkg-config says, and finds its calls in the table.  Somebody else
pipes lines to reporter-send --agent, with TLS as well; and the clock of an agent
is set, forwards and back.

Then an agent that uses the library reports without a pause, while the master is
killed and started again, the database goes away and comes back, a worker is
killed, and the agent is refused for a time.  In the end each key has the counts
that were made last, all that was counted before being sent.

scenario_client_library.py --long   an outage of a minute, many more faults, in an
order of chance, and a host that is lost without a word (make check-client)"""

import ctypes
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


def first_row(s):
    root = os.path.join(s.directory, "root")
    place = installed.Installed(root)
    environment = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": root,
                   "PKG_CONFIG_PATH": place.path("libdir", "pkgconfig"),
                   "LD_LIBRARY_PATH": place.path("libdir")}
    flags = subprocess.run(
        [scenario.tool("pkg-config", "pkg-config"), "--cflags", "--libs",
         "reporter"], env=environment, check=True, text=True,
        stdout=subprocess.PIPE).stdout.split()
    source = os.path.join(s.directory, "example.c")
    program = os.path.join(s.directory, "example")
    with open(source, "w") as file:
        file.write(example())
    compiler = os.environ.get("CC", "cc").split()
    for words in (["-std=c99", "-D_DEFAULT_SOURCE"], ["-x", "c++"]):
        done = subprocess.run(
            [*compiler, *words, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             source, flags[0]], capture_output=True, text=True)
        missing = words[0] == "-x" and "c++" in done.stderr and (
            "cc1plus" in done.stderr)
        s.check(f"the example compiles with {' '.join(words)}",
                done.returncode == 0 or missing, done.stderr)
    subprocess.run([*compiler, source, "-o", program, *flags], check=True)
    host, port = s.reporter.addresses[0]
    done = subprocess.run([program, f"{host}:{port}"], env=environment,
                          capture_output=True, text=True,
                          timeout=scenario.PATIENCE)
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

class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("hosts", ctypes.c_char_p),
                ("port", ctypes.c_char_p), ("caller", ctypes.c_uint32),
                ("interval_ms", ctypes.c_uint32),
                ("keys_max", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("log", ctypes.c_void_p), ("log_arg", ctypes.c_void_p),
                ("transport", ctypes.c_void_p)]


class Client:
    """An agent: calls without a pause, until told to stop."""

    def __init__(self, *hosts):
        self.library = ctypes.CDLL(os.path.join(
            scenario.BUILD, "src", "client", "libreporter.so.0"))
        self.library.reporter_open.restype = ctypes.c_void_p
        hosts = ", ".join(f"{host}:{port}" for host, port in hosts)
        options = Options(size=ctypes.sizeof(Options), interval_ms=50,
                          hosts=hosts.encode())
        self.reporter = ctypes.c_void_p(
            self.library.reporter_open(ctypes.byref(options)))
        self.stopped = False
        self.thread = threading.Thread(target=self._calls, daemon=True)
        self.thread.start()

    def add(self, n, succ, err):
        self.library.reporter_add(self.reporter, n % 7, n, n, 80, succ, err)

    def _calls(self):
        while not self.stopped:
            for n in range(KEYS):
                self.add(n, 1, 0)
            time.sleep(0.01)

    def finish(self, seconds):
        """What was counted is sent; then one more call of each kind."""
        self.stopped = True
        self.thread.join()
        sent = self.library.reporter_flush(self.reporter, seconds * 1000)
        for n in range(KEYS):
            self.add(n, 1000 + n, n)
        closed = self.library.reporter_close(self.reporter, 10000)
        return sent, closed


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


def chaos(s, faults, seconds):
    client = Client(s.reporter.addresses[0])
    try:
        wait_for(lambda: len(s.database.table()) == KEYS, "all keys are there")
        for fault in faults:
            fault(s)
    finally:
        sent, closed = client.finish(seconds)
    s.equal("the agent has sent everything and was read", (sent, closed),
            (0, 0))
    wanted = {(n % 7, n, n, 80, scenario.LOCALHOST): (1000 + n, n, 0)
              for n in range(KEYS)}

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


# -------------------------------------------------------- a lost host -----

NEAR, FAR = "198.18.0.5", "198.18.0.6"


def ip(*words, inside=()):
    subprocess.run([*inside, scenario.tool("ip", "iproute2"), *words],
                   check=True, stdin=subprocess.DEVNULL)


def lost_host(s):
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
        client = Client((FAR, 12316), s.reporter.addresses[0])
        s.equal("it is connected", host.stdout.readline(), "connected\n")
        began = time.monotonic()
        ip("route", "add", "blackhole", NEAR, inside=inside)
        wait_for(lambda: s.database.table(), "the next host has its calls", 70)
        waited = time.monotonic() - began
        s.check("the loss was noticed in 30 to 50 seconds", 30 < waited < 50,
                f"{waited} s")
        s.equal("the agent ends", client.finish(5), (0, 0))
    finally:
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
    if "--long" in sys.argv:
        lost_host(s)
        chaos(s, [minute], 70)
        chance = faulty.seeded(time.time_ns())
        chaos(s, chance.choices(FAULTS, k=15), 70)
        return
    first_row(s)
    lines(s, authority)
    s.part(clock_jumps, s)
    chaos(s, FAULTS[:4], 20)


if any(map(scenario.built_with, ("asan", "tsan", "ubsan"))):
    scenario.skip("a sanitizer cannot be loaded into Python")
scenario.run(__doc__, tell)
