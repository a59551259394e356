#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody looks at the agents that are connected.  Agents of all three dialects
have a row each, with what they sent, what of it was rejected and why, how far
their clock is off; one behind a balancer has its own address; one that is
throttled shows for how long and what is held of it.  Of 5,000 agents 4,000 have
a row, and the others are counted.  Somebody who reads all the while that agents
come, send and go never sees parts of two.  After a kill the list is created again,
and after the end it is gone."""

import json
import os
import re
import signal
import socket
import threading
import time

import crowd
import scenario
from scenario import Agent, elb, lars, native, pack, wait_for

NOW = int(time.time())
GOOD = [(1, 80, 1, 1, False)]
RING = 32768
ROWS, CROWD = 4000, 5000
ALL_REASONS = ("not_msgpack", "too_long", "negative_length", "not_protobuf",
               "other_message", "wrong_shape", "out_of_range", "wrong_caller",
               "unknown_protocol")


def agents(s, *words):
    done = s.reporter.ctl("agents", "--json", *words)
    if done.returncode != 0:
        raise scenario.Failure(f"agents: {done}")
    return json.loads(done.stdout)


def listed(s, *words):
    """By address."""
    return {a["address"]: a for a in agents(s, *words)["agents"]}


def figures(s):
    """Three dialects; each is what it sent."""
    began = scenario.seconds_now()
    first, second, third = s.agent(), s.agent(), s.agent()
    first.send(native(1, 1, 0x0A000001, NOW - 60, GOOD * 3) +
               native(1, 1, 0x0A000002, NOW - 60,
                      GOOD * 2 + [(1, 70000, 1, 1, False)]) +
               pack("hello") + b"\x96\x01")
    second.send(lars(2, 1, 0x0A000003, NOW + 30, GOOD) * 5)
    third.send(elb(3, 1, 0x0A000004, 0, GOOD) + b"\x08\0\0\0")
    silent = s.agent()
    # Through a balancer.
    passed = Agent(s.reporter.addresses[1])
    s.agents.append(passed)
    passed.send(scenario.proxy_header("10.1.2.3") + native(4, 1, 5, NOW, GOOD))
    s.reporter.settled(3 + 3 + 1 + 5 + 1 + 1)
    found = wait_for(lambda: len(a := listed(s)) == 5 and a, "five are listed")

    def agent(name, **more):
        row = found[name]
        rejected = {reason: 0 for reason in ALL_REASONS}
        rejected.update(more.pop("rejected", {}))
        # Our clock has gone on since NOW.
        gone = time.time() - NOW + 1
        offset, wanted = row.pop("clock_offset"), more.pop("clock_offset")
        s.check(f"{name}: the clock's offset", offset == wanted
                or (wanted is not None and offset is not None
                    and wanted - gone <= offset <= wanted), offset)
        s.check(f"{name}: since", began <= row.pop("since") <= time.time())
        s.equal(f"{name}: the figures", row, {
            "address": name, "throttled": None, "rejected": rejected, **more})

    agent(first.name, dialect="native", reports=2, records=5, held=2,
          caller="10.0.0.2", clock_offset=-60,
          rejected={"out_of_range": 1, "wrong_shape": 1})
    agent(second.name, dialect="lars", reports=5, records=5, held=0,
          caller="10.0.0.3", clock_offset=30)
    agent(third.name, dialect="elb", reports=1, records=1, held=4,
          caller="10.0.0.4", clock_offset=None)
    agent(silent.name, dialect="unknown", reports=0, records=0, held=0,
          caller=None, clock_offset=None)
    agent("10.1.2.3:1234", dialect="native", reports=1, records=1, held=0,
          caller="0.0.0.5", clock_offset=0)
    orders(s, first, second)
    silent.close()
    wait_for(lambda: len(listed(s)) == 4, "one that is gone is not listed")


def orders(s, first, second):
    by = {column: [a["address"] for a in agents(s, "-s", column)["agents"]]
          for column in ("address", "dialect", "since", "reports", "records",
                         "rejected", "clock_offset", "throttled", "held",
                         "caller")}
    s.equal("the first by", {column: by[column][0] for column in (
        "address", "reports", "rejected", "clock_offset")},
            {"address": "10.1.2.3:1234", "reports": second.name,
             "rejected": first.name, "clock_offset": second.name})
    s.check("every order has all", all(sorted(names) == sorted(by["address"])
                                       for names in by.values()))
    few = agents(s, "-n", "2")
    s.equal("a few", ([a["address"] for a in few["agents"]], few["more"]),
            (by["address"][:2], True))
    for words in (("-s", "x"), ("-n", "0"), ("-n", "1x"), ("x",), ("-x",)):
        s.equal(f"{words} is refused",
                s.reporter.ctl("agents", *words).returncode, 2)
    lines = s.reporter.ctl("agents", "-s", "rejected").stdout.splitlines()
    s.equal("the text has the same columns", sorted(lines[0].lower().split()),
            sorted(by))
    offset = listed(s)[first.name]["clock_offset"]
    s.check("and figures", re.fullmatch(
        rf"{re.escape(first.name)} +native +\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ +2"
        rf" +5 +{offset} +- +2 +10\.0\.0\.2 +2 +wrong_shape=1 out_of_range=1",
        lines[1]), lines[1])


def throttled(s):
    """A worker stands still."""
    for worker in s.reporter.workers().values():
        os.kill(worker["pid"], signal.SIGSTOP)
    agent = s.agent()
    agent.socket.setblocking(False)
    report = native(9, 1, 1, NOW, GOOD * 1000)
    data = report * (RING // 1000 + 2)

    def is_throttled():
        nonlocal data
        data = data[agent.send_some(data):]
        row = listed(s, "-s", "throttled", "-n", "1").get(agent.name)
        return (row and row["throttled"] is not None and row["throttled"] >= 1
                and row)

    row = wait_for(is_throttled, "it is throttled for a second")
    s.check("and its report is held", row["held"] >= len(report), row)
    for worker in s.reporter.workers().values():
        os.kill(worker["pid"], signal.SIGCONT)
    wait_for(lambda: listed(s)[agent.name]["throttled"] is None,
             "it goes on")


def torn(row):
    """Whether a row has parts of two agents'."""
    is_crowds = row["address"].startswith("127.0.1.")
    none = row["reports"] == 0
    return (row["caller"] not in (None, "127.0.1.0" if is_crowds else
                                  "10.9.9.9")
            or row["dialect"] not in ("unknown",
                                      "native" if is_crowds else "lars")
            or (none and row["records"] != 0) or row["throttled"] is not None
            or any(row["rejected"].values()))


