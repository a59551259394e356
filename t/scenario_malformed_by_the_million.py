#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A million malformed messages of every kind arrive.  Each is counted under its
reason, right to the last one; the log has fewer than 100 lines of it, the
master's memory stays what it was, and a good agent beside them is served."""

import collections

import scenario
from crowd import resident, serve
from scenario import framed, native, pack, wait_for

TS = 1700000000
MILLION = 1000000
CLOSING = 1500  # connections for each kind that closes
GOOD = [(1, 1, 1, 1, False)]
LOCAL = scenario.LOCALHOST

# The bytes of a message that the connection survives, the reason, and what comes
# first where no stream may begin so.
BEGIN = (pack([2, 1]), "other_message")
LIVES = (
    (pack([2, 1]), "other_message"),
    (pack("no"), "wrong_shape", BEGIN),
    (pack([1, 1, LOCAL]), "wrong_shape"),
    (b"\x81\x01\x02", "wrong_shape", BEGIN),
    (native(1, 1, LOCAL, TS, [(1, 1, 1)]), "wrong_shape"),
    (native(1 << 31, 1, LOCAL, TS, GOOD), "out_of_range"),
    (native(1, 1, LOCAL, TS, [(1, 65536, 1, 1, False)]), "out_of_range"),
    (native(1, 1, LOCAL + 1, TS, GOOD), "wrong_caller"),
    (framed(3, b"\x07\xff\xff"), "not_protobuf"),
    (framed(8, b"\x07\xff\xff"), "not_protobuf"),
)
# Likewise behind a first frame that tells the dialect.
FIRST = framed(3, b"\x07\xff\xff")
LATER = (framed(5, b"any"), "other_message")
CLOSES = (
    (b"\xc1", "unknown_protocol"),
    (b"GET / HTTP/1.0\r\n\r\n", "unknown_protocol"),
    (b"\x91\xc1", "not_msgpack"),
    (b"\x91\xdb\x7f\xff\xff\xff", "too_long"),
    (b"\xdd\xff\xff\xff\xff", "too_long"),
    (b"\x08\0\0\0\xf9\xff\0\0", "too_long"),
    (b"\x03\0\0\0\xff\xff\xff\xff", "negative_length"),
    (b"\x08\0\0\0\0\0\0\x80", "negative_length"),
)


class Flood:
    """Sends what is wrong, and knows how often it did."""

    def __init__(self, s):
        self.s = s
        self.reasons = collections.Counter()

    def lives(self, data, reason, *before, times):
        """Over one connection, which is open at the end."""
        agent = self.s.agent()
        for first, why in before:
            agent.send(first)
            self.reasons[why] += 1
        agent.send(data * times)
        self.reasons[reason] += times
        wait_for(lambda: self.s.reporter.status()["records"]["received"]
                 >= self.total(), f"{reason} is received")
        self.s.check(f"{reason}: the connection lives", agent.is_open())
        agent.close()

    def closes(self, data, reason, times):
        """Each over a connection of its own.  Nobody waits for its end: so many
        see it two seconds later."""
        for n in range(times):
            agent = scenario.Agent(self.s.reporter.addresses[0])
            agent.send(data)
            agent.close()
            self.reasons[reason] += 1
            if n % 100 == 0:
                wait_for(lambda: self.s.reporter.status()["records"]["received"]
                         >= self.total(), f"{reason} is received")

    def total(self):
        return sum(self.reasons.values())


def tell(s):
    serve(s, 500, check_caller="reject")
    good = s.agent()
    flood = Flood(s)
    # The first of everything, so that memory has what it needs.
    for kind in LIVES:
        flood.lives(*kind, times=1000)
    before = resident(s)
    for data, reason in CLOSES:
        flood.closes(data, reason, CLOSING)
    flood.lives(*LATER, (FIRST, "not_protobuf"), times=1000)
    each = (MILLION - flood.total()) // len(LIVES) + 1
    for kind in LIVES:
        flood.lives(*kind, times=each)
    s.check("a million messages were sent", flood.total() >= MILLION)

    status = wait_for(
        lambda: (t := s.reporter.status())["records"]["received"]
        >= flood.total() and t, "all of it is received")
    s.equal("each reason is counted right to the last one",
            status["rejected"], dict(flood.reasons))
    s.equal("nothing else was received", status["records"]["received"],
            flood.total())
    s.equal("each connection that had to be was closed",
            status["closed"]["bad_stream"], CLOSING * len(CLOSES))
    grown = resident(s) - before
    s.check("the master's memory is what it was", grown < 1 << 20,
            f"{grown >> 10} KiB more")
    lines = s.reporter.log_text().count("\n")
    s.check("the log has fewer than 100 lines", lines < 100, str(lines))

    good.send(native(1, 1, LOCAL, TS, GOOD))
    status = s.reporter.settled(flood.total() + 1)
    s.equal("the good agent's report is in the table", s.database.table(),
            scenario.rows(1, 1, LOCAL, TS, GOOD))
    s.identity(status)


scenario.run(__doc__, tell)
