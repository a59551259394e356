#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Side by side: reporter, rsyslog with ommysql, pmacct's MySQL plugin, one
INSERT a row and LOAD DATA bring the same keys into the same database.

    peers.py [--keys N] [--rounds N] [--only WORD] [--into FILE]

    --only   the ways whose name contains WORD
    --into   put the tables into FILE, between the marks for them

One private server with its defaults; the ways take turns in each round.  Two
streams: each key reported once, so that each record is a row, and each key
reported ten times.  The time begins with the first row written and ends with
the last, as the server counts them, so that no wait for an interval is in it.
A key that is not there with its newest value then is lost.  Requires Debian's
rsyslog-mysql and pmacct; a way whose program is missing is left out, with a
note.
"""

import argparse
import contextlib
import glob
import os
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import marks  # noqa: E402
import scenario  # noqa: E402
from scenario import PASSWORD, Missing, free_port, wait_for  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
QUIET = 0.4  # seconds without a row: it may be done
PATIENCE = 60  # seconds until the first row
GIVE_UP = 15  # seconds without a row: what is not there is lost
REFRESH = 5  # seconds between two writes of pmacct, and its wait at most
TIMES = 10  # reports of each key in the second stream
RESULTS = 10  # of a native report

COLUMNS = "modid, cmdid, ip, port, caller, succ_cnt, err_cnt, ts, overload"
# As reporter's statement: a row keeps what is newer.
GUARD = " ON DUPLICATE KEY UPDATE " + ", ".join(
    f"{c}=IF(VALUES(ts) >= ts, VALUES({c}), {c})"
    for c in ("succ_cnt", "err_cnt", "overload", "ts"))
INSERT = f"INSERT INTO ServerCallStatus ({COLUMNS}) VALUES "


class Keys:
    """n keys: services with ten servers each, as their callers report them,
    in no order.  A result's counts are those of its report."""

    def __init__(self, n):
        self.reports = []
        for report in range(n // RESULTS):
            modid, caller = 1 + report % 1000, 0x0A000001 + report // 1000
            self.reports.append((modid, 1, caller, [
                (0x0B000000 + modid * 16 + i, 8000 + i)
                for i in range(RESULTS)]))
        random.Random(1).shuffle(self.reports)
        self.count = len(self.reports) * RESULTS

    def rows(self, ts, succ):
        for modid, cmdid, caller, servers in self.reports:
            for ip, port in servers:
                yield modid, cmdid, ip, port, caller, succ, 0, ts, 0

    def native(self, ts, succ):
        return b"".join(
            scenario.native(modid, cmdid, caller, ts, [
                (ip, port, succ, 0, False) for ip, port in servers])
            for modid, cmdid, caller, servers in self.reports)

    def lines(self, ts, succ):
        return "".join("%d %d %d %d %d %d %d %d %d\n" % row
                       for row in self.rows(ts, succ)).encode()

    def netflow(self, ts, succ):
        """Packets of NetFlow 5, 30 flows each: modid is the interface, cmdid
        the source port, caller the source, the packets are the calls."""
        flows = [struct.pack(
            ">IIIHHIIIIHHBBBBHHBBH", caller, ip, 0, modid, 0, succ, succ, 0, 0,
            cmdid, port, 0, 0, 6, 0, 0, 0, 0, 0, 0)
            for modid, cmdid, ip, port, caller, *_ in self.rows(ts, succ)]
        for at in range(0, len(flows), 30):
            some = flows[at:at + 30]
            yield struct.pack(">HHIIIIBBH", 5, len(some), 0, ts, 0, at, 0, 0,
                              0) + b"".join(some)


# ------------------------------------------------------------- measuring --


class Client:
    """A session of the database's administrator that stays open."""

    def __init__(self, database):
        self.process = subprocess.Popen(
            [database.client, "--no-defaults", f"--socket={database.socket}",
             "--user=root", "--batch", "--skip-column-names", "--unbuffered",
             "reporter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1)

    def ask(self, statement):
        """The rows, each a list of texts."""
        self.process.stdin.write(f"{statement};\nSELECT 'end of rows';\n")
        rows = []
        for line in self.process.stdout:
            if line == "end of rows\n":
                return rows
            rows.append(line.rstrip("\n").split("\t"))
        raise scenario.Failure(f"{statement}: the client ended")

    def number(self, statement):
        return int(self.ask(statement)[0][0])

    def written(self):
        """Rows changed and rows added since the server's start, by anybody.
        One that ON DUPLICATE KEY changes is counted as both."""
        found = dict(self.ask("SHOW GLOBAL STATUS LIKE 'Handler_%'"))
        return int(found["Handler_update"]), int(found["Handler_write"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def family(pid):
    """A process and those that it has forked."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/children") as file:
                    found += map(int, file.read().split())
    return found


def cpu(pid):
    """Seconds of a family so far: of its threads, and of members that have
    ended."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            total += sum(map(int, scenario.process_fields(
                f"/proc/{each}/stat")[13:15])) / TICK
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0]) / 1e9
    return total


