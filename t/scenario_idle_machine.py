#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Nobody reports.  Master, workers, the page without viewers and an agent with
libreporter wake up once a second at most, all threads of each together, and take
no time of a processor; hundreds of agents that are connected and silent add
nothing.  What must be noticed is noticed at once all the same: workers follow a
rotated log, and end when their master is killed."""

import glob
import os
import subprocess
import time

import scenario
import web as webs
from crowd import Crowd
from scenario import wait_for

SECONDS = 3
AGENTS = 400
PROCESSOR = 0.005  # of one, at most


def taken(pid):
    """How often the threads of a process have slept, and seconds they ran."""
    sleeps = ran = 0
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(f"{task}/status") as status:
            sleeps += int(next(line for line in status if line.startswith(
                "voluntary_ctxt_switches")).split()[1])
        with open(f"{task}/schedstat") as stat:
            ran += int(stat.read().split()[0]) / 1e9
    return sleeps, ran


def sleep_well(s, what, processes):
    before = {name: taken(pid) for name, pid in processes.items()}
    time.sleep(SECONDS)
    for name, pid in processes.items():
        wakes, ran = (now - then for now, then in
                      zip(taken(pid), before[name]))
        # A time of 3 seconds has up to 4 points that are a second apart.
        s.check(f"{what}: {name} wakes up once a second at most ({wakes} in "
                f"{SECONDS} s)", wakes <= SECONDS + 1)
        s.check(f"{what}: {name} takes no time ({ran / SECONDS:.3%})",
                ran / SECONDS < PROCESSOR)


def timed(call, *arguments):
    began = time.monotonic()
    call(*arguments)
    return time.monotonic() - began


def lives(pid):
    """Whether the process runs; a zombie does not."""
    try:
        return scenario.process_fields(f"/proc/{pid}/stat")[0] not in "ZX"
    except OSError:
        return False


def tell(s):
    s.start()
    host, port = s.reporter.addresses[0]
    page = webs.start(s)
    fifo = os.path.join(s.directory, "calls")
    os.mkfifo(fifo)
    pipe = os.open(fifo, os.O_RDWR)
    agent = subprocess.Popen(
        [scenario.program("reporter-send"), "--agent", "-H", f"{host}:{port}"],
        stdin=pipe)
    try:
        os.write(pipe, b"1 2 1.1.1.1 5 10.0.0.1 80 7 0 1\n")
        workers = {f"worker {slot}": worker["pid"] for slot, worker
                   in s.reporter.workers().items()}
        processes = {"master": s.reporter.process.pid, **workers,
                     "reporter-web": page.process.pid, "an agent": agent.pid}
        asleep(s, processes, workers)
    finally:
        for process in agent, page.process:
            process.kill()
            process.wait()
        os.close(pipe)


def asleep(s, processes, workers):
    wait_for(lambda: s.database.count() == 1, "the agent's key is stored")
    sleep_well(s, "without agents", processes)
    crowd = Crowd(s, "stay", AGENTS)
    crowd.connected()
    s.reporter.settled(AGENTS)
    sleep_well(s, f"{AGENTS} idle agents", processes)
    done = []
    took = timed(lambda: done.append(s.reporter.ctl("reopen")))
    s.check("workers follow a rotated log at once", took < 1, f"{took:.2f} s")
    s.equal("all of them", (done[0].returncode, done[0].stderr), (0, ""))
    crowd.kill()
    master, s.reporter.process = s.reporter.process, None
    master.kill()
    master.wait()
    took = timed(wait_for,
                 lambda: not any(map(lives, workers.values())), "workers end")
    s.check("workers end at once when the master is killed", took < 1,
            f"{took:.2f} s")
    s.reporter.start()


scenario.run(__doc__, tell)
