#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Some installations have ip, port and caller as unsigned columns, others as
signed ones.  The same reports are sent to both kinds of table, with addresses
from 0.0.0.1 to 255.255.255.255; the view shows the right address in both.
Counts that are too great for their column are stored as its maximum and
counted."""

import scenario

TS = 1700000000
ADDRESSES = (1, 0x7FFFFFFF, 0x80000000, 0xC0A80102, 0xFFFFFFFF)


def dotted(address):
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def tell(s):
    s.database.start()
    for kind, limit in (("SIGNED", 0x7FFFFFFF), ("UNSIGNED", 0xFFFFFFFF)):
        s.database.sql("TRUNCATE ServerCallStatus; "
                       "ALTER TABLE ServerCallStatus " + ", ".join(
                           f"MODIFY {column} INT(11) {kind} NOT NULL"
                           for column in ("ip", "port", "caller",
                                          "succ_cnt", "err_cnt")))
        s.reporter.start()
        # An address may come as an unsigned number or as the signed one of
        # the same 32 bits.
        for caller in ADDRESSES:
            signed = caller - (caller >> 31 << 32)
            for at, number in enumerate((caller, signed)):
                s.agent().send(scenario.native(
                    1, at, number, TS,
                    [(caller, 65535, 0xFFFFFFFF, 5, True)]))
        records = 2 * len(ADDRESSES)
        status = s.reporter.settled(records)
        shown = s.database.sql(
            "SELECT cmdid, ip, port, caller, succ_cnt, err_cnt "
            "FROM ServerCallStatusView ORDER BY cmdid, caller")
        wanted = [{"cmdid": at, "ip": dotted(address), "port": 65535,
                   "caller": dotted(address), "succ_cnt": limit,
                   "err_cnt": 5}
                  for at in (0, 1)
                  for address in sorted(ADDRESSES, key=dotted)]
        s.equal(f"{kind.lower()} columns show the right values", shown,
                wanted)
        clamped = records if kind == "SIGNED" else 0
        s.equal("counts cut to the column's range are counted",
                status["clamped"], clamped)
        s.identity(status)
        s.reporter.stop()


scenario.run(__doc__, tell)
