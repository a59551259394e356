#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A systemd of its own, booted beside the machine's, runs what `make install`
has put there, with the sandbox of the unit.  The service starts, without an
error in the journal and with each line there once; a report reaches the
database; a reload says how it went; the status has the rates.  A full /dev/shm,
an address that is not there yet, a port that is taken: it starts when they have
passed, however long that takes, and at once with a database host that has no
name.  It comes back
when its master is killed, and when its loop stands still.  A restart keeps
agents that never connect again, without the socket unit; so do six in a row,
and one with an error in the configuration, which is then corrected.  With the
socket unit no agent is refused during a restart, nor while addresses are added.
reporter-web runs beside it, also for a second instance: not as root, and unable
to read the password.  Option group works.  An end leaves nothing.

It takes root and a machine that lets it have namespaces and control groups;
elsewhere, as in most containers, it is not shown.  Nor is it where configure
was told directories that systemd does not look into, or that the sandbox hides."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile

import installed
import scenario
from scenario import wait_for

PORT = 12316  # in a network of its own


def control_groups():
    """Where this machine has cgroup2, or None."""
    with open("/proc/mounts") as mounts:
        for line in mounts:
            _device, place, kind = line.split()[:3]
            if kind == "cgroup2":
                return place
    return None


class Machine:
    """The systemd that was booted, and what is asked of it."""

    def __init__(self, directory, s=None):
        self.directory = directory
        self.s = s
        self.group = os.path.join(control_groups(), f"reporter-{os.getpid()}")
        self.log = os.path.join(directory, "booted.log")
        self.process = None
        self.pid = 0

    def boot(self):
        """Returns what keeps it from it, or nothing."""
        os.chmod(self.directory, 0o711)
        try:
            os.mkdir(self.group)
        except OSError as error:
            return f"{self.group}: {error}"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["unshare", "--fork", "--kill-child", "--pid", "--mount",
                 "--ipc", "--uts", "--net",
                 os.path.join(scenario.SOURCE, "t", "booted.sh"),
                 self.directory, self.group],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        wait_for(self._is_up, "systemd has booted")
        return scenario.tail(self.log, 3) if self.process.poll() else ""

    def _is_up(self):
        if self.process.poll() is not None:
            return True
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children"
                  ) as file:
            children = file.read().split()
        if not children:
            return False
        self.pid = int(children[0])
        return self.systemctl("is-active", "basic.target").returncode == 0

    def run(self, *command, **more):
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p",
             "--wd=/", *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=scenario.PATIENCE * 2, **more)

    def systemctl(self, *words):
        return self.run("systemctl", *words)

    def does(self, what, *words, status=0):
        done = self.systemctl(*words)
        self.s.check(what, (done.returncode != 0) == (status != 0),
                     done.stdout + self.journal())
        return done

    def show(self, name, unit="reporter.service"):
        return self.systemctl("show", "--value", "-p", name,
                              unit).stdout.strip()

    def journal(self, *words):
        """All that was logged up to now: also what the journal has not read
        yet."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "-q", "-o", "cat",
                        *words).stdout

    def file(self, path):
        """A path of the machine, as it is seen from outside."""
        return f"/proc/{self.pid}/root{path}"

    def write(self, path, text, mode=0o644):
        path = self.file(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)

    def end(self):
        if self.process is None:
            return
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        scenario.end_group(self.process)
        for directory, _folders, _files in os.walk(self.group, topdown=False):
            wait_for(lambda: self._removed(directory), f"{directory} is empty")

    @staticmethod
    def _removed(directory):
        try:
            os.rmdir(directory)
        except OSError:
            return False
        return True


class Service:
    """What is installed there."""

    def __init__(self, s, machine):
        self.s = s
        self.machine = machine
        self.dirs = installed.directories()
        self.conf = os.path.join(self.dirs["sysconfdir"], "reporter",
                                 "reporter.conf")
        self.options = ""

    def program(self, name):
        return os.path.join(self.dirs["sbindir"], name)

    def install(self):
        """As INSTALL.md says."""
        m = self.machine
        # make knows the build by its path, which is hidden there.
        root = os.path.join(self.s.directory, "root")
        installed.make("install", DESTDIR=root)
        for command in (["sh", "-c", "tar -C /mnt/root -c . | tar -C / -x "
                         "--keep-directory-symlink"],
                        ["systemd-sysusers"],
                        ["systemd-tmpfiles", "--create", "reporter.conf"],
                        ["systemctl", "daemon-reload"]):
            done = m.run(*command)
            self.s.check(" ".join(command), done.returncode == 0, done.stdout)

    def configure(self, more=""):
        m = self.machine
        m.write(self.conf, f"""
