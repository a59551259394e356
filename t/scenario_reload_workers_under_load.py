#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents report without a pause while the number of workers is changed again
and again: 2, 5, 1, 3, 2, 4.  No connection is closed, no record is lost, and
of two reports with the same time the later one wins, also when they went to
workers of different generations.  The old segments go away."""

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
    scenario.wait_for(
        lambda: len(s.reporter.segments()) == 1 + WORKERS[-1],
        "the old segments are gone")


scenario.run(__doc__, tell)
