#!/usr/bin/env -S python3 -I
# SPDX-License-Identifier: MIT
"""reporter-bench: measures how fast a reporter is, see reporter-bench(1).

Reads the command line, has the reporter-bench-engine measure group by group,
and prints medians.  With --self it runs inside reporter-bench-self, which
starts a reporter and a database for each group and removes everything at the
end; otherwise it deletes its rows itself, on every exit but by SIGKILL.
"""

import contextlib
import errno
import getopt
import glob
import json
import math
import os
import re
import resource
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import textwrap
import time

VERSION = "@version@"
DIRECTORY = os.path.dirname(os.path.realpath(__file__))
DONE, USAGE, FAILED = 0, 2, 3

HELP = """\
usage: reporter-bench --self [options] BENCHMARK ...
       reporter-bench [-c FILE] [-H HOST] [-p PORT] [-i INSTANCE] [options]
                      BENCHMARK ...
       reporter-bench [-c FILE] [options] site
benchmarks:
  absorb   records/s from the socket to the pending table
  flush    rows/s from the pending table to the database
  cost     flush of 300,000 keys with one worker
  fresh    time from sending a report until its row is visible
  flat     absorb with few and many connections and keys; memory
  backlog  time to catch up after an outage of the database
  idle     wake-ups and CPU time of a reporter that receives nothing
  all      all of the above
  site     what a site of a given size costs: rows, CPU, delays
options: --json --rounds N --seconds S --samples N --keys N,...
         --connections N,... --workers N,... --rate N,... --dialect NAME
         --chunk BYTES --interval MS --away S --flaps N --server FILE
of site: --hosts N --services N --servers N --every S --calls N
"""

DIALECTS = ("native", "elb", "lars")
INSTANCE = re.compile(r"[A-Za-z0-9_-]{1,31}")
LIST_MAX = 8
SECONDS_MAX = 3600
FLAGS = ("self", "json")
TEXTS = ("c", "H", "p", "i", "server", "dialect")
# Maximum values: of options with one number, then of options with a list.
NUMBER = {"rounds": 1000, "samples": 1000000, "interval": 60000,
          "chunk": 1048576, "flaps": 1000, "hosts": 1000000, "services": 100,
          "servers": 100, "calls": 10000}
NUMBERS = {"keys": 10000000, "connections": 1000000, "workers": 64,
           "rate": 100000000}
SECONDS = ("seconds", "away", "every")

REPORT_RECORDS = 10  # the engine's key sets have whole reports
ABSORB_KEYS = 100000
ABSORB_CONNECTIONS = 10
FLAT_CHUNK = 16384  # bytes that a busy agent writes in one go
COST_KEYS = 300000
FLUSH_CONNECTIONS = 10
FLUSH_INTERVAL = 10  # ms: short, so that the wait hardly affects a figure
INTERVAL = 100  # flush_interval of fresh and backlog, ms
SITE_INTERVAL = 60000  # of site
SITE_KEYS_MAX = 10000000
SITE_BUSY = 0.8  # of the CPUs; the machine is too small for more
RATE = 20000
IDLE_CONNECTIONS = 10000
IDLE_SECONDS = 10.0
IDLE_LONGEST = 6.0  # seconds that a process may sleep

# A generator that waits less than this share of the time is the bottleneck.
WAITS_MIN = 0.05
# Fewer connections fit into free heap: their memory cannot be measured.
IDLE_MIN = 1000
# Descriptors other than connections: of the engine, of the private reporter.
ENGINE_BESIDE, REPORTER_BESIDE = 64, 80
# Above this load per CPU absolute figures are invalid.
BUSY = 0.2


class Failure(Exception):
    """A figure could not be measured, or is invalid."""


class Interrupted(BaseException):
    """A signal."""


class Exit(Exception):
    """The end of the program, with its status."""


# ------------------------------------------------------------ statistics ---


def median(values):
    return statistics.median(values) if values else math.nan


def quantile(values, q):
    """By nearest rank: the smallest value that at least the share q (over 0,
    to 1) does not exceed."""
    if not values:
        return math.nan
    # 0.999 * 1000 may be a little more than 999.
    rank = math.ceil(len(values) * q - 1e-9)
    return sorted(values)[min(max(rank, 1), len(values)) - 1]


def percentile(values, q):
    """NAN unless at least one value lies beyond it."""
    backed = len(values) * (1 - q) >= 1 - 1e-9
    return quantile(values, q) if backed else math.nan


