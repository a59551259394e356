#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""An agent flips the overload of more keys than one round of a flush takes, all
the time.  Changes of overload go first; the keys of an honest agent, whose
overload does not change, are in the table after a few rounds all the same."""

import struct
import threading
import time

import scenario

TS = 1700000000
ROUND_ROWS = 524288  # src/worker/flush.c
REPORTS, RESULTS = 600, 1000


def flips(overload):
    """A report of each service, with the overload of all its servers."""
    end = b"\x50\x01\x00" + (b"\xc3" if overload else b"\xc2")
    results = b"".join(b"\x95\xce" + struct.pack(">I", ip) + end
                       for ip in range(1 << 24, (1 << 24) + RESULTS))
    return b"".join(
        b"\x96" + scenario.pack(1) + scenario.pack(modid) + scenario.pack(1)
        + scenario.pack(3) + scenario.pack(TS)
        + b"\xdc" + struct.pack(">H", RESULTS) + results
        for modid in range(REPORTS))


def flip(agent, stop):
    turns = (flips(True), flips(False))
    while not stop.is_set():
        for data in turns:
            agent.send(data)


def tell(s):
    keys = REPORTS * RESULTS
    s.check("it flips more keys than a round takes", keys > ROUND_ROWS)
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("queue", table_keys=1 << 20)
    s.start()
    stop = threading.Event()
    flipping = threading.Thread(target=flip, args=(s.agent(), stop),
                                daemon=True)
    flipping.start()
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["received"] > 2 * keys,
        "all keys were flipped")
    report = (-1, 1, 4, TS, [(ip, 80, 1, 0, False) for ip in range(50)])
    wanted = scenario.rows(*report)
    began = time.monotonic()
    s.agent().send(scenario.native(*report))
    honest = "SELECT COUNT(*) AS n FROM ServerCallStatus WHERE modid = -1"
    pending = []

    def is_stored():
        pending.append(s.reporter.status()["records"]["pending"])
        return s.database.sql(honest)[0]["n"] == len(wanted)

    scenario.wait_for(is_stored, "the honest agent's keys are in the table",
                      4 * scenario.PATIENCE)
    print(f"after {time.monotonic() - began:.1f} s")
    s.check("the other agent flips its keys still", flipping.is_alive())
    s.check("and more of them than a round takes waited meanwhile",
            max(pending) > ROUND_ROWS, str(max(pending)))
    status = s.reporter.status()
    stop.set()
    flipping.join(scenario.PATIENCE)
    s.equal("no worker had to be started again",
            [w["restarts"] for w in status["workers"]], [0])
    s.identity(status)
    # Nobody waits until the last of its flips is stored.
    s.reporter.kill()


scenario.run(__doc__, tell)
