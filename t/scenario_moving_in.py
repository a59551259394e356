#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A site moves from the reporters of Lars and ELB to this one.  reporter-migrate
makes a reporter.conf of each of their files, with the same port, database, user
and number of workers, and says of each line what it was; `reporter -t` has no
errors in it, and names reporter-migrate when it is given their file instead.
What it cannot convert it reports with file and line.  Then one instance listens
on both ports, stores the reports of both agents, and goes on when LarsWeb's
login adds its columns to the table."""

import os
import re
import subprocess
import time

import scenario

MIGRATE = os.path.join(scenario.BUILD, "etc", "reporter-migrate")

LARS = """\
[reactor]
maxConn = 2000
threadNum = 4
ip = 127.0.0.1
port = {port}

[mysql]
db_host = localhost
db_port = 3307
db_user = lars
db_passwd = a#b "c" \\d$e
db_name = lars_dns

[repoter]
db_thread_cnt = 2
"""

ELB = """\
; written by hand
[mysql]
db_host=192.0.2.7
db_port=6646
db_user=elb
db_passwd="in quotes"
db_name=dnsserver
;the threads that write
thread_cnt = 5
[log]
level=6
[reactor]
;threadNum = 0
ip=0.0.0.0
port={port}
"""


def migrate(*arguments):
    return subprocess.run([MIGRATE, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True,
                          timeout=scenario.PATIENCE)


def check(conf):
    return subprocess.run([scenario.program("reporter"), "-t", "-c", conf],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=scenario.PATIENCE)


def options(text):
    """The lines that are neither blank nor a comment."""
    return [line for line in text.splitlines() if line and line[0] != "#"]


def written(s, name, text):
    path = f"{s.directory}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o600)
    return path


def is_converted(s, name, text, wanted, comments):
    """Returns the port."""
    port = scenario.free_port()
    theirs = written(s, name, text.format(port=port))
    done = migrate(theirs)
    s.equal(f"{name}: it is converted", (done.returncode, done.stderr),
            (0, ""))
    s.equal(f"{name}: to these options", options(done.stdout),
            [line.format(port=port) for line in wanted])
    for comment in comments:
        s.check(f"{name}: with the comment {comment}",
                f"# {theirs}:{comment}\n" in done.stdout, done.stdout)
    # What every machine has, but not this one, comes from the scenario.
    ours = written(s, name + ".new", done.stdout
                   + f"[reporter]\ninstance = {s.reporter.instance}\n"
                   + "user = root\n" * (os.geteuid() == 0) +
                   f"[mysql]\ndead_letter_file = {s.directory}/dead\n")
    done = check(ours)
    s.equal(f"{name}: reporter -t has no errors in it",
            (done.returncode, done.stderr), (0, ""))
    done = check(theirs)
    s.check(f"{name}: in their own file it names reporter-migrate",
            done.returncode == 1 and re.search(
                r":\d+: (\[reactor\]: unknown section|mysql.db_host: unknown "
                r"option); for a file of Lars or ELB, see reporter-migrate\(8\)",
                done.stderr), done.stderr)
    return port


def faults(s):
    lars = LARS.format(port=7779)
    for what, old, new, reason in (
            ("an unknown option", "threadNum", "threads",
             r"x:3: reactor\.threads: no option of the reporter of Lars or ELB"),
            ("another program's file", "db_thread_cnt", "load_interval",
             r"x:15: repoter\.load_interval: no option .* name server"),
            ("a line of nothing", "[repoter]", "repoter",
             r"x:14: expected \[section\] or name = value"),
            ("a port of text", "7779", "seven",
             r'x:5: reactor\.port: found "seven", expected a number from 1 to'),
            ("a port too large", "7779", "77790",
             r'x:5: reactor\.port: found "77790", expected a number'),
            ("an address of text", "127.0.0.1", "here",
             r'x:4: reactor\.ip: found "here", expected an IPv4 address'),
            ("a host in quotes", "= localhost", '= "localhost"',
             r"x:8: mysql\.db_host: in quotes, .* Lars .* remove them"),
            ("a database in quotes", "= lars_dns", "= 'lars_dns'",
             r"x:12: mysql\.db_name: in quotes"),
            ("no threads", "db_thread_cnt = 2", "db_thread_cnt = 0",
             r'x:15: repoter\.db_thread_cnt: found "0", expected a number'),
            ("a password with a comment in it", "a#b", "a #b",
             r"x:11: mysql\.db_passwd: contains #, .* mysql\.defaults_file"),
            ("both at once", "[repoter]", "[mysql]\nthread_cnt = 1\n[repoter]",
             r"x: has options of both")):
        done = migrate(written(s, "x", lars.replace(old, new)))
        s.equal(f"{what}: nothing is printed", (done.returncode, done.stdout),
                (1, ""))
        s.check(f"{what}: {reason}", re.search(reason, done.stderr)
                and "d$e" not in done.stderr, done.stderr)
    for arguments, status in (((), 2), (("-x",), 2), (("a", "b"), 2),
                              (("/none",), 1), (("/",), 1),
                              (("/dev/null",), 1), (("-h",), 0)):
        s.equal(f"reporter-migrate {arguments}: exit status",
                migrate(*arguments).returncode, status)


def defaults(s):
    """What the file does not set is what their programs have built in."""
    done = migrate(written(s, "short", "[mysql]\ndb_name = lars_dns\n"))
    s.equal("Lars' defaults", options(done.stdout), [
        "[reporter]", "listen = 0.0.0.0:7779", "workers = 3", "[limits]",
        "max_connections = 1024", "[mysql]", "host = 127.0.0.1",
        "port = 3306", "user = root", "database = lars_dns",
        "table = ServerCallStatus"])
    done = migrate(written(s, "short", "[mysql]\ndb_host = 192.0.2.1\n"))
    s.check("ELB's defaults", {
        "listen = 0.0.0.0:12316", "workers = 3", "user = ",
        "database = dnsserver"} <= set(options(done.stdout)), done.stdout)


def too_many_threads(s):
    done = migrate(written(s, "threads", "\ufeff[mysql]\nthread_cnt = 65\n"
                           "db_name = dnsserver\n"))
    s.check("after a byte order mark, with more threads than workers",
            re.search(r":2: mysql\.thread_cnt = 65\n# .* 64:\n"
                      r"workers = 64\n", done.stdout),
            done.stdout + done.stderr)


def both_on_one_instance(s, lars, elb):
    s.database.start()
    s.reporter.configure("reporter",
                         listen=f"127.0.0.1:{lars}, 127.0.0.1:{elb}")
    s.reporter.start()
    now = int(time.time())
    s.agent(0).send(scenario.lars(1, 1, 9, now, [(0x0A000001, 1, 2, 3, True)]))
    s.agent(1).send(scenario.elb(2, 1, 9, now, [(0x0100000A, 1, 2, 3, True)]))
    s.reporter.settled(2)
    wanted = scenario.rows(1, 1, 9, now, [(0x0A000001, 1, 2, 3, 1)])
    wanted |= scenario.rows(2, 1, 9, now, [(0x0100000A, 1, 2, 3, 1)])
    s.equal("reports of both are stored", s.database.table(), wanted)

    # As LarsWeb's login does.
    s.database.sql("ALTER TABLE ServerCallStatus ADD time varchar(255), "
                   "ADD caller_string varchar(255), ADD ip_string varchar(255)")
    s.agent(0).send(scenario.lars(1, 1, 9, now, [(0x0A000001, 1, 5, 6, False)]))
    s.agent(0).send(scenario.lars(3, 1, 9, now, [(0x0A000001, 1, 7, 8, False)]))
    s.reporter.settled(4)
    wanted |= scenario.rows(1, 1, 9, now, [(0x0A000001, 1, 5, 6, 0)])
    wanted |= scenario.rows(3, 1, 9, now, [(0x0A000001, 1, 7, 8, 0)])
    s.equal("also with the columns of LarsWeb", s.database.table(), wanted)


def tell(s):
    lars = is_converted(s, "lars_reporter.conf", LARS, [
        "[reporter]", "listen = 127.0.0.1:{port}", "workers = 2", "[limits]",
        "max_connections = 2000", "[mysql]", "host = localhost", "port = 3307",
        "user = lars", 'password = a#b "c" \\d$e', "database = lars_dns",
        "table = ServerCallStatus"], [
            "2: reactor.maxConn = 2000", "3: reactor.threadNum = 4",
            "8: mysql.db_host = localhost", "11: mysql.db_passwd",
            "15: repoter.db_thread_cnt = 2"])
    elb = is_converted(s, "reporter.ini", ELB, [
        "[reporter]", "listen = 0.0.0.0:{port}", "workers = 5", "[limits]",
        "max_connections = 1024", "[mysql]", "host = 192.0.2.7", "port = 6646",
        "user = elb", 'password = ""in quotes""', "database = dnsserver",
        "table = ServerCallStatus", "[log]", "level = info"], [
            "9: mysql.thread_cnt = 5", "11: log.level = 6"])
    faults(s)
    defaults(s)
    too_many_threads(s)
    both_on_one_instance(s, lars, elb)


scenario.run(__doc__, tell)
