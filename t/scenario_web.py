#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A real Prometheus scrapes reporter-web, and its figures are the reporter's.
A probe asks whether it lives and is ready, also when a worker is dead and when
the reporter is gone.  Other pages and other methods are refused, clients that
say nothing or little do not lock others out, and the process cannot write: not
to shared memory, and where the kernel helps, nowhere at all.  A build without
libmicrohttpd has no reporter-web, and then this is not shown."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import scenario
import web as webs
from scenario import wait_for
from web import Server

NOW = int(time.time())


def pages(s, web):
    status, headers, text = web.ask("/metrics")
    s.equal("metrics have their type", (status, headers["Content-Type"]),
            (200, "text/plain; version=0.0.4; charset=utf-8"))
    s.part(scenario.promtool, s, text)
    s.equal("it lives", web.ask("/healthz")[::2], (200, "alive\n"))
    s.equal("it is ready", web.ask("/readyz")[::2], (200, "ready\n"))
    s.equal("the status is reporterctl's", web.json("/api/v1/status")["records"],
            s.reporter.status()["records"])
    found = web.json("/api/v1/keys")
    s.equal("the keys", (len(found["keys"]), found["more"],
                         found["segments_unread"]), (40, False, 0))
    found = web.json("/api/v1/keys?modid=2&cmdid=1")["keys"]
    s.equal("those of a service", {(k["modid"], k["port"]) for k in found},
            {(2, 80 + i) for i in range(20)})
    found = web.json("/api/v1/keys?limit=3")
    s.equal("a few", (len(found["keys"]), found["more"]), (3, True))
    s.equal("none", web.json("/api/v1/keys?cmdid=99")["keys"], [])
    for wrong in ("modid=x", "modid=", "cmdid=1e3", "limit=0",
                  "limit=100001", "modid=99999999999", "modi=1",
                  "modid=1&modid=2", "limit"):
        s.equal(f"{wrong} is refused", web.ask(f"/api/v1/keys?{wrong}")[0],
                400)


def agents(s, web):
    mine = s.agents[0].name
    found = web.json("/api/v1/agents?sort=records")
    s.equal("the agents", (len(found["agents"]), found["more"],
                           found["unlisted"]), (2, False, 0))
    s.equal("one of them", [(a["dialect"], a["reports"], a["records"])
                            for a in found["agents"] if a["address"] == mine],
            [("native", 1, 20)])
    found = web.json("/api/v1/agents?limit=1")
    s.equal("only one", (len(found["agents"]), found["more"]), (1, True))
    for wrong in ("sort=x", "sort=", "limit=0", "limit=x", "modid=1",
                  "sort=held&sort=held", "n=1"):
        s.equal(f"{wrong} is refused for agents",
                web.ask(f"/api/v1/agents?{wrong}")[0], 400)
    s.equal("sort is refused for keys", web.ask("/api/v1/keys?sort=held")[0],
            400)


