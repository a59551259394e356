#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The pending tables hold a thousand keys only, and the database is away.  An
agent that speaks TLS reports far more keys than table and ring can hold: it is
not read any further, and TLS lets it wait as TCP does.  A message is short, so
that a part of a TLS record is still to be taken when the ring is full: nothing
but the ring tells of it.  When the database is back the agent goes on.  Another
has said all it had to say: the rest of its record is taken as well.  A third
was ended by its system meanwhile: what was read of it counts all the same.  In
the end every key that an agent was rid of is in the table."""

import socket
import ssl
import struct

import scenario
import tls

TS = 1700000000
KEYS = 1024
RING = 32768
FLOOD = 42000
PER_REPORT = 50


def flood(modid):
    """The reports, and the rows that they make."""
    data, wanted = b"", {}
    for first in range(0, FLOOD, PER_REPORT):
        report = (modid, 2, 1, TS, [(ip, 80, ip, 0, False)
                                    for ip in range(first,
                                                    first + PER_REPORT)])
        data += scenario.native(*report)
        wanted.update(scenario.rows(*report))
    return data, wanted


def connect(s, authority):
    agent = tls.TlsAgent(s.reporter.addresses[0], authority)
    agent.socket.setblocking(False)
    s.agents.append(agent)
    return agent


def send_some(agent, data):
    """Returns what is left; a record of TLS has 16 KiB."""
    try:
        return data[agent.socket.send(data[:16384]):]
    except (ssl.SSLWantWriteError, BlockingIOError):
        return data


def until_throttled(s, agent, data, number):
    """Send until so many agents are throttled for good: a ring may be full for
    a moment as well, while its worker comes to bring records to the table.
    Returns what is left."""
    left = [data]

    def throttled():
        left[0] = send_some(agent, left[0])
        status = s.reporter.status()
        worker = status["workers"][0]
        return (status["throttled"] == number and worker["pending"] == KEYS
                and worker["queued"] > RING - PER_REPORT)

    scenario.wait_for(throttled, f"{number} agents are throttled")
    return left[0]


def send_record(s, authority, modid, number, wanted):
    """One record of TLS, of which most waits inside of it.  Its last report is
    cut."""
    data, rows = flood(modid)
    agent = connect(s, authority)
    rest = until_throttled(s, agent, data[:16384], number)
    s.equal("all of a record is sent", rest, b"")
    begun = data[:16384].count(scenario.native(modid, 2, 1, TS, [])[:-1])
    wanted.update({key: row for key, row in rows.items()
                   if key[2] < (begun - 1) * PER_REPORT})
    return agent


def tell(s):
    authority = tls.Authority(s.directory, "authority")
    certificate, key = authority.issue("server", "127.0.0.1")
    s.database.start()
    s.reporter.configure("reporter", listen="127.0.0.1:0 tls", workers=1)
    s.reporter.configure("limits", max_message="2k")
    s.reporter.configure("queue", ring_records=RING, table_keys=KEYS)
    s.reporter.configure("tls", certificate=certificate, key=key)
    s.reporter.start()
    s.database.stop()

    data, wanted = flood(1)
    agent = connect(s, authority)
    left = until_throttled(s, agent, data, 1)
    records = s.reporter.status()["records"]
    s.check("ring and table are full, and no more",
            RING <= records["queued"] + records["pending"] < FLOOD,
            str(records))

    silent = send_record(s, authority, 2, 2, wanted)
    gone = send_record(s, authority, 3, 3, wanted)
    gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack("ii", 1, 0))
    gone.close()
    s.equal("all wait", s.reporter.status()["throttled"], 3)
    s.equal("nothing is read of them", s.reporter.status()["records"]
            ["received"], records["received"])
    s.database.start()

    def go_on():
        nonlocal left
        left = send_some(agent, left)
        return not left

    scenario.wait_for(go_on, "the flooding agent can send all")
    status = s.reporter.settled(len(wanted))
    table = s.database.table()
    s.check("every key is in the table", table == wanted,
            f"{len(table)} {len(wanted)}")
    s.equal("nothing was dropped", status["records"]["dropped"], 0)
    s.equal("nobody is throttled any more", status["throttled"], 0)
    s.check("who was silent is connected", silent.is_open())
    s.equal("who was gone is not", status["connections"], 2)
    s.equal("for no other reason", status["closed"]["by_agent"], 1)
    s.identity(status)


scenario.run(__doc__, tell)
