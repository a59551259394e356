#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""TCP may cut a report anywhere.  An agent of each dialect sends its reports
byte by byte.  Then one report is sent in two parts, cut at each of its bytes
in turn, where the second part goes only after the first has been read.  And
many reports are sent glued into one piece.  Nothing is lost or misread."""

import scenario

TS = 1700000000
RESULTS = [(0xC0A80001, 443, 70000, 3, True), (2, 65535, 0, 300, False)]


def tell(s):
    s.start()
    wanted = {}
    sent = records = 0

    def send(agent, data):
        nonlocal sent
        agent.send(data)
        sent += len(data)

    dialects = (scenario.native, scenario.elb, scenario.lars)
    for modid, encode in enumerate(dialects, 1):
        agent = s.agent()
        for cmdid in range(5):
            report = (modid, cmdid, 123456789, TS + cmdid, RESULTS)
            for byte in encode(*report):
                send(agent, bytes([byte]))
            wanted.update(scenario.rows(*report))
            records += len(RESULTS)
    s.reporter.settled(records)
    s.equal("reports sent byte by byte are in the table",
            s.database.table(), wanted)

    for modid, encode in enumerate(dialects, 11):
        agent = s.agent()
        length = len(encode(modid, 0, 1, TS, RESULTS))
        for cut in range(1, length):
            report = (modid, cut, 1, TS, RESULTS)
            data = encode(*report)
            send(agent, data[:cut])
            scenario.wait_for(
                lambda: s.reporter.status()["bytes"] >= sent,
                "the first part is read")
            send(agent, data[cut:])
            wanted.update(scenario.rows(*report))
            records += len(RESULTS)
    s.reporter.settled(records)
    s.equal("reports cut at each byte are in the table",
            s.database.table(), wanted)

    for modid, encode in enumerate(dialects, 21):
        glued = b""
        for cmdid in range(200):
            report = (modid, cmdid, 1, TS, RESULTS)
            glued += encode(*report)
            wanted.update(scenario.rows(*report))
            records += len(RESULTS)
        send(s.agent(), glued)
    status = s.reporter.settled(records)
    s.equal("reports glued together are in the table",
            s.database.table(), wanted)
    s.equal("none was rejected", status["records"]["rejected"], 0)
    s.identity(status)


scenario.run(__doc__, tell)
