#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is away, the rings are full, an agent is throttled: then the
master is killed with SIGKILL.  The next one, with another number of workers and
other sizes, listens within a second, although the old workers still hold their
segments, and brings everything to the table as soon as the database is back.
A second reporter of the same name refuses to start, and names the process.  And
one that starts while another ends never runs unseen."""

import json
import subprocess
import time

import faulty
import scenario

TS = 1700000000
RING = 32768
KEYS = 1024


def tell(s):
    s.reporter.configure("reporter", shutdown_timeout="1s")
    s.reporter.configure("queue", ring_records=RING, table_keys=KEYS)
    s.start()
    full_rings(s)
    heirs_wait(s)
    second_instance(s)
    start_while_one_ends(s)


def start_timed(s):
    began = time.monotonic()
    s.reporter.start()
    took = time.monotonic() - began
    print(f"listens after {took:.2f} s")
    s.check("the next master listens within a second", took < 1,
            f"{took:.2f} s")


def full_rings(s):
    s.database.stop()
    wanted, reports, data = {}, [], b""
    for first in range(0, 2 * RING, 50):
        report = (first // 50 % 97, 2, 1, TS,
                  [(ip, 80, ip, 0, False) for ip in range(first, first + 50)])
        reports.append(report)
        data += scenario.native(*report)
        wanted.update(scenario.rows(*report))
    agent = s.agent()
    agent.socket.setblocking(False)
    sent = 0

    def throttled():
        nonlocal sent
        sent += agent.send_some(data[sent:sent + 65536])
        # For good: a ring may be full for a moment as well, while its worker
        # comes to bring records to the table.
        status = s.reporter.status()
        return status["throttled"] == 1 and any(
            w["pending"] == KEYS and w["queued"] > RING - 100
            for w in status["workers"])

    scenario.wait_for(throttled, "table and ring are full, the agent waits")
    faulty.kill_master(s.reporter)
    taken = faulty.received(s.reporter.instance)
    agent.close()
    s.reporter.configure("reporter", workers=3)
    s.reporter.configure("queue", ring_records=2 * RING,
                         table_keys=128 * KEYS)
    start_timed(s)
    s.equal("it counts on from what the killed one had read",
            s.reporter.status()["records"]["received"], taken)
    s.agent().send(b"".join(
        scenario.native(*report) for report in reports[taken // 50:]))
    s.database.start()
    status = s.reporter.settled(2 * RING)
    s.check("everything is in the table", s.database.table() == wanted)
    s.equal("nothing was dropped", status["records"]["dropped"], 0)
    s.identity(status)


def heirs_wait(s):
    """The workers of the killed master drain on for a while, and the next ones
    wait for their segments: those must not go on where they first looked."""
    s.database.freeze()
    agent = s.agent()
    for service in range(1, 21):
        agent.send(scenario.native(service, 1, 1, TS, [(1, 1, 0, 0, False)]))
    scenario.wait_for(
        lambda: all(w["pending"] for w in s.reporter.workers().values())
        and s.reporter.status()["records"]["pending"] == 20,
        "each worker has something pending")
    before = s.reporter.status()["records"]["received"]
    faulty.kill_master(s.reporter)
    found = json.loads(s.reporter.ctl("status", "--json").stdout)["workers"]
    s.equal("its workers are seen to store their records",
            {w["state"] for w in found}, {"finishing"})
    s.reporter.start()
    heirs = scenario.wait_for(
        lambda: (w := s.reporter.workers()) and all(
            one["state"] == "starting" and one["pid"] for one in w.values())
        and w, "the next workers wait")
    agent = s.agent()
    for turn in range(1, 201):
        agent.send(b"".join(
            scenario.native(service, 1, 1, TS + turn,
                            [(1, 1, turn, 0, False)])
            for service in range(1, 21)))
    scenario.wait_for(
        lambda: (r := s.reporter.status()["records"])["received"]
        == before + 4000 and r["queued"] == 0,
        "the old workers drain what the new master reads")
    s.database.thaw()
    scenario.wait_for(
        lambda: [w["state"] for w in s.reporter.workers().values()]
        == ["running"] * len(heirs), "the next workers take over")
    for turn in range(201, 211):
        agent.send(b"".join(
            scenario.native(service, 1, 1, TS + turn,
                            [(1, 1, turn, 0, False)])
            for service in range(1, 21)))
    status = s.reporter.settled(before + 4200)
    rows = s.database.sql("SELECT succ_cnt, ts FROM ServerCallStatus "
                          "WHERE cmdid = 1")
    s.equal("each key has its last value", rows,
            [{"succ_cnt": 210, "ts": TS + 210}] * 20)
    s.equal("no record came out of nowhere", s.database.sql(
        "SELECT COUNT(*) AS n FROM ServerCallStatus WHERE ts < 1")[0]["n"], 0)
    s.identity(status)


def second_instance(s):
    done = subprocess.run(
        [scenario.program("reporter"), "-f", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=scenario.PATIENCE)
    s.equal("a second one of the same name refuses to start",
            done.returncode, 1)
    s.check("and names the process that runs",
            str(s.reporter.process.pid) in done.stderr, done.stderr)
    s.check("the first one does not mind", s.reporter.status()["running"])


def start_while_one_ends(s):
    """It waits for the end of the other, or refuses; then there is nobody who
    runs with a segment that the other one has removed."""
    for _ in range(20):
        old = s.reporter.process
        old.terminate()
        try:
            s.reporter.start()
        except scenario.Failure:
            pass
        old.wait()
        scenario.wait_for(lambda: seen_or_ended(s.reporter),
                          "the next reporter is seen, or has ended")
        if s.reporter.process.poll() is not None:
            s.reporter.start()
    s.check("a reporter that starts while another ends is seen", True)


def seen_or_ended(reporter):
    if reporter.process.poll() is not None:
        return True
    try:
        return faulty.master_words(reporter.instance)[1] \
            == reporter.process.pid
    except (FileNotFoundError, scenario.Failure):
        return False


scenario.run(__doc__, tell)
