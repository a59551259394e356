#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is a node of a Galera cluster, which takes write sets of a
limited size only.  MariaDB's bulk execution returns OK there for transactions
that were rolled back, so reporter sends text.  Statements that make too large
a write set, by bytes and then by rows, are divided.  All that is counted as
stored is in the table, and no row is set aside."""

import os

import galera
import scenario

TS = 1700000000
SERVICES, SERVERS = 100, 300


def tell(s):
    s.database.requires_mariadb("Debian's Galera is MariaDB's")
    s.database.SETTINGS = s.database.SETTINGS + galera.options(library) + [
        "--wsrep-cluster-address=gcomm://"]
    s.database.start()
    scenario.wait_for(lambda: galera.ready(s.database) == "ON",
                      "the node is ready")
    # One worker, and all of a round in few statements.
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("mysql", flush_interval="1s")
    s.reporter.start()
    agent = s.agent()
    wanted, sent = {}, 0

    def send(turn):
        """A report of each service; returns when all of it is stored."""
        nonlocal sent
        for service in range(SERVICES):
            report = (service, 1, 3, TS + turn,
                      [(ip, 80, turn, 1, turn % 2)
                       for ip in range(SERVERS)])
            agent.send(scenario.native(*report))
            wanted.update(scenario.rows(*report))
            sent += SERVERS
        return s.reporter.settled(sent)

    s.database.ask("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
    for turn, (what, limit, text) in enumerate((
            ("without a limit", "wsrep_max_ws_rows=0", None),
            ("over wsrep_max_ws_size", "wsrep_max_ws_size=150000",
             "Maximum writeset size exceeded; retrying in smaller batches"),
            ("over wsrep_max_ws_rows", "wsrep_max_ws_rows=1000",
             "wsrep_max_ws_rows exceeded; retrying in smaller batches"))):
        s.database.administrate(f"SET GLOBAL {limit}")
        start = os.path.getsize(s.reporter.log)
        send(turn)
        if text:
            s.check(f"{what}: the log has it",
                    text in s.reporter.log_text(start),
                    s.reporter.log_text(start)[-1000:])
        s.check(f"{what}: the table has all that is counted as stored",
                s.database.table() == wanted,
                f"{s.database.count()} rows of {len(wanted)}")
        if turn == 1:
            # Of the two limits, one at a time.
            s.database.administrate("SET GLOBAL wsrep_max_ws_size=2147483647")
            reconnect(s)
    s.check("the node does not repeat transactions by itself",
            any("wsrep_retry_autocommit=0" in line for line in s.database.ask(
                "SELECT argument FROM mysql.general_log")))
    status = s.reporter.status()
    s.equal("no row was set aside", status["records"]["dead_letter"], 0)
    s.equal("no worker had to be started again",
            [w["restarts"] for w in status["workers"]], [0])
    s.identity(status)


def reconnect(s):
    """Have the statements grow to their full length again."""
    connects = "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST " \
               "WHERE USER = 'reporter' AND ID <> CONNECTION_ID()"
    s.database.disconnect()
    scenario.wait_for(lambda: s.database.sql(connects)[0]["n"] == 0,
                      "the connection ends")


library = galera.library()
scenario.run(__doc__, tell)
