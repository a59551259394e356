#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Each limit of who may connect, how many, how fast and for how long is set,
and lifted, by SIGHUP in a running reporter.  deny and allow close connections
that are not allowed any more and leave the others; max_connections_per_address
and accept_rate count from then on, message_timeout holds for a message already
begun, and check_caller for the next report of every connection.  Each refusal
and each close is counted under its reason."""

import signal
import time

import scenario
from scenario import native, wait_for

TS = 1700000000
GOOD = [(1, 1, 1, 1, False)]
LOCAL = scenario.LOCALHOST


class From(scenario.Agent):
    """An agent at an address of its own."""

    def __init__(self, s, host):
        super().__init__(s.reporter.addresses[0], host)
        s.agents.append(self)


def reload(s, **limits):
    """Set these limits, others as they are, and wait until they hold."""
    reloads = s.reporter.status()["reloads"]
    s.reporter.configure("limits", **limits)
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    wait_for(lambda: s.reporter.status()["reloads"] > reloads,
             "it is reloaded")


def count(s, kind, reason):
    return s.reporter.status()[kind][reason]


def allow_and_deny(s):
    one, two = From(s, "127.0.0.1"), From(s, "127.0.1.1")
    wait_for(lambda: s.reporter.status()["connections"] == 2, "both are in")
    reload(s, deny="127.0.1.0/24")
    s.check("deny closes who is in it", two.sees_end())
    s.equal("as denied", count(s, "closed", "denied"), 1)
    s.check("it refuses the next one", From(s, "127.0.1.2").sees_end())
    s.equal("as denied, too", count(s, "refused", "denied"), 1)
    s.check("others stay", one.is_open())

    reload(s, allow="127.0.1.0/24, 127.0.0.2")
    s.check("allow closes who is not in it", one.sees_end())
    s.equal("as not allowed", count(s, "closed", "not_allowed"), 1)
    s.check("it refuses the next one", From(s, "127.0.0.1").sees_end())
    s.equal("as not allowed, too", count(s, "refused", "not_allowed"), 1)
    s.check("deny wins over allow", From(s, "127.0.1.1").sees_end())
    s.equal("as denied again", count(s, "refused", "denied"), 2)
    reload(s, allow="", deny="")
    s.check("both are lifted", serves(s, From(s, "127.0.1.1")))


def serves(s, agent, caller=LOCAL):
    """Whether a report of this agent is taken."""
    before = s.reporter.status()["reports"]
    agent.send(native(1, 1, caller, TS, GOOD))
    wait_for(lambda: s.reporter.status()["reports"] > before, "it is taken")
    return True


def per_address(s):
    reload(s, max_connections_per_address=2)
    agents = [From(s, "127.0.2.1") for _ in range(2)]
    s.check("two of an address are served",
            all(serves(s, agent) for agent in agents))
    s.check("the third is refused", From(s, "127.0.2.1").sees_end())
    s.equal("for that reason",
            count(s, "refused", "max_connections_per_address"), 1)
    s.check("another address is served", serves(s, From(s, "127.0.2.2")))
    open_now = s.reporter.status()["connections"]
    agents[0].close()
    wait_for(lambda: s.reporter.status()["connections"] < open_now,
             "one is gone")
    s.check("then the next one is served", serves(s, From(s, "127.0.2.1")))
    reload(s, max_connections_per_address=0)
    s.check("the limit is lifted", serves(s, From(s, "127.0.2.1")))


def accept_rate(s):
    rate, agents = 20, 30
    reload(s, accept_rate=rate)
    before = s.reporter.status()["connections_accepted"]
    began = time.monotonic()
    crowd = [From(s, f"127.0.3.{i}") for i in range(1, agents + 1)]
    wait_for(lambda: s.reporter.status()["connections_accepted"]
             == before + agents, "all are accepted in the end")
    took = time.monotonic() - began
    # A tenth of a second's may come at once.
    least = (agents - rate / 10) / rate
    s.check(f"{agents} at {rate} a second take {least:.1f} s or more",
            took >= least - 0.05, f"{took:.2f} s")
    s.check("none of them was refused",
            all(agent.is_open() for agent in crowd))
    status = s.reporter.status()
    s.check("it is counted", status["accept_holds"] > 0)
    lines = s.reporter.log_text().count(
        "accept rate limited to 20 per second")
    s.equal("and said once", lines, 1)

    # One address would use up all of it, and others would wait.
    hog = [From(s, "127.0.3.1") for _ in range(10 * rate)]
    began = time.monotonic()
    other = From(s, "127.0.3.2")
    s.check("an address that connects 200 times holds up no other",
            serves(s, other) and time.monotonic() - began < 5,
            f"{time.monotonic() - began:.2f} s")
    refused = count(s, "refused", "accept_rate")
    s.check("what is beyond its quarter of the rate is refused",
            refused >= 9 * rate, refused)
    s.check("and it is logged which option did that",
            "agent 127.0.3.1" in s.reporter.log_text()
            and "quarter of limits.accept_rate" in s.reporter.log_text())
    for agent in hog:
        agent.close()

    # At this rate the last one would be waited for in vain.
    reload(s, accept_rate=1)
    waiting = [From(s, f"127.0.4.{i + 1}")
               for i in range(2 * scenario.PATIENCE)]
    reload(s, accept_rate=0)
    s.check("lifted, it lets in who waits at once", serves(s, waiting[-1]))


def message_timeout(s):
    reload(s, message_timeout="1h")
    whole = native(1, 1, LOCAL, TS, GOOD)
    slow, good = From(s, "127.0.0.1"), From(s, "127.0.0.1")
    bytes_before = s.reporter.status()["bytes"]
    slow.send(whole + whole[:5])
    good.send(whole)
    wait_for(lambda: s.reporter.status()["bytes"]
             == bytes_before + 2 * len(whole) + 5, "it has begun")
    s.check("an hour is not over", slow.is_open())
    reports = s.reporter.status()["reports"]
    reload(s, message_timeout="300ms")
    began = time.monotonic()
    at = 5
    while not slow.sees_end(0.1) and time.monotonic() - began < 5:
        try:
            slow.send(whole[at:at + 1])
        except OSError:
            break
        at = 5 + (at - 4) % 8
    took = time.monotonic() - began
    s.check("then it is, although bytes trickle in", took < 3,
            f"{took:.1f} s")
    s.equal("for that reason", count(s, "closed", "message_timeout"), 1)
    s.equal("the whole report before it counts",
            s.reporter.status()["reports"], reports)
    s.check("who is between two messages stays", serves(s, good))

    # What waited while reporter was stopped came in time.
    reload(s, message_timeout="3s")
    late = From(s, "127.0.0.1")
    bytes_before = s.reporter.status()["bytes"]
    late.send(whole[:5])
    wait_for(lambda: s.reporter.status()["bytes"] == bytes_before + 5,
             "it has begun")
    s.reporter.process.send_signal(signal.SIGSTOP)
    late.send(whole[5:])
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 3.3, "time passes")
    s.reporter.process.send_signal(signal.SIGCONT)
    s.check("one that is finished while reporter was stopped is taken",
            serves(s, late))
    s.equal("and not closed", count(s, "closed", "message_timeout"), 1)
    reload(s, message_timeout="30s")


def check_caller(s):
    agent = From(s, "127.0.0.1")
    before = s.reporter.status()
    s.check("off: any caller is taken", serves(s, agent, LOCAL + 1))
    s.equal("and not counted", s.reporter.status()["foreign"],
            before["foreign"])
    reload(s, check_caller="log")
    for _ in range(3):
        serves(s, agent, LOCAL + 1)
    serves(s, agent, LOCAL)
    s.equal("log: it is taken and counted", s.reporter.status()["foreign"], 3)
    said = f"agent {agent.name}: reports as caller 127.0.0.2"
    s.equal("and said once", s.reporter.log_text().count(said), 1)
    reload(s, check_caller="reject")
    reports = s.reporter.status()["reports"]
    agent.send(native(1, 1, LOCAL + 1, TS, GOOD))
    agent.send(scenario.native(1, 1, LOCAL, TS, GOOD))
    wait_for(lambda: s.reporter.status()["reports"] == reports + 1,
             "the right one is taken")
    s.equal("reject: the wrong one is not", count(
        s, "rejected", "wrong_caller"), 1)
    s.check("and its connection lives", agent.is_open())
    reload(s, check_caller="off")
    s.check("off again: it is taken", serves(s, agent, LOCAL + 1))


def tell(s):
    s.start()
    allow_and_deny(s)
    per_address(s)
    accept_rate(s)
    message_timeout(s)
    check_caller(s)
    status = s.reporter.status()
    s.equal("all that were let in are open, or closed for a reason",
            status["connections_accepted"],
            status["connections"] + status["connections_closed"])
    s.equal("each refusal has its reason", status["connections_refused"],
            sum(status["refused"].values()))
    s.identity(s.reporter.settled(0))


scenario.run(__doc__, tell)
