#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The clock of reporter's machine is ten minutes behind that of the database,
which is played by a session whose time is ahead.  A row that another reporter
stored meanwhile looks like one of the future; it is newer, and stays.  The
difference is logged, shown by status and check, and is a fault for -t -t.  A
row that is ahead of both clocks still gives way, and a clock of ours that is
ahead of the database's is reported as well."""

import time

import scenario

BEHIND = 600
YEAR_2106 = 4294967295


def row(s, modid):
    return s.database.table()[(modid, 1, 1, 1, 1)]


def session_time(s, seconds):
    """Sessions that begin from now on have a time that is ahead."""
    s.database.administrate(
        "SET GLOBAL init_connect = 'SET timestamp = "
        f"UNIX_TIMESTAMP() + {seconds}'")
    s.database.disconnect()


def tell(s):
    s.database.start()
    session_time(s, BEHIND)
    s.reporter.configure("reporter", workers=1)
    s.reporter.start()
    agent = s.agent()
    now = int(time.time())
    for modid, ts in ((1, now + BEHIND // 2), (2, YEAR_2106)):
        s.database.administrate(
            "INSERT INTO reporter.ServerCallStatus VALUES "
            f"({modid},1,1,1,1,7,7,{ts},'1')")
        agent.send(scenario.native(modid, 1, 1, now, [(1, 1, 1, 1, False)]))
    status = s.reporter.settled(2)
    s.equal("the row of another reporter is newer, and stays", row(s, 1),
            (7, 7, now + BEHIND // 2, 1))
    s.equal("one that is ahead of both clocks does not", row(s, 2),
            (1, 1, now, 0))
    worker = status["workers"][0]
    s.check("the status has the difference",
            BEHIND - 5 < worker["clock_skew"] <= BEHIND, worker)
    s.check("and as the worker's last error", "the server's clock differs "
            "from ours by +" in worker["last_error"], worker["last_error"])
    s.check("it is logged, once a minute", s.reporter.log_text().count(
        "seconds, more than max_clock_skew; synchronize the clocks") == 1)
    done = s.reporter.ctl("check")
    s.check("check is critical", done.returncode == 2 and
            "seconds between the clocks" in done.stdout, done.stdout)
    done = s.reporter.check_database()
    s.check("-t -t reports it", done.returncode != 0 and
            "limits.max_clock_skew" in done.stderr and
            "clock differs from ours by +" in done.stderr,
            done.stderr + done.stdout)

    session_time(s, -BEHIND)
    done = s.reporter.check_database()
    s.check("one that is ahead of the database's, too",
            done.returncode != 0 and "from ours by -" in done.stderr,
            done.stderr + done.stdout)

    session_time(s, 0)
    agent.send(scenario.native(3, 1, 1, now, [(1, 1, 1, 1, False)]))
    status = s.reporter.settled(3)
    s.check("then they agree", status["workers"][0]["clock_skew"] < 3, status)
    s.equal("-t -t has no fault", s.reporter.check_database().returncode, 0)


scenario.run(__doc__, tell)