def refusals(s, web):
    for path in ("/x", "/metrics/", "/api/v1", "/../etc/passwd", "/metricsx"):
        s.equal(f"{path} is not there", web.ask(path)[0], 404)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        status, headers, _ = web.ask("/metrics", method,
                                     "x" if method == "POST" else None)
        s.equal(f"{method} is refused", (status, headers["Allow"]),
                (405, "GET, HEAD"))
    status, headers, text = web.ask("/healthz", "HEAD")
    s.equal("HEAD is GET without the text",
            (status, headers["Content-Length"], text), (200, "6", ""))
    raw = socket.create_connection(("127.0.0.1", web.port))
    raw.sendall(b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n")
    try:
        answer = raw.recv(64)
    except ConnectionResetError:
        answer = b""
    s.check("a line without end is refused",
            answer[9:12] in (b"", b"414", b"431", b"400"), answer)
    raw.close()


def slow_clients(s, web):
    """Connections are bounded; however many are slow, others are answered."""
    slow = [socket.create_connection(("127.0.0.1", web.port))
            for _ in range(200)]
    enough = threading.Event()

    def speak():
        """Each says a little more, as long as it may."""
        while not enough.wait(0.5):
            for client in slow:
                try:
                    client.sendall(b"G")
                except OSError:
                    pass

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        s.equal("others are answered, every time",
                [answers(web) for _ in range(20)], [True] * 20)
    finally:
        enough.set()
        thread.join()
    for client in slow:
        client.close()


def silent_clients(s, web):
    """Silent ones end."""
    silent = [socket.create_connection(("127.0.0.1", web.port))
              for _ in range(150)]
    s.check("others are answered", answers(web))
    ended = 0
    for client in silent:
        client.settimeout(20)
        try:
            ended += client.recv(1) == b""
        except (ConnectionResetError, socket.timeout):
            pass
        client.close()
    s.check("the silent ones were ended", ended >= 120, f"{ended}")


def answers(web):
    try:
        return web.ask("/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def cannot_write(s, web):
    """Look at its mappings while it reads."""
    pid = web.process.pid
    asking = True

    def ask():
        while asking:
            web.ask("/api/v1/keys?modid=99")

    thread = threading.Thread(target=ask)
    thread.start()
    seen = set()

    def look():
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                if "/dev/shm/" in line:
                    seen.add(line.split()[1])
        return seen

    try:
        wait_for(look, "a segment is seen mapped")
        for _ in range(300):
            look()
    finally:
        asking = False
        thread.join()
    s.equal("segments are mapped for reading alone", seen, {"r--s"})
    with open(f"/proc/{pid}/status") as status:
        s.check("it gains no privileges",
                "NoNewPrivs:\t1" in status.read())


def prometheus(s, web):
    """The real one, with a data directory and a port of its own."""
    conf = os.path.join(s.directory, "prometheus.yml")
    with open(conf, "w") as file:
        file.write(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: reporter
    static_configs: [{{targets: ['127.0.0.1:{web.port}']}}]
""")
    port = scenario.free_port()
    server = Server(
        [scenario.tool("prometheus", "prometheus"), f"--config.file={conf}",
         f"--storage.tsdb.path={s.directory}/prometheus",
         f"--web.listen-address=127.0.0.1:{port}"],
        os.path.join(s.directory, "prometheus.log"),
        r"address=127\.0\.0\.1:(\d+)")

    def value(query):
        found = server.json("/api/v1/query?query="
                            + urllib.parse.quote(query))["data"]["result"]
        return [float(series["value"][1]) for series in found]

    try:
        wait_for(lambda: answers_query(value), "Prometheus answers")
        wait_for(lambda: value('up{job="reporter"}') == [1], "it scrapes")
        s.check("Prometheus has scraped it", True)
        records = s.reporter.status()["records"]
        for term in ("received", "stored", "superseded"):
            s.equal(f"its {term} is the reporter's",
                    value(f"reporter_records_{term}_total"),
                    [records[term]])
        s.equal("both workers run", value("sum(reporter_worker_running)"), [2])
        s.check("flushes have a quantile", value(
            "histogram_quantile(0.9, sum by (le) "
            "(reporter_flush_duration_seconds_bucket))")[0] > 0)
    finally:
        scenario.end_group(server.process)


def answers_query(value):
    try:
        return value("up") is not None
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return False


def not_ready(s, web):
    """A worker that dies again and again, then the reporter's end."""
    def dies():
        worker = s.reporter.workers()[0]
        try:
            if worker["pid"]:
                os.kill(worker["pid"], signal.SIGKILL)
        except ProcessLookupError:
            pass  # it is dead already, and has not been started again
        return web.ask("/readyz")[0] == 503

    master = s.reporter.status()["pid"]
    os.kill(master, signal.SIGSTOP)
    wait_for(lambda: "not responding for" in web.ask("/readyz")[2],
             "it is not ready while the master does not respond")
    os.kill(master, signal.SIGCONT)
    wait_for(lambda: web.ask("/readyz")[0] == 200, "it is when it goes on")
    wait_for(dies, "it is not ready without a worker")
    text = web.ask("/readyz")[2]
    s.check("and says why", text == "ready\n" or re.fullmatch(
        r"instance \S+: 1 of 2 workers not running\n", text), text)
    wait_for(lambda: web.ask("/readyz")[0] == 200, "it is ready again", 60)
    s.finish()
    s.equal("without the reporter it is not ready", web.ask("/readyz")[::2],
            (503, f"instance {s.reporter.instance}: not running\n"))
    s.equal("but lives", web.ask("/healthz")[0], 200)
    s.equal("metrics say that it is down", web.ask("/metrics")[2].split()[-2:],
            ["reporter_up", "0"])
    s.equal("the status says so", web.ask("/api/v1/status")[::2],
            (503, '{"error":"not running"}\n'))


def stranger(s):
    """A user that there is not."""
    end = subprocess.run(
        [scenario.program("reporter-web"), "-f", "-i", s.reporter.instance,
         "-l", "127.0.0.1:0", "-u", "no-such-user"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=scenario.PATIENCE,
        env=Server.ENVIRONMENT)
    s.equal("an unknown user is said, and nothing of reporter's options",
            (end.returncode, end.stderr.split("error: ")[-1]),
            (1, "no such user: no-such-user\n"))


def background(s):
    """Without -f the command returns once it listens, and what goes on keeps
    no directory and no terminal busy.  Its own is found by a relative path."""
    port = scenario.free_port()
    command = [scenario.program("reporter-web"), "-i", s.reporter.instance,
               "-l", f"127.0.0.1:{port}", "-D", "pages"]
    os.mkdir(os.path.join(s.directory, "pages"))
    with open(os.path.join(s.directory, "pages", "page.html"), "w") as file:
        file.write("from a directory")
    with open(os.path.join(s.directory, "background.log"), "w") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log,
                              stderr=log, cwd=s.directory, env=Server.ENVIRONMENT,
                              timeout=scenario.PATIENCE)
    s.equal("it goes to the background", done.returncode, 0)
    pids = [int(pid) for pid in os.listdir("/proc")
            if pid.isdigit() and words_of(pid) == command]
    s.equal("where one process goes on", len(pids), 1)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/",
                                    timeout=scenario.PATIENCE) as answer:
            s.equal("a relative path leads to the page", answer.read(),
                    b"from a directory")
        s.equal("its directory is /", os.readlink(f"/proc/{pids[0]}/cwd"), "/")
        for fd in range(3):
            s.equal(f"descriptor {fd} is let go",
                    os.readlink(f"/proc/{pids[0]}/fd/{fd}"), "/dev/null")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not any(words_of(pid) == command for pid in pids),
             "it has ended")


def words_of(pid):
    """The command line of a process; nothing of one that is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().split("\0")[:-1]
    except OSError:
        return []


def tell(s):
    # Tables so large that a walk can be watched.
    s.reporter.configure("queue", table_keys=1048576)
    s.start()
    for modid in (1, 2):
        s.agent().send(scenario.native(modid, 1, 1, NOW, [
            (i, 80 + i, 1, 1, False) for i in range(20)]))
    s.reporter.settled(40)
    web = webs.start(s)
    try:
        pages(s, web)
        agents(s, web)
        refusals(s, web)
        cannot_write(s, web)
        s.part(prometheus, s, web)
        slow_clients(s, web)
        silent_clients(s, web)
        stranger(s)
        not_ready(s, web)
        web.process.terminate()
        s.equal("it ends in order", web.process.wait(scenario.PATIENCE), 0)
        background(s)
        with open(web.log) as text:
            s.check("the sanitizers have nothing to say",
                    "Sanitizer" not in text.read())
    finally:
        scenario.end_group(web.process)


if not scenario.has("MICROHTTPD"):
    scenario.skip("built without libmicrohttpd: there is no reporter-web")
scenario.run(__doc__, tell)