def figure_text(value, unit):
    """For people, without the unit: rates have a prefix as in "6.59 M"."""
    prefix = ""
    if math.isnan(value):
        return "-"
    if unit == "ratio":
        return f"{value:.3f}"
    if unit.endswith("/s"):
        prefixes = iter((" k", " M", " G", " T"))
        while abs(value) >= 999.5:
            value /= 1000
            prefix = next(prefixes)
    size = abs(value)
    decimals = (0 if size >= 99.95 else 1 if size >= 9.995 else
                2 if size >= 0.9995 or size == 0 else 3)
    return f"{value:.{decimals}f}{prefix}"


# ------------------------------------------------------------- processes ---


def slept(pid):
    """How often the threads of a process have gone to sleep, and the seconds of
    CPU time they have taken."""
    times = ran = 0
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(f"{task}/status") as file:
            times += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)",
                                   file.read(), re.M).group(1))
        with open(f"{task}/schedstat") as file:
            ran += int(file.read().split()[0]) / 1e9
    return times, ran


def sleep_rates(pids, seconds):
    """(wake-ups a second, share of a CPU) of each process.  Begins at its next
    wake-up: otherwise the time could have one more than its share."""
    first = {pid: slept(pid) for pid in pids}
    began, late = {}, time.monotonic() + IDLE_LONGEST
    while len(began) < len(pids):
        time.sleep(0.005)
        for pid in pids:
            now = slept(pid)
            if pid not in began and (now[0] != first[pid][0]
                                     or time.monotonic() > late):
                began[pid] = (*now, time.monotonic())
    time.sleep(seconds)
    for pid in pids:
        times, ran = slept(pid)
        span = time.monotonic() - began[pid][2]
        yield (times - began[pid][0]) / span, (ran - began[pid][1]) / span


# ---------------------------------------------------------------- output ---


def to_terminal(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def complain(text):
    # Standard error may be closed; continue anyway.
    with contextlib.suppress(OSError):
        to_terminal("")
        print(text, file=sys.stderr, flush=True)


def notice(text):
    complain(f"reporter-bench: {text}")


def usage_error(text):
    notice(text)
    raise Exit(USAGE)


def write(text):
    """Print to standard output.  A failure ends the run: later results would
    be lost too."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        print(text, flush=True)
    except OSError as error:
        raise Failure(f"cannot write the results: {error.strerror}") from error


def number(value):
    """JSON has no NAN: a figure that was not measured is null."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


class Result:
    """One case of a benchmark: its sizes, figures and notes."""

    def __init__(self, bench, case="", **sizes):
        self.bench, self.case, self.sizes = bench, case, sizes
        self.rounds, self.ones, self.notes = {}, {}, []
        self.meaning = []  # sentences about the figures

    def median(self, name, unit="ratio"):
        return median(self.rounds.get((name, unit), ()))

    def figures(self):
        for (name, unit), values in self.rounds.items():
            low, high = number(min(values)), number(max(values))
            # least and most are the names of min and max before 0.2.
            yield {"name": name, "unit": unit, "rounds": len(values),
                   "median": number(median(values)), "min": low, "max": high,
                   "least": low, "most": high}
        for (name, unit), value in self.ones.items():
            yield {"name": name, "unit": unit, "value": number(value)}

    def text(self):
        yield f"\n{self.bench}: {self.case}"
        for (name, unit), values in self.rounds.items():
            shown = unit if unit != "ratio" else ""
            yield (f"    {name:<26} {figure_text(median(values), unit):>8} "
                   f"{shown:<13} ({figure_text(min(values), unit)} to "
                   f"{figure_text(max(values), unit)})")
        for (name, unit), value in self.ones.items():
            shown = "" if unit == "ratio" or math.isnan(value) else unit
            yield (f"    {name:<26} {figure_text(value, unit):>8} "
                   f"{shown}").rstrip()
        for note in self.notes:
            yield f"    note: {note}"
        for sentence in self.meaning:
            yield textwrap.fill(sentence, 78, initial_indent="  ",
                                subsequent_indent="    ")

    def json(self):
        more = {"figures": list(self.figures()), "notes": self.notes,
                "meaning": self.meaning}
        return {"bench": self.bench, "case": self.case, **self.sizes,
                **{name: value for name, value in more.items() if value}}


def machine():
    model = ""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        found = re.search(r"^model name\s*: (.*)", file.read(), re.M)
        model = found.group(1) if found else ""
    name = os.uname()
    return {"cpus": len(os.sched_getaffinity(0)), "model": model,
            "kernel": f"{name.sysname} {name.release}",
            "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE"),
            "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
            "load": os.getloadavg()[0]}


