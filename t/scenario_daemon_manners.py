#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""reporter behaves as a daemon should.  Started in the background it is ready
when the command returns, and its standard streams are let go.  Where they were
closed, no file gets their numbers, in any of the programs.  Its pid file is
locked: a second one refuses, and the first goes on.  Started by root it becomes
its user before it reads a byte, and can still reload and open its log anew.
Titles and lines of the log tell master and workers apart.  The log goes on in a
new file after SIGUSR1.  The service manager is told when it is ready, reloads
and ends.  No password is seen in what the system
shows of its processes, nor in the log, nor in what -d says."""

import glob
import json
import os
import pwd
import re
import signal
import socket
import subprocess

import scenario
from scenario import wait_for

ROOT = os.geteuid() == 0


def command(s, *words):
    return [scenario.program("reporter"), *words, "-c", s.reporter.conf]


def read(path):
    with open(path, "rb") as file:
        return file.read().decode(errors="replace")


def processes(s, pid):
    """The master and its workers."""
    found = [pid]
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = scenario.process_fields(stat)
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.split("/")[2]))
    return found


class Manager:
    """A service manager that notes what it is told."""

    def __init__(self, s):
        # The other scenarios have one with a path.
        name = f"{s.directory}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name)
        self.socket.setblocking(False)
        os.environ["NOTIFY_SOCKET"] = "@" + name
        self.told = []

    def news(self):
        try:
            while True:
                self.told.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return self.told

    def words(self):
        """In order, without the pings and the like."""
        return [note.split("\n")[0] for note in self.news()
                if re.match("READY|RELOADING|STOPPING", note)]

    def waits(self, s, *words):
        """It was told this, and nothing else."""
        wanted = list(words)
        wait_for(lambda: self.words() == wanted or len(self.words()) >
                 len(wanted), f"the service manager is told {wanted}")
        s.equal("the service manager was told", self.words(), wanted)


CLOSED = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]


def started_masters(s):
    """Those of this scenario that run, whatever their pid file says."""
    done = s.reporter.ctl("status", "--json")
    return [json.loads(done.stdout)["pid"]] if done.returncode == 0 else []


def start(s, *how):
    """In the background.  Returns the master's pid."""
    pid_file = s.reporter.options["reporter"]["pid_file"]
    s.reporter.write_conf()
    if ROOT:
        nobody = pwd.getpwnam("nobody")
        os.chown(s.reporter.conf, 0, nobody.pw_gid)
        os.chmod(s.reporter.conf, 0o640)
    with open(os.path.join(s.directory, "said"), "w+") as said:
        done = subprocess.run([*how, *command(s)], stdin=subprocess.DEVNULL,
                              stdout=said, stderr=said, timeout=60)
        s.equal("it is ready when the command returns", done.returncode, 0)
    return int(read(pid_file))


def streams(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)]


def closed_streams(s):
    """Programs that last, each started with its standard streams closed."""
    pid = start(s, *CLOSED)
    s.check("its pid file has nothing but its number", re.fullmatch(
        r"\d+\n", read(s.reporter.options["reporter"]["pid_file"])))
    s.equal("reporter has /dev/null instead", streams(pid), ["/dev/null"] * 3)
    pipe = os.path.join(s.directory, "pipe")
    os.mkfifo(pipe)
    programs = {
        "reporterctl": ["-i", s.reporter.instance, "top", "-b", "-d", "60"],
        "reporter-send": ["-p", s.reporter.options["reporter"]["listen"]
                          .rpartition(":")[2], pipe]}
    if scenario.has("MICROHTTPD"):
        programs["reporter-web"] = [
            "-f", "-i", s.reporter.instance, "-l",
            f"127.0.0.1:{scenario.free_port()}"]
    for name, words in programs.items():
        process = subprocess.Popen([*CLOSED, scenario.program(name), *words])
        try:
            # The shell closes them one by one before it becomes the program.
            wait_for(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith(
                name), f"{name} runs")
            wait_for(lambda: os.path.exists(f"/proc/{process.pid}/fd/2"),
                     f"{name} has opened files")
            s.equal(f"{name} has /dev/null instead", streams(process.pid),
                    ["/dev/null"] * 3)
        finally:
            process.kill()
            process.wait()
    end(s, pid)


