#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Someone misspells a section, an option and a value.  reporter does not start
with defaults in their place: it says file, line, name and reason of each fault
on standard error and exits with 1.  The check mode says the same and touches
nothing."""

import subprocess

import scenario

FILE = """[reporter]
instance = {instance}
lisen = 127.0.0.1:0

[qeue]
ring_records = 65536

[mysql]
flush_rows = many
{steers} = 1
"""
# CSI, a right-to-left override, a byte order mark: in UTF-8.
STEERS = "x\u009b2J\u202e\ufeff"


def tell(s):
    with open(s.reporter.conf, "w") as conf:
        conf.write(FILE.format(instance=s.reporter.instance,
                               steers=STEERS))
    said = []
    for mode in ("-t", "-f"):
        done = subprocess.run(
            [scenario.program("reporter"), mode, "-c", s.reporter.conf],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=scenario.PATIENCE)
        said.append(done.stderr)
        s.equal(f"reporter {mode} exits with 1", done.returncode, 1)
        for line, name in ((3, "lisen"), (5, "qeue"), (9, "flush_rows")):
            s.check(f"reporter {mode} names {name} and its line",
                    any(text.startswith(f"{s.reporter.conf}:{line}:")
                        and name in text
                        for text in done.stderr.splitlines()), done.stderr)
        s.check("what would steer a terminal is shown escaped",
                r"x\xc2\x9b2J\xe2\x80\xae\xef\xbb\xbf" in done.stderr
                and not set(STEERS[1:]) - set("2J") & set(done.stderr),
                ascii(done.stderr))
        s.check("and what was meant", "listen" in done.stderr, done.stderr)
    s.equal("both say the same", said[0], said[1])
    s.equal("no shared memory was made", s.reporter.segments(), [])

    s.reporter.write_conf()
    done = subprocess.run(
        [scenario.program("reporter"), "-t", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=scenario.PATIENCE)
    s.equal("a good file passes the check", done.returncode, 0)
    s.equal("the check touches nothing", s.reporter.segments(), [])


scenario.run(__doc__, tell)