def memory(pid):
    """MiB of a family, what they share counted once."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{each}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(),
                                       re.M).group(1))
    return total / 1024


class Measured:
    """One stream of one way.  own, server: CPU seconds; peak: MiB."""

    def __init__(self, records, rows, seconds, own, server, peak, lost):
        self.rate, self.rows = records / seconds, rows / records
        self.own, self.server = (1e6 * t / records for t in (own, server))
        self.peak, self.lost = peak, lost


def follow(s, way, records):
    """Feed the stream, and watch until it has been written."""
    pid = way.pid()
    cpus = cpu(pid) if pid else 0, cpu(s.database.process.pid)
    before = last = s.client.written()
    began = ended = None
    way.feed()
    looked = peak = 0
    changed = time.monotonic()
    while True:
        now = time.monotonic()
        if pid is not None and now - looked > 0.2:
            peak, looked = max(peak, memory(pid)), now
        written = s.client.written()
        if written != last:
            began = began or now
            last, ended, changed = written, time.monotonic(), now
        elif now - changed > QUIET and began:
            lost = way.lost()
            if lost == 0 or now - changed > GIVE_UP:
                break
        elif now - changed > PATIENCE:
            raise scenario.Failure(f"{way.name}: no row was written: "
                                   + way.log())
        # Each look costs the server time, so look less often in a long run.
        time.sleep(max(0.01, (now - (began or now)) / 50))
    if pid:
        own = cpu(pid) - cpus[0]
    else:
        own, peak = way.used
    rows = max(last[0] - before[0], last[1] - before[1])
    return Measured(records, rows, way.seconds or ended - began, own,
                    cpu(s.database.process.pid) - cpus[1], peak, lost)


# ------------------------------------------------------------------ ways --


class Way:
    """How records come into the table.  make: the stream, each key so many
    times; start: a process of its own that takes it; feed: send; lost: keys
    without their newest value."""

    seconds = None  # measured by itself
    process = socket = None
    tool = part = None  # its program and Debian's package; a file of it
    interval = "10ms"  # reporter's flush_interval

    def __init__(self, s, name, keys, **more):
        self.s, self.name, self.keys = s, name, keys
        self.__dict__.update(more)

    def require(self):
        """Missing is raised without the program, or a part of it."""
        if self.tool is not None:
            scenario.tool(*self.tool)
        if self.part and not glob.glob(self.part):
            raise Missing(f"{self.part} was not found: install Debian's "
                          f"package {self.tool[1]}")

    def start(self):
        """Nothing to start."""

    def pid(self):
        return self.process.pid if self.process else None

    def lost(self):
        return self.keys.count - self.s.client.number(
            f"SELECT COUNT(*) FROM ServerCallStatus WHERE ts = {self.ts}")

    def make(self, ts, times):
        self.ts = ts + times - 1
        self.streams = [self.encode(ts + i, 1 + i) for i in range(times)]

    def run(self, words, log):
        self.output = os.path.join(self.s.directory, log)
        with open(self.output, "w") as file:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True)

    def log(self):
        return scenario.tail(self.output, 10)

    def listens(self):
        if self.process.poll() is not None:
            raise scenario.Failure(f"{self.name} ended at its start")
        with contextlib.suppress(OSError):
            self.socket = socket.create_connection(("127.0.0.1", self.port))
            return True
        return False

    def feed(self):
        for stream in self.streams:
            self.socket.sendall(stream)

    def stop(self):
        if self.socket:
            self.socket.close()
        if self.process:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            scenario.end_group(self.process)  # what it has forked, too
            self.process = None


class Reporter(Way):
    workers = 1

    def encode(self, ts, succ):
        return self.keys.native(ts, succ)

    def start(self):
        instance = f"peers-{os.getpid()}-{self.workers}"
        self.reporter = scenario.Reporter(self.s.directory, instance,
                                          self.s.database)
        self.reporter.configure("reporter", workers=self.workers)
        self.reporter.configure(
            "queue", table_keys=max(2 * self.keys.count, 65536))
        self.reporter.configure("mysql", flush_interval=self.interval)
        self.reporter.configure("log", level="info")
        self.reporter.start()
        self.process = self.reporter.process
        self.socket = socket.create_connection(self.reporter.addresses[0])

    def stop(self):
        if self.socket:
            self.socket.close()
        if self.reporter.process:
            self.reporter.stop()
        self.reporter.clear()
        self.process = None


class Rsyslog(Way):
    threads = 1
    tool = "rsyslogd", "rsyslog-mysql"
    part = "/usr/lib/*/rsyslog/ommysql.so"  # Debian's directory

    def encode(self, ts, succ):
        return self.keys.lines(ts, succ)

    def start(self):
        self.port = free_port()
        conf = os.path.join(self.s.directory, "rsyslog.conf")
        values = ", ".join(f"%rawmsg:F,32:{n}%" for n in range(1, 10))
        with open(conf, "w") as file:
            file.write(f'''
module(load="imptcp")
module(load="ommysql")
global(workDirectory="{self.s.directory}")
template(name="row" type="string" option.sql="on"
    string="{INSERT}({values}){GUARD}")
ruleset(name="rows" queue.type="LinkedList" queue.size="10000000"
        queue.dequeueBatchSize="2000" queue.timeoutEnqueue="600000"
        queue.workerThreads="{self.threads}") {{
    action(type="ommysql" server="localhost" socket="{self.s.database.socket}"
        db="reporter" uid="reporter" pwd="{PASSWORD}" template="row")
}}
input(type="imptcp" address="127.0.0.1" port="{self.port}" ruleset="rows"
    supportOctetCountedFraming="off")
''')
        self.run([scenario.tool(*self.tool), "-n", "-f", conf, "-i",
                  os.path.join(self.s.directory, "rsyslog.pid")],
                 "rsyslog.log")
        wait_for(self.listens, "rsyslog listens")


class Pmacct(Way):
    """Adds up the packets of a flow: a key has its newest value when it has as
    many as were sent since the table was emptied."""

    tool = "nfacctd", "pmacct"
    table = "acct"
    more = ("sql_history: 1M", "sql_history_roundoff: M")
    sent = 0

    def make(self, ts, times):
        self.streams = [packet for i in range(times)
                        for packet in self.keys.netflow(ts + i, 1)]
        # A buffer is passed on when it is full: one more key fills it.
        last = bytearray(self.streams[-1][:24] + 30 * self.streams[-1][24:72])
        last[2:4] = 0, 30
        for at in range(24, len(last), 48):
            last[at:at + 4] = bytes(4)
        self.streams += 100 * [bytes(last)]
        self.times = times

    def start(self):
        self.s.client.ask(f"""CREATE TABLE IF NOT EXISTS {self.table} (
            iface_in int unsigned NOT NULL, port_src int unsigned NOT NULL,
            ip_dst varbinary(16) NOT NULL, port_dst int unsigned NOT NULL,
            ip_src varbinary(16) NOT NULL, packets int unsigned NOT NULL,
            bytes bigint unsigned NOT NULL, stamp_inserted datetime NOT NULL,
            stamp_updated datetime, PRIMARY KEY (iface_in, port_src, ip_dst,
            port_dst, ip_src, stamp_inserted)) ENGINE=InnoDB""")
        self.port = free_port()
        conf = os.path.join(self.s.directory, "nfacctd.conf")
        with open(conf, "w") as file:
            file.write("\n".join((
                "daemonize: false", "nfacctd_ip: 127.0.0.1",
                f"nfacctd_port: {self.port}", "nfacctd_time_new: true",
                "nfacctd_pipe_size: 4194304", "plugins: mysql[rows]",
                "aggregate: src_host, dst_host, src_port, dst_port, in_iface",
                f"sql_host: unix:{self.s.database.socket}", "sql_db: reporter",
                "sql_user: reporter", f"sql_passwd: {PASSWORD}",
                f"sql_table: {self.table}", "sql_table_version: 8",
                "sql_optimize_clauses: true", "sql_num_hosts: true",
                f"sql_refresh_time: {REFRESH}",
                f"sql_cache_entries: {self.keys.count * 3 // 2 | 1}",
                "plugin_pipe_size: 67108864", "plugin_buffer_size: 65536",
                *self.more, "")))
        self.run([scenario.tool(*self.tool), "-f", conf], "pmacct.log")
        wait_for(lambda: self.queued() is not None, "nfacctd listens")
        # What is sent before its plugin waits for it may be lost.
        wait_for(lambda: "Purging cache - END" in self.log(),
                 "pmacct's plugin runs")

    def queued(self):
        """Bytes in its socket; None: it has none."""
        end = f"0100007F:{self.port:04X}"
        with open("/proc/net/udp") as file:
            for line in file:
                words = line.split()
                if words[1] == end:
                    return int(words[4].split(":")[1], 16)
        return None

    def feed(self):
        """UDP loses what is sent faster than it is read, so wait for the
        receiver."""
        self.sent += self.times
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("127.0.0.1", self.port))
            for at, packet in enumerate(self.streams):
                while at % 10 == 0 and self.queued() > 50000:
                    time.sleep(0.001)
                out.send(packet)

    def lost(self):
        return self.keys.count - self.s.client.number(
            f"SELECT COUNT(*) FROM {self.table} WHERE packets = {self.sent}")


class PmacctBins(Pmacct):
    """Only adds rows: one for each key and interval."""

    table = "bins"
    more = (f"sql_history: {REFRESH * 12}s", "sql_dont_try_update: true",
            "sql_multi_values: 1048576")

    def start(self):
        self.s.client.ask(f"DROP TABLE IF EXISTS {self.table}")
        self.sent = 0
        super().start()

    def lost(self):
        return self.keys.count - self.s.client.number(
            f"SELECT COUNT(*) FROM (SELECT SUM(packets) AS n FROM {self.table} "
            "GROUP BY iface_in, port_src, ip_dst, port_dst, ip_src) AS k "
            f"WHERE n = {self.sent}")


class Statements(Way):
    """The database's own client, with statements in a file."""

    def feed(self):
        with tempfile.TemporaryFile(dir=self.s.directory) as file:
            file.write(b"".join(self.streams))
            file.seek(0)
            began = time.monotonic()
            process = subprocess.Popen(
                [self.s.database.client, "--no-defaults", "--local-infile=1",
                 f"--socket={self.s.database.socket}", "--user=root",
                 "reporter"], stdin=file)
            _, process.returncode, used = os.wait4(process.pid, 0)
            self.seconds = time.monotonic() - began
            self.used = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
            if process.returncode != 0:
                raise scenario.Failure(f"{self.name}: the client failed")


