#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A killed reporter left its shared memory, and something has happened to it:
flipped bytes, the layout of another version, indices that cannot be, a file cut
short.  The next start sets each such segment aside, names it in the log and
goes on; what is whole is adopted.  The bytes stay for whoever wants to look.
And when /dev/shm is too small, the start says how much it wants and how much is
there; so does a reload when memory is, before it takes any."""

import glob
import os
import re
import struct
import subprocess

import scenario

TS = 1700000000
SERVICES = 40


def flip_geometry(file):
    write(file, "header.ring_records", struct.pack("=I", 1 << 20))


def other_version(file):
    write(file, "header.version", struct.pack("=I", 77))


def impossible_head(file):
    write(file, "producer.head", struct.pack("=Q", 1 << 40))


def no_magic(file):
    write(file, "header.magic", b"garbage!")


def cut_short(file):
    os.truncate(file.name, 4096)


def cut_to_a_stump(file):
    os.truncate(file.name, 50)


def write(file, field, data):
    # The header is the same in the master's.
    file.seek(scenario.offsets()[f"worker_shared.{field}"])
    file.write(data)


# What is done to a worker's segment, and what the log says of it.
DAMAGES = ((flip_geometry, "inconsistent header"),
           (other_version, "another version"),
           (impossible_head, "inconsistent header"),
           (no_magic, "inconsistent header"),
           (cut_short, "inconsistent header"),
           (cut_to_a_stump, "inconsistent header"))


def aside(s, secrets=False):
    return [path for path in glob.glob(
        f"/dev/shm/set-aside.reporter.{s.reporter.instance}*")
            if secrets or not path.endswith(".secret")]


def tell(s):
    s.database.start()
    try:
        for damage, reason in DAMAGES:
            workers_segment(s, damage, reason)
        running_workers_segment(s)
        masters_segment(s)
        emptied_segment(s)
    finally:
        for path in aside(s, secrets=True):
            os.unlink(path)
    s.part(full_shm, s)
    s.part(short_memory, s)


def leave_records(s, turn):
    """Start, have records pending in both workers, kill all.  Returns the rows
    of each slot's segment."""
    s.database.sql("TRUNCATE ServerCallStatus")
    # Before it connects: a statement in a socket would be executed later.
    s.database.freeze()
    s.reporter.start()
    agent = s.agent()
    for service in range(SERVICES):
        agent.send(scenario.native(service, 1, 1, TS, [(1, 1, turn, 0, 0)]))
    status = scenario.wait_for(
        lambda: (t := s.reporter.status())["records"]["pending"] == SERVICES
        and t, "all keys are pending")
    s.reporter.kill()
    s.database.thaw()
    return [w["pending"] for w in status["workers"]]


def segment(s, slot):
    return glob.glob(f"/dev/shm/reporter.{s.reporter.instance}.*.{slot}")[0]


def recover(s, rows, what):
    """Start again: so many rows come to the table, and new ones as well."""
    start = len(s.reporter.log_text())
    s.reporter.start()
    scenario.wait_for(lambda: s.database.count() == rows,
                      f"{what}: what is whole is stored")
    s.agent().send(scenario.native(99, 1, 1, TS, [(1, 1, 1, 0, False)]))
    scenario.wait_for(lambda: s.database.count() == rows + 1,
                      f"{what}: new records are stored")
    s.identity()
    s.reporter.stop()
    return s.reporter.log_text()[start:]


def workers_segment(s, damage, reason):
    what = damage.__name__
    pending = leave_records(s, 1)
    path = segment(s, 0)
    with open(path, "r+b") as file:
        damage(file)
    with open(path, "rb") as file:
        image = file.read()
    before = set(aside(s))
    log = recover(s, pending[1], what)
    s.check(f"{what}: the log names the segment and the reason",
            any(os.path.basename(path) in line and reason in line
                and "set aside as" in line for line in log.splitlines()), log)
    new = set(aside(s)) - before
    s.equal(f"{what}: it is set aside", len(new), 1)
    path = new.pop()
    s.check(f"{what}: the log says where", path in log)
    with open(path, "rb") as file:
        s.check(f"{what}: with every byte", file.read() == image)


def running_workers_segment(s):
    """Its tail passes its head while it is drained."""
    s.database.sql("TRUNCATE ServerCallStatus")
    s.reporter.start()
    path = segment(s, 0)
    start = len(s.reporter.log_text())
    with open(path, "r+b") as file:
        write(file, "consumer.tail", struct.pack("=Q", 1 << 40))
    log = scenario.wait_for(
        lambda: "worker 0 (pid " in (text := s.reporter.log_text()[start:])
        and "fix the cause" in text and text,
        "the worker fails instead of draining what is not there")
    s.check("the log names the segment and the reason",
            f"cannot open segment /{os.path.basename(path)}: damaged" in log,
            log)
    s.reporter.kill()
    s.check("the next start sets it aside",
            "set aside as" in recover(s, 0, "a tail"))


