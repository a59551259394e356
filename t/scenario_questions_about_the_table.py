#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The table has rows of servers and hosts that are long gone, the last of them
with overload 1.  The statements of sql/queries.sql and the view's columns go by
age: each gives the answer that is known for these rows, in a signed and in an
unsigned table."""

import os
import re
import time

import scenario

# Fields: modid, cmdid, ip, port, caller, succ, err, age, overload.
HIGH = 0xC0A80101  # 192.168.1.1, negative in a signed column
ROWS = [
    # A server that two of three callers call overloaded.
    (1, 1, 10, 80, HIGH, 90, 10, 0, 1),
    (1, 1, 10, 80, 2, 50, 50, 0, 1),
    (1, 1, 10, 80, 3, 100, 0, 5, 0),
    # One that half of its callers call so.
    (1, 1, 11, 80, HIGH, 100, 0, 0, 1),
    (1, 1, 11, 80, 2, 100, 0, 0, 0),
    # Overloaded with one caller today, and with two that are gone.
    (1, 2, HIGH, 81, 3, 3, 1, 1, 1),
    (1, 2, 12, 81, 4, 1, 9, 90000, 1),
    (1, 2, 12, 81, 5, 1, 9, 700, 1),
    # No calls at all; a clock that is ahead.
    (2, 1, 10, 80, 2, 0, 0, 0, 0),
    (3, 1, 10, 80, 3, 7, 0, -30, 0),
]

OVERLOADED = [
    {"modid": 1, "cmdid": 1, "server": "0.0.0.10", "port": 80,
     "callers": 3, "callers_overloaded": 2},
    {"modid": 1, "cmdid": 2, "server": "192.168.1.1", "port": 81,
     "callers": 1, "callers_overloaded": 1}]
CALLERS = [
    {"host": "0.0.0.2", "errors": 50, "error_share": "0.2500",
     "servers_failing": 1, "servers": 3},
    {"host": "192.168.1.1", "errors": 10, "error_share": "0.0500",
     "servers_failing": 1, "servers": 2},
    {"host": "0.0.0.3", "errors": 1, "error_share": "0.0090",
     "servers_failing": 1, "servers": 3}]
SERVICES = [
    {"modid": 1, "cmdid": 2, "calls": 4, "errors": 1,
     "error_share": "0.2500"},
    {"modid": 1, "cmdid": 1, "calls": 500, "errors": 60,
     "error_share": "0.1200"},
    {"modid": 3, "cmdid": 1, "calls": 7, "errors": 0,
     "error_share": "0.0000"},
    {"modid": 2, "cmdid": 1, "calls": 0, "errors": 0, "error_share": "NULL"}]
SILENT = [{"host": "0.0.0.5", "servers": 1}]


def statements():
    with open(os.path.join(scenario.SOURCE, "sql", "queries.sql")) as file:
        text = re.sub(r"--.*", "", file.read())
    return [part.strip() for part in text.split(";") if part.strip()]


def fill(s, unsigned):
    now = int(time.time())
    values = [(m, c, ip if unsigned else ip - (ip >> 31 << 32), port,
               caller if unsigned else caller - (caller >> 31 << 32),
               succ, err, now - age, f"'{overload}'")
              for m, c, ip, port, caller, succ, err, age, overload in ROWS]
    s.database.sql(
        "TRUNCATE ServerCallStatus; INSERT INTO ServerCallStatus VALUES "
        + ",".join("(" + ",".join(map(str, row)) + ")" for row in values))


def ask(s, unsigned):
    kind = "unsigned" if unsigned else "signed"
    s.database.sql("TRUNCATE ServerCallStatus; ALTER TABLE ServerCallStatus "
                   + ", ".join(f"MODIFY {column} {wide}INT {kind} NOT NULL"
                               for column, wide in (
                                   ("ip", ""), ("caller", ""), ("ts", "BIG"),
                                   ("succ_cnt", ""), ("err_cnt", ""))))
    fill(s, unsigned)
    overloaded, callers, services, silent = [
        s.database.sql("SET sql_mode=CONCAT(@@sql_mode,"
                       f"',ONLY_FULL_GROUP_BY'); {question}")
        for question in statements()]
    s.equal(f"{kind}: what is overloaded now", overloaded, OVERLOADED)
    s.equal(f"{kind}: which callers see errors", callers, CALLERS)
    s.equal(f"{kind}: the error share of each service", services, SERVICES)
    ages = [row.pop("silent_seconds") for row in silent]
    s.check(f"{kind}: since when", all(700 <= age < 800 for age in ages),
            ages)
    for row in silent:
        row.pop("last_report")
    s.equal(f"{kind}: who has fallen silent", silent, SILENT)
    shown = s.database.sql(
        "SELECT ip, caller, error_share FROM ServerCallStatusView "
        "WHERE overload = 'yes' AND ABS(age) < 60 "
        "ORDER BY cmdid, ip, error_share")
    s.equal(f"{kind}: the view by age", shown, [
        {"ip": "0.0.0.10", "caller": "192.168.1.1", "error_share": "0.1000"},
        {"ip": "0.0.0.10", "caller": "0.0.0.2", "error_share": "0.5000"},
        {"ip": "0.0.0.11", "caller": "192.168.1.1", "error_share": "0.0000"},
        {"ip": "192.168.1.1", "caller": "0.0.0.3", "error_share": "0.2500"}])
    ages = s.database.sql("SELECT age FROM ServerCallStatusView "
                          "WHERE modid = 3 OR caller = '0.0.0.4' ORDER BY 1")
    s.check(f"{kind}: ages", -30 <= ages[0]["age"] < 0
            and 90000 <= ages[1]["age"] < 90100, ages)


def tell(s):
    s.database.start()
    ask(s, unsigned=False)
    ask(s, unsigned=True)


scenario.run(__doc__, tell)
