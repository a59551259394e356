#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is away when reporter is told to stop.  What it could not store
stays in shared memory, and the log says so.  The next start finds it and
brings it to the table, in the right order with what has come since.  The same
goes for a reporter whose master and workers are all killed at once.  An
orderly stop with the database there leaves nothing."""

import scenario

TS = 1700000000
SERVICES = 50


def tell(s):
    s.database.start()
    s.reporter.configure("reporter", shutdown_timeout="1s")
    wanted = {}

    def send(turn, ts):
        agent = s.agent()
        for service in range(SERVICES):
            report = (service, 1, 1, ts, [(1, 80, turn, 0, False)])
            agent.send(scenario.native(*report))
            wanted.update(scenario.rows(*report))

    def drained(received):
        """Everything is read, and each key waits in a pending table."""

        def all_pending():
            records = s.reporter.status()["records"]
            return (records["received"] == received
                    and records["queued"] == 0
                    and records["pending"] == SERVICES)

        scenario.wait_for(all_pending, f"{received} records are pending")

    s.reporter.start()
    s.database.stop()
    send(1, TS)
    drained(SERVICES)
    done = s.reporter.ctl("stop")
    s.reporter.process.wait(scenario.PATIENCE)
    s.reporter.process = None
    left = (f"records left in shared memory: {SERVICES}; start reporter before "
            "the next reboot to store them\n")
    s.equal("stop prints what is left", (done.returncode, done.stdout),
            (0, left))
    done = s.reporter.ctl("status")
    s.check("and the status as well", "graceful shutdown" in done.stdout and
            left.split(";", maxsplit=1)[0] in done.stdout, done.stdout)
    s.check("what was not stored stays in shared memory",
            s.reporter.segments() != [])

    # Of two records with the same time the later arrival wins, also when the
    # earlier one comes from the run before.
    s.reporter.start()
    s.check("the next start finds it",
            "adopted" in s.reporter.log_text())
    drained(SERVICES)
    send(2, TS)
    drained(2 * SERVICES)
    s.reporter.kill()
    s.check("a killed reporter leaves it, too", s.reporter.segments() != [])

    s.reporter.start()
    s.database.start()
    scenario.wait_for(lambda: s.database.count() == SERVICES,
                      "the leftovers are in the table")
    status = s.reporter.settled(0)
    s.check("each key has the value that came last",
            s.database.table() == wanted)
    s.identity(status)
    done = s.reporter.ctl("stop")
    s.reporter.process.wait(scenario.PATIENCE)
    s.reporter.process = None
    s.equal("a stop prints nothing when all is stored",
            (done.returncode, done.stdout, done.stderr), (0, "", ""))
    s.equal("an orderly stop leaves no shared memory",
            s.reporter.segments(), [])


scenario.run(__doc__, tell)