def read_all_the_while(s):
    """5,000 connect and send, others come and go."""
    over = threading.Event()

    def come_and_go():
        """One at a time: the next one comes when it is gone."""
        while not over.is_set():
            with socket.create_connection(s.reporter.addresses[0],
                                          scenario.PATIENCE) as other:
                other.sendall(lars(7, 1, 0x0A090909, 0, GOOD))
                other.shutdown(socket.SHUT_WR)
                other.recv(1)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    rows = reads = 0
    try:
        many = crowd.Crowd(s, "stay", CROWD)
        while "connected" not in scenario.tail(many.said, 5):
            found = agents(s)["agents"]
            broken = [row for row in found if torn(row)]
            if broken:
                s.equal("no row is torn", broken, [])
            rows += len(found)
            reads += 1
    finally:
        over.set()
        thread.join()
    s.check("rows were read meanwhile", rows > ROWS / 4, f"{rows} in {reads} reads")
    return many


def many_agents(s):
    s.reporter.configure("limits", max_connections=ROWS)
    s.reporter.start()
    s.reporter.configure("limits", max_connections=CROWD + 100)
    s.reporter.reload()
    many = read_all_the_while(s)

    def counted():
        found = agents(s)
        return len(found["agents"]), found["unlisted"]

    # One that came and went may have had a row that is free now.
    listed, unlisted = wait_for(lambda: sum(now := counted()) == CROWD and now,
                                "those that have no row are counted")
    late = [s.agent() for _ in range(ROWS - listed + 1)]
    wait_for(lambda: counted() == (ROWS, unlisted + 1),
             "others take it, and one more has none")
    s.check("rows for as many as may be connected, and no more", True)
    s.check("the text says so", f"{unlisted + 1} more connected, not listed"
            in s.reporter.ctl("agents").stderr)
    for agent in late:
        agent.close()

    # Their row is freed by a master that was killed, and the next has its own.
    s.reporter.kill()
    done = s.reporter.ctl("agents")
    s.equal("of a killed master none are listed", (
        done.returncode, "no reporter of instance" in done.stderr), (3, True))
    s.reporter.start()
    wait_for(lambda: len(agents(s)["agents"]) == CROWD,
             "all that connected again are listed")
    s.equal("each has a row", agents(s)["unlisted"], 0)
    many.kill()
    wait_for(lambda: agents(s)["agents"] == [], "nobody is left")


def tell(s):
    s.database.start()
    s.reporter.configure("queue", ring_records=RING)
    s.reporter.configure("reporter", listen="127.0.0.1:0, 127.0.0.2:0 proxy")
    s.reporter.configure("limits", proxy_from="127.0.0.1")
    s.reporter.start()
    path = f"/dev/shm/reporter.{s.reporter.instance}.agents"
    s.equal("only its user may read it", os.stat(path).st_mode & 0o777, 0o600)
    figures(s)
    throttled(s)
    with open(path, "r+b") as segment:
        segment.seek(scenario.offsets()["master_shared.header.version"])
        segment.write(b"\xff")
    done = s.reporter.ctl("agents")
    s.equal("another layout is refused", (
        done.returncode, "layout of another version" in done.stderr), (1, True))
    for agent in s.agents:
        agent.close()
    s.reporter.stop()
    s.check("it is gone with its reporter", not os.path.exists(path))
    # Nobody else is given it while no reporter listens and the crowd comes back.
    s.reporter.configure("reporter",
                         listen=f"127.0.0.1:{scenario.free_port()}")
    many_agents(s)


scenario.run(__doc__, tell)
