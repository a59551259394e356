#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents report without a pause while the number of workers is changed again
and again: 2, 5, 1, 3, 2, 4.  No connection is closed, no record is lost.  Then the
database is away while reports with one and the same time go to workers of four
generations: when it is back, the last of them wins.  The old segments go away.
"""

import signal
import threading

import faulty
import scenario

WORKERS = (5, 1, 3, 2, 4)


def tell(s):
    s.start()
    # Each its own services, so that each knows its own keys' right values.
    oracles = [faulty.Oracle(faulty.seeded(seed)) for seed in (1, 2, 3)]
    agents = [s.agent() for _ in oracles]
    counts = [0] * len(agents)
    stop = threading.Event()

    def generate(at):
        while not stop.is_set():
            report = oracles[at].report()
            agents[at].send(scenario.native(*report))
            counts[at] += len(report[4])

    threads = [threading.Thread(target=generate, args=(at,), daemon=True)
               for at in range(len(agents))]
    for thread in threads:
        thread.start()
    for reloads, workers in enumerate(WORKERS, 1):
        s.reporter.configure("reporter", workers=workers)
        faulty.write_conf(s.reporter)
        s.reporter.process.send_signal(signal.SIGHUP)

        def reloaded():
            status = s.reporter.status()
            running = [w for w in status["workers"]
                       if w["state"] == "running"]
            return status["reloads"] == reloads and len(running) == workers

        scenario.wait_for(reloaded, f"{workers} workers run")
    stop.set()
    for thread in threads:
        thread.join()
    status = s.reporter.settled(sum(counts))
    s.equal("every record was read", status["records"]["received"],
            sum(counts))
    wanted = {}
    for oracle in oracles:
        wanted.update(oracle.table)
    s.check("each key has its right value", s.database.table() == wanted)
    s.check("no connection was closed", all(a.is_open() for a in agents))
    s.equal("no worker died",
            [w["restarts"] for w in status["workers"]], [0] * WORKERS[-1])
    s.identity(status)
    one_time(s, agents[0])


def one_time(s, agent):
    """Generations after each other, all with records of the same keys."""
    s.database.stop()
    before = s.reporter.status()["records"]["received"]
    for turn, workers in enumerate((4, 3, 5, 2)):
        if turn > 0:
            s.reporter.configure("reporter", workers=workers)
            faulty.write_conf(s.reporter)
            s.reporter.process.send_signal(signal.SIGHUP)
            scenario.wait_for(lambda: s.reporter.status()["reloads"]
                              == len(WORKERS) + turn, "it is reloaded")
        for cmdid in range(50):
            agent.send(scenario.native(1, cmdid, 1, 1700000000,
                                       [(1, 1, turn, 0, False)]))
        scenario.wait_for(lambda: s.reporter.status()["records"]["received"]
                          == before + 50 * (turn + 1), "they are read")
    s.database.start()
    status = s.reporter.settled(before + 200)
    s.equal("of reports with one time the last wins", s.database.sql(
        "SELECT DISTINCT succ_cnt FROM ServerCallStatus "
        "WHERE modid = 1 AND ts = 1700000000"), [{"succ_cnt": 3}])
    s.identity(status)
    scenario.wait_for(lambda: len(s.reporter.segments()) == 7,
                      "the old segments are gone")


scenario.run(__doc__, tell)
