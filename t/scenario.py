# SPDX-License-Identifier: MIT
"""What the scenarios share: a private database, a private reporter, agents.

A scenario is a script named for what it shows.  It begins with its story in
plain sentences and ends with scenario.run(__doc__, tell); tell() is given a
Scenario.  Everything lives in a temporary directory, the database listens on a
unix socket only, reporter on a free loopback port, and its shared memory has
a name of its own, so that any number of scenarios run at once, as root or as
an ordinary user.

Nothing sleeps for a fixed time: wait_for() polls a condition up to a
deadline.  A scenario that fails shows the end of the logs and keeps its
directory; one that passes leaves nothing behind.  One that lacks a tool of the
system is skipped (exit status 77) and names the Debian package; so is one that
left out a part for that reason, see Scenario.part().

Environment: abs_top_builddir (the programs; default: the current directory),
abs_top_srcdir (the data; default: the directory above this file),
REPORTER_TEST_SERVER (the mariadbd or mysqld; default: the one installed,
MariaDB first), SCENARIO_KEEP=1 keeps the directory of one that passes, too.
"""

import ctypes
import fcntl
import functools
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.environ.get("abs_top_srcdir") or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("abs_top_builddir") or os.getcwd()

# Seconds that a condition may take on a busy machine, before it is a failure.
PATIENCE = 30

PASSWORD = "scenario-secret"
LOCALHOST = 0x7F000001

COLUMNS = ("modid", "cmdid", "ip", "port", "caller")
VALUES = ("succ_cnt", "err_cnt", "ts", "overload")

IDENTITY_IN = ("received", "replayed")
IDENTITY_OUT = ("rejected", "dropped", "queued", "pending", "superseded",
                "stored", "dead_letter")


SKIPPED = 77  # the exit status that automake reports as SKIP


class Failure(Exception):
    """A condition of the scenario does not hold."""


class Missing(Exception):
    """A tool that the machine lacks."""


def skip(reason):
    """End the script: it cannot run on this machine or in this build."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def requires_root(why):
    if os.geteuid() != 0:
        skip(f"requires root: {why}")


def built_with(switch):
    """Whether configure was given --enable-SWITCH."""
    with open(os.path.join(BUILD, "config.status")) as file:
        return f"--enable-{switch}" in file.read()


def has(name):
    """Whether config.h defines HAVE_NAME."""
    with open(os.path.join(BUILD, "config.h")) as file:
        return f"#define HAVE_{name} 1\n" in file.read()


@functools.lru_cache
def offsets():
    """Offsets, sizes and numbers of the formats that tests write by hand:
    {"worker_shared.flush": 320, ...}, from the headers (t/offsets.c)."""
    path = os.path.join(BUILD, "t", "offsets")
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: run make t/offsets")
    return json.loads(subprocess.run([path], check=True,
                                     stdout=subprocess.PIPE).stdout)


# ------------------------------------------------------------- the tools --

def tool(name, package):
    """The path of a program of the system.  Without it the scenario, or the
    part() that calls this, is skipped."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin",
                            "/usr/local/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if not found:
        raise Missing(f"{name} was not found: install Debian's package "
                      f"{package}")
    return found


def hidden(error):
    """Why a process of reporter could not be looked into, which only root may;
    None: the error is another one."""
    if (isinstance(error, PermissionError) and os.geteuid() != 0
            and str(error.filename).startswith("/proc/")):
        return f"requires root: {error.filename}"
    return None


def require(name, package):
    """As tool(), for a script that is skipped as a whole without it."""
    try:
        return tool(name, package)
    except Missing as missing:
        skip(missing)


def promtool(s, text):
    """Prometheus's own check of metrics."""
    done = subprocess.run([tool("promtool", "prometheus"), "check", "metrics"],
                          input=text, capture_output=True, text=True)
    s.equal("promtool reports no errors",
            (done.returncode, done.stdout + done.stderr), (0, ""))


