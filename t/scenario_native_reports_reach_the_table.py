#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Someone keeps reports in a file as people write them, with dotted addresses,
and sends it with reporter-send, which packs MessagePack with msgpack-c.  Each
field stands in the table, and the view shows the addresses as they were
written, the highest ones too.  A report whose time is 0 gets the time of its
arrival.  One that comes alone is visible at once, long before the flush
interval is over."""

import os
import subprocess
import time

import scenario

HIGH = 0xC0A80102  # 192.168.1.2
TOP = 0xFFFFFFFF
TS = 1700000000
LINES = f"""# modid cmdid caller ts ip port succ err overload
1 2 127.0.0.1 {TS} 10.0.0.1 8080 100 3 0
1\t2\t127.0.0.1\t{TS}\t10.0.0.2\t65535\t0\t0\t1
2147483647 -2147483648 255.255.255.255 {TS} 192.168.1.2 0 2147483647 1 1
-1 0 0.0.0.0 {TS} 255.255.255.255 1 1 2147483647 0
"""


def tell(s):
    s.database.start()
    s.reporter.configure("mysql", flush_interval="1min")
    s.reporter.start()
    host, port = s.reporter.addresses[0]
    path = os.path.join(s.directory, "reports")
    with open(path, "w") as file:
        file.write(LINES)

    def send(*arguments, text=None):
        done = subprocess.run(
            [scenario.program("reporter-send"), "-H", host, "-p", str(port),
             *arguments], input=text, capture_output=True, text=True,
            timeout=scenario.PATIENCE)
        s.check("reporter-send is content", done.returncode == 0,
                done.stderr)

    send(path)
    status = s.reporter.settled(4)
    wanted = {}
    for report in ((1, 2, scenario.LOCALHOST, TS,
                    [(0x0A000001, 8080, 100, 3, 0),
                     (0x0A000002, 65535, 0, 0, 1)]),
                   (2147483647, -2147483648, TOP, TS,
                    [(HIGH, 0, 2147483647, 1, 1)]),
                   (-1, 0, 0, TS, [(TOP, 1, 1, 2147483647, 0)])):
        wanted.update(scenario.rows(*report))
    s.equal("the table has each field as it was written",
            s.database.table(), wanted)
    shown = s.database.sql(
        "SELECT ip, caller, UNIX_TIMESTAMP(reported) AS ts, overload "
        "FROM ServerCallStatusView ORDER BY modid, port")
    s.equal("the view shows dotted addresses",
            [(row["ip"], row["caller"]) for row in shown],
            [("255.255.255.255", "0.0.0.0"), ("10.0.0.1", "127.0.0.1"),
             ("10.0.0.2", "127.0.0.1"), ("192.168.1.2", "255.255.255.255")])
    s.equal("and a readable overload", [row["overload"] for row in shown],
            ["no", "no", "yes", "yes"])
    s.identity(status)

    before = scenario.seconds_now()
    send(text="9 9 127.0.0.1 0 10.0.0.9 1 1 1 0\n")
    s.reporter.settled(5)
    stamps = s.database.sql(
        "SELECT ts FROM ServerCallStatus WHERE modid = 9")
    s.check("time 0 means the time of arrival",
            before <= stamps[0]["ts"] <= time.time(), str(stamps))


scenario.run(__doc__, tell)