class Insert(Statements):
    def encode(self, ts, succ):
        return "".join(
            f"{INSERT}{row}{GUARD};\n"
            for row in self.keys.rows(ts, succ)).encode()


class Load(Statements):
    def encode(self, ts, succ):
        path = os.path.join(self.s.directory, f"rows-{ts}")
        with open(path, "wb") as file:
            for row in sorted(self.keys.rows(ts, succ)):
                file.write(b"%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n" % row)
        return (f"LOAD DATA LOCAL INFILE '{path}' REPLACE INTO TABLE "
                f"ServerCallStatus ({COLUMNS})").encode()


# ------------------------------------------------------------------ main --


class Side:
    """What the ways share: a server with its defaults, in a directory."""

    def __init__(self, directory):
        self.directory = directory
        self.database = scenario.Database(directory)
        self.database.SETTINGS = ["--no-defaults", "--skip-networking",
                                  "--local-infile=1"]
        self.database.start()
        self.client = Client(self.database)

    def ways(self, keys):
        few = Keys(max(keys.count // 20, RESULTS))
        return [
            Insert(self, "one INSERT a row", few),
            Rsyslog(self, "rsyslog", keys),
            Rsyslog(self, "rsyslog, two workers", keys, threads=2),
            Pmacct(self, "pmacct, UPDATE or INSERT", few),
            PmacctBins(self, "pmacct, INSERT only", keys),
            Reporter(self, "reporter", keys),
            Reporter(self, "reporter, two workers", keys, workers=2),
            Load(self, "LOAD DATA", keys)]

    def once(self, way, ts, times):
        way.make(ts, times)
        try:
            way.start()
            return follow(self, way, way.keys.count * times)
        finally:
            way.stop()

    def close(self):
        self.client.close()
        self.database.stop()


def middle(found, name):
    return statistics.median(getattr(m, name) for m in found)


HEAD = (" its CPU, us/{0} | database's CPU, us/{0} | its memory, MiB | "
        "lost |")


def table(found, unit, first, shown, decimals):
    """found: {way: what was measured}; the first column is what `shown` makes
    of it."""
    yield f"| way | {first} |" + HEAD.format(unit)
    yield "|---" * 6 + "|"
    for name, rounds in found.items():
        yield (f"| {name} | {shown(rounds)} | "
               f"{middle(rounds, 'own'):.{decimals}f} | "
               f"{middle(rounds, 'server'):.{decimals}f} | "
               f"{middle(rounds, 'peak'):.0f} | "
               f"{max(m.lost for m in rounds)} |")


def turns(side, ways, rounds, times, ts):
    """Each way in each round.  Returns {name: what was measured}."""
    found = {}
    for _ in range(rounds):
        for way in ways:
            m = side.once(way, ts, times)
            found.setdefault(way.name, []).append(m)
            print(f"{way.name}: {m.rate:.0f}/s, {m.own:.2f} + {m.server:.2f} "
                  f"us, {m.rows:.2f} rows, lost {m.lost}", file=sys.stderr,
                  flush=True)
            ts += times
    return found, ts


def compare(side, arguments):
    ts, load = int(time.time()) - 100000, os.getloadavg()[0]
    keys = Keys(arguments.keys)
    ways = [way for way in side.ways(keys) if arguments.only in way.name]
    left = []
    for way in list(ways):
        try:
            way.require()
        except Missing as missing:
            left.append(f"{way.name} was left out: {missing}.")
            ways.remove(way)
    # All rows exist, in the tables of all ways.
    side.once(Load(side, "LOAD DATA", keys), ts, 1)
    for way in ways:
        if type(way) is Pmacct:
            side.once(way, ts + 1, 1)
    once, ts = turns(side, ways, arguments.rounds, 1, ts + 2)
    some = Keys(arguments.keys // 4)
    ways = [way for way in side.ways(some) if way.name in once
            and not isinstance(way, Statements)]
    for way in ways:
        way.interval = "1s"
        if type(way) is Pmacct:
            side.client.ask(f"DROP TABLE {way.table}")
    often, ts = turns(side, ways, arguments.rounds, TIMES, ts)
    version = side.client.ask("SELECT VERSION()")[0][0]
    where = (f"{version} with its defaults, {os.cpu_count()} CPUs for all; "
             f"{marks.load_text(load)}. Medians of {arguments.rounds} rounds.")
    return {"bench-peers-once": [
                f"{keys.count} keys, each reported once. {where}",
                *left, "", *table(
                    once, "row", "rows/s",
                    lambda r: f"{middle(r, 'rate') / 1000:.1f} k", 1)],
            "bench-peers-often": [
                f"{some.count} keys, each reported {TIMES} times.", "",
                *table(
                    often, "record", "rows per record",
                    lambda r: f"{middle(r, 'rows'):.2f}", 2)]}


def main():
    parser = argparse.ArgumentParser(description="Compare reporter with others "
                                     "that write to MySQL.")
    parser.add_argument("--keys", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--into", metavar="FILE")
    arguments = parser.parse_args()
    # At SIGTERM, too, all that was started ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    with tempfile.TemporaryDirectory(prefix="reporter-peers-") as directory:
        side = Side(directory)
        try:
            tables = compare(side, arguments)
        finally:
            side.close()
    for name, lines in tables.items():
        print("\n".join(lines), end="\n\n")
        if arguments.into:
            marks.put(arguments.into, name, lines)


if __name__ == "__main__":
    main()
