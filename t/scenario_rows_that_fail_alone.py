#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody added a generated column that divides by the number of calls, so a
record without calls fails with an error that is not in the list.  All other
keys are stored.  The one is held, and stored as soon as it reports calls.  A
stop leaves it for the next start; a reload that makes new workers sets it
aside, since they wait for the old ones.  A trigger and a view that refuse some
rows hold up no others either, however many they refuse."""

import json
import os

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 1000
BAD = 617
RATE = ("ALTER TABLE ServerCallStatus ADD COLUMN err_rate DOUBLE AS "
        "(err_cnt / (succ_cnt + err_cnt)) STORED")
TRIGGER = """DELIMITER //
CREATE TRIGGER not_nine BEFORE INSERT ON ServerCallStatus
    FOR EACH ROW IF NEW.modid = 9 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no nine'; END IF//
"""
VIEW = """CREATE VIEW few AS SELECT modid, cmdid, ip, port, caller, succ_cnt,
    err_cnt, ts, overload FROM ServerCallStatus
    WHERE modid < 100 WITH CHECK OPTION"""


def send(s, modid, ts, calls, keys=range(1, KEYS + 1)):
    """A record of each key; calls: of key BAD, all others have one."""
    agent, keys = s.agent(), list(keys)
    for at in range(0, len(keys), 50):
        agent.send(scenario.native(modid, 1, 9, ts, [
            (ip, 80, calls if ip == BAD else 1, 0, False)
            for ip in keys[at:at + 50]]))


def held(s):
    return sum(w["held"] for w in s.reporter.status()["workers"])


def pending(s):
    return s.reporter.status()["records"]["pending"]


def ts_of(s, modid):
    """{ip: ts} of what is in the table."""
    return {key[2]: row[2] for key, row in s.database.table().items()
            if key[0] == modid}


def wait_ts(s, modid, wanted, what):
    wait_for(lambda: ts_of(s, modid) == wanted, what)


def dead(s):
    with open(s.reporter.options["mysql"]["dead_letter_file"]) as file:
        return [json.loads(line) for line in file]


def generated_column(s):
    send(s, 7, TS, 1)
    s.reporter.settled(KEYS)
    s.database.sql(RATE)
    send(s, 7, TS + 1, 0)
    rest = {ip: TS + 1 for ip in range(1, KEYS + 1)}
    wait_ts(s, 7, {**rest, BAD: TS}, "all others are stored")
    wait_for(lambda: held(s) == 1, "the status shows the row that is held")
    s.equal("and no other one is pending", pending(s), 1)
    s.equal("nothing was set aside",
            s.reporter.status()["records"]["dead_letter"], 0)
    s.check("metrics show it", "reporter_worker_held_rows" in
            s.reporter.ctl("status", "--prometheus").stdout)
    # Others go on, and it gets calls.
    send(s, 7, TS + 2, 3)
    wait_ts(s, 7, {ip: TS + 2 for ip in range(1, KEYS + 1)},
            "all keys are stored, the one as well")
    s.equal("none is held", held(s), 0)
    s.identity()


def stop_and_start(s):
    send(s, 7, TS + 3, 0, [BAD])
    wait_for(lambda: held(s) == 1, "it is held again")
    s.reporter.stop()
    s.check("no worker is said to have died",
            "died" not in s.reporter.log_text())
    s.check("it is left for the next start", "records left in shared memory "
            "for the next start: 1" in s.reporter.log_text())
    s.database.sql("ALTER TABLE ServerCallStatus DROP COLUMN err_rate")
    s.reporter.start()
    wait_for(lambda: ts_of(s, 7)[BAD] == TS + 3, "that one stores it")
    s.reporter.settled(0)


def new_generation(s):
    s.database.sql("DELETE FROM ServerCallStatus")
    s.database.sql(RATE)
    send(s, 7, TS + 4, 1)
    wait_ts(s, 7, {ip: TS + 4 for ip in range(1, KEYS + 1)}, "all are stored")
    send(s, 7, TS + 5, 0, [BAD])
    wait_for(lambda: held(s) == 1, "it is held")
    s.reporter.configure("reporter", workers=2)
    s.reporter.reload()
    send(s, 7, TS + 6, 1, range(1, 100))
    wait_for(lambda: ts_of(s, 7)[1] == TS + 6, "the new workers store")
    s.equal("the old one has set it aside",
            [(letter["error"], letter["record"]["ts"]) for letter in dead(s)],
            [(1365, TS + 5)])
    s.check("no worker died", "died" not in s.reporter.log_text())
    s.database.sql("ALTER TABLE ServerCallStatus DROP COLUMN err_rate")


def trigger(s):
    before = s.reporter.status()["records"]["dead_letter"]
    script = os.path.join(s.directory, "trigger.sql")
    with open(script, "w") as file:
        file.write(TRIGGER)
    s.database.load(script)
    send(s, 9, TS, 1)
    send(s, 8, TS, 1)
    wait_ts(s, 8, {ip: TS for ip in range(1, KEYS + 1)}, "others are stored")
    status = s.reporter.settled(0)
    s.equal("those refused are set aside",
            status["records"]["dead_letter"] - before, KEYS)
    s.equal("none of them is in the table", ts_of(s, 9), {})
    s.database.sql("DROP TRIGGER not_nine")


def view(s):
    before = s.reporter.status()["records"]["dead_letter"]
    s.database.sql(VIEW)
    s.reporter.configure("mysql", table="few")
    s.reporter.reload()
    send(s, 200, TS, 1, [1, 2, 3])
    send(s, 10, TS, 1)
    wait_ts(s, 10, {ip: TS for ip in range(1, KEYS + 1)},
            "what the view permits is stored")
    status = s.reporter.settled(0)
    s.equal("what it does not is set aside",
            status["records"]["dead_letter"] - before, 3)
    s.equal("error", dead(s)[-1]["error"], 1369)


def tell(s):
    s.database.requires_mysql(5.7, "generated columns")
    s.reporter.configure("reporter", workers=1)
    s.start()
    generated_column(s)
    stop_and_start(s)
    new_generation(s)
    trigger(s)
    view(s)
    s.identity()


scenario.run(__doc__, tell)
