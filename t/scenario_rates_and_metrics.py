#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""An administrator looks at a reporter that takes in reports at a known speed.
Its status shows that speed at once, without waiting between two looks, and
shows that it has stopped once it has.  The status for Prometheus says the same
as the one for programs, and Prometheus' own checker finds no fault in it, nor
when it got the label that tells instances in files apart."""

import os
import re
import subprocess
import time

import scenario
from scenario import wait_for

NOW = int(time.time())


def metrics(s):
    """reporterctl's metrics as {name with labels: number}."""
    return checked(s, exported(s))


def exported(s):
    return s.reporter.ctl("status", "--prometheus").stdout


def checked(s, text):
    s.part(scenario.promtool, s, text)
    return {name: float(value) for name, value in re.findall(
        r"^(reporter_\S+) (\S+)$", text, re.MULTILINE)}


def labelled(text):
    """As the manual has them told apart."""
    with open(os.path.join(scenario.SOURCE, "man", "reporterctl.8")) as file:
        command, = re.findall(r"^sed .*$", file.read(), re.MULTILINE)
    return subprocess.run(
        ["sh", "-c", command.replace(r"\(aq", "'")], input=text,
        capture_output=True, text=True, check=True).stdout


def rates(s):
    return {rate["span"]: rate for rate in s.reporter.status()["rates"]}


def sent_at_a_known_speed(s):
    """300 reports in at least three seconds.  Returns when each was sent."""
    agent = s.agent()
    times = []
    for i in range(300):
        agent.send(scenario.native(1, 1, 1, NOW,
                                   [(i, 80, 1, 0, False), (i, 81, 1, 0, True)]))
        times.append(time.monotonic())
        time.sleep(0.01)
    return times


def tell(s):
    s.start()
    wait_for(lambda: rates(s)[1]["seconds"] > 0.5, "the first sample")
    s.equal("an idle one has no rate", rates(s)[1]["received"], 0)
    times = sent_at_a_known_speed(s)
    rate = rates(s)[1]
    # What was sent in the very time that the rate is over.
    begin = time.monotonic() - rate["seconds"]
    speed = sum(at > begin for at in times) / rate["seconds"]
    s.check("the rate of the last second is that of the reports",
            speed * 0.5 < rate["reports"] < speed * 1.5,
            f"{rate} at {speed}")
    s.check("and twice that in records",
            abs(rate["received"] - 2 * rate["reports"]) < 3, f"{rate}")
    status = s.reporter.settled(600)
    longest = {r["span"]: r for r in status["rates"]}[60]
    s.check("over a minute they are all in it",
            abs(longest["received"] * longest["seconds"] - 600) < 2,
            f"{longest}")
    s.check("what was stored is in it, too",
            0 < longest["stored"] * longest["seconds"] < 602, f"{longest}")
    wait_for(lambda: rates(s)[1]["received"] == 0, "the rate is 0 again")
    s.check("the idle master went on taking samples",
            rates(s)[1]["seconds"] < 3, f"{rates(s)[1]}")

    status, found = s.reporter.status(), metrics(s)
    for term in ("received", "stored", "superseded", "dropped"):
        s.equal(f"{term} is the same in both",
                found[f"reporter_records_{term}_total"],
                status["records"][term])
    flushes = sum(w["flushes"] for w in status["workers"])
    s.equal("each flush is in the histogram", sum(
        value for name, value in found.items() if name.startswith(
            "reporter_flush_duration_seconds_bucket")
        and 'le="+Inf"' in name), flushes)
    s.check("there were flushes", flushes > 0)
    s.equal("it is up", found["reporter_up"], 1)
    text = exported(s)
    plain, own = checked(s, text), checked(s, labelled(text))
    s.equal("the manual's label is in each series", list(own.values()),
            list(plain.values()))
    s.check("which are others then", plain.keys().isdisjoint(own))
    s.equal("with the labels of before", [re.sub(
        'reporter="two",?', "", name).replace("{}", "") for name in own],
            list(plain))

    # A reporter whose database hangs: the lag grows, and ends with it.
    s.database.freeze()
    s.agent().send(scenario.native(1, 1, 1, NOW + 1, [(1, 80, 1, 0, False)]))

    def lags():
        return [w["slot"] for w in s.reporter.status()["workers"]
                if w["waiting_since"] and w["pending"]]

    slot, = wait_for(lags, "a worker waits for the database")
    name = (f'reporter_worker_flush_lag_seconds{{generation="1",'
            f'slot="{slot}"}}')
    wait_for(lambda: metrics(s)[name] >= 2, "the lag grows")
    s.database.thaw()
    s.reporter.settled(601)
    wait_for(lambda: not any(w["waiting_since"]
                             for w in s.reporter.status()["workers"]),
             "nobody waits any more")
    s.identity()
    s.finish()
    done = s.reporter.ctl("status", "--prometheus")
    s.equal("one that is gone is down", (done.returncode,
                                         done.stdout.split()[-2:]),
            (3, ["reporter_up", "0"]))


scenario.run(__doc__, tell)
