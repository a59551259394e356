#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The example agents in each language, side by side.  What a program counts
reaches the table, also when the reporter is killed and the table is emptied
meanwhile: then each agent sends the newest figures of all its keys once more.
A change of overload is there at once, the rest at the end, also by SIGTERM.  A
listener that closes each connection is left alone for longer and longer, and
each begins with a whole report.  Over IPv6 it is the same, but for the caller.
Programs without a life between calls write to a FIFO.  A quiet agent sends
heartbeats, here every two seconds.  A language that the machine does not have is
left out."""

import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
import time

import scenario
from scenario import SOURCE, tool, wait_for

EXAMPLES = os.path.join(SOURCE, "src", "client", "examples")
KEYS = 12
NAME = "two.test"
CALLER = "10.9.8.7"
LONG = 60  # an interval that no agent sees the end of


def example(s, name):
    """A copy of an example whose heartbeats are seen within the test."""
    with open(f"{EXAMPLES}/{name}") as file:
        text, n = re.subn(r"(?i)^(.*heartbeat *= )(60|time.Minute)",
                          lambda found: found[1] + (
                              "2" if found[2] == "60" else "2 * time.Second"),
                          file.read(), flags=re.M)
    if n != 1:
        raise scenario.Failure(f"{name}: {n} intervals of heartbeats")
    path = os.path.join(s.directory, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def python(s):
    return [sys.executable, "-B", example(s, "reporter.py")]


def node(s):
    return [tool("node", "nodejs"), example(s, "reporter.js")]


def php(s):
    return [tool("php", "php-cli"), example(s, "reporter.php")]


def shell(_s):
    tool("ip", "iproute2")
    return [tool("bash", "bash"), f"{EXAMPLES}/reporter.sh"]


def go(s):
    program = os.path.join(s.directory, "agent")
    built([tool("go", "golang-go"), "build", "-o", program,
           example(s, "reporter.go")],
          GOCACHE=os.path.join(scenario.BUILD, "t", "go-cache"),
          GO111MODULE="off", GOPATH=s.directory)
    return [program]


def java(s):
    built([tool("javac", "default-jdk-headless"), "-d", s.directory,
           example(s, "Reporter.java")])
    return [tool("java", "default-jdk-headless"), "-XX:TieredStopAtLevel=1",
            "-cp", s.directory, "Reporter"]


IPV6 = scenario.has_ipv6()
LANGUAGES = (python, node, php, shell, go, java)


def built(command, **environment):
    done = subprocess.run(command, env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise scenario.Failure(f"{command}:\n{done.stdout}{done.stderr}")


class Example:
    """An agent of a language; all that it counts is of one modid."""

    def __init__(self, s, name, command, modid, address, interval, *more,
                 stdin=subprocess.PIPE, **environment):
        self.name, self.modid = name, modid
        self.caller = 0 if ":" in address[0] else scenario.LOCALHOST
        path = os.pathsep.join([os.path.join(scenario.BUILD, "src"),
                                os.environ["PATH"]])
        self.process = subprocess.Popen(
            [*command, *map(str, address), str(interval), *more],
            preexec_fn=s.hosts if address[0] == NAME else None,
            env={**os.environ, "PATH": path, **environment}, stdin=stdin, text=True,
            stdout=s.output, stderr=s.output, start_new_session=True)
        s.examples.append(self)

    def counts(self, keys, succ, err, overload=0):
        """Returns what the table then has of these keys, but for the time."""
        rows = {}
        for i in keys:
            line, row = counted(self.modid, i, succ + i, err, overload,
                                caller=self.caller)
            self.process.stdin.write(line + "\n")
            rows.update(row)
        self.process.stdin.flush()
        return rows


def counted(modid, i, *figures, caller=scenario.LOCALHOST):
    """A line of key i, and the row that the table then has."""
    return (f"{modid} {i % 3 - 1} 10.0.0.{i} {8000 + i} "
            + " ".join(map(str, figures)),
            {(modid, i % 3 - 1, 0x0A000000 + i, 8000 + i, caller): figures})


def end(agents):
    for agent in agents:
        agent.process.stdin.close()


def ended(agents):
    """Their exit statuses, by name."""
    for agent in agents:
        try:
            agent.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
    return {agent.name: agent.process.poll() for agent in agents}


class Refusal:
    """A listener that looks at what comes first, and closes the connection
    without having read it: that resets it."""

    def __init__(self, hosts):
        port = scenario.free_port()
        self.address = (NAME if hosts else "127.0.0.1", port)
        self.streams = []
        self.times = {host: [] for host in ("127.0.0.1", "127.0.0.2")[
            :2 if hosts else 1]}
        for host in self.times:
            threading.Thread(target=self.serve, daemon=True, args=(
                host, socket.create_server((host, port)))).start()

    def serve(self, host, listener):
        while True:
            with listener.accept()[0] as link:
                self.times[host].append(time.monotonic())
                link.settimeout(1)
                try:
                    self.streams.append(link.recv(65536, socket.MSG_PEEK))
                except OSError:
                    self.streams.append(b"")


class Quiet:
    """A listener that reads what an agent sends that counts nothing more."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.stream = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with self.listener.accept()[0] as link:
            while data := link.recv(65536):
                self.stream += data


