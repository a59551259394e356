#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Agents' clocks are wrong: one says 1970, one an hour ahead, one the year
2106; one sends no time at all.  A time that is ahead is stored as now and
counted, so that no row is frozen: the next honest report of the same key wins.
A time of the past is believed, and gives way to any later one.

Then the clock of this machine is set while the database is away: for how long it
has been away does not change."""

import json
import os
import re
import subprocess
import time

import scenario

HOUR = 3600
YEAR_2106 = 4294967295
NINETEEN_SEVENTY = 1


def tell(s):
    s.start()
    agent = s.agent()
    began = scenario.seconds_now()
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
    s.part(our_clock_is_set, s)


def our_clock_is_set(s):
    """To reporterctl it was set since reporter noted the time."""
    faketime = scenario.tool("faketime", "faketime")

    def ctl(clock, *words):
        done = subprocess.run(
            [faketime, "-f", clock, scenario.program("reporterctl"),
             "-i", s.reporter.instance, *words],
            env=dict(os.environ, FAKETIME_DONT_FAKE_MONOTONIC="1",
                     ASAN_OPTIONS="verify_asan_link_order=0"),
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=scenario.PATIENCE)
        return done.returncode, done.stdout

    received = s.reporter.status()["records"]["received"]
    s.database.stop()
    began = time.monotonic()
    s.agent().send(scenario.native(1, 2, 1, int(time.time()),
                                   [(1, 1, 4, 4, False)]))
    limits = ("check", "-c", "flush_age=1,disconnected=1", "-w",
              "master_age=10")
    scenario.wait_for(lambda: all(
        f" {name} (critical)" in s.reporter.ctl(*limits).stdout for name in (
            "seconds without a commit while keys are pending",
            "seconds without a connection to the database")),
        "the check is critical")
    for clock in ("-1h", "+1h"):
        status, said = ctl(clock, *limits)
        ages = re.findall(r"(?:flush_age|disconnected|master_age)=([\d.]+)s",
                          said)
        away = time.monotonic() - began
        s.check(f"so it is with the clock at {clock}", status == 2 and
                len(ages) == 3 and all(float(age) <= away + 1
                                       for age in ages), said)
        s.check("but not by the default limits", ctl(clock, "check")[0] == 0,
                ctl(clock, "check")[1])
        shown = json.loads(ctl(clock, "status", "--json")[1])
        s.check("it has not run for longer", shown["uptime"] < 60, shown)
        since = shown["workers"][0]["waiting_since"] or shown[
            "workers"][1]["waiting_since"]
        off = since - time.time() - (3600 if clock == "+1h" else -3600)
        away = time.monotonic() - began
        s.check("the time of day is that of the clock", -away - 1 <= off <= 1,
                off)
        text = ctl(clock, "status")[1]
        s.check("shown in UTC", re.search(
            r"last error \d+s ago \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)",
            " ".join(text.split())), text)
    s.database.start()
    s.reporter.settled(received + 1)
    scenario.wait_for(lambda: "recovered" in s.reporter.ctl("status").stdout,
                      "the status shows that it is over")


scenario.run(__doc__, tell)