def program(name):
    """The path of one of the programs under test."""
    path = os.path.join(BUILD, "src", name)
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: build first, and set "
                      f"abs_top_builddir to the directory of the build")
    return path


def keepalive(port):
    """Seconds until the next probe of each connection to this port."""
    lines = subprocess.run(
        [tool("ss", "iproute2"), "-tnoH", "state", "established",
         "dport", "=", f":{port}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=True).stdout
    units = {"ms": 0, ".": 1, "sec": 1, "min": 60}  # 9.500ms are 9.5 s
    return [int(n) * units[unit] for n, unit in
            re.findall(r"timer:\(keepalive,(\d+)(ms|\.|sec|min)", lines)]


def wait_for(condition, what, seconds=PATIENCE):
    """Poll until condition() is true, and return what it returned."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failure(f"timed out after {seconds} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def seconds_now():
    """The time as time(2) has it, in seconds: that may be a tick behind
    time.time()."""
    return int(time.clock_gettime(5))  # CLOCK_REALTIME_COARSE


def has_ipv6():
    """Whether this machine has the loopback address ::1 at all."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18


class Clock:
    """The time of day of programs that are started in its environment; intervals
    are true.  It can be set while they run."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "clock")
        preload = subprocess.run(
            [tool("faketime", "faketime"), "-m", "-f", "+0", "printenv",
             "LD_PRELOAD"], check=True, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE).stdout.strip()
        self.environment = {
            "LD_PRELOAD": preload, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_TIMESTAMP_FILE": self.path,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.set("+0")

    def set(self, offset):
        with open(self.path + ".new", "w") as file:
            file.write(offset)
        os.rename(self.path + ".new", self.path)


def own_hosts(path, lines):
    """Has a process see this file as /etc/hosts.  None: it may not."""
    with open(path, "w") as file:
        file.write(lines)
    libc = ctypes.CDLL(None, use_errno=True)

    def enter():
        if (libc.unshare(CLONE_NEWNS) != 0
                or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
                or libc.mount(path.encode(), b"/etc/hosts", None, MS_BIND,
                              None)):
            raise OSError(ctypes.get_errno(), "no mount namespace")

    try:
        subprocess.run(["true"], preexec_fn=enter, check=True)
        return enter
    except subprocess.SubprocessError:
        return None


HELD = []


def free_port():
    """A port that is free on every address, for a server that sets
    SO_REUSEADDR.  It stays bound while we run, so that no other process is given
    it, on whatever address; connecting is refused until the server listens."""
    family, address = ((socket.AF_INET6, "::") if socket.has_dualstack_ipv6()
                       and has_ipv6() else (socket.AF_INET, "0.0.0.0"))
    held = socket.socket(family)
    if family == socket.AF_INET6:
        held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    held.bind((address, 0))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    HELD.append(held)
    return held.getsockname()[1]


def process_fields(path):
    """The fields of a /proc/PID/stat after the command: state, parent, ..."""
    with open(path) as stat:
        return stat.read().rpartition(")")[2].split()


def is_stopped(pid):
    """Whether SIGSTOP has reached each thread of a process."""
    return {process_fields(stat)[0] for stat in
            glob.glob(f"/proc/{pid}/task/*/stat")} == {"T"}


def group_lives(group):
    """Whether a process of this group runs; a zombie does not."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            state, _parent, its = process_fields(stat)[:3]
        except OSError:
            continue
        if int(its) == group and state not in "ZX":
            return True
    return False


def end_group(process):
    """Kill a process and all that it started, and wait until none runs."""
    if process is None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    wait_for(lambda: not group_lives(process.pid), "killed processes end")


def tail(path, lines):
    """The last lines of a file, as text."""
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError as error:
        return f"{error}\n"


# ---------------------------------------------------------- the database --

@functools.lru_cache
def server():
    """The database server of this run: its path, whether it is MySQL, and its
    version."""
    try:
        path = (os.environ.get("REPORTER_TEST_SERVER")
                or tool("mariadbd", "mariadb-server-core"))
    except Missing:
        path = tool("mysqld", "mariadb-server-core")
    text = subprocess.run([path, "--no-defaults", "--version"], check=True,
                          capture_output=True, text=True).stdout
    return path, "MariaDB" not in text, re.search(r"Ver (\S+)", text).group(1)


class Database:
    """A private server on a unix socket, with sql/schema.sql loaded."""

    SETTINGS = ["--no-defaults", "--skip-networking", "--skip-name-resolve",
                "--loose-innodb-log-file-size=8M",
                "--innodb-buffer-pool-size=64M",
                "--innodb-flush-log-at-trx-commit=2"]
    MYSQL = ["--secure-file-priv=", "--loose-mysqlx=OFF", "--skip-log-bin",
             "--local-infile=1", "--loose-innodb-redo-log-capacity=32M"]
    # MariaDB's installation runs the server without the grant tables; the
    # first statement loads them.
    USER = f"""FLUSH PRIVILEGES;
        CREATE DATABASE reporter;
        CREATE USER reporter@localhost IDENTIFIED BY '{PASSWORD}';
        GRANT ALL ON reporter.* TO reporter@localhost;
        """

    def __init__(self, directory):
        self.data = os.path.join(directory, "data")
        # A server removes at its start what another one seems to have left in
        # the directory for temporary tables: it must have its own.
        temporary = os.path.join(directory, "tmp")
        os.makedirs(temporary, exist_ok=True)
        self.environment = {**os.environ, "TMPDIR": temporary}
        self.socket = os.path.join(directory, "mariadb.sock")
        self.log = os.path.join(directory, "mariadbd.log")
        self.process = None
        self.password = PASSWORD  # a scenario that changes it sets this too
        self.server, self.is_mysql, self.version = server()
        try:
            self.client = tool("mariadb", "mariadb-client-core")
        except Missing:
            self.client = tool("mysql", "mariadb-client-core")
        self.identity = ["--user=root"] if os.geteuid() == 0 else []
        shutil.copytree(self._template(), self.data)

    def _template(self):
        """The installed data directory that all scenarios copy.  The first one
        makes it, and the others wait for that."""
        name = "data-" + self.version
        if os.geteuid() != 0:
            name += f"-{os.geteuid()}"
        home = os.path.join(BUILD, "t", "scenario-data")
        os.makedirs(home, exist_ok=True)
        template = os.path.join(home, name)
        with open(os.path.join(home, "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(template):
                self._install(template)
        return template

    def _install(self, template):
        draft = template + ".draft"
        shutil.rmtree(draft, ignore_errors=True)
        users = template + ".sql"
        with open(users, "w") as file:
            file.write(self.USER.replace("  ", ""))
        if self.is_mysql:
            command = [self.server, "--no-defaults", "--initialize-insecure"]
            command += self.MYSQL
        else:
            command = [tool("mariadb-install-db", "mariadb-server-core"),
                       "--no-defaults", "--skip-test-db", "--skip-name-resolve",
                       "--auth-root-authentication-method=normal",
                       "--innodb-log-file-size=8M", f"--extra-file={users}"]
        done = subprocess.run(
            command + [f"--datadir={draft}"] + self.identity,
            env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failure(f"{command[0]} failed:\n{done.stdout}")
        os.rename(draft, template)

    def _options(self, first):
        """SETTINGS with what MySQL needs besides.  Its installation makes no
        accounts; the first start does."""
        if not self.is_mysql:
            return self.SETTINGS
        users = [f"--init-file={self._template()}.sql"] if first else []
        # --no-defaults must be first, and the settings of a scenario win.
        return self.SETTINGS[:1] + self.MYSQL + self.SETTINGS[1:] + users

    def start(self):
        """Start it; the first time, make the table and the view."""
        first = not os.path.exists(self.log)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [self.server] + self._options(first) + self.identity
                + [f"--datadir={self.data}", f"--socket={self.socket}",
                   f"--pid-file={self.data}/pid"],
                env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        wait_for(self._answers, "the database answers")
        if first:
            for script in ("schema.sql", "view.sql"):
                self.load(os.path.join(SOURCE, "sql", script))

    def _answers(self):
        if self.process.poll() is not None:
            raise Failure("the database ended:\n" + tail(self.log, 20))
        if not os.path.exists(self.socket):
            return False
        return self._client(["-e", "SELECT 1"]).returncode == 0

    def _client(self, arguments, **more):
        return subprocess.run(
            [self.client, "--no-defaults", f"--socket={self.socket}",
             "--user=reporter", f"--password={self.password}", "--batch", "--raw",
             "--default-character-set=utf8mb4", "reporter"] + arguments,
            capture_output=True, text=True, timeout=PATIENCE,
            **({"stdin": subprocess.DEVNULL} | more))

    def load(self, script):
        """Run a file of statements."""
        with open(script) as file:
            done = self._client([], stdin=file)
        if done.returncode != 0:
            raise Failure(f"{script}: {done.stderr}")

    def sql(self, statement):
        """Run a statement.  Returns its rows as dictionaries, whole numbers
        as int, all else as str."""
        done = self._client(["-e", statement])
        if done.returncode != 0:
            raise Failure(f"{statement}: {done.stderr}")
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        return [dict(zip(lines[0], map(number, line))) for line in lines[1:]]

    def administrate(self, statement):
        """Run statements as the database's administrator."""
        done = self._client(["--user=root", "--password=", "-e", statement])
        if done.returncode != 0:
            raise Failure(done.stderr)

    def requires_mariadb(self, why):
        """For a scenario, or a part() of one, about MariaDB alone."""
        if self.is_mysql:
            raise Missing(f"requires MariaDB: {why}")

    def requires_mysql(self, since, what):
        """For one that an older MySQL cannot run; since: as 5.7."""
        if self.is_mysql and float(self.version[:3]) < since:
            raise Missing(f"requires MySQL {since}: {what}")

    def disconnect(self, user="reporter"):
        """End all sessions of a user, as MariaDB's KILL USER does."""
        for session in self.ask("SELECT id FROM information_schema.processlist"
                                f" WHERE user = '{user}'"):
            try:
                self.administrate(f"KILL {session}")
            except Failure:
                pass  # it has just ended

    def count(self):
        """How many rows the table has."""
        return self.sql("SELECT COUNT(*) AS n FROM ServerCallStatus")[0]["n"]

    def ask(self, question):
        """The rows of a question of the administrator's, each a text."""
        done = self._client(["--user=root", "--password=",
                             "--skip-column-names", "-e", question])
        if done.returncode != 0:
            raise Failure(done.stderr)
        return done.stdout.splitlines()

    def table(self):
        """{(modid, cmdid, ip, port, caller): (succ, err, ts, overload)},
        addresses as 32 bits without a sign."""
        rows = self.sql("SELECT * FROM ServerCallStatus")
        return {
            (row["modid"], row["cmdid"], row["ip"] & 0xFFFFFFFF, row["port"],
             row["caller"] & 0xFFFFFFFF): tuple(row[v] for v in VALUES)
            for row in rows}

    def stop(self):
        """An orderly stop."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process = None

    def freeze(self):
        """The server is there and does not answer."""
        self.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(self.process.pid), "the database stops")

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        end_group(self.process)
        self.process = None


class Networked(Database):
    """A database that listens on loopback, in a directory of its own, with
    options of its own.  Account reporter may come over TCP as well."""

    def __init__(self, directory, *options):
        os.makedirs(directory, exist_ok=True)
        super().__init__(directory)
        self.port = free_port()
        self.SETTINGS = [option for option in self.SETTINGS
                         if option != "--skip-networking"] + [
            "--bind-address=127.0.0.1", f"--port={self.port}", *options]

    def start(self):
        first = not os.path.exists(self.log)
        super().start()
        if first:
            self.account("reporter")

    def account(self, name, more="", password=PASSWORD):
        """An account that may write the table, coming over TCP."""
        self.administrate(
            f"CREATE USER {name}@127.0.0.1 IDENTIFIED BY '{password}' {more}; "
            f"GRANT SELECT, INSERT, UPDATE ON reporter.* TO {name}@127.0.0.1")

    def read_only(self, on):
        """For the likes of reporter; also for connections that exist."""
        self.administrate(f"SET GLOBAL read_only = {int(on)}")


def number(text):
    return int(text) if re.fullmatch(r"-?\d+", text) else text


# -------------------------------------------------------------- reporter --

class Reporter:
    """The daemon under test, with its tools."""

    def __init__(self, directory, instance, database):
        self.directory = directory
        self.instance = instance
        self.conf = os.path.join(directory, "reporter.conf")
        self.log = os.path.join(directory, "reporter.log")
        self.asan_options = "detect_leaks=1"
        self.process = None
        self.addresses = []
        self.listens = None  # sockets; None: one for each word of `listen`
        self.popen = {}  # how else it is started, as Popen takes it
        self.options = {
            "reporter": {"instance": instance, "listen": "127.0.0.1:0",
                         "workers": 2,
                         "runtime_directory": directory},
            "limits": {"max_connections": 500,
                       "max_connections_per_address": 0},
            "tls": {},
            "queue": {"ring_records": 32768, "table_keys": 65536},
            "mysql": {"host": "localhost", "socket": database.socket,
                      "user": "reporter", "password": PASSWORD,
                      "database": "reporter",
                      "connect_timeout": "1s", "read_timeout": "2s",
                      "flush_interval": "100ms",
                      "dead_letter_file": os.path.join(directory, "dead")},
            "log": {"target": "stderr", "level": "debug"},
        }
        if os.geteuid() == 0:
            self.options["reporter"]["user"] = "root"
        if database.is_mysql:
            # Its accounts require TLS or a key; loopback has no attacker.
            self.options["mysql"]["insecure_auth"] = "on"

    def configure(self, section, **options):
        """Set options; they count from the next start() or reload on."""
        self.options[section].update(options)

    def write_conf(self):
        with open(self.conf, "w") as conf:
            for section, options in self.options.items():
                conf.write(f"[{section}]\n")
                for name, value in options.items():
                    conf.write(f"{name} = {value}\n")
        os.chmod(self.conf, 0o600)

    def conf_line(self, name):
        """The number of the line that gives an option, as section.name."""
        wanted, section = name.split("."), None
        with open(self.conf) as file:
            for at, text in enumerate(file, 1):
                if text.startswith("["):
                    section = text.strip("[]\n")
                elif [section, text.split(" = ")[0]] == wanted:
                    return at
        raise Failure(f"{name} is not in {self.conf}")

    def ctl(self, *words, seconds=2 * PATIENCE):
        """Run reporterctl.  Returns what subprocess.run() does."""
        return subprocess.run(
            [program("reporterctl"), "-i", self.instance, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=seconds)

    def check_database(self):
        """Run reporter -t -t.  Returns what subprocess.run() does."""
        return subprocess.run(
            [program("reporter"), "-t", "-t", "-c", self.conf],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=2 * PATIENCE)

    def reload(self, status=0):
        """Put the configuration in its place in one step, and have it
        reloaded; reporterctl must exit with this status.  Returns what it
        printed on standard error."""
        conf, self.conf = self.conf, self.conf + ".new"
        try:
            self.write_conf()
            os.rename(self.conf, conf)
        finally:
            self.conf = conf
        done = self.ctl("reload")
        if done.returncode != status:
            raise Failure(f"reporterctl reload: {done.returncode}, not "
                          f"{status}: {done.stderr}")
        return done.stderr

    def start(self):
        """Start in the foreground, wait until it listens on everything and
        has a status, and remember the addresses as (host, port)."""
        self.write_conf()
        start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [program("reporter"), "-f", "-c", self.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, ASAN_OPTIONS=self.asan_options,
                         UBSAN_OPTIONS="print_stacktrace=1"),
                start_new_session=True, **self.popen)
        wanted = self.listens or str(
            self.options["reporter"]["listen"]).count(",") + 1

        def listens():
            self.alive()
            found = re.findall(r"listening on \[?([^\s\]]+)\]?:(\d+)",
                               self.log_text(start))
            self.addresses = [(host, int(port)) for host, port in found]
            return len(found) == wanted

        wait_for(listens, f"reporter listens on {wanted} addresses")
        wait_for(self._has_status, "reporter has a status")

    def alive(self):
        """Fail if the master has exited."""
        if self.process and self.process.poll() is not None:
            raise Failure(f"reporter ended: {self.process.returncode}")

    def log_text(self, start=0):
        with open(self.log, "rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def _ask_status(self):
        self.alive()
        return subprocess.run(
            [program("reporterctl"), "-i", self.instance, "status", "--json"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE)

    def _has_status(self):
        return self._ask_status().returncode == 0

    def status(self):
        """reporterctl's status, parsed."""
        done = self._ask_status()
        if done.returncode != 0:
            raise Failure(f"reporterctl: {done.stderr or done.stdout}")
        return json.loads(done.stdout)

    def workers(self):
        """The workers of the status, by slot."""
        return {w["slot"]: w for w in self.status()["workers"]}

    def settled(self, received):
        """Wait until so many records were received and none is queued or
        pending.  Returns the status."""

        def all_done():
            status = self.status()
            records = status["records"]
            return (records["received"] >= received
                    and records["queued"] == 0
                    and records["pending"] == 0 and status)

        return wait_for(all_done, f"{received} records are settled")

    def stop(self, status=0):
        """Stop by SIGTERM; the exit status must be this one."""
        process, self.process = self.process, None
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise Failure("reporter did not end on SIGTERM") from None
        if process.returncode != status:
            raise Failure(f"reporter ended with {process.returncode}, "
                          f"not {status}")

    def kill(self):
        """kill -9 for the master and its workers at once."""
        end_group(self.process)
        self.process = None

    def segments(self):
        """Paths of the instance's shared memory."""
        base = f"/dev/shm/reporter.{self.instance}"
        return sorted(glob.glob(base) + glob.glob(base + ".*"))

    def clear(self):
        """End it, and remove its shared memory."""
        end_group(self.process)
        for segment in self.segments():
            os.unlink(segment)

    def findings(self):
        """What the sanitizers reported."""
        return re.findall(
            r"(?:(?:ERROR|WARNING): \w+Sanitizer.*|.*runtime error:.*)", self.log_text())


# ---------------------------------------------------------------- agents --

class Agent:
    """One connection to reporter; source: from this address of ours."""

    def __init__(self, address, source=None):
        self.socket = socket.create_connection(
            address, PATIENCE, source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = "%s:%d" % self.socket.getsockname()[:2]

    def send(self, data):
        self.socket.sendall(data)

    def send_some(self, data):
        """Send what a socket that does not block takes now; how much it was."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    def sees_end(self, seconds=5):
        """Whether the other side closes within so many seconds."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def is_open(self):
        """Whether the other side has not closed so far."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    def close(self):
        self.socket.close()


def pack(value):
    """MessagePack: the shortest form of whole numbers, truth values, texts
    and lists."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, str):
        text = value.encode()
        assert len(text) < 32
        return bytes([0xA0 | len(text)]) + text
    if isinstance(value, (list, tuple)):
        head = (bytes([0x90 | len(value)]) if len(value) < 16
                else b"\xdc" + struct.pack(">H", len(value)))
        return head + b"".join(map(pack, value))
    if 0 <= value < 128:
        return struct.pack("B", value)
    if -32 <= value < 0:
        return struct.pack("b", value)
    forms = ((b"\xcc", ">B"), (b"\xcd", ">H"), (b"\xce", ">I"),
             (b"\xcf", ">Q"))
    if value < 0:
        forms = ((b"\xd0", ">b"), (b"\xd1", ">h"), (b"\xd2", ">i"),
                 (b"\xd3", ">q"))
    for code, form in forms:
        try:
            return code + struct.pack(form, value)
        except struct.error:
            continue
    raise ValueError(value)


def native(modid, cmdid, caller, ts, results):
    """A native report; a result is (ip, port, succ, err, overload)."""
    return pack([1, modid, cmdid, caller, ts, results])


def varint(value):
    value &= 0xFFFFFFFFFFFFFFFF
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def fields(values, keep_zero):
    """protobuf's whole-number fields 1, 2, ... of a message."""
    return b"".join(
        bytes([at << 3]) + varint(int(value))
        for at, value in enumerate(values, 1) if value or keep_zero)


def framed(message, payload):
    """A payload behind the header of an ELB or Lars frame."""
    return struct.pack("<ii", message, len(payload)) + payload


def protobuf(modid, cmdid, caller, ts, results, keep_zero):
    payload = fields((modid, cmdid, caller), keep_zero)
    for result in results:
        inner = fields(result, keep_zero)
        payload += b"\x22" + varint(len(inner)) + inner
    return payload + b"\x28" + varint(ts)


def elb(*report):
    """An ELB frame: proto2, every field is there."""
    return framed(8, protobuf(*report, keep_zero=True))


def lars(*report):
    """A Lars frame: proto3, what is zero is left out."""
    return framed(3, protobuf(*report, keep_zero=False))


def rows(modid, cmdid, caller, ts, results):
    """The rows that a report makes, as Database.table() gives them."""
    return {(modid, cmdid, ip, port, caller): (succ, err, ts, int(overload))
            for ip, port, succ, err, overload in results}


def recorded(name):
    """The bytes recorded from a real agent.  A time that lies ahead would be
    stored as now, so the clock must not be before the recordings'."""
    if time.time() < 1795734457:
        raise Failure(f"this machine's clock is wrong: {time.ctime()}")
    with open(os.path.join(SOURCE, "t", "wire", name), "rb") as file:
        return file.read()


PROXY_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(source, command=0x21, more=b""):
    """The header of a connection over IPv4, as a balancer sends it."""
    rest = b""
    if source:
        rest = socket.inet_aton(source) + socket.inet_aton("127.0.0.1")
        rest += (1234).to_bytes(2, "big") + (12316).to_bytes(2, "big") + more
    return (PROXY_SIGNATURE + bytes([command, 0x11 if source else 0])
            + len(rest).to_bytes(2, "big") + rest)


# ---------------------------------------------------------- the scenario --

class Reports:
    """Reports of new keys, some for each worker."""

    def __init__(self, s):
        self.s = s
        self.sent = 0

    def send(self, n=50):
        """Returns when all that was ever sent stands in the table."""
        agent = self.s.agent()
        for _ in range(n):
            self.sent += 1
            agent.send(native(1000 + self.sent, 1, 1, int(time.time()),
                              [(1, 1, 1, 0, False)]))
        wait_for(lambda: self.s.database.count() == self.sent,
                 f"{self.sent} records stand in the table")


class Scenario:
    """What tell() is given."""

    def __init__(self):
        self.missing = []  # why parts were left out
        self.name = os.path.basename(sys.argv[0]).removesuffix(".py")
        self.directory = tempfile.mkdtemp(prefix="reporter-t-")
        self.passed = self.failed = 0
        self.agents = []
        self.database = Database(self.directory)
        self.reporter = Reporter(self.directory, f"t-{os.getpid()}",
                                 self.database)

    def start(self):
        """Start database and reporter."""
        self.database.start()
        self.reporter.start()

    def agent(self, listener=0):
        """A new connection to the listener of that number."""
        agent = Agent(self.reporter.addresses[listener])
        self.agents.append(agent)
        return agent

    def part(self, show, *arguments):
        """Call show(), a part of the scenario that may lack a tool: the rest
        goes on, and in the end the scenario counts as skipped."""
        try:
            show(*arguments)
        except (Missing, PermissionError) as error:
            missing = hidden(error)
            if not missing and not isinstance(error, Missing):
                raise
            reason = f"{show.__name__}(): {missing or error}"
            if reason not in self.missing:
                self.missing.append(reason)
                print(f"left out: {reason}", flush=True)

    def check(self, what, is_so, detail=""):
        """Count and print whether a condition holds."""
        if is_so:
            self.passed += 1
            print(f"ok: {what}", flush=True)
        else:
            self.failed += 1
            print(f"NOT ok: {what} {detail}", flush=True)

    def equal(self, what, found, wanted):
        self.check(what, found == wanted,
                   f"\n  found  {found!r}\n  wanted {wanted!r}")

    def identity(self, status=None):
        """The counts of a status add up."""
        records = (status or self.reporter.status())["records"]
        self.equal("the counts add up",
                   sum(records[name] for name in IDENTITY_IN),
                   sum(records[name] for name in IDENTITY_OUT))

    def unharmed(self, status):
        """No record is lost or set aside, and no worker of two has died."""
        self.equal("nothing was set aside or dropped",
                   (status["records"]["dead_letter"],
                    status["records"]["dropped"]), (0, 0))
        self.equal("no worker had to be started again",
                   [w["restarts"] for w in status["workers"]], [0, 0])
        self.identity(status)

    def connections_add_up(self, status):
        self.equal("each connection that was accepted is open or closed",
                   status["connections_accepted"],
                   status["connections"] + sum(status["closed"].values()))

    def finish(self):
        """Stop a reporter that still runs: exit status 0, no shared memory
        left, no report of a sanitizer."""
        for agent in self.agents:
            agent.close()
        if self.reporter.process:
            self.reporter.alive()
            self.reporter.stop()
            self.equal("a graceful shutdown leaves no shared memory",
                       self.reporter.segments(), [])
        if os.path.exists(self.reporter.log):
            self.equal("the sanitizers report nothing",
                       self.reporter.findings(), [])

    def clear(self, keep):
        """Stop and remove everything that was started and made."""
        self.reporter.clear()
        end_group(self.database.process)
        if not keep:
            shutil.rmtree(self.directory)

    def post_mortem(self, story):
        """Print what helps to find out why a scenario failed."""
        print(f"\nThe story of this scenario:\n{story.strip()}\n")
        if self.reporter.process and self.reporter.process.poll() is None:
            try:
                print("--- the status\n"
                      + json.dumps(self.reporter.status(), indent=1))
            except Failure as failure:
                print(f"--- no status: {failure}")
        for log, lines in ((self.reporter.log, 40), (self.database.log, 10)):
            if os.path.exists(log):
                print(f"--- the end of {log}\n{tail(log, lines)}")
        print(f"All of it is kept in {self.directory}", flush=True)


def run(story, tell):
    """Run a scenario and exit: 0 passed, 1 failed, 77 skipped."""

    def interrupted(number, _frame):
        raise KeyboardInterrupt(f"signal {number}")

    for sign in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(sign, interrupted)
    try:
        scenario = Scenario()
    except Missing as missing:
        skip(missing)
    except Failure as failure:
        print(failure)
        print("0 passed, 1 failed")
        sys.exit(1)
    began = time.monotonic()
    try:
        tell(scenario)
        scenario.finish()
    except Missing as missing:
        scenario.missing.append(str(missing))
    except Failure as failure:
        scenario.check(str(failure), False)
        traceback.print_tb(failure.__traceback__, file=sys.stdout)
    except BaseException as error:
        if hidden(error):
            scenario.missing.append(hidden(error))
        else:
            scenario.check("the scenario runs to its end", False)
            traceback.print_exc(file=sys.stdout)
    if scenario.failed:
        scenario.post_mortem(story)
    scenario.clear(keep=scenario.failed or os.environ.get("SCENARIO_KEEP"))
    print(f"{scenario.passed} passed, {scenario.failed} failed "
          f"({time.monotonic() - began:.1f} s)")
    if scenario.failed:
        sys.exit(1)
    if scenario.missing:
        skip("; ".join(scenario.missing))