def heartbeats(s, quiet):
    """One report, and those without results."""
    for agent, listener in quiet:
        def sizes(listener=listener):
            done = subprocess.run(
                [scenario.program("reporter-send"), "--check", "--json"],
                input=listener.stream, capture_output=True)
            return [len(json.loads(line)["results"])
                    for line in done.stdout.splitlines()]

        wait_for(lambda: sizes()[-2:] == [0, 0], "heartbeats")
        s.equal(f"{agent.name}: who is quiet sends heartbeats",
                sorted(sizes())[-3:], [0, 0, 1])
    end(agent for agent, _listener in quiet)


def hung_up(s):
    """The other side ends the connection just before the agent does."""
    sys.path.insert(0, EXAMPLES)
    from reporter import Agent

    class Late(Agent):
        def _encode(self, *arguments, **options):
            data = super()._encode(*arguments, **options)
            if self.closing and not data:
                link.recv(4096)
                link.close()
            return data

    with socket.create_server(("127.0.0.1", 0)) as listener:
        agent = Late(*listener.getsockname(), LONG)
        link = listener.accept()[0]
    s.equal("python: who hung up first has not read everything",
            agent.close(0.5), False)


def table(s):
    return {key: (succ, err, overload) for key, (succ, err, _ts, overload)
            in s.database.table().items()}


def reaches(s, what, wanted):
    """The table has these rows, and others."""
    found = {}

    def all_there():
        found.clear()
        found.update(table(s))
        return wanted.items() <= found.items()

    try:
        wait_for(all_there, what)
    except scenario.Failure:
        pass
    s.equal(what, {key: found.get(key) for key in wanted
                   if found.get(key) != wanted[key]}, {})


