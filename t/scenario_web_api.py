#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The page asks reporter-web for the services again and again, over one connection,
and gets a 304 while nothing has changed.  It pages through ten thousand services
while some change their places, and misses none whose place is unchanged.  It asks
for the servers of a service and the callers of a server.  Host names that were
not configured are refused, and so are invalid requests.  Clients that do not read
cost a bounded amount of memory.  When the reporter is stopped, killed, or has
another layout, the last answer is kept, with the reason.  A build without
libmicrohttpd has no reporter-web, and then this is not shown."""

import gzip
import http.client
import json
import os
import socket
import struct
import threading
import time

import scenario
import web as webs
from scenario import wait_for

SERVICES = 10000
STILL = 9500  # services from here on change all the time
CALLERS = 200  # of one service with many keys
API = "/api/v1/services"


def report_all(s, agent, now, moving=0):
    """Each service once; one server of one caller.  The last change."""
    for modid in range(STILL if moving else 1, SERVICES):
        err = (modid * moving) % 97 if modid >= STILL else modid % 3
        agent.send(scenario.native(modid, 1, 0x0A000001, now,
                                   [(0x0A010000 + modid, 80, 100, err,
                                     moving % 2 == 1 and modid % 7 == 0)]))


def report_trouble(s, now):
    """Service 7/1: forty callers agree about two of its three servers; of the
    third one of them complains."""
    for i in range(40):
        s.agent().send(scenario.native(7, 2, 0x0A0000C8 + i, now, [
            (0x0A020001, 80, 100, 0, False), (0x0A020002, 80, 50, 50, True),
            (0x0A020003, 80, 90, 10, i == 0)]))


def report_many(s, now):
    """So many keys that their list does not fit into the buffers of sockets."""
    for i in range(CALLERS):
        s.agents[0].send(scenario.native(5, 1, 0x0A0B0000 + i, now, [
            (0x0A030000 + j, 80, 100, 0, False) for j in range(250)]))


def keeps_alive(s, web):
    connection = web.connect()
    found = web.ask(f"{API}?limit=5", connection=connection)
    mine = connection.sock
    s.check("the connection is kept", mine is not None)
    tag = found[1]["ETag"]
    s.check("it has a tag", tag is not None)
    again = web.ask(f"{API}?limit=5", connection=connection, If_None_Match=tag)
    if again[0] == 200:  # there was a new look just now
        tag = again[1]["ETag"]
        again = web.ask(f"{API}?limit=5", connection=connection,
                        If_None_Match=tag)
    s.equal("nothing new", (again[0], again[2], again[1]["ETag"]),
            (304, "", tag))
    s.equal("HEAD is GET without the text", web.ask(
        f"{API}?limit=5", "HEAD", connection=connection)[::2], (200, ""))
    s.equal("another question has another tag", web.ask(
        f"{API}?limit=6", connection=connection, If_None_Match=tag)[0], 200)
    for _ in range(100):
        web.ask(API, connection=connection)
    s.check("all that went over one connection", connection.sock is mine)
    wait_for(lambda: web.ask(f"{API}?limit=5", connection=connection,
                             If_None_Match=tag)[0] == 200, "a new look")
    connection.close()


def headers(s, web):
    for path in ("/", API, "/healthz", "/nothing"):
        found = web.ask(path)[1]
        s.check(f"{path} is protected", all((
            found["Content-Security-Policy"].startswith("default-src 'none'"),
            found["X-Content-Type-Options"] == "nosniff",
            found["Referrer-Policy"] == "no-referrer",
            found["Cross-Origin-Resource-Policy"] == "same-origin")))
    for host, status in (("127.0.0.1", 200), ("localhost:9316", 200),
                         ("[::1]:80", 200), ("10.0.0.1", 200),
                         ("Monitor.Example", 200), ("monitor.example:8", 200),
                         ("attacker.example", 421), ("127.0.0.1.example", 421),
                         ("*", 421), ("monitor.example.", 421)):
        for path in ("/", API, "/metrics"):
            s.equal(f"{path} as {host}", web.ask(path, Host=host)[0], status)


def files(s, web):
    pages = [web.ask(path) for path in
             ("/", "/s/7/2", "/s/-7/-2", "/s/7/2/10.2.0.1%3A80", "/s/7/2/10.2.0.1:80", "/agents", "/help",
              "/instance")]
    s.equal("the page is on each path", {page[2] for page in pages},
            {pages[0][2]})
    status, found, text = pages[0]
    s.equal("it is HTML, to be asked for again",
            (status, found["Content-Type"], found["Cache-Control"]),
            (200, "text/html; charset=utf-8", "no-cache"))
    s.equal("unchanged", web.ask("/", If_None_Match=found["ETag"])[0], 304)
    connection = web.connect()
    connection.request("GET", "/s/7/page.js", headers={
        "Accept-Encoding": "gzip, br"})
    answer = connection.getresponse()
    packed = answer.read()
    s.equal("a script comes packed to those who can", (
        answer.headers["Content-Encoding"], answer.headers["Vary"],
        gzip.decompress(packed).decode()),
        ("gzip", "Accept-Encoding", web.ask("/page.js")[2]))
    connection.close()
    for path in ("/page.jsx", "/main.c", "/assets.c", "/s", "/s/7", "/s/7/1/",
                 "/s/7/1/api/v1/services/7/1", "/s/7/1/%zz", "/help/",
                 "/s/7/x", "/s/7/1/10.2.0.1", "/s/7/1/10.2.0.1:80/"):
        s.equal(f"{path} is no file", web.ask(path)[0], 404)


def refusals(s, web):
    for path in (f"{API}?modid=1", f"{API}?limit=0", f"{API}?limit=1001",
                 f"{API}?limit=5&limit=6", f"{API}?sort=x", f"{API}?after=x",
                 f"{API}?after=7/1", f"{API}?history=2", f"{API}?q",
                 f"{API}?q=err%3Ex", f"{API}?q={'x%20' * 17}",
                 f"{API}/7/2?limit=1", f"{API}/7/2/callers?limit=0",
                 "/api/v1/events?since=-1", "/api/v1/keys?modid=1%00x",
                 f"{API}?q=%00", "/api/v1/keys?modid=1&modid=1"):
        status, _, text = web.ask(path)
        s.check(f"{path} is refused", status == 400, f"{status} {text}")
    for path in (f"{API}/7/3", f"{API}/7", f"{API}/7/2/x", f"{API}/7/2/",
                 f"{API}/x/2", f"{API}/7/2/callers",
                 f"{API}/7/2/callers?server=10.2.0.9:80"):
        s.equal(f"{path} is not there", web.ask(path)[0], 404)
    s.check("a filter's error is said", '"' in json.loads(
        web.ask(f"{API}?q=err%3E%22x%22")[2])["error"])
    s.equal("methods that write", [web.ask(API, method, "x")[0] for method in
                                   ("POST", "PUT", "DELETE")], [405] * 3)


def services(s, web):
    found = web.json(f"{API}?limit=3&history=1")
    first = dict(zip(found["columns"], found["rows"][0]))
    s.equal("the overloaded service leads", {name: first[name] for name in (
        "modid", "cmdid", "name", "state", "overloaded", "servers", "callers")},
        {"modid": 7, "cmdid": 2, "name": 'log"in', "state": "overloaded",
         "overloaded": 2, "servers": 3, "callers": 40})
    verdict = found["verdict"]
    s.equal("the verdict", (verdict["services"], verdict["overloaded_services"],
                            verdict["overloaded_servers"], verdict["callers"]),
            (SERVICES, 1, 2, 41 + CALLERS))
    s.equal("the reporter runs", (found["reporter"], found["instance"],
                                  found["database"]["connected"],
                                  found["agents"]["connected"] >= 41),
            ("running", s.reporter.instance, True, True))
    s.equal("history of each row", (len(found["history"]), {
        len(pair) for pair in found["history"][1:]}), (4, {2}))
    s.equal("a page", (len(found["rows"]), found["total"]), (3, SERVICES))
    s.equal("a filter", [row[:2] for row in
                         web.json(f"{API}?q=state:overloaded")["rows"]],
            [[7, 2]])


def one_service(s, web):
    found = web.json(f"{API}/7/2")
    s.equal("the service", (found["service"]["modid"],
                            found["service"]["state"]), (7, "overloaded"))
    rows = [dict(zip(found["columns"], row)) for row in found["rows"]]
    s.equal("its servers, the worst first",
            [(r["ip"], r["overloaded_by"], r["callers"]) for r in rows],
            [("10.2.0.2", 40, 40), ("10.2.0.3", 1, 40), ("10.2.0.1", 0, 40)])
    found = web.json(f"{API}/7/2/callers?server=10.2.0.3:80")
    rows = [dict(zip(found["columns"], row)) for row in found["rows"]]
    s.equal("the one who complains is first",
            (rows[0]["caller"], rows[0]["overload"], rows[0]["state"]),
            ("10.0.0.200", True, "overloaded"))
    s.equal("all others do not", {(r["overload"], r["state"]) for r in rows[1:]},
            {(False, "errors")})
    s.equal("a few callers", len(web.json(
        f"{API}/7/2/callers?server=10.2.0.3:80&limit=5")["rows"]), 5)
    keys = web.json("/api/v1/keys?modid=7&cmdid=2")
    s.equal("the keys of the service", (len(keys["keys"]), keys["more"]),
            (120, False))
    events = web.json("/api/v1/events")
    s.check("events have a number to go on from",
            events["next"] >= 0 and events["lost"] is False)


def walk_pages(s, web):
    """Looks come while it walks; services from STILL on move all the time."""
    enough = threading.Event()

    def move():
        agent = s.agent()
        turn = 1
        while not enough.wait(0.2):
            report_all(s, agent, int(time.time()), turn)
            turn += 1

    thread = threading.Thread(target=move)
    thread.start()
    try:
        for order, looks in (("trouble", 1), ("number", 0), ("errors", 0)):
            seen, after, seen_at = [], "", set()
            while after is not None:
                found = web.json(f"{API}?limit=1000&sort={order}&after={after}")
                seen += [row[0] for row in found["rows"] if row[1] == 1]
                seen_at.add(found["as_of"])
                after = found["after"]
                if len(seen_at) <= looks and len(seen) > 2000 * len(seen_at):
                    wait_for(lambda: web.json(f"{API}?limit=1")["as_of"]
                             > found["as_of"], "the next look")
            s.check(f"the walk by {order} goes over looks",
                    len(seen_at) > looks, seen_at)
            still = [modid for modid in seen if modid < STILL]
            s.check(f"no service that kept its place is missing by {order}",
                    set(still) == set(range(1, STILL)),
                    f"{len(set(still))} of {STILL - 1}")
            s.check("and none comes twice", len(still) == len(set(still)))
    finally:
        enough.set()
        thread.join()


def memory(web, name="RssAnon"):
    with open(f"/proc/{web.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith(name + ":")) // 1024


def slow_readers(s, web, path, most):
    """Each asks for much and reads nothing; most: MB that they may cost."""
    before = memory(web)
    slow = []
    for _ in range(100):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(scenario.PATIENCE)
        client.connect(("127.0.0.1", web.port))
        client.sendall(f"GET {path} HTTP/1.1\r\n"
                       "Host: localhost\r\n\r\n".encode())
        slow.append(client)
    for client in slow:  # until it is answered
        try:
            client.recv(1)
        except ConnectionResetError:
            pass
    s.equal("others are answered", web.ask("/healthz")[0], 200)
    s.equal("with what is small", web.ask(f"{API}?limit=50&history=1")[0], 200)
    if not scenario.built_with("asan") and not scenario.built_with("tsan"):
        s.check("those who do not read cost little", memory(web) < before + most,
                f"{before} MB, then {memory(web)}")
    wait_for(lambda: web.ask(path)[0] == 200,
             "who reads gets all, while the others still do not")
    for client in slow:
        client.close()


def states(s, web):
    """What is the matter with the reporter, and the last look beside it."""
    def says(state):
        status, _, text = web.ask(f"{API}?limit=1")
        found = json.loads(text)
        return (status == 200 and found["reporter"] == state
                and found["total"] == SERVICES)

    segment = f"/dev/shm/reporter.{s.reporter.instance}"
    place = scenario.offsets()["master_shared.header.version"]
    with open(segment, "r+b") as file:
        file.seek(place)
        version = file.read(4)
        file.seek(place)
        file.write(struct.pack("<I", struct.unpack("<I", version)[0] + 1))
        file.flush()
        wait_for(lambda: says("other_layout"), "another layout")
        s.equal("the page is there", web.ask("/")[0], 200)
        file.seek(place)
        file.write(version)
    wait_for(lambda: says("running"), "the layout is ours again")
    s.reporter.kill()
    wait_for(lambda: says("stopped"), "it was killed")
    s.reporter.start()
    wait_for(lambda: says("running"), "it runs again")
    s.finish()
    wait_for(lambda: says("stopped"), "it ended in order")
    s.check("all that was shown while the last look stayed", True)


def never_started(s):
    """An instance that never ran: the page, and why there are no figures.  Its
    names are behind links of which one is swapped, as in a ConfigMap."""
    there = os.path.join(s.directory, "there")
    link = os.path.join(s.directory, "here", "link")
    os.mkdir(os.path.dirname(link))
    for version, text in ("..1", "7 x name\n"), ("..2", "7 8 n\n7 x name\n"):
        os.makedirs(os.path.join(there, version))
        with open(os.path.join(there, version, "names"), "w") as file:
            file.write(text)
    os.symlink("..1", os.path.join(there, "..data"))
    os.symlink("..2", os.path.join(there, "..new"))
    os.symlink("..data/names", os.path.join(there, "names"))
    os.symlink(os.path.join(there, "names"), link)
    web = webs.start(s, "-n", link, instance="t-never")
    try:
        wait_for(lambda: "link:1: found" in scenario.tail(web.log, 9),
                 "names in another directory are read")
        os.rename(os.path.join(there, "..new"), os.path.join(there, "..data"))
        wait_for(lambda: "link:2: found" in scenario.tail(web.log, 9),
                 "and those that take their place")
        s.equal("the page is there", web.ask("/")[0], 200)
        for path in (API, f"{API}/7/2", "/api/v1/events"):
            s.equal(f"{path} says why not", web.ask(path)[::2],
                    (503, '{"error":"instance t-never: not running"}\n'))
    finally:
        scenario.end_group(web.process)


def options(s):
    for words in (("-F", "0"), ("-S", "x"), ("-F", "60", "-S", "50"),
                  ("-H",), ("-n",), ("-D",)):
        done = scenario.subprocess.run(
            [scenario.program("reporter-web"), *words],
            capture_output=True, text=True, timeout=scenario.PATIENCE)
        s.equal(f"{' '.join(words)} is invalid", done.returncode, 2)
        if words[0] in ("-F", "-S"):
            s.equal("reporterctl has the same text", done.stderr.replace(
                "-web:", "ctl:"), s.reporter.ctl(*words, "top").stderr
                .partition("usage:")[0])


def tell(s):
    os.mkdir(os.path.join(s.directory, "etc"))
    names = os.path.join(s.directory, "etc", "services")
    s.reporter.configure("queue", table_keys=131072)
    s.start()
    now = int(time.time())
    report_all(s, s.agent(), now)
    report_trouble(s, now)
    report_many(s, now)
    s.reporter.settled(SERVICES - 1 + 120 + 250 * CALLERS)
    web = webs.start(s, "-H", "monitor.example", "-H", "b", "-n", names)
    try:
        with open(names, "w") as file:
            file.write('# a comment\n7 2 log"in\n1 x\n')
        wait_for(lambda: web.json(f"{API}?q=LOG")["total"] == 1,
                 "names that come later are read")
        keeps_alive(s, web)
        headers(s, web)
        files(s, web)
        refusals(s, web)
        services(s, web)
        one_service(s, web)
        for path in ("/metrics/services", "/api/v1/keys"):
            slow_readers(s, web, path, 16)
        slow_readers(s, web, "/api/v1/keys?limit=100000", 40)
        walk_pages(s, web)
        states(s, web)
        never_started(s)
        options(s)
        web.process.terminate()
        s.equal("it ends in order", web.process.wait(scenario.PATIENCE), 0)
        s.equal("a bad line of names is logged once", scenario.tail(
            web.log, 50).count("services:3"), 1)
        s.check("the sanitizers have nothing to say",
                "Sanitizer" not in scenario.tail(web.log, 200))
    finally:
        scenario.end_group(web.process)


if not scenario.has("MICROHTTPD"):
    scenario.skip("built without libmicrohttpd: there is no reporter-web")
scenario.run(__doc__, tell)