def machine_text(m):
    yield f"reporter-bench {VERSION}"
    yield (f"machine: {m['cpus']} CPU{'s'[:m['cpus'] != 1]}, "
           f"{m['model'] or 'unknown'}, {m['kernel']}, {m['memory'] >> 20} MiB")
    yield (f"limits: {m['open_files']} open files; load before the start "
           f"{m['load']:.2f}")
    if m["load"] > BUSY * m["cpus"]:
        yield "machine is busy: ratios are valid, absolute figures are not"


# --------------------------------------------------------------- options ---


def whole_number(text, largest):
    found = re.fullmatch(r"([0-9]+)([kM]?)", text)
    value = (int(found.group(1)) * {"": 1, "k": 1000, "M": 1000000}[
        found.group(2)] if found else 0)
    if not 1 <= value <= largest:
        raise ValueError(text)
    return value


def whole_numbers(text, largest):
    words = text.split(",")
    if len(words) > LIST_MAX:
        raise ValueError(text)
    return [whole_number(word, largest) for word in words]


def option_value(name, text):
    """The value of an option; ValueError says what was expected."""
    if name in SECONDS:
        expected = f"0.01 to {SECONDS_MAX} seconds"
        with contextlib.suppress(ValueError):
            if 0.01 <= float(text) <= SECONDS_MAX:
                return float(text)
    elif name in NUMBER:
        expected = f"a number from 1 to {NUMBER[name]}"
        with contextlib.suppress(ValueError):
            return whole_number(text, NUMBER[name])
    elif name in NUMBERS:
        expected = (f"up to {LIST_MAX} numbers from 1 to {NUMBERS[name]}, "
                    "separated by commas")
        with contextlib.suppress(ValueError):
            return whole_numbers(text, NUMBERS[name])
    elif name == "i":
        expected = "up to 31 letters, digits, - and _"
        if INSTANCE.fullmatch(text):
            return text
    elif name == "dialect":
        expected = "native, elb or lars"
        if text in DIALECTS:
            return text
    else:
        return text
    raise ValueError(expected)


