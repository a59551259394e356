#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Two agents report 400 keys again and again, tens of thousands of records,
while workers are killed with SIGKILL, five times, in turns.  Each time the
worker is started again and goes on where the dead one was.  In the end each
key has its last value, the counts add up, and no agent was disconnected."""

import os
import signal
import threading

import scenario

TS = 1700000000
SERVICES = 40
SERVERS = 10
ROUNDS = 150
KILLS = 5


def report(service, turn):
    return (service, 1, 7, TS + turn,
            [(ip, 80, turn, service, turn % 2 == 1)
             for ip in range(1, SERVERS + 1)])


def tell(s):
    s.start()
    agents = [s.agent(), s.agent()]
    # The generators go up to a mark and wait there for the next one.
    marks = [threading.Semaphore(0) for _ in agents]
    done = [0, 0]

    def generate(at):
        for turn in range(ROUNDS):
            if turn % (ROUNDS // (KILLS + 1)) == 0:
                marks[at].acquire()
            for service in range(at, SERVICES, 2):
                agents[at].send(scenario.native(*report(service, turn)))
        done[at] = 1

    threads = [threading.Thread(target=generate, args=(at,), daemon=True)
               for at in range(len(agents))]
    for thread in threads:
        thread.start()
    records = SERVICES * SERVERS * ROUNDS
    for kill in range(KILLS):
        target = records * kill // (KILLS + 1)
        for mark in marks:
            mark.release()
        scenario.wait_for(
            lambda: s.reporter.status()["records"]["received"] > target,
            "the generators send")
        slot = kill % 2
        worker = scenario.wait_for(
            lambda: (w := s.reporter.workers()[slot])["state"] == "running"
            and w, "the worker runs")
        os.kill(worker["pid"], signal.SIGKILL)
        scenario.wait_for(
            lambda: (w := s.reporter.workers()[slot])["state"] == "running"
            and w["pid"] != worker["pid"]
            and w["restarts"] == worker["restarts"] + 1,
            "the worker is started again")
    for mark in marks:
        for _ in range(ROUNDS):
            mark.release()
    for thread in threads:
        thread.join(scenario.PATIENCE)
    s.equal("the generators sent all", done, [1, 1])

    status = s.reporter.settled(records)
    wanted = {}
    for service in range(SERVICES):
        wanted.update(scenario.rows(*report(service, ROUNDS - 1)))
    s.check("each key has its last value", s.database.table() == wanted)
    s.equal("all records came in", status["records"]["received"], records)
    s.identity(status)
    s.equal("the deaths are counted",
            sum(w["restarts"] for w in status["workers"]), KILLS)
    s.equal("each death is one line of the log",
            s.reporter.log_text().count("killed by signal 9"),
            KILLS)
    s.check("no agent was disconnected", all(a.is_open() for a in agents))


scenario.run(__doc__, tell)
