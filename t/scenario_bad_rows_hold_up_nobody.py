#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Rows that cannot be stored now, and an honest agent beside them whose keys
must be in the table within seconds: somebody's transaction keeps ten rows
locked; an agent cycles thousands of keys that a trigger refuses; a trigger
writes records with many errors to a table that is missing.  In the end
everything that is not refused is in the table, and nothing else was set
aside."""

import subprocess
import threading
import time

import scenario
from scenario import wait_for

TS = 1700000000
LOCKED = range(100, 110)
BAD = 5000       # keys that are refused
# Seconds; the machine may be busy.  MySQL cannot wait for a lock for less than
# a second, and ten are found one after the other.
PROMPTLY = 60 if scenario.server()[1] else 8
AUDIT = ("CREATE TRIGGER audit BEFORE INSERT ON ServerCallStatus FOR EACH ROW "
         "IF NEW.err_cnt > 100 THEN INSERT INTO Missing VALUES (1); END IF")
REFUSE = ("CREATE TRIGGER refuse BEFORE INSERT ON ServerCallStatus "
          "FOR EACH ROW IF NEW.modid = 9 THEN SIGNAL SQLSTATE '45000' "
          "SET MESSAGE_TEXT = 'no nine'; END IF")


class Honest:
    """An agent that reports a new group of keys at a time."""

    def __init__(self, s):
        self.s = s
        self.cmdid = 0

    def is_served(self, what):
        for _ in range(3):
            self.cmdid += 1
            began = time.monotonic()
            self.s.agent().send(scenario.native(5, self.cmdid, 2, TS, [
                (ip, 80, 1, 0, False) for ip in range(1, 31)]))
            wait_for(lambda: self.stored() == 30, f"{what}: it is stored", 60)
            took = time.monotonic() - began
            self.s.check(f"{what}: promptly", took < PROMPTLY, f"{took:.1f} s")

    def stored(self):
        return self.s.database.sql(
            "SELECT COUNT(*) AS n FROM ServerCallStatus WHERE modid = 5 AND "
            f"cmdid = {self.cmdid}")[0]["n"]


def send(s, modid, ts, keys, err=0):
    agent, keys = s.agent(), list(keys)
    for at in range(0, len(keys), 50):
        agent.send(scenario.native(modid, 1, 9, ts, [
            (ip, 80, 1, err, False) for ip in keys[at:at + 50]]))


def newest(s, modid, ts):
    return s.database.sql(
        "SELECT COUNT(*) AS n FROM ServerCallStatus WHERE "
        f"modid = {modid} AND ts = {ts}")[0]["n"]


def dead_letters(s):
    return s.reporter.status()["records"]["dead_letter"]


def locked_rows(s, honest):
    send(s, 1, TS, range(1, 1001))
    s.reporter.settled(1000)
    holder = subprocess.Popen(
        [s.database.client, "--no-defaults", f"--socket={s.database.socket}",
         "--user=root", "--batch", "--unbuffered", "reporter"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write(
        "BEGIN;" + "".join(
            "SELECT 1 FROM ServerCallStatus WHERE modid = 1 AND cmdid = 1 AND "
            f"ip = {ip} AND port = 80 AND caller = 9 FOR UPDATE;"
            for ip in LOCKED) + "SELECT 'locked';\n")
    holder.stdin.flush()
    wait_for(lambda: "locked" in holder.stdout.readline(), "rows are locked")
    send(s, 1, TS + 1, range(1, 1001))
    honest.is_served("rows are locked")
    wait_for(lambda: newest(s, 1, TS + 1) == 1000 - len(LOCKED),
             "all that are not locked are stored", 60)
    s.equal("none was set aside", dead_letters(s), 0)
    holder.communicate("ROLLBACK;\n")
    wait_for(lambda: newest(s, 1, TS + 1) == 1000,
             "the others are, too, when they are free", 90)


def flood(s, honest):
    s.database.administrate(f"USE reporter;\nDELIMITER //\n{REFUSE}//")
    stop = threading.Event()

    def cycle():
        turn = 0
        while not stop.is_set():
            turn += 1
            send(s, 9, TS + turn, range(1, BAD + 1))
            stop.wait(0.5)

    thread = threading.Thread(target=cycle, daemon=True)
    thread.start()
    time.sleep(2)
    honest.is_served("a flood of refused rows")
    stop.set()
    thread.join(scenario.PATIENCE)
    s.database.administrate("DROP TRIGGER reporter.refuse")
    s.reporter.settled(0)
    s.check("some were set aside", dead_letters(s) > 0)


def missing_table(s, honest):
    before = dead_letters(s)
    s.database.administrate(f"USE reporter;\nDELIMITER //\n{AUDIT}//")
    send(s, 3, TS, [1], err=500)
    honest.is_served("a trigger's table is missing")
    s.equal("the record waits", s.reporter.status()["records"]["pending"], 1)
    s.database.administrate("DROP TRIGGER reporter.audit")
    wait_for(lambda: newest(s, 3, TS) == 1, "and is stored then", 90)
    s.equal("nothing was set aside", dead_letters(s), before)


def tell(s):
    s.reporter.configure("reporter", workers=1)
    s.start()
    honest = Honest(s)
    for part in (locked_rows, missing_table, flood):
        part(s, honest)
    s.identity()


scenario.run(__doc__, tell)