[mysql]
socket = /mnt/mariadb.sock
user = reporter
password = {scenario.PASSWORD}
[queue]
table_keys = 4096
[reporter]
workers = 2
{more}""", 0o640)
        done = m.run("chown", "root:reporter", self.conf)
        self.s.check("the configuration is reporter's to read",
                     done.returncode == 0, done.stdout)
        m.write(os.path.join(os.path.dirname(self.conf), "services"),
                "7 2 login\n")

    def send(self, modid, options=""):
        """A report reaches the database."""
        before = self.s.database.count()
        done = self.machine.run(
            "sh", "-c", f"echo {modid} 2 127.0.0.1 0 10.0.0.1 8080 100 3 0 | "
            + os.path.join(self.dirs["sbindir"], "..", "bin",
                           "reporter-send ") + options)
        self.s.check(f"report {modid} is sent", done.returncode == 0,
                     done.stdout)
        wait_for(lambda: self.s.database.count() == before + 1,
                 f"report {modid} is stored")

    def status(self, *options):
        return self.machine.run(self.program("reporterctl"), "status",
                                *options)

    def connections(self):
        return json.loads(self.status("--json").stdout)["connections"]

    def is_settled(self):
        records = json.loads(self.status("--json").stdout)["records"]
        return records["queued"] == records["pending"] == 0


def probe(m, path, command):
    """Have a service in the unit's sandbox run that command once.  path: where
    its unit is put.  Returns whether it was done."""
    with open(os.path.join(scenario.BUILD, "etc", "reporter.service")) as file:
        text = re.sub(r"^(Exec|User|Group).*\n", "", file.read(), flags=re.M)
    m.write(path, text.replace("Type=notify", "Type=oneshot\nUser=nobody\n"
                               f"ExecStart={command}")
            .replace("Restart=on-failure", "Restart=no"))
    m.systemctl("daemon-reload")
    return m.systemctl("start", os.path.basename(path)).returncode == 0


def why_not_there(m):
    """Why what configure was told the directories of cannot be a service in them,
    or nothing."""
    dirs = installed.directories()
    for name, *command in (("sysusersdir", "systemd-sysusers"),
                           ("tmpfilesdir", "systemd-tmpfiles", "--create")):
        m.write(os.path.join(dirs[name], "probe.conf"), "")
        if m.run(*command, "probe.conf").returncode != 0:
            return f"{command[0]} does not look into {dirs[name]}"
    program = os.path.join(dirs["sbindir"], "probe")
    readable = os.path.join(dirs["sysconfdir"], "probe")
    m.write(readable, "")
    m.run("mkdir", "-p", dirs["sbindir"], dirs["localstatedir"])
    m.run("cp", "/usr/bin/test", program)
    unit = os.path.join(dirs["systemdsystemunitdir"], "installed-probe.service")
    if probe(m, unit, f"{program} -r {readable} -a -d {dirs['localstatedir']}"):
        return ""
    if m.systemctl("cat", os.path.basename(unit)).returncode != 0:
        return f"systemd looks for no units in {os.path.dirname(unit)}"
    return (f"the unit's sandbox hides {dirs['sbindir']}, "
            f"{dirs['sysconfdir']} or {dirs['localstatedir']}")


def why_not():
    """Why this machine does not let it be shown, or nothing."""
    if os.geteuid() != 0:
        return "it takes root"
    if any(map(scenario.built_with, ("asan", "ubsan", "tsan"))):
        return "the sanitizers want what the unit forbids"
    if not os.path.exists("/lib/systemd/systemd"):
        return "there is no systemd"
    if not control_groups():
        return "there is no cgroup2"
    with tempfile.TemporaryDirectory(prefix="reporter-t-") as directory:
        machine = Machine(directory)
        try:
            reason = machine.boot()
            if not reason and not probe(
                    machine, "/run/systemd/system/probe.service", "/bin/true"):
                reason = "systemd cannot make the unit's sandbox here"
            reason = reason or why_not_there(machine)
        except scenario.Failure as failure:
            reason = f"{failure}\n{scenario.tail(machine.log, 5)}"
        finally:
            machine.end()
    return reason


def starts(s, service):
    m = service.machine
    m.does("the service starts", "start", "reporter.service")
    s.equal("it is active", m.show("ActiveState"), "active")
    warnings = m.journal("-p", "warning", "-u", "reporter.service")
    s.equal("none of its lines is a warning or worse", [
        line for line in warnings.splitlines() if "Landlock is not" not in line],
        [])
    s.equal("each line of the start stands in the journal once",
            m.journal("-t", "reporter").count("master: info: listening on"),
            1)
    service.send(1)
    wait_for(lambda: re.search(
        r"2 of 2 workers running; per second: [\d.]+ records received",
        m.show("StatusText")), "the status has the rates")


def writes_no_code(s, service):
    """It cannot map as code what it can write: the sandbox permits to map files,
    since libraries are loaded late."""
    m = service.machine
    pid = m.show("MainPID")
    with open(m.file(f"/proc/{pid}/mountinfo")) as file:
        mounts = [line.split() for line in file]
    writable = {words[4] for words in mounts if "rw" in words[5].split(",")}
    s.equal("each mount that the service can write to is noexec", sorted(
        words[4] for words in mounts if words[4] in writable
        and "noexec" not in words[5].split(",")), [])
    s.check("shared memory and its directories are among them",
            {"/dev/shm", "/tmp",
             os.path.join(service.dirs["localstatedir"], "lib/reporter"),
             os.path.join(service.dirs["localstatedir"], "log/reporter")}
            <= writable, writable)


def reloads(s, service):
    m = service.machine
    service.configure("[limits]\nmax_connections = 77\n")
    m.does("a reload", "reload", "reporter.service")
    s.check("says what has changed", "limits.max_connections: changed from 10000 to "
            "77" in m.journal("-t", "reporter"))
    service.configure("[limits]\nmax_connections = many\n")
    m.does("a bad one fails", "reload", "reporter.service", status=1)
    s.check("and says why", 'limits.max_connections: invalid value "many"'
            in m.journal("-t", "reporter"))
    s.equal("it goes on", m.show("ActiveState"), "active")
    service.configure()
    # Without the check before it: what is told by the daemon itself.
    m.systemctl("kill", "-s", "HUP", "--kill-whom=main", "reporter.service")
    wait_for(lambda: "limits.max_connections: changed from 77 to 10000"
             in m.journal("-t", "reporter"), "a reload by signal")
    wait_for(lambda: m.show("SubState") == "running", "its end is told")


def waits_for_obstacles(s, service):
    """All of a boot's at once; one after the other they pass, nobody helps."""
    m = service.machine
    m.does("a stop", "stop", "reporter.service")
    python = os.path.realpath(sys.executable)
    done = m.run("systemd-run", "--unit=holder", python, "-c",
                 "import signal, socket\ns = socket.create_server("
                 f"('127.0.0.1', {PORT}))\nsignal.pause()")
    s.equal("the port is taken", done.returncode, 0)
    done = m.run("sh", "-c", "fallocate -l $(df --output=avail -B1 /dev/shm | "
                 "tail -n 1) /dev/shm/full")
    s.equal("/dev/shm is full", done.returncode, 0)
    service.configure(f"listen = 127.0.0.1:{PORT}, 192.0.2.9:{PORT}\n"
                      "[mysql]\nhost = no-such-host.invalid, localhost\n")
    m.does("it does not start", "start", "reporter.service", status=1)

    def restarts(more):
        begun = int(m.show("NRestarts"))
        wait_for(lambda: int(m.show("NRestarts")) >= begun + more,
                 f"{more} more starts are tried")
        return m.journal("-t", "reporter")

    s.check("the memory is named", "the workers' segments need" in restarts(1))
    m.run("rm", "/dev/shm/full")
    m.run("ip", "address", "add", "192.0.2.9/32", "dev", "lo")
    # More than the five that systemd permits in ten seconds by default.
    s.check("the port is named", f"cannot listen on 127.0.0.1:{PORT}: Address "
            "already in use" in restarts(5))
    m.does("the port is free again", "stop", "holder.service")
    wait_for(lambda: m.show("ActiveState") == "active", "it has started")
    s.check("a host without an address is a warning", re.search(
        r"warning: no-such-host\.invalid has no address",
        m.journal("-t", "reporter")))
    service.configure()
    m.does("a start", "restart", "reporter.service")


