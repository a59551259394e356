#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody alters the table, or swaps it for another, while reporter is
connected: signs change, on a server that is strict and on one that is lax; then
the table has lost its key for a while, so that every report would add a row.
Each record is stored once, with the right address, none is set aside, and the
worker neither restarts nor reconnects."""

import scenario

TS = 1700000000
KEYS = 300
HIGH = 0xC0A80000  # 192.168.0.0 does not fit into a signed column


def tell(s):
    s.reporter.configure("reporter", workers=1)
    s.start()
    scenario.wait_for(lambda: s.reporter.workers()[0]["connected"],
                      "the worker is connected")
    agent = s.agent()
    turns = iter(range(1, 1000))

    def send():
        """All keys, by bulk execution; returns the rows."""
        turn, wanted = next(turns), {}
        for first in range(0, KEYS, 50):
            report = (1, 1, 1, TS + turn,
                      [(HIGH + ip, 80, turn, 0, ip % 2 == 0)
                       for ip in range(first, first + 50)])
            agent.send(scenario.native(*report))
            wanted.update(scenario.rows(*report))
        return wanted

    def stored(what):
        wanted = send()
        scenario.wait_for(lambda: s.database.table() == wanted, what)

    def alter(text):
        s.database.sql("DELETE FROM ServerCallStatus")
        s.database.sql(text)

    for keepalive, mode in ((20, "STRICT_TRANS_TABLES"), (21, "")):
        s.database.ask(f"SET GLOBAL sql_mode = '{mode}'")
        s.reporter.configure("mysql", keepalive=keepalive)
        s.reporter.reload()  # restarts the worker
        stored(f"the table is right, sql_mode '{mode}'")
        alter("ALTER TABLE ServerCallStatus MODIFY ip INT UNSIGNED NOT NULL, "
              "MODIFY overload BIT NOT NULL")
        s.database.sql("ALTER TABLE ServerCallStatus MODIFY overload "
                       "ENUM('N','Y','0','1') NOT NULL")
        stored("an address that became unsigned")
        alter("ALTER TABLE ServerCallStatus MODIFY ip INT NOT NULL, "
              "MODIFY overload CHAR(1) NOT NULL")
        stored("and signed again")

    s.database.sql("CREATE TABLE Other LIKE ServerCallStatus")
    s.database.sql("ALTER TABLE Other DROP PRIMARY KEY")
    s.database.sql("RENAME TABLE ServerCallStatus TO Old, Other TO "
                   "ServerCallStatus")
    # The table is looked at every second.
    scenario.wait_for(lambda: send() and "has no primary key" in
                      s.reporter.log_text(), "it is logged that the key is gone")
    s.equal("the records are kept",
            s.reporter.status()["records"]["pending"], KEYS)
    s.database.sql("DELETE FROM ServerCallStatus")
    s.database.sql("ALTER TABLE ServerCallStatus ADD PRIMARY KEY "
                   "(modid, cmdid, ip, port, caller)")
    stored("the key is there again")

    status = s.reporter.status()
    s.equal("nothing was set aside", status["records"]["dead_letter"], 0)
    s.equal("each of the three workers has connected once",
            status["workers"][0]["connects"], 3)
    s.identity(status)


scenario.run(__doc__, tell)
