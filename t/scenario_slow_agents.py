#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""10,000 connections begin a message and send one byte of it each second.
100 good agents beside them report as fast as they can: every report arrives,
at no less than half the rate that they have alone.  After message_timeout each
of the slow ones is disconnected, and none of the good; and as many once more
take no more memory of the master than the first ones."""

import time

import scenario
from crowd import Crowd, resident, serve
from scenario import wait_for

SLOW, GOOD = 10000, 100
# So many that they take some tenths of a second, for a rate to go by.
REPORTS = 10000 if scenario.built_with("asan") else 40000
PUSHES = 3
CROWDS = 3
TIMEOUT = 6


def push(s):
    """The good agents send all they have.  Returns how many reports a second
    arrived."""
    before = s.reporter.status()["reports"]
    began = time.monotonic()
    crowd = Crowd(s, "push", GOOD, REPORTS)
    wait_for(lambda: s.reporter.status()["reports"]
             >= before + GOOD * REPORTS, "all reports arrive")
    rate = GOOD * REPORTS / (time.monotonic() - began)
    s.equal("the good agents end well", crowd.ended(), 0)
    s.equal("every report of theirs arrives",
            s.reporter.status()["reports"] - before, GOOD * REPORTS)
    print(f"{rate:.0f} reports a second")
    return rate


def best_push(s):
    """The best of some: what else the machine does slows down one or other."""
    return max(push(s) for _ in range(PUSHES))


def trickle(s):
    """The slow ones come, with time enough.  Returns them, and the master's
    memory when each has begun its message."""
    s.reporter.configure("limits", message_timeout="1h")
    s.reporter.reload()
    before = s.reporter.status()["bytes"]
    slow = Crowd(s, "trickle", SLOW)
    slow.connected()
    wait_for(lambda: s.reporter.status()["bytes"] >= before + SLOW,
             "each has sent a byte")
    return slow, resident(s)


def tell(s):
    serve(s, SLOW + GOOD)
    alone = best_push(s)
    s.reporter.settled(0)

    slow, first = trickle(s)
    beside = best_push(s)
    s.check("beside slow agents the rate is no less than half",
            beside >= alone / 2, f"{beside:.0f} beside {alone:.0f}")
    s.check("while all of those were there",
            s.reporter.status()["connections"] >= SLOW)

    s.reporter.configure("limits", message_timeout=f"{TIMEOUT}s")
    s.reporter.reload()
    began = time.monotonic()
    s.equal("the slow agents are disconnected", slow.ended(), 0)
    took = time.monotonic() - began
    s.check("in time", took < TIMEOUT + 5, f"after {took:.1f} s")
    status = wait_for(
        lambda: (t := s.reporter.status())["connections"] == 0 and t,
        "nobody is connected")
    s.equal("each of them for the time it took",
            status["closed"]["message_timeout"], SLOW)
    s.equal("and nobody else was", status["connections_closed"],
            SLOW + 2 * PUSHES * GOOD)
    s.equal("all that were let in are closed now",
            status["connections_accepted"], status["connections_closed"])
    # How much of freed memory an allocator keeps is its own affair, and where
    # it finds room for the next is, too: but what is lost with a connection is
    # lost each time.
    sizes = [first]
    for _ in range(CROWDS):
        slow, size = trickle(s)
        sizes.append(size)
        slow.kill()
        wait_for(lambda: s.reporter.status()["connections"] == 0,
                 "nobody is connected")
    s.check("as many once more, and again, take no more memory",
            min(b - a for a, b in zip(sizes, sizes[1:])) < 1 << 20,
            f"{[size >> 10 for size in sizes]} KiB")
    s.check("the log is short", s.reporter.log_text().count("\n") < 100)
    s.identity(s.reporter.settled(0))


scenario.run(__doc__, tell)