def socket_waits(s, service):
    """Its port is in use at boot."""
    m = service.machine
    units = "reporter.socket", "reporter.service"
    m.does("a stop", "stop", "reporter.service")
    m.does("both units are enabled", "enable", *units)
    m.run("systemd-run", "--unit=holder", os.path.realpath(sys.executable),
          "-c", "import signal, socket\ns = socket.create_server("
          f"('127.0.0.1', {PORT}))\nsignal.pause()")
    wait_for(lambda: str(PORT) in m.run("ss", "-ltnH").stdout,
             "the port is taken")
    for unit in units:
        m.does(f"{unit} does not start", "start", unit, status=1)
    begun = int(m.show("NRestarts"))
    wait_for(lambda: int(m.show("NRestarts")) >= begun + 6,
             "more starts than systemd permits by default")
    # Not between the socket's attempt and the service's, 0.1 s later.
    wait_for(lambda: m.show("SubState") == "auto-restart", "it pauses")
    m.does("the port is free again", "stop", "holder.service")
    wait_for(lambda: m.show("ActiveState") == "active", "it has started")
    s.equal("with its socket", m.show("ActiveState", units[0]), "active")
    m.does("both stop", "stop", *units)
    m.does("and are disabled", "disable", *units)
    m.does("a start", "start", "reporter.service")