def options_read(arguments):
    """The options, and the names of the benchmarks; or ends the program."""
    valued = [name + "=" for name in (*TEXTS[4:], *NUMBER, *NUMBERS, *SECONDS)]
    options = dict.fromkeys(FLAGS, False)
    try:
        found, names = getopt.gnu_getopt(
            arguments, "c:H:p:i:hV", [*FLAGS, *valued, "help", "version"])
        "".join(arguments).encode()
    except UnicodeError:
        usage_error("the command line is not UTF-8")
    except getopt.GetoptError as error:
        complain(f"reporter-bench: {error}\n{HELP.rstrip()}")
        raise Exit(USAGE) from error
    for word, text in found:
        name = word.lstrip("-")
        if name in ("h", "help", "V", "version"):
            write(HELP.rstrip() if name[0] == "h"
                  else f"reporter-bench {VERSION}")
            raise Exit(DONE)
        try:
            options[name] = name in FLAGS or option_value(name, text)
        except ValueError as expected:
            usage_error(
                f'{word}: invalid value "{text}": expected {expected}')
    if "keys" in options:
        options["keys"] = [-(-n // REPORT_RECORDS) * REPORT_RECORDS
                           for n in options["keys"]]
    return options, names


# --------------------------------------------------------------- the site ---


def helper(name):
    """Path of a helper program: in the build directory, or as installed."""
    built = os.path.join(DIRECTORY, "../t/bench", name)
    return built if os.access(built, os.X_OK) else f"@pkglibexecdir@/{name}"


class Bench:
    """What is measured, and what was found."""

    def __init__(self, options):
        self.options = options
        # Inside what --self requires, which the script that is our parent
        # has made.
        self.place = None
        if os.environ.get("REPORTER_BENCH_INSTANCE") == \
                f"bench-{os.getppid()}":
            self.place = os.environ.get("REPORTER_BENCH_DIRECTORY")
        self.report = {"program": "reporter-bench", "version": VERSION,
                       "machine": machine(), "results": []}
        self.database = None  # its version and settings
        self.newest = 0  # ts of a record
        self.before = {}  # facts of a running reporter
        self.wrote = False  # rows may have been written to its table
        limit = self.report["machine"]["open_files"]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.files = limit - ENGINE_BESIDE

    def one(self, name, default):
        """An option's value, of a list the first."""
        value = self.options.get(name, default)
        return value[0] if isinstance(value, list) else value

    def own(self):
        """Parameters of the engine: where the reporter is."""
        if not self.options["self"]:
            given = {"conf": "c", "host": "H", "port": "p", "instance": "i"}
            return {name: self.options[letter]
                    for name, letter in given.items()
                    if letter in self.options}
        pid = 0
        with contextlib.suppress(OSError), \
                open(f"{self.place}/database.pid") as file:
            pid = int(file.read())
        return {"self": 1, "conf": f"{self.place}/reporter.conf",
                **({"database": pid} if pid else {})}

    def setup(self, title, keys, connections, workers=0, interval=0,
              database=True):
        """With --self, restart the private reporter.  keys: room in its
        tables; workers, interval: 0 is the default."""
        self.title = title
        self.show("setting up")
        if self.options["self"] and subprocess.run(
                [helper("reporter-bench-self"), "reporter", *map(str, (
                    workers, max(keys, 65536), connections + 16, interval,
                    int(database)))], check=False).returncode != 0:
            raise Failure("cannot start a reporter of our own")

    def show(self, text):
        to_terminal(f"{self.title}: {text}")

    def engine(self, command, *results, **parameters):
        """Run the engine.  Its figures and notes go to the results, by their
        number.  Returns the facts that it prints."""
        words = {"command": command, "ts": self.newest, **self.own(),
                 **parameters}
        facts, error = {}, None
        with subprocess.Popen(
                [helper("reporter-bench-engine"), json.dumps(words)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            try:
                for line in process.stdout:
                    (kind, value), = json.loads(line).items()
                    self.wrote |= value == ["connected", True]
                    if kind == "figure":
                        i, name, unit, value = value
                        results[i].rounds.setdefault((name, unit), []).append(
                            math.nan if value is None else value)
                    elif kind == "note" and value[1] not in \
                            results[value[0]].notes:
                        results[value[0]].notes.append(value[1])
                    elif kind == "progress":
                        self.show(value)
                    elif kind == "fact":
                        facts[value[0]] = value[1]
                    elif kind == "error":
                        error = value
            except BaseException:
                process.kill()
                self.wrote |= b'"connected"' in process.stdout.read()
                raise
        if process.returncode != 0 and error is None:
            error = f"the engine ended with status {process.returncode}"
        if error is not None:
            raise Failure(error)
        self.database = facts.get("database", self.database)
        self.newest = facts.get("ts", self.newest)
        return facts

    def end(self, result):
        to_terminal("")
        self.report["results"].append(result.json())
        if not self.options["json"]:
            write("\n".join(result.text()))

    def tidy(self):
        """Delete our rows, or say that they stay."""
        if not self.wrote or self.options["self"]:
            return
        if "c" not in self.options:
            notice("rows with modid 2000000000 and up were written; delete "
                   "them from the table")
            return
        self.title = "cleaning up"
        try:
            try:
                self.engine("tidy", connections=self.before["connections"])
            except Failure:
                # The reporter has ended: nothing more will be written.
                self.engine("tidy", unwatched=1)
        except Failure as failure:
            notice(failure)
            notice("rows with modid 2000000000 and up stay in the table")

    # -------------------------------------------------- absorb and flat ---

    def cases(self, bench, sizes, rounds, chunk):
        """Measure cases against one another: each round runs all of them.
        sizes: of each its dialect, keys and connections."""
        connections = max(c for *_, c in sizes)
        keys = max(k for _, k, _ in sizes)
        chunk = self.one("chunk", chunk)
        self.setup(bench, keys, connections, self.one("workers", 0),
                   database=False)
        results = [Result(bench, f"{d}, {k} keys, {c} connections", dialect=d,
                          keys=k, connections=c, chunk=chunk)
                   for d, k, c in sizes]
        facts = self.engine(
            "absorb", *results, room=keys, chunk=chunk,
            rounds=self.one("rounds", rounds),
            ms=1000 * self.one("seconds", 1),
            cases=[{"dialect": d, "keys": k, "connections": c}
                   for d, k, c in sizes])
        for r in results:
            if "workers" in facts:
                r.sizes["workers"] = facts["workers"]
            else:
                r.notes.append("measured until the server had read all, since "
                               "its shared memory is out of reach")
            if r.median("generator waits") < WAITS_MIN:
                r.notes.append("the load generator is the bottleneck, not the "
                               "server")
            if r.median("generator waits, raw sink") < WAITS_MIN:
                r.notes.append("the load generator is the bottleneck at the "
                               "raw sink, which could take more")
            if not self.options["self"]:
                r.notes.append("the database takes part; the raw sink runs on "
                               "this machine")
            self.end(r)
        return results

    def absorb(self):
        keys = self.one("keys", ABSORB_KEYS)
        connections = self.one("connections", ABSORB_CONNECTIONS)
        limit, what = self.connections_max()
        if connections > limit:
            raise Failure(f"{connections} connections: {what} allows {limit}")
        wanted = self.options.get("dialect")
        self.cases("absorb", [(d, keys, connections) for d in DIALECTS
                              if wanted in (None, d)], 5, 65536)

    def flat_cases(self, sizes, what):
        """Compare the last case with the first."""
        if not sizes:
            return
        results = self.cases("flat", sizes, 3, FLAT_CHUNK)
        if len(results) < 2:
            return
        rates = [r.median("reporter", "records/s") for r in results]
        r = Result("flat", f"max {what} to min")
        ratio = rates[-1] / rates[0]
        r.ones["records/s, ratio", "ratio"] = ratio
        r.ones["the same at the raw sink", "ratio"] = (
            ratio * results[0].median("ratio") / results[-1].median("ratio"))
        self.end(r)

    def connections_max(self):
        """The maximum number of connections, and what limits it."""
        limit, what = self.files, "the limit of open files here (ulimit -Hn)"
        if self.options["self"]:
            # Our own reporter has the same limit, and needs more besides.
            limit = max(limit - REPORTER_BESIDE, 1)
        elif self.before.get("max_connections", limit) < limit:
            limit = self.before["max_connections"]
            what = "the reporter's limits.max_connections"
        return limit, what

    def flat(self):
        connections = self.options.get("connections", [10, 1000, 10000])
        keys = self.options.get("keys", [10000, 100000, 1000000])
        limit, what = self.connections_max()
        for n in connections:
            if n > limit:
                r = Result("flat", f"{n} connections")
                r.notes.append(f"left out: {what} allows {limit} connections")
                self.end(r)
        self.flat_cases([("native", ABSORB_KEYS, n) for n in connections
                         if n <= limit], "connections")
        self.flat_cases([("native", n, ABSORB_CONNECTIONS) for n in keys],
                        "keys")
        self.memory(min(max(connections), limit))

    def memory(self, connections):
        r = Result("flat", f"memory, {connections} connections",
                   connections=connections)
        keys = connections * REPORT_RECORDS
        self.setup("flat", keys, connections, self.one("workers", 0),
                   database=False)
        measured = self.options["self"] and connections >= IDLE_MIN
        self.engine("memory", r, room=keys,
                    connections=connections if measured else 0)
        r.ones = {name: values[0] for name, values in r.rounds.items()}
        r.rounds = {}
        if not self.options["self"]:
            r.notes.append("memory of an idle connection: requires --self; the "
                           "heap of a reporter that has run for a while may "
                           "not grow")
        elif not measured:
            r.notes.append("memory of an idle connection: not measured, too "
                           "few connections to make the heap grow")
        if r.ones:
            self.end(r)

    # -------------------------------------------------- flush and cost ---

    def flush_one(self, keys, workers):
        r = Result("flush")
        self.setup(f"flush: {keys} keys", keys, FLUSH_CONNECTIONS, workers,
                   FLUSH_INTERVAL)
        if not self.options["self"]:
            r.notes.append("a wait of up to flush_interval may be included")
        workers = self.engine("flush", r, room=keys, keys=keys,
                              rounds=self.one("rounds", 5))["workers"]
        r.case = f"{keys} keys, {workers} worker{'s'[:workers != 1]}"
        r.sizes = {"keys": keys, "workers": workers}
        self.end(r)

    def flush(self):
        workers = self.options.get("workers", [1, 2, 4])
        for keys in self.options.get("keys", [10000, 100000, 1000000]):
            for n in workers if self.options["self"] else [0]:
                self.flush_one(keys, n)

    def cost(self):
        self.flush_one(self.one("keys", COST_KEYS), self.one("workers", 1))

    # ----------------------------------------------- fresh and backlog ---

    def fresh_one(self, rate):
        keys = self.one("keys", ABSORB_KEYS)
        samples = self.one("samples", 1000)
        r = Result("fresh")
        # Our own tables are at most half full.
        room = 2 * keys if self.options["self"] else keys if rate else 1
        self.setup("fresh", room, 0, interval=self.one("interval", INTERVAL))
        flaps = self.one("flaps", 0)
        facts = self.engine("fresh", r, room=room, keys=keys, rate=rate,
                            samples=samples, flaps=flaps)
        r.case = (f"at {rate} records/s" if rate else "a lone report") + (
            f", flush_interval {facts['interval_ms']} ms") + (
            f", {flaps} of 1000 keys flap a minute" if flaps else "")
        r.sizes = {"rate": rate, "interval_ms": facts["interval_ms"],
                   "samples": samples, **({"keys": keys} if rate else {})}
        seen = r.rounds["visible after", "ms"]
        direct = r.rounds["one INSERT", "ms"]
        r.ones = {("50 % visible after", "ms"): percentile(seen, 0.5),
                  ("99 %", "ms"): percentile(seen, 0.99),
                  ("99.9 %", "ms"): percentile(seen, 0.999),
                  ("all", "ms"): max(seen),
                  ("one INSERT, 50 %", "ms"): percentile(direct, 0.5),
                  ("one INSERT, 99 %", "ms"): percentile(direct, 0.99)}
        reached = r.rounds.get(("rate of the load", "records/s"))
        if reached:
            r.ones["rate of the load", "records/s"] = reached[0]
        if flaps:
            r.sizes["flaps"] = flaps
            r.ones["rows per record", "ratio"] = r.median("rows per record")
        r.rounds = {}
        if math.isnan(r.ones["99.9 %", "ms"]):
            r.notes.append(f"{samples} samples; a percentile that no sample "
                           "lies beyond is not shown")
        self.end(r)

    def fresh(self):
        lone = [] if "flaps" in self.options else [0]
        for rate in (*lone, *self.options.get("rate", [RATE])):
            self.fresh_one(rate)

    def backlog(self):
        keys = self.one("keys", ABSORB_KEYS)
        interval = self.one("interval", INTERVAL)
        rate, away = self.one("rate", RATE), self.one("away", 10.0)
        r = Result("backlog", f"{away:g} s outage, {rate} records/s, "
                   f"{keys} keys, flush_interval {interval} ms", keys=keys,
                   interval_ms=interval, rate=rate, away_s=away)
        self.setup("backlog", keys, 0, self.one("workers", 0), interval)
        facts = self.engine("backlog", r, room=keys, keys=keys, rate=rate,
                            away_ms=1000 * away, rounds=self.one("rounds", 3))
        r.sizes["workers"] = facts["workers"]
        self.end(r)

    # ------------------------------------------------------------- site ---

    def site(self):
        hosts, services = self.one("hosts", 500), self.one("services", 20)
        servers, flaps = self.one("servers", 10), self.one("flaps", 10)
        dialect = self.one("dialect", "elb")
        workers = self.one("workers", 0)
        keys = hosts * services * servers
        if keys > SITE_KEYS_MAX:
            raise Failure(f"{keys} keys: at most {SITE_KEYS_MAX} are possible")
        # Seconds in which every key is reported once.
        every = (services / self.one("calls", 100) if dialect == "lars"
                 else self.one("every", 15.0))
        connections = min(hosts, self.connections_max()[0])
        self.setup("site", keys + keys // 2, connections, workers,
                   self.one("interval", SITE_INTERVAL))
        r = Result("site", f"{hosts} hosts x {services} services x {servers} "
                   f"servers, as agents of {dialect}", hosts=hosts,
                   services=services, servers=servers, keys=keys, flaps=flaps,
                   dialect=dialect, connections=connections, every_s=every)
        facts = self.engine(
            "play", r, room=keys, hosts=hosts, services=services,
            servers=servers, flaps=flaps, dialect=dialect,
            connections=connections, pass_us=round(every * 1e6),
            ms=1000 * self.one("seconds", 60))
        r.sizes |= {name: facts[name] for name in ("workers", "interval_ms")}
        seen = r.rounds
        r.rounds, r.ones = {}, {}
        for (name, unit), values in seen.items():
            if len(values) == 1:
                r.ones[name, unit] = values[0]
            else:
                r.ones[f"{name}, 50 %", unit] = percentile(values, 0.5)
                r.ones[f"{name}, 99 %", unit] = percentile(values, 0.99)
        if connections < hosts:
            r.notes.append(f"{hosts} hosts share {connections} connections: "
                           f"{self.connections_max()[1]} allows no more")
        r.meaning += self.site_meaning(r, keys, every)
        self.end(r)

    def site_meaning(self, r, keys, every):
        """What the figures mean, in words."""
        def text(name, unit):
            return f"{figure_text(r.ones[name, unit], unit)} {unit}"

        def delay(name, unit="ms"):
            most = r.ones[f"{name}, 99 %", unit]
            return (text(f"{name}, 50 %", unit) + " (median), " + (
                "too few probes for a 99th percentile" if math.isnan(most) else
                f"{figure_text(most, unit)} {unit} (99th percentile)"))

        rows = r.ones["rows per record", "ratio"]
        cpus = self.report["machine"]["cpus"]
        ours, database, played = (r.ones[f"CPU of {name}", "CPUs"] for name in (
            "reporter", "the database", "the agents played"))
        used = ours + played + (0 if math.isnan(database) else database)
        yield (f"{keys} keys, each reported every {every:g} s, are "
               f"{text('records', 'records/s')}.")
        yield (f"For 1000 records the database stores {1000 * rows:.0f} rows, "
               f"which is {text('rows', 'rows/s')}.")
        yield (f"reporter uses {100 * ours:.0f} % of a CPU, the database " + (
            "an unknown share: measure it on its host" if math.isnan(database)
            else f"{100 * database:.0f} %") + ".")
        yield f"A change of overload is visible after {delay('overload')}."
        yield f"A new key is visible after {delay('new key')}."
        yield ("The counts of other keys, as a reader of the table sees "
               f"them, have an age of {delay('age', 's')}.")
        yield ("When all keys were new, as after a loss of the shared memory, "
               "all were stored after "
               f"{text('all keys stored after', 's')}, and a change of "
               f"overload was visible after {delay('overload, start')}.")
        if "the given rate was not reached" in r.notes:
            yield "This machine is too small: it did not take all records."
            return
        small = used > SITE_BUSY * cpus
        yield (f"This machine {'is too small for' if small else 'can take'} "
               f"this site: {used:.1f} of {cpus} CPUs were in use, "
               f"{played:.1f} of them by the agents" +
               (", the database not counted." if math.isnan(database)
                else "."))
    # ------------------------------------------------------------- idle ---

    def idle_one(self, address, connections):
        r = Result("idle", f"{connections} silent agents",
                   connections=connections)
        self.show(f"{connections} agents")
        with open(f"{self.place}/reporter.pid") as file:
            master = int(file.read())
        with open(f"/proc/{master}/task/{master}/children") as file:
            workers = list(map(int, file.read().split()))
        with contextlib.ExitStack() as agents:
            for _ in range(connections):
                agents.enter_context(socket.create_connection(address))
            time.sleep(2)  # they are accepted, the database is connected
            rates = list(sleep_rates([master, *workers],
                                     self.one("seconds", IDLE_SECONDS)))
        for name, at in (("master", rates[0]), ("worker", max(rates[1:]))):
            r.ones[f"{name}, wake-ups", "times/s"] = round(at[0], 2)
            r.ones[f"{name}, CPU time", "%"] = 100 * at[1]
        r.sizes["workers"] = len(workers)
        self.end(r)

    def idle(self):
        connections = min(self.one("connections", IDLE_CONNECTIONS),
                          self.connections_max()[0])
        self.setup("idle", 1, connections, self.one("workers", 0))
        with open(f"{self.place}/reporter.conf") as file:
            host, port = re.search(r"^listen = (.*):(\d+)$", file.read(),
                                   re.M).groups()
        for n in (0, connections):
            self.idle_one((host, int(port)), n)

    # --------------------------------------------------------- all of it ---

    # The benchmarks, and what each requires.
    NOTHING, CONF, COUNTERS, SELF = range(4)
    ALL = {"absorb": (absorb, NOTHING), "flush": (flush, COUNTERS),
           "cost": (cost, COUNTERS), "fresh": (fresh, CONF),
           "flat": (flat, NOTHING), "backlog": (backlog, SELF),
           "idle": (idle, SELF), "site": (site, NOTHING)}

    def lacks(self, name):
        """What is missing to run it."""
        need = self.ALL[name][1]
        if self.options["self"] or need == self.NOTHING:
            return None
        if need == self.SELF:
            return "--self"
        if "c" not in self.options:
            return "--self, or the reporter's configuration (-c)"
        if need == self.COUNTERS and "H" in self.options \
                and "i" not in self.options:
            return "--self, or a reporter on this machine (-i)"
        return None

    def run(self, name):
        if name != "all":
            self.ALL[name][0](self)
            return
        for each in self.ALL:
            lacks = self.lacks(each)
            if each in ("cost", "site"):  # one case of flush; not in "all"
                continue
            if lacks is None:
                self.run(each)
                continue
            r = Result(each, "left out")
            r.notes.append(f"requires {lacks}")
            self.end(r)

    def measure(self, names):
        if not self.options["json"]:
            write("\n".join(machine_text(self.report["machine"])))
        self.title = "looking at the reporter"
        if not self.options["self"]:
            self.before = self.engine("describe")
        for name in names:
            self.run(name)
        to_terminal("")
        if self.database is not None:
            self.report["database"] = self.database
            if not self.options["json"]:
                write(f"database: {self.database}")

    def write_json(self):
        if self.options["json"]:
            write(json.dumps(self.report, indent=2))


ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def ignore_signals():
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)


def interrupted(_number, _frame):
    ignore_signals()
    raise Interrupted


def measure(bench, names):
    """Returns the exit status.  Our rows go, whatever ends it."""
    try:
        try:
            bench.measure(names)
        except Failure as failure:
            notice(failure)
            bench.report["error"] = str(failure)
            bench.write_json()
            return FAILED
        bench.write_json()
        return DONE
    except Failure as failure:
        notice(failure)
    except Interrupted:
        notice("interrupted; cleaning up")
    finally:
        ignore_signals()
        bench.tidy()
    return FAILED


def become_self(options, arguments):
    """Run again, inside what --self requires."""
    script = helper("reporter-bench-self")
    beside = os.path.join(DIRECTORY, "reporter")
    server = options.get("server", beside if os.access(beside, os.X_OK)
                         else None)
    for name in ("SERVER", "CONF", "TABLE", "MAKE", "DROP"):
        os.environ.pop(f"REPORTER_BENCH_{name}", None)
    if server is not None:
        os.environ["REPORTER_BENCH_SERVER"] = os.path.abspath(server)
    if "c" in options:
        conf = os.path.abspath(options["c"])
        table = f"reporter_bench_{secrets.token_hex(4)}"
        words = {"conf": conf, "table": table, "port": "0", "unwatched": 1}
        os.environ |= {
            "REPORTER_BENCH_CONF": conf, "REPORTER_BENCH_TABLE": table,
            "REPORTER_BENCH_MAKE": json.dumps(words | {
                "command": "table_make"}),
            "REPORTER_BENCH_DROP": json.dumps(words | {
                "command": "table_drop"})}
    os.execv(script, [script, "run", os.path.realpath(__file__), *arguments])


def main(arguments):
    # Open closed standard streams on /dev/null, so that no other file gets
    # their descriptor.
    while (fd := os.open("/dev/null", os.O_RDONLY)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stderr = sys.stderr or open(os.devnull, "w")
    options, names = options_read(arguments)
    bench = Bench(options)
    if not names:
        complain(HELP.rstrip())
        return USAGE
    for name in names:
        lacks = bench.lacks(name) if name in Bench.ALL else None
        if lacks:
            usage_error(f"{name} requires {lacks}")
        elif name != "all" and name not in Bench.ALL:
            usage_error(f'unknown benchmark "{name}"')
    if options["self"] and options.keys() & set("cHpi"):
        usage_error("--self cannot be combined with -c, -H, -p or -i")
    if "site" in names and not options["self"]:
        # Its reporter is always our own; only the database may be another.
        if set(names) != {"site"} or options.keys() & set("Hpi"):
            usage_error("site without --self cannot be combined with other "
                        "benchmarks, -H, -p or -i")
        options["self"] = True
    if options["self"] and bench.place is None:
        become_self(options, arguments)
    for ending in ENDING:
        signal.signal(ending, interrupted)
    return measure(bench, names)


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Exit as end:
        status = end.args[0]
    except Failure as failure:
        notice(failure)
        status = FAILED
    # Not sys.exit(): it would try again to write what could not be written.
    os._exit(status)
