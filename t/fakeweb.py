#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A stand-in for reporter-web with made-up services, for work on the page and
for tests of it: every state of an instance, any number of services, without a
reporter.

    t/fakeweb.py -p 9190 -n 50 -s one        then open http://127.0.0.1:9190/

It serves the files of src/web/page (-D) and the API of reporter-web.  What it
shows changes with the time, each interval of a look (-i), by arithmetic alone:
two servers with equal arguments show the same.  While it runs,

    curl -d 'state=many&services=10000' http://127.0.0.1:9190/control

changes it: state, services, still (values stand still), delay (seconds before
each answer of the API), flip=MODID/CMDID (overloads a service, or ends that);
GET /control returns the log of requests, and forgets it."""

import argparse
import http.server
import ipaddress
import json
import math
import os
import random
import socket
import sys
import threading
import time
import urllib.parse
import zlib

STATES = {
    "healthy": "nothing is overloaded",
    "one": "one server of one service overloaded, all its callers agree",
    "caller": "one caller of 41 calls one server overloaded",
    "many": "overloads, errors, late and silent services, silent callers",
    "hostile": "as many, with names that attack the page",
    "stopped": "reporter has stopped",
    "unresponsive": "reporter does not respond",
    "other_layout": "reporter has another layout of shared memory",
    "unreadable": "shared memory cannot be read",
    "behind": "the database is 340 s behind",
    "away": "the database is not connected",
    "agents": "agents are connected, and nothing is fresh",
    "truncated": "more services than a look can hold",
    "empty": "no report has ever come in",
    "never": "there was no look yet: the API answers 503",
    "dead": "connections are closed without an answer",
}
REPORTERS = ("stopped", "unresponsive", "other_layout", "unreadable")
FRESH, SILENT = 45, 300
SAMPLES, STEP = 120, 5
LIMIT = 1000  # rows of an answer
NAMES = ("login", "cart", "checkout", "search", "catalogue", "prices",
         "payment", "mail", "images", "sessions", "stock", "recommend",
         "登录服务", "支付网关")
HOSTILE = ("<img src=x onerror=alert(1)>", "\u202egnissecorp\u202c",
           "a" * 64, "名" * 21, "\"';--</td></table>", "&lt;b&gt;",
           "javascript:alert(1)", "__proto__", " ")
SERVICE = ("modid", "cmdid", "name", "state", "overloaded", "servers", "stale",
           "since", "since_known", "succ", "err", "error_share",
           "reports_per_s", "callers", "age")
SERVER = ("ip", "port", "state", "overloaded_by", "callers", "stale", "since",
          "since_known", "succ", "err", "error_share", "reports_per_s", "age")
CALLER = ("caller", "overload", "succ", "err", "error_share", "ts", "age",
          "state", "reports")
EVENT = ("n", "time", "modid", "cmdid", "ip", "port", "overloaded", "callers")
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; "
       "img-src 'self'; connect-src 'self'; base-uri 'none'; "
       "form-action 'none'; frame-ancestors 'none'")


class Invalid(Exception):
    """A request that is answered with 400."""


def state_of(overloaded, succ, err, age):
    if overloaded:
        return "overloaded"
    if age > FRESH:
        return "late" if age <= SILENT else "silent"
    if succ + err >= 20 and err >= 0.05 * (succ + err):
        return "errors"
    return "fine"


def share(succ, err):
    return round(err / (succ + err), 5) if succ + err > 0 else None


# ------------------------------------------------------------------- world ---

class Service:
    """What does not change about a service."""

    def __init__(self, number):
        r = random.Random(number)
        self.number = number
        self.modid, self.cmdid = 7 + number // 40, 1 + number % 40
        named = number < len(NAMES) or number % 3 == 0
        self.name = None if not named else NAMES[number % len(NAMES)] + (
            "" if number < len(NAMES) else f"-{number}")
        self.servers = 40 if number == 0 else r.choice((2, 4, 8, 12, 20, 60))
        self.callers = 40 if number == 0 else r.randint(2, 60)
        self.rate = 12.5 if number == 0 else round(r.lognormvariate(1, 1), 2)
        self.calls = self.rate * r.randint(200, 2000)
        self.error = r.choice((0, 0, 0.0004, 0.001, 0.004, 0.012))
        self.phase = r.random() * 7
        self.stale = 1 if number % 90 == 17 else 0
        self.overloads = {}  # server: callers that call it overloaded
        self.since = None
        self.lag = 0  # seconds that its records are older than they should be

    def host(self, index):
        """(address, port) of a server"""
        n = self.number * 64 + index
        return (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
                8080 + self.cmdid)

    def caller(self, index):
        return f"10.240.{self.number % 10}.{index}"


class World:
    def __init__(self, state, services, interval):
        self.lock = threading.RLock()
        self.interval = interval
        self.still = False
        self.delay = 0.0
        self.changes = 0  # part of ETags, as looks between two ticks
        self.make(state, services)

    def make(self, state, count):
        self.state = state
        self.changes += 1
        self.made = time.time()
        count = 0 if state in ("empty", "never") else count
        self.services = [Service(i) for i in range(count)]
        self.found = {(s.modid, s.cmdid): s for s in self.services}
        self.events = []
        self.cache = {}
        getattr(self, "make_" + state, lambda: None)()
        if state in REPORTERS or state in ("behind", "away", "truncated"):
            self.make_one()

    def overload(self, service, servers, ago):
        service.overloads = servers
        service.since = round(self.made - ago, 1)
        for i, callers in servers.items():
            self.flip(service, i, True, callers, service.since)

    def flip(self, service, index, on, callers, when):
        ip, port = service.host(index)
        self.events.append([len(self.events), when, service.modid,
                            service.cmdid, ip, port, on, callers])

    def make_one(self):
        # Not the first by number: that it leads the list is the order's doing.
        s = self.services[len(self.services) * 2 // 3]
        s.servers, s.callers, s.error = max(s.servers, 12), 40, 0.06
        self.overload(s, {5: 40}, 192)

    def make_caller(self):
        s = self.services[len(self.services) * 2 // 3]
        s.servers, s.callers = max(s.servers, 12), 41
        self.overload(s, {3: 1}, 1400)

    def make_many(self):
        r = random.Random(1)
        self.make_one()
        for s in self.services:
            dice = r.random()
            if s.overloads:
                continue
            if dice < 0.04:
                hosts = r.sample(range(s.servers),
                                 max(1, int(s.servers * r.random() * 0.6)))
                self.overload(s, {i: r.randint(1, s.callers) for i in hosts},
                              r.choice((20, 140, 900, 7300, 200000)))
                s.error = r.choice((0.002, 0.03, 0.2))
            elif dice < 0.08:
                s.error = r.choice((0.055, 0.09, 0.3, 0.9))
            elif dice < 0.11:
                s.lag = r.choice((80, 200))
            elif dice < 0.15:
                s.lag = r.choice((500, 3000, 90000))

    def make_hostile(self):
        self.make_many()
        for i, s in enumerate(self.services):
            s.name = HOSTILE[i % len(HOSTILE)]

    def make_agents(self):
        for s in self.services:
            s.lag = 900

    # -------------------------------------------------------------- a look ---

    def look(self):
        """(number, time) of the last look"""
        now = time.time()
        if self.state in REPORTERS:
            now = self.made
        number = int(now / self.interval)
        return number, number * self.interval

    def row(self, s, at):
        """A service as a row; at: the time that its values are of."""
        wave = 1 + 0.25 * math.sin(at / 40 + s.phase)
        age = round(s.lag + (at * 0.7 + s.number) % 5, 1)
        fresh = age <= FRESH
        calls = int(s.calls * wave) if fresh else 0
        err = int(calls * self.error(s, at))
        over = len(s.overloads) if fresh else 0
        stale = s.stale if fresh else s.servers
        return [s.modid, s.cmdid, s.name,
                state_of(over, calls - err, err, age), over, s.servers, stale,
                s.since if over else None,
                s.since is not None and self.made - s.since < 100000,
                calls - err, err, share(calls - err, err),
                round(s.rate * wave, 2) if fresh else 0.0, s.callers, age]

    @staticmethod
    def error(s, at):
        wave = 1 + 0.3 * math.sin(at / 25 + 2 * s.phase)
        if s.since is not None and at < s.since:
            return min(1, s.error * 0.1 * wave)
        return min(1, s.error * wave)

    def history(self, s, at):
        times = [at - (SAMPLES - 1 - i) * STEP for i in range(SAMPLES)]
        if self.still:
            times = [self.made - at + t for t in times]
        away = s.lag > FRESH
        errors = [-1 if away and t > times[-1] - s.lag else
                  round(1000 * self.error(s, t)) for t in times]
        return [errors, [0 if away or s.since is None or t < s.since else
                         len(s.overloads) for t in times]]

    def rows(self):
        """All services of the last look."""
        number, at = self.look()
        if self.cache.get("number") != number:
            of = self.made if self.still else at
            self.cache = {"number": number,
                          "rows": [self.row(s, of) for s in self.services]}
        return self.cache["rows"]

    def head(self):
        number, at = self.look()
        away = self.state == "away"
        return {
            "as_of": at, "look_ms": 12 + number % 9,
            "interval_s": self.interval, "instance": "default",
            "reporter": self.state if self.state in REPORTERS else "running",
            "fresh_s": FRESH, "silent_s": SILENT,
            "verdict": self.verdict(at),
            "reports_per_s": round(sum(r[12] for r in self.rows()), 1),
            "records_per_s": round(sum(r[12] for r in self.rows()) * 12, 1),
            "database": {"connected": not away,
                         "behind_s": 340 if self.state == "behind" else
                         round(time.time() - self.made + 75) if away else 0},
            "agents": {"connected":
                       0 if self.state in REPORTERS + ("empty",) else
                       min(400, 8 * len(self.services))}}

    def verdict(self, at):
        rows = self.rows()
        count = {}
        for r in rows:
            count[r[3]] = count.get(r[3], 0) + 1
        callers = min(640, 64 * len(rows))
        silent = callers if self.state == "agents" else \
            12 if self.state in ("many", "hostile") else 0
        return {
            "services": len(rows),
            "overloaded_services": count.get("overloaded", 0),
            "overloaded_servers": sum(r[4] for r in rows),
            "new_overloaded": sum(r[4] > 0 and r[7] > at - 300 for r in rows),
            "error_services": count.get("errors", 0),
            "silent_services": count.get("silent", 0),
            "late_services": count.get("late", 0), "callers": callers,
            "silent_callers": silent, "late_callers": silent // 4,
            "truncated": self.state == "truncated"}

    # ----------------------------------------------------------- drill-down ---

    def server_rows(self, s):
        row = self.row(s, self.made if self.still else self.look()[1])
        result = []
        for i in range(s.servers):
            ip, port = s.host(i)
            by = s.overloads.get(i, 0) if row[4] else 0
            stale = i < s.stale
            succ, err = row[9] // s.servers, row[10] // s.servers
            if by > s.callers / 2:
                succ, err = succ * 6 // 10, err + succ * 3 // 10
            age = row[14] + (4000 if stale else 0)
            if age > FRESH:
                succ = err = 0
            result.append([ip, port, state_of(by, succ, err, age), by,
                           s.callers, s.callers if stale else 0,
                           s.since if by else None, row[8], succ, err,
                           share(succ, err),
                           round(row[12] / s.servers, 2) if succ else 0.0,
                           round(age, 1)])
        # The worst first, as services are.
        rank = ("overloaded", "errors", "silent", "late", "fine")
        return sorted(result, key=lambda r: (rank.index(r[2]), -r[3],
                                             -(r[10] or 0)))

    def caller_rows(self, s, server):
        for i in range(s.servers):
            if "%s:%d" % s.host(i) == server:
                break
        else:
            return None
        at = self.look()[1]
        row = next(r for r in self.server_rows(s)
                   if (r[0], r[1]) == s.host(i))
        result = []
        for c in range(s.callers):
            flagged = c < row[3]
            succ, err = row[8] // s.callers, row[9] // s.callers
            age = round(row[12] + c * 0.9 % 6, 1)
            result.append([s.caller(c), flagged, succ, err, share(succ, err),
                           round(at - age), age,
                           state_of(flagged, succ, err, age),
                           1000 + int(at - self.made) // 5 + c])
        return result


# ------------------------------------------------------------------ filter ---

def matcher(term):
    """A predicate of (service, row), from one term of a filter."""
    head, colon, tail = term.partition(":")
    if colon and head == "state":
        states = tail.split(",")
        for state in states:
            if state not in ("overloaded", "errors", "silent", "late", "fine"):
                raise Invalid(f'"{term}": found state "{state}"; expected '
                              "overloaded, errors, silent, late or fine")
        return lambda s, r: r[3] in states
    for name, value in (("err", lambda r: 100 * (r[11] or 0)),
                        ("age", lambda r: r[14])):
        if term[:3] == name and term[3:4] in ("<", ">"):
            try:
                limit = float(term[4:])
            except ValueError:
                raise Invalid(f'"{term}": found "{term[4:]}"; expected a '
                              "number") from None
            if term[3] == ">":
                return lambda s, r: value(r) > limit
            return lambda s, r: value(r) < limit
    if term.lstrip("-").isdigit():
        return lambda s, r: r[0] == int(term)
    modid, slash, cmdid = term.partition("/")
    if slash and modid.lstrip("-").isdigit() and cmdid.lstrip("-").isdigit():
        return lambda s, r: (r[0], r[1]) == (int(modid), int(cmdid))
    if all(c in "0123456789./" for c in term):
        try:
            net = ipaddress.ip_network(term, strict=False)
        except ValueError:
            raise Invalid(f'"{term}": found no address; expected an address, '
                          "a network, a number or a name") from None
        first, last = int(net[0]), int(net[-1])
        return lambda s, r: any(
            first <= 0x0a000000 + 64 * s.number + i <= last
            for i in range(s.servers)) or any(
            first <= 0x0af00000 + 256 * (s.number % 10) + i <= last
            for i in range(s.callers))
    if not any(c.isalpha() for c in term):
        raise Invalid(f'"{term}": found no letter; expected a name')
    return lambda s, r: s.name is not None and term.lower() in s.name.lower()


def trouble(r):
    return (r[3] != "overloaded", -r[4] / r[5] if r[5] else 0,
            -(r[10] * r[10] / (r[9] + r[10])) if r[9] + r[10] else 0,
            not (r[3] == "silent" and r[14] < 3600), -r[12], r[0], r[1])


ORDERS = {
    "trouble": trouble, "number": lambda r: (r[0], r[1]),
    "errors": lambda r: (-(r[11] or 0), r[0], r[1]),
    "reports": lambda r: (-r[12], r[0], r[1]),
    "servers": lambda r: (-r[5], r[0], r[1]),
    "overloaded": lambda r: (-r[4], r[0], r[1]),
    "since": lambda r: (-(r[7] or 0), r[0], r[1]),
    "age": lambda r: (-r[14], r[0], r[1]),
    "succ": lambda r: (-r[9], r[0], r[1]),
    "err": lambda r: (-r[10], r[0], r[1]),
    "callers": lambda r: (-r[13], r[0], r[1]),
    "name": lambda r: (r[2] is None, r[2] or "", r[0], r[1]),
}


# --------------------------------------------------------------------- API ---

def arguments(query, **known):
    """The arguments of a query with their defaults; each once at most."""
    found = dict(known)
    seen = set()
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        if name not in known or name in seen or "\0" in value:
            raise Invalid(f"unexpected argument {name}; expected "
                          + ", ".join(known) + ", once each")
        seen.add(name)
        found[name] = value
    if "limit" in found:
        if not str(found["limit"]).isdigit() or \
                not 1 <= int(found["limit"]) <= 1000:
            raise Invalid("limit is not from 1 to 1000")
        found["limit"] = int(found["limit"])
    return found


def api_services(world, query):
    a = arguments(query, q="", sort="trouble", limit=50, after="", history="0")
    if a["sort"] not in ORDERS:
        raise Invalid("sort is not " + ", ".join(ORDERS))
    if len(a["q"].encode()) > 256 or len(a["q"].split()) > 16:
        raise Invalid("the filter is longer than 16 terms or 256 bytes")
    tests = [matcher(term) for term in a["q"].split()]
    rows = sorted(
        (r for s, r in zip(world.services, world.rows())
         if all(test(s, r) for test in tests)), key=ORDERS[a["sort"]])
    first = 0
    if a["after"]:
        at = [i for i, r in enumerate(rows) if f"{r[0]}/{r[1]}" == a["after"]]
        if not at:
            raise Invalid("after is not a row of this list")
        first = at[0] + 1
    page = rows[first:first + a["limit"]]
    more = first + a["limit"] < len(rows)
    answer = world.head()
    answer.update(columns=SERVICE, rows=page, total=len(rows),
                  after=f"{page[-1][0]}/{page[-1][1]}" if more else None)
    if a["history"] == "1":
        answer["history"] = histories(
            world, [world.found[r[0], r[1]] for r in page])
    return answer


def histories(world, services):
    at = world.look()[1]
    return [[at - (SAMPLES - 1) * STEP, STEP]] + [
        world.history(s, at) for s in services]


def api_service(world, s, query):
    arguments(query)
    row = world.row(s, world.made if world.still else world.look()[1])
    return {**world.head(), "service": dict(zip(SERVICE, row)),
            "columns": SERVER, "rows": world.server_rows(s)[:LIMIT],
            "history": histories(world, [s])}


def api_callers(world, s, query):
    a = arguments(query, server="", limit=1000)
    rows = world.caller_rows(s, a["server"])
    if rows is None:
        return None
    return {**world.head(), "columns": CALLER, "rows": rows[:a["limit"]]}


def api_events(world, query):
    a = arguments(query, since="0")
    if not a["since"].isdigit():
        raise Invalid("since is not a number")
    return {"next": len(world.events), "lost": False, "columns": EVENT,
            "rows": world.events[int(a["since"]):]}


def api_agents(world, query):
    a = arguments(query, sort="address", limit=1000)
    now = int(time.time())
    count = world.head()["agents"]["connected"]
    agents = [{
        "address": f"10.240.{i // 64}.{i % 64}:{40000 + i}",
        "dialect": ("native", "elb", "lars")[i % 3],
        "since": now - 86400 - i * 7, "reports": 17280 + i,
        "records": 207360 + 12 * i, "clock_offset": (i + 1) % 3 - 1,
        "throttled": 3 if i == 7 else None, "held": 0,
        "caller": f"10.240.{i // 64}.{i % 64}" if i % 50 else None,
        "rejected": {"malformed": 2 if i == 5 else 0, "no_result": 0}}
        for i in range(min(count, a["limit"]))]
    return {"agents": agents, "more": count > a["limit"], "unlisted": 0}


def api_status(world, query):
    arguments(query)
    now = time.time()
    reports = int((now - world.made) * 6700) + 41000000
    rates = [{"span": span, "seconds": span, "reports": 6700.0,
              "received": 81000.0, "stored": 12000.0, "superseded": 69000.0,
              "bytes": 2100000.0} for span in (10, 60, 300)]
    workers = [{"slot": i, "generation": 1, "pid": 4100 + i,
                "state": "running", "restarts": 0, "queued": 3,
                "ring_records": 65536, "pending": 410, "keys": 40000,
                "table_keys": 1048576, "stored": reports,
                "connected": world.state != "away", "lag": 0.4,
                "host": "127.0.0.1:3306", "segment_error": None,
                "last_error": None} for i in range(2)]
    return {"instance": "default", "version": "0.3.0", "master_age": 0.2,
            "running": True, "pid": 4099, "uptime": 90000, "generation": 1,
            "reload_failed": False, "connections": 400, "reports": reports,
            "rejected": {"malformed": 3}, "throttled": 0,
            "records": {"received": 12 * reports, "replayed": 0,
                        "rejected": 3, "dropped": 0, "queued": 6,
                        "pending": 820, "superseded": 10 * reports,
                        "stored": 2 * reports - 829, "dead_letter": 0},
            "rates": rates, "workers": workers}


def route(world, path, query):
    """The answer of the API, or None for not found."""
    part = path.split("/")[3:]
    simple = {"events": api_events, "agents": api_agents,
              "status": api_status, "services": api_services}
    if len(part) == 1 and part[0] in simple:
        return simple[part[0]](world, query)
    if len(part) in (3, 4) and part[0] == "services":
        try:
            s = world.found.get((int(part[1]), int(part[2])))
        except ValueError:
            return None
        if s and len(part) == 3:
            return api_service(world, s, query)
        if s and part[3] == "callers":
            return api_callers(world, s, query)
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def answer(self, status, kind, body, tag=None):
        if tag is not None and self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        self.send_response(status)
        if status != 304:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        if tag is not None:
            self.send_header("ETag", tag)
        for name, value in (("Content-Security-Policy", CSP),
                            ("X-Content-Type-Options", "nosniff"),
                            ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Resource-Policy", "same-origin")):
            self.send_header(name, value)
        head = b"".join(self._headers_buffer) + b"\r\n"
        self._headers_buffer = []
        self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    def answer_json(self, status, value, tag=None):
        self.answer(status, "application/json", json.dumps(
            value, ensure_ascii=False, separators=(",", ":")).encode(), tag)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        server = self.server
        if path == "/control":
            log, server.log = server.log, []
            return self.answer_json(200, log)
        server.log.append([round(time.time(), 3), self.path])
        world = server.world
        if world.state == "dead":
            self.close_connection = True
            return None
        if not path.startswith(server.prefix + "/"):
            return self.answer_json(404, {"error": "no such page"})
        path = urllib.parse.unquote(path[len(server.prefix):])
        if path.startswith("/api/"):
            time.sleep(world.delay)
            return self.api(path, query)
        return self.file(path)

    do_HEAD = do_GET

    def api(self, path, query):
        world = self.server.world
        with world.lock:
            if world.state == "never":
                return self.answer_json(
                    503, {"error": "instance default: not running"})
            number = world.look()[0] + 1000000 * world.changes
            tag = f'"{number}-{zlib.crc32(self.path.encode()):x}"'
            if not path.endswith("/services") and "/services/" not in path:
                tag = None
            elif self.headers.get("If-None-Match") == tag:
                return self.answer(304, "", b"", tag)
            try:
                found = route(world, path, query)
            except Invalid as error:
                return self.answer_json(400, {"error": str(error)})
        if found is None:
            return self.answer_json(404, {"error": "not found"})
        return self.answer_json(200, found, tag)

    def file(self, path):
        # The last segment may name a file at any depth: /s/7/page.js.
        name = os.path.basename(path)
        kind = TYPES.get(os.path.splitext(name)[1])
        if kind is None and (path in ("/", "/agents", "/instance", "/help") or
                             path.startswith("/s/")):
            name, kind = "page.html", TYPES[".html"]
        try:
            with open(os.path.join(self.server.pages, name), "rb") as file:
                body = file.read()
        except OSError:
            kind = None
        if kind is None:
            return self.answer_json(404, {"error": "no such page"})
        return self.answer(200, kind, body, f'"{zlib.crc32(body):x}"')

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        world = self.server.world
        wanted = dict(urllib.parse.parse_qsl(body))
        if self.path != "/control":
            return self.answer_json(405, {"error": "GET, HEAD"})
        with world.lock:
            if "state" in wanted or "services" in wanted:
                world.make(wanted.get("state", world.state),
                           int(wanted.get("services", len(world.services))))
            world.still = bool(int(wanted.get("still", world.still)))
            world.delay = float(wanted.get("delay", world.delay))
            if "flip" in wanted:
                self.flip(world, *map(int, wanted["flip"].split("/")))
        return self.answer_json(200, {"state": world.state})

    @staticmethod
    def flip(world, modid, cmdid):
        s = world.found[modid, cmdid]
        if s.overloads:
            for i in s.overloads:
                world.flip(s, i, False, 0, time.time())
            s.overloads, s.since = {}, None
        else:
            world.overload(s, {0: s.callers}, 0)
        world.cache = {}
        world.changes += 1


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, pages, world, prefix=""):
        self.pages, self.world, self.prefix = pages, world, prefix
        self.log = []
        super().__init__(("127.0.0.1", port), Handler)

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-p", "--port", type=int, default=9190)
    parser.add_argument("-D", "--directory",
                        default=os.path.join(here, "..", "src", "web", "page"))
    parser.add_argument("-n", "--services", type=int, default=50)
    parser.add_argument("-s", "--state", choices=STATES, default="many",
                        help="\n".join(f"{k}: {v}" for k, v in STATES.items()))
    parser.add_argument("-i", "--interval", type=float, default=5)
    parser.add_argument("--prefix", default="", help="path before all others")
    a = parser.parse_args()
    server = Server(a.port, a.directory,
                    World(a.state, a.services, a.interval), a.prefix)
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