def comes_back(s, service):
    m = service.machine
    m.systemctl("kill", "-s", "KILL", "--kill-whom=main", "reporter.service")
    wait_for(lambda: m.show("NRestarts") == "1"
             and m.show("ActiveState") == "active", "a killed one comes back")
    service.send(2)
    m.write("/run/systemd/system/reporter.service.d/test.conf",
            "[Service]\nWatchdogSec=5\nPrivateUsers=no\n"
            "SupplementaryGroups=daemon\n")
    m.systemctl("daemon-reload")
    service.configure("group = daemon\n")
    m.does("a restart", "restart", "reporter.service")
    s.check("the members of group may look on", re.search(
        r"-rw-r-----.* daemon .*reporter\.default\.1\.0",
        m.run("ls", "-l", "/dev/shm").stdout),
        m.run("ls", "-l", "/dev/shm").stdout)
    m.systemctl("kill", "-s", "STOP", "--kill-whom=main", "reporter.service")
    wait_for(lambda: m.show("NRestarts") == "1"
             and m.show("ActiveState") == "active",
             "one that stands still is started again")
    service.send(3)


def hurried_restarts(s, service):
    """More of them than systemd allows by default."""
    m = service.machine
    for _ in range(6):
        m.does("a restart in a row", "restart", "reporter.service")
    service.configure("[limits]\nmax_connections = many\n")
    m.does("a restart with an error in the configuration", "restart",
           "reporter.service", status=1)
    wait_for(lambda: int(m.show("NRestarts")) >= 3, "it is tried each second")
    service.configure()
    wait_for(lambda: m.show("ActiveState") == "active", "it is corrected")
    s.equal("it took over", service.connections(), 50)


