#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""One record among hundreds crashes whatever worker touches it: first one that
crashes the drain, then one that crashes the flush.  The worker is started
again and dies again, until the record is found out and set aside into the
dead-letter file.  All the others, before it and behind it, are stored, and the
worker lives on."""

import json

import faulty
import scenario

TS = 1700000000
SERVERS = 20


def tell(s):
    faults = faulty.Faults(s.directory)
    s.reporter.configure("reporter", workers=1)
    s.start()
    agent = s.agent()
    wanted, sent = {}, 0
    dead = s.reporter.options["mysql"]["dead_letter_file"]

    for turn, (point, modid, most) in enumerate(
            (("table_put", 666, 3), ("store", 777, 4)), 1):
        faults.poison(point, modid)
        data = b""
        for service in range(1, 31):
            at = modid if service == 17 else 1000 + service
            results = [(ip, 80, turn, 0, False)
                       for ip in range(1, 2 if at == modid else SERVERS + 1)]
            report = (at, 1, 1, TS + turn, results)
            data += scenario.native(*report)
            sent += len(results)
            if at != modid:
                wanted.update(scenario.rows(*report))
        agent.send(data)
        status = s.reporter.settled(sent)
        s.check(f"after {point}: it killed no more than {most} workers",
                2 <= faults.deaths() <= most, str(faults.deaths()))
        s.equal("the others are all in the table", s.database.table(), wanted)
        s.equal("it is counted as a dead letter",
                status["records"]["dead_letter"], turn)
        with open(dead) as file:
            letters = [json.loads(line) for line in file]
        s.equal("it stands in the dead-letter file",
                [letter["record"]["modid"] for letter in letters],
                [666, 777][:turn])
        s.check("with the reason", "killed" in letters[-1]["message"],
                str(letters[-1]))
        scenario.wait_for(
            lambda: s.reporter.status()["workers"][0]["state"] == "running",
            "the worker runs")
        s.identity(status)
    faults.clear()
    s.check("no agent was disconnected", agent.is_open())


scenario.run(__doc__, tell)
