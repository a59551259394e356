#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The database is away, and agents fill ring and table.  Then attackers send
frames of 32,700 tiny results, and 50 honest agents a few reports each: all are
throttled.  The database comes back, and agents that connect only now report as
fast as they can.  The large frames go in in pieces: each of the honest agents is
done within twice the mean delay of all of them, long before the attackers, and
not after those who came later.  Every report is counted once, and the counts add
up at any time."""

import selectors
import time

import scenario
from scenario import wait_for

TS = 1700000000
KEYS = 1024
RING = 32768
HONEST, REPORTS, RESULTS = 50, 6, 50
ATTACKERS, TINY = 10, 32700
NEWCOMERS = 400
EVERY = 0.02  # seconds between newcomers
# Not MessagePack: the connection is closed as soon as all before it is taken.
END = b"\xc1"


class Sender:
    """An agent that sends all it has and sees when it was taken."""

    def __init__(self, s, selector, data):
        self.agent = s.agent()
        self.data = data
        self.agent.socket.setblocking(False)
        self.done = None
        self.selector = selector
        selector.register(self.agent.socket, selectors.EVENT_READ
                          | selectors.EVENT_WRITE, self)

    def go_on(self):
        self.data = self.data[self.agent.send_some(self.data):]
        events = selectors.EVENT_READ
        if self.data:
            events |= selectors.EVENT_WRITE
        self.selector.modify(self.agent.socket, events, self)

    def event(self, events):
        if events & selectors.EVENT_WRITE and self.data:
            self.go_on()
        if events & selectors.EVENT_READ:
            self.done = time.monotonic()
            self.selector.unregister(self.agent.socket)


def serve(selector, seconds):
    for key, events in selector.select(seconds):
        key.data.event(events)


def until(selector, condition, what, seconds=60):
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + seconds:
            raise scenario.Failure(f"not within {seconds} s: {what}")
        serve(selector, 0.005)


def reports(modid, n):
    return b"".join(
        scenario.native(modid, 1, 1, TS, [(ip, 80, 1, 0, False) for ip in
                                          range(at * RESULTS,
                                                (at + 1) * RESULTS)])
        for at in range(n))


def frame(modid):
    """A frame of results without fields: all are of the key 0.0.0.0:0."""
    payload = scenario.fields((modid, 1, 1), False)
    payload += b"\x22\x00" * TINY + b"\x28" + scenario.varint(TS)
    return scenario.framed(3, payload)


def fill(s, selector):
    """Throttle one agent for good."""
    sender = Sender(s, selector, reports(1, 2 * RING // RESULTS) + END)

    def full():
        status = s.reporter.status()
        return (status["throttled"] == 1
                and status["records"]["pending"] == KEYS
                and status["records"]["queued"] > RING - RESULTS)

    until(selector, full, "ring and table are full")
    return sender


def throttle(s, selector, messages, before):
    """Agents that send these; returns when all are throttled."""
    senders = [Sender(s, selector, data) for data in messages]
    until(selector, lambda: all(not x.data for x in senders)
          and s.reporter.status()["throttled"] == before + len(senders),
          "all are throttled")
    return senders


def tell(s):
    s.database.start()
    # About 10,000 rows per second.
    s.database.administrate(
        "CREATE TRIGGER reporter.slow BEFORE INSERT ON "
        "reporter.ServerCallStatus FOR EACH ROW DO SLEEP(0.00003)")
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("limits", max_connections=1000)
    s.reporter.configure("queue", ring_records=RING, table_keys=KEYS)
    s.reporter.start()
    s.database.stop()
    selector = selectors.DefaultSelector()
    filler = fill(s, selector)
    attackers = throttle(s, selector, [frame(1000 + n) for n in
                                       range(ATTACKERS)], 1)
    honest = throttle(s, selector, [reports(100 + n, REPORTS) + END
                                    for n in range(HONEST)], 1 + ATTACKERS)
    s.identity()
    s.database.start()
    received = s.reporter.status()["records"]["received"]
    wait_for(lambda: s.reporter.status()["records"]["received"] > received,
             "the database is back", 30)
    began, newcomers = time.monotonic(), []

    def come():
        if (len(newcomers) < NEWCOMERS
                and time.monotonic() > began + EVERY * len(newcomers)):
            newcomers.append(Sender(s, selector, reports(
                2000 + len(newcomers), 1) + END))
            if len(newcomers) % 100 == 0:
                s.identity()
        return all(x.done for x in honest)

    until(selector, come, "the honest agents are done")
    delays = [max(0, x.done - began) for x in honest]
    mean, worst = sum(delays) / HONEST, max(delays)
    last = max(x.done for x in honest)
    before = sum(1 for x in newcomers if x.done and x.done < last)
    print(f"delays of the honest: mean {mean:.2f} s, worst {worst:.2f} s; "
          f"{before} of {len(newcomers)} newcomers done before")
    s.check("no honest agent waits for twice the mean", worst <= 2 * mean,
            f"{worst:.2f} s, mean {mean:.2f} s")
    s.check("newcomers do not overtake", before <= len(newcomers) / 5,
            f"{before} of {len(newcomers)}")
    everybody = [filler] + honest + newcomers
    until(selector, lambda: all(x.done for x in everybody), "all are taken")
    expected = (2 * RING // RESULTS + HONEST * REPORTS + ATTACKERS
                + len(newcomers))
    status = wait_for(lambda: (t := s.reporter.status())["reports"]
                      >= expected and t, "all reports are taken", 60)
    s.equal("each report is counted once", status["reports"], expected)
    status = s.reporter.settled(0)
    s.equal("each record arrived", status["records"]["received"],
            2 * RING // RESULTS * RESULTS + HONEST * REPORTS * RESULTS
            + ATTACKERS * TINY + RESULTS * len(newcomers)
            + len(everybody))
    s.identity(status)
    s.connections_add_up(status)


scenario.run(__doc__, tell)