def outage(s, agents):
    """Some keys count on, and others do not, while nobody listens."""
    confirmed = [agent.modid for agent in agents if agent.name == "shell"]
    wanted = {}
    for agent in agents:
        wanted.update(agent.counts(range(KEYS), 100, agent.modid))
    reaches(s, "what was counted is in the table", wanted)
    s.reporter.kill()
    s.database.sql("DELETE FROM ServerCallStatus")
    # reporter-send has confirmed that these were read: they are not sent again.
    wanted = {key: row for key, row in wanted.items()
              if key[0] not in confirmed}
    for agent in agents:
        wanted.update(agent.counts(range(KEYS // 2), 200, 7))
    s.reporter.start()
    reaches(s, "after an outage the table has the newest figures of all keys",
            wanted)


def fifos(s, commands):
    """Start the agents that read a FIFO, and have processes with a short life
    write to it.  Returns the rows that the table gets."""
    writers, wanted = [], {}
    address = s.reporter.addresses[0]
    paths = {name: os.path.join(s.directory, name) for name in commands}
    for path in paths.values():
        os.mkfifo(path)
        # What nobody has open is lost: keep it until the agent has it.
        s.fifos.append(open(path, "r+b", buffering=0))
    if "php" in commands:
        Example(s, "php", commands["php"], 0, address, 1, paths["php"],
                stdin=subprocess.DEVNULL)
        # A program that includes it keeps its own names.
        writers.append([commands["php"][0], "-r", "require $argv[1]; exit("
                        "Reporter\\Agent::line($argv[2], $argv[3]) && !preg_grep("
                        "'/^[^\\\\]*$/', get_defined_functions()['user'])"
                        " ? 0 : 1);",
                        commands["php"][1], paths["php"]])
    if "shell" in commands:
        with open(paths["shell"], "r+b", buffering=0) as fifo:
            Example(s, "shell", commands["shell"], 0, address, 1, stdin=fifo)
        with open(commands["shell"][1]) as text:
            recipe = re.search("^# +(.*echo.* 1<>.*?)( #.*)?$", text.read(), re.M)
        recipe = recipe[1].replace("1 2 10.0.0.1 8080 1 0 0", '"$2"').replace(
            "/run/agent/calls", '"$1"')
        writers.append([commands["shell"][0], "-c", recipe, "bash",
                        paths["shell"]])
        none = os.path.join(s.directory, "none")
        subprocess.run([*writers[-1][:-1], none, "1"], timeout=10)
        s.check("a line makes no file where no FIFO is",
                not os.path.exists(none))
    for modid, writer in enumerate(writers, 41):
        for i in range(5):
            line, row = counted(modid, i, 10 + i, 4, i % 2)
            wanted.update(row)
            s.equal(f"{writer[0]}: a line is written",
                    subprocess.run([*writer, line], timeout=10).returncode, 0)
    return wanted


def overload(s, agents, clock):
    """Of the long interval nothing is seen; only overload is reported at once,
    with a clock that was set back as well."""
    wanted = {}
    for agent in agents:
        wanted.update(agent.counts([1], 3, 4, overload=1))
    wait_for(lambda: {key: row[2] for key, row in table(s).items()
                      if key in wanted} == {key: 1 for key in wanted},
             "each overload is there at once")
    if clock:
        clock.set("-2d")
    time.sleep(1)  # until another one may be reported
    for agent in agents:
        wanted.update(agent.counts([1], 5, 6))
    wait_for(lambda: {key: row[2] for key, row in table(s).items()
                      if key in wanted} == {key: 0 for key in wanted},
             "each end of an overload is there at once")
    for agent in agents:
        wanted.update(agent.counts([2], 5, 6))
    time.sleep(0.5)  # until they have read that
    for agent in agents:
        agent.process.terminate()
    s.equal("at SIGTERM they have reported everything", ended(agents),
            dict.fromkeys(ended(agents), 0))
    reaches(s, "and it is in the table", wanted)


def refused(s, agents, began):
    """The pauses are 1, 2, 4 seconds or more."""
    wait_for(lambda: all(len(times) >= 3 for _agent, listener in agents
                         for times in listener.times.values()),
             "all come again, to each address")
    seconds = time.monotonic() - began
    for agent, listener in agents:
        n = max(map(len, listener.times.values()))
        rounds = zip(*listener.times.values())
        s.check(f"{agent.name}: the next address is tried at once",
                all(max(one) - min(one) < 1 for one in rounds), listener.times)
        s.check(f"{agent.name}: who is refused waits longer and longer",
                n <= 1 + math.log2(1 + seconds),
                f"{n} connections in {seconds:.1f} s")
        streams = [stream for stream in listener.streams if stream]
        # The second may come before something is counted, and is empty.
        s.check(f"{agent.name}: the connections begin with something",
                len(streams) >= 2, listener.streams)
        for stream in streams:
            done = subprocess.run(
                [scenario.program("reporter-send"), "--check"], input=stream,
                capture_output=True)
            s.check(f"{agent.name}: a connection begins with whole reports "
                    "of the caller that was set", done.returncode == 0
                    and CALLER in done.stdout.decode(), (stream, done))


def tell(s):
    s.examples, s.fifos, commands = [], [], {}

    def language(find):
        commands[find.__name__] = find(s)

    clock = None

    def set_clock():
        nonlocal clock
        clock = scenario.Clock(s.directory)

    s.database.start()
    s.reporter.configure("reporter",
                         listen=f"127.0.0.1:{scenario.free_port()}"
                         + f", [::1]:{scenario.free_port()}" * IPV6)
    s.reporter.start()
    s.output = open(os.path.join(s.directory, "examples.log"), "w")
    try:
        s.hosts = scenario.own_hosts(os.path.join(s.directory, "hosts"),
                                     f"127.0.0.1 {NAME}\n127.0.0.2 {NAME}\n")
        if not s.hosts:
            print("a name with two addresses is not shown: it takes root")
        hung_up(s)
        for find in LANGUAGES:
            s.part(language, find)
        s.part(set_clock)
        short, long, others, quiet = [], [], [], []
        began = time.monotonic()
        for i, (name, command) in enumerate(commands.items(), 1):
            short.append(Example(s, name, command, i, s.reporter.addresses[0],
                                 1))
            # Go does not ask the C library for the time.
            long.append(Example(s, name, command, 10 + i,
                                s.reporter.addresses[-1], LONG,
                                **(clock.environment if clock else {})))
            listener = Refusal(s.hosts)
            others.append((Example(s, name, command, 20 + i, listener.address,
                                   1, CALLER=CALLER), listener))
        for agent in short:
            agent.process.stdin.write("malformed\n99 2 10.0.0.1 80 1 2\n")
            if agent.name == "shell":  # reporter-send skips what is too much
                agent.counts([99], 2 ** 32, 0)
        # The tool that the shell's agent runs for each report sends none.
        for name in commands:
            if name != "shell":
                listener = Quiet()
                quiet.append((Example(s, name, commands[name], 30,
                                      listener.address, 1), listener))
        for agent, _listener in others + quiet:
            agent.counts([1], 1, 1)
        outage(s, short)
        lines = fifos(s, commands)
        heartbeats(s, quiet)
        refused(s, others, began)
        others = [agent for agent, _listener in others]
        end(others + short)
        overload(s, long, clock)
        reaches(s, "lines of a FIFO are in the table", lines)
        s.equal("the others end as well", ended(short),
                dict.fromkeys(commands, 0))
        s.equal("who is refused ends in time, and has not reported everything",
                ended(others), dict.fromkeys(commands, 1))
        with open(s.output.name) as log:
            output = log.read()
        s.equal("who has no IPv4 address asks for the caller, once",
                len(re.findall(r"set the caller: [0:]+1 is not an IPv4",
                               output)), len(commands) * IPV6)
        s.check("bash finds no error", "reporter.sh: line" not in output,
                output)
        s.equal("malformed lines are not counted",
                [key for key in s.database.table() if key[0] in (0, 99)], [])
        status = s.reporter.settled(0)
        s.equal("nothing is rejected", status["records"]["rejected"], 0)
        s.unharmed(status)
    finally:
        for agent in s.examples:
            scenario.end_group(agent.process)
        s.output.close()
        if s.failed:
            print(scenario.tail(s.output.name, 40))


scenario.run(__doc__, tell)