def background(s, pid):
    s.check("it leads a session of its own", os.getsid(pid) == pid)
    s.equal("its standard streams are let go", streams(pid),
            ["/dev/null"] * 3)
    s.equal("its directory is /", os.readlink(f"/proc/{pid}/cwd"), "/")
    done = subprocess.run(command(s), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    s.equal("a second one refuses", done.returncode, 1)
    s.check("and names the pid file",
            "locked by another process; is reporter already running?"
            in done.stderr, done.stderr)
    s.equal("whose number is still the first one's",
            int(read(s.reporter.options["reporter"]["pid_file"])), pid)
    instance_is_taken(s, pid)


def instance_is_taken(s, pid):
    """A second one with all of the first one's but the pid file."""
    conf = os.path.join(s.directory, "second.conf")
    with open(conf, "w") as file:
        file.write(re.sub("^pid_file.*$", "", read(s.reporter.conf),
                          flags=re.M))
    done = subprocess.run([scenario.program("reporter"), "-f", "-c", conf],
                          capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    s.equal("a second one without pid file refuses", done.returncode, 1)
    s.check("and names the instance and its process, not the port",
            f"instance {s.reporter.instance} is running already, as process "
            f"{pid}\n" in done.stderr and "in use" not in done.stderr,
            done.stderr)


def appearance(s, pid):
    """What ps and the log show."""
    wait_for(lambda: all(w["state"] == "running"
                         for w in s.reporter.workers().values()),
             "the workers have begun")
    all_of_it = processes(s, pid)
    titles = sorted(read(f"/proc/{p}/cmdline").rstrip("\0") for p in all_of_it)
    s.equal("titles tell who is who", titles,
            ["reporter: master", "reporter: worker 0", "reporter: worker 1"])
    for p in all_of_it:
        limits = read(f"/proc/{p}/status")
        uid = re.search(r"Uid:\s+(.*)", limits).group(1).split()
        wanted = pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid()
        s.equal("it is its user, in all ways", uid, [str(wanted)] * 4)
        for what in ("cmdline", "environ", "comm"):
            s.check(f"no password in {what}",
                    scenario.PASSWORD not in read(f"/proc/{p}/{what}"))
    lines = read(s.log).splitlines()
    odd = [line for line in lines if not re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z reporter\[\d+\] "
        r"(master|worker \d+): (error|warning|info|debug): .+", line)]
    s.equal("every line tells who", odd, [])
    s.check("both kinds speak", {"master", "worker"} <= {
        line.split("] ")[1].split(":")[0].split()[0] for line in lines})


def limits(s, pid):
    soft = int(re.search(r"Max open files\s+(\d+)",
                         read(f"/proc/{pid}/limits")).group(1))
    s.check("the limit of open files was raised", soft >= 600, str(soft))


def rotation(s, pid, agent):
    """logrotate's way: rename, then SIGUSR1."""
    os.rename(s.log, s.log + ".1")
    os.kill(pid, signal.SIGUSR1)
    wait_for(lambda: os.path.exists(s.log), "a new log")
    send(s, agent, 2)
    s.database.freeze()
    agent.send(scenario.native(3, 1, 1, 1, [(1, 1, 1, 1, False)]))
    wait_for(lambda: "worker" in read(s.log), "the workers follow")
    s.database.thaw()
    wait_for(lambda: s.database.count() == 3, "the record is stored")
    done = s.reporter.ctl("reload")
    s.equal("it is reloaded by its user", (done.returncode, done.stderr),
            (0, ""))
    s.check("and says so in the new log",
            "configuration reloaded" in read(s.log))
    s.equal("the log is its user's", os.stat(s.log).st_uid,
            pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid())


def send(s, agent, modid):
    agent.send(scenario.native(modid, 1, 1, 1, [(1, 1, 1, 1, False)]))
    wait_for(lambda: s.database.count() == modid, f"record {modid} is stored")


def end(s, pid):
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}")
             or ") Z" in read(f"/proc/{pid}/stat"), "it ends")
    s.check("the pid file is gone", not os.path.exists(
        s.reporter.options["reporter"]["pid_file"]))


def secrets(s):
    done = subprocess.run(command(s, "-d"), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    s.check("-d says that there is one, and not which",
            "password = (hidden)" in done.stdout
            and scenario.PASSWORD not in done.stdout + done.stderr,
            done.stdout)
    for path in glob.glob(s.log + "*"):
        s.check(f"none in {os.path.basename(path)}",
                scenario.PASSWORD not in read(path))


def too_many(s):
    """More connections than the system lets a process have files."""
    limit = [scenario.tool("prlimit", "util-linux"), "--nofile=200:200"]
    if ROOT:
        limit += [scenario.tool("setpriv", "util-linux"), "--bounding-set",
                  "-sys_resource", "--inh-caps", "-sys_resource"]
    s.reporter.configure("limits", max_connections=500)
    with open(os.path.join(s.directory, "said"), "w+") as said:
        s.reporter.write_conf()
        done = subprocess.run(
            [*limit, *command(s, "-f")],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=60)
        said.seek(0)
        text = said.read()
    s.equal("it does not start", done.returncode, 1)
    s.check("and says what to lower", "open files to 1268, which "
            "limits.max_connections = 500 requires: " in text, text)


def tell(s):
    s.database.start()
    manager = Manager(s)
    run = os.path.join(s.directory, "run")
    os.mkdir(run)
    os.chmod(s.directory, 0o755)
    s.log = os.path.join(run, "log")
    address = "127.0.0.1", scenario.free_port()
    s.reporter.configure("reporter", listen="127.0.0.1:%d" % address[1],
                         pid_file=os.path.join(run, "pid"))
    s.reporter.configure("log", target=s.log)
    s.reporter.configure("mysql", dead_letter_file=os.path.join(run, "dead"))
    if ROOT:
        nobody = pwd.getpwnam("nobody")
        os.chown(run, nobody.pw_uid, nobody.pw_gid)
        s.reporter.configure("reporter", user="nobody")
    pid = start(s)
    try:
        agent = scenario.Agent(address)
        send(s, agent, 1)
        manager.waits(s, "READY=1")
        background(s, pid)
        limits(s, pid)
        appearance(s, pid)
        rotation(s, pid, agent)
        manager.waits(s, "READY=1", "RELOADING=1", "READY=1")
        end(s, pid)
        manager.waits(s, "READY=1", "RELOADING=1", "READY=1", "STOPPING=1")
        closed_streams(s)
    finally:
        for group in started_masters(s):
            os.killpg(group, signal.SIGKILL)
    s.equal("nothing is left in shared memory", s.reporter.segments(), [])
    secrets(s)
    s.part(too_many, s)


scenario.run(__doc__, tell)