def masters_segment(s):
    for damage, reason in ((other_version, "another version"),
                           (no_magic, "inconsistent header")):
        pending = leave_records(s, 1)
        with open(f"/dev/shm/reporter.{s.reporter.instance}", "r+b") as file:
            damage(file)
        log = recover(s, sum(pending), "the master's")
        s.check("the master's segment is set aside, the workers' are adopted",
                reason in log and "set aside as" in log, log)


def emptied_segment(s):
    pending = leave_records(s, 1)
    os.truncate(segment(s, 0), 0)
    log = recover(s, pending[1], "an empty file")
    s.check("an empty file holds nothing and is removed",
            "holds no records" in log, log)


def full_shm(s):
    """In a mount namespace of its own, where /dev/shm is small."""
    done = subprocess.run(
        [scenario.tool("unshare", "util-linux"), "-m", "sh", "-c",
         "mount -t tmpfs -o size=3M tmpfs /dev/shm && exec \"$@\"", "sh",
         scenario.program("reporter"), "-f", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=scenario.PATIENCE)
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        print(f"left out, needs more rights: {done.stderr.strip()}")
        return
    s.equal("a full /dev/shm is an error at start", done.returncode, 1)
    s.check("that says what is wanted and what is there",
            re.search(r"too small: 2 workers need [0-9.]+ MiB each, "
                               r"[0-9]\.[0-9] MiB are free", done.stderr),
            done.stderr)


def short_memory(s):
    """In a mount namespace of its own, where the kernel seems to say that
    there is less memory: of the machine, then of a control group.  The queues
    fit into /dev/shm: to reserve them would have the kernel end processes."""
    meminfo = os.path.join(s.directory, "meminfo")
    own = os.path.join(s.directory, "cgroup")
    groups = os.path.join(s.directory, "groups")
    os.makedirs(os.path.join(groups, "pod", "own"))

    def write(path, text):
        with open(path, "w") as file:
            file.write(text)

    def available(kib):
        write(meminfo, f"MemTotal: 900000 kB\nMemAvailable: {kib} kB\n")

    def limited(group, most, used, files, shared):
        for name, text in (("max", most), ("current", used),
                           ("stat", f"anon 7\nfile {files}\nfile_mapped 0\n"
                                    f"shmem {shared}")):
            write(os.path.join(groups, group, f"memory.{name}"), f"{text}\n")

    available(1 << 30)
    write(own, "1:cpu:/elsewhere\n0::/pod/own\n")
    with open(s.reporter.log, "w") as log:
        s.reporter.process = subprocess.Popen(
            [scenario.tool("unshare", "util-linux"), "-m", "sh", "-c",
             f"mount --bind '{groups}' /sys/fs/cgroup && "
             # /proc/self is another directory for each process.
             f"mount --bind '{own}' /proc/$$/cgroup && "
             f"mount --bind '{meminfo}' /proc/meminfo && exec \"$@\"", "sh",
             scenario.program("reporter"), "-f", "-c", s.reporter.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)

    def ended_or_up():
        return (s.reporter.process.poll() is not None
                or s.reporter.ctl("status").returncode == 0)

    scenario.wait_for(ended_or_up, "it starts, or may not")
    if re.search("unshare: |mount: ", s.reporter.log_text()):
        print(f"left out, needs more rights: {s.reporter.log_text().strip()}")
        s.reporter.process = None
        return
    before = s.reporter.segments()
    s.reporter.configure("queue", table_keys=40000)

    def refused(what, mib):
        start = os.path.getsize(s.reporter.log)
        s.reporter.reload(status=1)
        text = s.reporter.log_text(start)
        s.check(f"a reload that wants more memory than {what} is refused",
                re.search("error: memory is too small: 2 workers need [0-9.]+ "
                          f"MiB each, {re.escape(mib)} MiB are free", text),
                text)
        s.equal("nothing was made", s.reporter.segments(), before)

    available(4000)
    refused("the machine has", "3.9")
    available(1 << 30)
    # Pages of files that are not shared memory can be had: 3 - (2 - (2 - 1)).
    limited("pod/own", 3 << 20, 2 << 20, 2 << 20, 1 << 20)
    refused("its control group has", "2.0")
    limited("pod/own", "max", 2 << 20, 0, 0)
    limited("pod", 6 << 20, 1 << 20, 0, 0)
    refused("one above that has", "5.0")
    limited("", 1 << 20, 2 << 20, 0, 0)
    refused("the one above all has", "0.0")
    limited("", "max", 2 << 20, 0, 0)
    limited("pod", 1 << 30, 1 << 20, 0, 0)
    s.reporter.reload()
    s.check("with enough of it, it is taken",
            "configuration reloaded" in s.reporter.log_text())


scenario.run(__doc__, tell)
