#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents' clocks are wrong: one says 1970, one an hour ahead, one the year
2106; one sends no time at all.  A time that is ahead is stored as now and
counted, so that no row is frozen: the next honest report of the same key wins.
A time of the past is believed, and gives way to any later one."""

import re
import time

import scenario

HOUR = 3600
YEAR_2106 = 4294967295
NINETEEN_SEVENTY = 1


def tell(s):
    s.start()
    agent = s.agent()
    began = int(time.time())
    times = {1: 0, 2: NINETEEN_SEVENTY, 3: began + HOUR, 4: YEAR_2106,
             5: (1 << 53) - 1, 6: began}
    for modid, ts in times.items():
        agent.send(scenario.native(modid, 1, 1, ts, [(1, 1, 1, 1, False)]))
    status = s.reporter.settled(len(times))
    ended = int(time.time())
    stored = {row["modid"]: row["ts"] for row in s.database.sql(
        "SELECT modid, ts FROM ServerCallStatus")}
    for modid, what in ((1, "no time"), (3, "an hour ahead"),
                        (4, "the year 2106"), (5, "the end of the range")):
        s.check(f"{what} is stored as now",
                began <= stored[modid] <= ended, f"{stored[modid]}")
    s.equal("1970 is believed", stored[2], NINETEEN_SEVENTY)
    s.equal("an honest time is kept", stored[6], began)
    s.equal("those that were ahead are counted", status["skewed"], 3)

    # The frames' agents have clocks, too.
    first, agent = agent, s.agent()
    agent.send(scenario.elb(7, 1, 1, YEAR_2106, [(1, 1, 1, 1, False)]))
    status = s.reporter.settled(len(times) + 1)
    s.equal("in a frame as well", status["skewed"], 4)
    lines = re.findall(r"agent (\S+): its clock is (\d+) s ahead: storing the "
                       "time of arrival instead; logged once per connection",
                       s.reporter.log_text())
    s.equal("each agent's clock is logged once", [line[0] for line in lines],
            [first.name, agent.name])
    s.check("with how far it is ahead", HOUR - 5 <= int(lines[0][1]) <= HOUR
            and YEAR_2106 - ended - 5 <= int(lines[1][1]) <= YEAR_2106 - began,
            lines)

    # The next honest report of each key wins: nothing is frozen.
    honest = ended + 1
    for modid in [*times, 7]:
        s.agent().send(scenario.native(modid, 1, 1, honest,
                                       [(1, 1, 2, 2, True)]))
    status = s.reporter.settled(2 * (len(times) + 1))
    s.equal("each row has the honest report", s.database.table(),
            {(modid, 1, 1, 1, 1): (2, 2, honest, 1)
             for modid in [*times, 7]})
    s.identity(status)

    # A row that another program left with a time ahead does not stay so.
    s.database.sql(f"UPDATE ServerCallStatus SET ts = {YEAR_2106}")
    s.agent().send(scenario.native(1, 1, 1, honest + 1, [(1, 1, 3, 3, False)]))
    s.reporter.settled(2 * (len(times) + 1) + 1)
    s.equal("a frozen row in the table thaws",
            s.database.table()[(1, 1, 1, 1, 1)], (3, 3, honest + 1, 0))


scenario.run(__doc__, tell)
