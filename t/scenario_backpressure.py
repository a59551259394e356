#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The pending tables hold a thousand keys only, and the database is away.  An
agent reports far more keys of one service than table and ring can hold.  Its
connection is not read any further: TCP tells it to wait.  An agent whose
service belongs to the other worker reports as before.  When the database is
back, the first agent can go on, and in the end all its keys are in the table:
nothing was dropped."""

import scenario

TS = 1700000000
KEYS = 1024
RING = 32768
FLOOD = 60000  # more than both hold, with room for what is in flight
PER_REPORT = 50


def services_by_slot(s):
    """A service of each of the two workers, found by sending."""
    agent = s.agent()
    found, modid = {}, 0
    while len(found) < 2:
        modid += 1
        before = s.reporter.workers()
        agent.send(scenario.native(modid, 1, 1, TS, [(1, 1, 1, 1, False)]))

        def arrived():
            now = s.reporter.workers()
            return [slot for slot in now
                    if now[slot]["pending"] > before[slot]["pending"]]

        found[scenario.wait_for(arrived, "the record is pending")[0]] = modid
    return found, modid


def tell(s):
    s.database.start()
    s.reporter.configure("queue", ring_records=RING, table_keys=KEYS)
    s.reporter.start()
    s.database.stop()
    services, received = services_by_slot(s)

    flooding, calm = s.agent(), s.agent()
    wanted = {(modid, 1, 1, 1, 1): (1, 1, TS, 0)
              for modid in range(1, received + 1)}
    data = b""
    for first in range(0, FLOOD, PER_REPORT):
        report = (services[0], 1, 1, TS,
                  [(ip, 80, ip, 0, False)
                   for ip in range(first, first + PER_REPORT)])
        data += scenario.native(*report)
        wanted.update(scenario.rows(*report))

    flooding.socket.setblocking(False)
    sent = 0

    def go_on():
        nonlocal sent
        sent += flooding.send_some(data[sent:sent + 65536])
        return sent == len(data)

    def throttled():
        """For good: a ring may be full for a moment as well, while its worker
        comes to bring records to the table."""
        go_on()
        status = s.reporter.status()
        worker = status["workers"][0]
        return (status["throttled"] == 1 and worker["pending"] == KEYS
                and worker["queued"] > RING - PER_REPORT and status)

    status = scenario.wait_for(throttled, "the agent is throttled")
    s.check("ring and table are full, and no more",
            RING <= status["records"]["queued"] + status["records"]["pending"]
            < FLOOD, str(status["records"]))
    s.identity(status)
    in_memory = status["records"]["received"]

    for turn in range(100):
        calm.send(scenario.native(services[1], 1, 1, TS + turn,
                                  [(1, 2, turn, 0, False)]))
    wanted.update(scenario.rows(services[1], 1, 1, TS + 99,
                                [(1, 2, 99, 0, False)]))
    status = scenario.wait_for(
        lambda: (t := s.reporter.status())["records"]["received"]
        >= in_memory + 100 and t, "the calm agent's reports are read")
    s.equal("only the calm agent's were", status["records"]["received"],
            in_memory + 100)
    s.equal("the flooding agent is still throttled", status["throttled"], 1)
    s.check("the log says so", "throttled: the ring of worker" in s.reporter.log_text())

    s.database.start()
    scenario.wait_for(go_on, "the flooding agent can send all")
    status = s.reporter.settled(received + FLOOD + 100)
    s.check("every key is in the table", s.database.table() == wanted)
    s.equal("nothing was dropped", status["records"]["dropped"], 0)
    s.equal("nobody is throttled any more", status["throttled"], 0)
    s.identity(status)


scenario.run(__doc__, tell)
