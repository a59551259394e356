#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What the page costs: a million keys, a hundred viewers who ask every two seconds,
a look every five.  Prints the share of a processor that reporter-web takes, its
memory, and how many records reporter absorbs while it looks, against those while
it is stopped, in pairs that take turns.

    web_cost.py [SECONDS [PAIRS]]
"""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

import scenario
import web as webs

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SERVICES, CALLERS, SERVERS = 10000, 10, 10
VIEWERS = 100
API = "/api/v1/services?limit=50&history=1"
QUESTIONS = [API, API + "&sort=errors", API + "&q=7", API + "&q=err%3E1",
             "/api/v1/services/7/1"]


def fill(s):
    now = int(time.time())
    agent = s.agent()
    for modid in range(1, SERVICES + 1):
        servers = [(0x0A010000 + modid * 16 + i, 80, 1000, (modid + i) % 20,
                    modid == 7 and i == 0) for i in range(SERVERS)]
        for i in range(CALLERS):
            agent.send(scenario.native(modid, 1, 0x0AF00000 + (modid + i) % 400,
                                       now, servers))


def view(web, number, enough, counts):
    """Ask, wait two seconds, ask again, over one connection."""
    connection = web.connect()
    question, tag = QUESTIONS[number % len(QUESTIONS)], {}
    enough.wait(2 * number / VIEWERS)
    while not enough.is_set():
        try:
            status, headers, _ = web.ask(question, connection=connection, **tag)
            tag = {"If_None_Match": headers["ETag"]}
        except (OSError, http.client.HTTPException):
            status = "no answer"
            connection.close()
        counts[status] = counts.get(status, 0) + 1
        enough.wait(2)
    connection.close()


def processor(web):
    """Seconds that it has used."""
    used = scenario.process_fields(f"/proc/{web.process.pid}/stat")[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def memory(web, name):
    with open(f"/proc/{web.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith(name + ":")) / 1024


def watch(web, seconds):
    """The share of a processor, and the greatest memory of samples."""
    began, used, rss, own = time.monotonic(), processor(web), 0, 0
    while time.monotonic() < began + seconds:
        rss = max(rss, memory(web, "VmRSS"))
        own = max(own, memory(web, "RssAnon"))
        time.sleep(0.01)
    return (processor(web) - used) / (time.monotonic() - began), rss, own


def absorb(s):
    """Records a second."""
    done = subprocess.run(
        [scenario.program("reporter-bench"), "-c", s.reporter.conf, "-p",
         str(s.reporter.addresses[0][1]), "-i", s.reporter.instance, "--json",
         "--dialect", "native", "--rounds", "1", "--seconds", "5", "absorb"],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise scenario.Failure(f"reporter-bench: {done.stderr}")
    for result in json.loads(done.stdout)["results"]:
        for f in result.get("figures", ()):
            if f["unit"] == "records/s" and "sink" not in f["name"]:
                return f["median"]
    raise scenario.Failure(f"no figure: {done.stdout}")


def tell(s):
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("queue", table_keys=1300000)
    s.reporter.configure("mysql", flush_interval="5s")
    s.start()
    fill(s)
    s.reporter.settled(SERVICES * CALLERS * SERVERS)
    web = webs.start(s)
    enough, counts = threading.Event(), {}
    viewers = [threading.Thread(target=view, args=(web, i, enough, counts))
               for i in range(VIEWERS)]
    try:
        found = web.json(API)
        s.equal("all are there", found["total"], SERVICES)
        for viewer in viewers:
            viewer.start()
        time.sleep(3)
        share, rss, own = watch(web, SECONDS)
        found = web.json(API)
        print(f"a look: {found['look_ms']} ms, every {found['interval_s']} s; "
              f"answers: {counts}")
        print(f"{100 * share:.1f} % of a processor; {rss:.1f} MB resident, of "
              f"these {own:.1f} MB its own")
        s.check("under 5 % of a processor", share < 0.05)
        s.check("under 64 MB", rss < 64)
        ratios = []
        for i in range(PAIRS):
            rates = {}
            for on in ((True, False), (False, True))[i % 2]:
                os.kill(web.process.pid, signal.SIGCONT if on else
                        signal.SIGSTOP)
                rates[on] = absorb(s)
            ratios.append(rates[True] / rates[False])
            print(f"absorb: {rates[True] / 1e6:.2f} M/s, without "
                  f"{rates[False] / 1e6:.2f} M/s", flush=True)
        if ratios:
            print(f"ratio: median {statistics.median(ratios):.3f}")
    finally:
        enough.set()
        os.kill(web.process.pid, signal.SIGCONT)
        for viewer in viewers:
            if viewer.ident:
                viewer.join()
        scenario.end_group(web.process)


scenario.run(__doc__, tell)