class Agents:
    """50 agents of Lars.  They end with the scenario, also with one that
    fails."""

    def __init__(self, s, service):
        self.s = s
        self.service = service
        self.said = os.path.join(s.directory, "crowd")
        before = s.database.count()
        with open(self.said, "w") as out:
            self.process = subprocess.Popen(
                ["nsenter", "-t", str(service.machine.pid), "-n",
                 "setpriv", "--pdeathsig", "KILL",
                 os.path.join(scenario.BUILD, "t", "crowd"), "127.0.0.1",
                 str(PORT), "lars", "50", "50", "4"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_for(lambda: s.database.count() == before + 200,
                 "all agents report")

    def are_kept(self, by):
        self.process.terminate()
        self.process.wait(scenario.PATIENCE)
        with open(self.said) as file:
            text = file.read()
        self.s.check(f"agents that never connect again are kept by {by}",
                     "refused 0 lost 0\n" in text, text[:300])
        wait_for(self.service.is_settled, "what they sent is stored")
        # They come from 127.0.1.1.
        self.s.database.sql("DELETE FROM ServerCallStatus "
                            "WHERE ts = 1700000000")


def keeps_agents(s, service):
    """Without the socket unit: the descriptor store has the sockets."""
    m = service.machine
    agents = Agents(s, service)
    for _ in range(3):
        m.does("a restart", "restart", "reporter.service")
        wait_for(lambda: "took over: 50 connections" in
                 m.journal("-t", "reporter", "-n", "30"), "it took over")
        s.equal("nothing is left in the store",
                m.show("NFileDescriptorStore"), "0")
    hurried_restarts(s, service)
    agents.are_kept("restarts")
    m.does("the service stops", "stop", "reporter.service")
    # systemd closes what is in the store a moment later.
    wait_for(lambda: m.run("ss", "-ltnH", "sport", "=", f":{PORT}").stdout
             == "", "nobody listens")
    m.does("and starts", "start", "reporter.service")


def holds_the_socket(s, service):
    m = service.machine
    m.does("a stop", "stop", "reporter.service")
    late = "/run/systemd/system/reporter.socket.d/late.conf"
    m.write(late, f"[Socket]\nListenStream=192.0.2.10:{PORT + 5}\n")
    m.systemctl("daemon-reload")
    m.does("the socket unit starts before its address is there", "start",
           "reporter.socket")
    m.does("it is stopped", "stop", "reporter.socket")
    m.run("rm", late)
    m.systemctl("daemon-reload")
    s.equal("which leaves no shared memory",
            m.run("ls", "/dev/shm").stdout, "")
    m.does("the socket unit starts", "start", "reporter.socket")
    m.does("and the service with it", "start", "reporter.service")
    connect = ("import socket, time\n"
               "end = time.monotonic() + 1.5\n"
               "while time.monotonic() < end:\n"
               f"    socket.create_connection(('127.0.0.1', {PORT})).close()\n"
               "    time.sleep(0.01)\n")
    m.write("/run/connect.py", connect)
    agents = subprocess.Popen(
        ["nsenter", "-t", str(m.pid), "-m", "-n", "--wd=/",
         os.path.realpath(sys.executable), "/run/connect.py"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    m.does("a restart", "restart", "reporter.service")
    said = agents.communicate(timeout=scenario.PATIENCE)[0]
    s.equal("no agent was refused meanwhile", (agents.returncode, said),
            (0, ""))
    service.send(4)


def changes_its_addresses(s, service):
    """As INSTALL.md says, with the socket unit active."""
    m = service.machine
    more = PORT + 2
    agents = Agents(s, service)
    m.write("/etc/systemd/system/reporter.socket.d/override.conf",
            f"[Socket]\nListenStream=0.0.0.0:{more}\n")
    service.configure(f"listen = 0.0.0.0:{PORT}, 0.0.0.0:{more}\n")
    m.systemctl("daemon-reload")
    m.does("a restart with one more address", "restart", "reporter.service")
    s.equal("it took over", service.connections(), 50)
    s.equal("the socket unit is active",
            m.show("ActiveState", "reporter.socket"), "active")
    m.does("a restart of the socket unit is refused", "restart",
           "reporter.socket", status=1)
    s.check("and the socket unit is dead",
            m.show("ActiveState", "reporter.socket") != "active")
    m.does("one more restart", "restart", "reporter.service")
    s.equal("it listens on both", sorted(
        int(line.split()[3].rpartition(":")[2]) for line in m.run(
            "ss", "-ltnH").stdout.splitlines()), [PORT, more])
    agents.are_kept("a change of addresses")
    m.does("both stop", "stop", "reporter.socket", "reporter.service")
    m.does("the socket unit starts", "start", "reporter.socket")
    s.check("with the new address", f":{more}" in m.run("ss", "-ltnH").stdout)
    m.does("and the service", "start", "reporter.service")
    service.send(5)


def a_second_one(s, service):
    """Beside the first, by the commands of INSTALL.md."""
    m = service.machine
    with open(os.path.join(scenario.SOURCE, "INSTALL.md")) as file:
        part = file.read().partition("\n## A second instance\n")[2]
    commands = [
        line.replace("/etc/default", service.dirs["sysconfdir"] + "/default")
        for line in re.findall(r"^    (.*)$", part.partition("\n## ")[0], re.M)
        if scenario.has("MICROHTTPD") or "WEB_" not in line
        and "-web" not in line]
    first = service.conf
    service.conf = os.path.join(os.path.dirname(first), "second.conf")
    s.check("the first command copies the configuration", re.match(
        "sudo cp -p .*/reporter.conf .*/second.conf( +#.*)?$", commands.pop(0)))
    service.configure("instance = second\nlisten = 0.0.0.0:12317\n"
                      "[mysql]\ndead_letter_file = "
                      f"{service.dirs['localstatedir']}/lib/reporter/second\n")
    service.conf = first
    done = m.run("sh", "-e", "-c",
                 "\n".join(commands).replace("sudo ", ""))
    s.check("the commands for a second instance work", done.returncode == 0,
            done.stdout + m.journal())
    done = m.run(service.program("reporterctl"), "-i", "second", "status")
    s.check("it runs", done.returncode == 0, done.stdout)
    if scenario.has("MICROHTTPD"):
        service.send(7, "-p 12317")
        shows(s, service, "reporter-web@second.service", "second", 9317)
        m.does("its page ends", "stop", "reporter-web@second.service")
    m.does("it is reloaded", "reload", "reporter@second.service")
    m.does("its agents are kept by a restart", "restart",
           "reporter@second.service")
    s.check("its socket is passed in", "12317" in m.show(
        "Listen", "reporter@second.socket"))
    m.does("and ends", "stop", "reporter@second.socket",
           "reporter@second.service")
    s.equal("the first one goes on", service.status().returncode, 0)
    service.send(6)


def shows(s, service, unit, instance, port):
    """A unit of reporter-web serves the page, as nobody who could harm."""
    m = service.machine
    python = os.path.realpath(sys.executable)

    def look():
        """That one which has the report sent before."""
        done = m.run(python, "-c", "import urllib.request as r\n"
                     f"print(r.urlopen('http://127.0.0.1:{port}"
                     "/api/v1/services?q=7/2').read().decode())")
        found = done.returncode == 0 and json.loads(done.stdout)
        return found and found["rows"] and found

    found = wait_for(look, f"{unit} answers")
    s.equal(f"{unit} shows its instance, and names of services",
            (found["instance"], found["rows"][0][2]), (instance, "login"))
    pid = m.show("MainPID", unit)
    ids = m.run("sh", "-c", "awk '/^[UG]id/ { print $3 }' "
                f"/proc/{pid}/status; id -u reporter").stdout
    uid, gid, reporter = ids.split()[-3:]
    s.equal(f"{unit} has the user of reporter, and no group", (uid, gid),
            (reporter, "65534"))
    for conf in ("reporter", "second"):
        path = os.path.join(os.path.dirname(service.conf), f"{conf}.conf")
        done = m.run("nsenter", "-t", pid, "-m", "setpriv", f"--reuid={uid}",
                     f"--regid={gid}", "--clear-groups", "cat", path)
        s.check(f"{unit} cannot read {conf}.conf", done.returncode == 1
                and "Permission denied" in done.stdout, done.stdout)


def ends(s, service):
    m = service.machine
    if scenario.has("MICROHTTPD"):
        # A new row, and a report that is fresh.
        s.database.sql("DELETE FROM ServerCallStatus WHERE modid = 7")
        service.send(7)
        m.does("reporter-web starts", "start", "reporter-web.service")
        shows(s, service, "reporter-web.service", "default", 9316)
    m.does("the end", "stop", "reporter-web.service", "reporter.socket",
           "reporter.service")
    s.equal("which was an orderly one", m.show("Result"), "success")
    s.equal("nothing is left in shared memory",
            m.run("ls", "/dev/shm").stdout, "")


def tell(s):
    machine = Machine(s.directory, s)
    try:
        s.equal("systemd boots", machine.boot(), "")
        s.database.start()
        service = Service(s, machine)
        service.install()
        service.configure()
        starts(s, service)
        writes_no_code(s, service)
        reloads(s, service)
        waits_for_obstacles(s, service)
        socket_waits(s, service)
        comes_back(s, service)
        keeps_agents(s, service)
        holds_the_socket(s, service)
        changes_its_addresses(s, service)
        a_second_one(s, service)
        ends(s, service)
    finally:
        machine.end()


installed.needs("systemdsystemunitdir", "sysusersdir", "tmpfilesdir")
for name in "unshare", "nsenter":
    scenario.require(name, "util-linux")
reason = why_not()
if reason:
    scenario.skip(reason)
scenario.run(__doc__, tell)
