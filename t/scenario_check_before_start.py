#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Before a start somebody runs `reporter -t`.  It finds what this machine does
not have: an address, a user, files that the user can read and write, memory,
open files; and a password that everybody can read.  All of it is said in one
go, each with its line, and the exit status is 1.  With -t twice the database
is looked at, each host of the list.  Nothing is touched, and what passes the
check does start.  A reload by reporterctl or a signal refuses the same, and
reporterctl prints why, which options require a restart, and which workers still
have the configuration before."""

import os
import pwd
import re
import signal
import subprocess

import scenario

HUGE = 268435456


def snapshot(s):
    """All that could be touched: the directory's files, and shared memory."""
    found = {}
    for directory, _folders, files in os.walk(s.directory):
        if "/net/" in directory + "/":
            continue
        for name in files + ["."]:
            path = os.path.join(directory, name)
            st = os.lstat(path)
            found[path] = (st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns)
    return found, s.reporter.segments()


class Check:
    def __init__(self, s):
        self.s = s
        self.conf = s.reporter.conf

    def run(self, *words):
        before = snapshot(self.s)
        done = subprocess.run(
            [scenario.program("reporter"), *words, "-c", self.conf],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=scenario.PATIENCE)
        self.s.check(f"{' '.join(words)} touches nothing",
                     snapshot(self.s) == before)
        return done

    def finds(self, faults, *words, mode=0o600, status=1):
        """Exactly these options are complained about, with these words."""
        self.s.reporter.write_conf()
        os.chmod(self.conf, mode)
        done = self.run(*(words or ["-t"]))
        said = done.stderr.splitlines()
        self.s.equal(f"{list(faults)}: exit status", done.returncode,
                     status if faults else 0)
        for name, word in faults.items():
            head = f"{self.conf}:{self.s.reporter.conf_line(name)}: {name}: "
            self.s.check(f"{name}: {word}",
                         any(text.startswith(head) and word in text
                             for text in said), done.stderr)
        self.s.equal("and nothing else is said", len(said), len(faults))
        return done


def with_option(s, check, section, name, value, word, **more):
    """One option that is wrong, and then right again."""
    options = s.reporter.options[section]
    before = options.get(name)
    options[name] = value
    check.finds({f"{section}.{name}": word}, **more)
    if before is None:
        del options[name]
    else:
        options[name] = before


def faults(s):
    """(section, option, value, words of the error) that a reload refuses too."""
    return (("reporter", "user", "no-such-user", "no such user"),
            ("reporter", "group", "no-such-group", "no such group"),
            ("mysql", "dead_letter_file", f"{s.directory}/none/dead",
             f"directory {s.directory}/none: No such file"),
            ("mysql", "dead_letter_file", s.directory, "Is a directory"),
            ("mysql", "defaults_file", f"{s.directory}/none.cnf",
             f"cannot read {s.directory}/none.cnf: No such file"),
            ("mysql", "ssl_ca", f"{s.directory}/none.pem",
             f"cannot read {s.directory}/none.pem: No such file"),
            ("mysql", "ssl_ca", s.directory, "not a regular file"),
            ("mysql", "defaults_file", f"{s.directory}/pipe",
             "not a regular file"),
            ("log", "target", f"{s.directory}/none/log",
             f"directory {s.directory}/none: No such file"))


def machine(s, check):
    check.finds({})
    os.mkfifo(f"{s.directory}/pipe")
    for section, name, value, word in faults(s) + (
            ("reporter", "listen", "127.0.0.1:0, 192.0.2.1:0",
             "cannot listen on 192.0.2.1:0: Cannot assign"),
            ("reporter", "listen", "no.such.host.invalid:0",
             "cannot listen on no.such.host.invalid:0: "),
            ("reporter", "pid_file", f"{s.directory}/none/pid",
             f"directory {s.directory}/none: No such file")):
        with_option(s, check, section, name, value, word)
    # Two terabytes, with the most workers.
    s.reporter.configure("reporter", workers=64)
    with_option(s, check, "queue", "table_keys", HUGE,
                "the workers' segments need")
    s.reporter.configure("reporter", workers=2)
    s.reporter.options["mysql"]["socket"] = ""
    with_option(s, check, "mysql", "host", "no.such.host.invalid",
                "warning: no.such.host.invalid has no address", status=0)
    s.reporter.options["mysql"]["socket"] = s.database.socket

    check.finds({"mysql.password": "everybody can read it (mode 0644)"},
                mode=0o644)
    client = os.path.join(s.directory, "client.cnf")
    with open(client, "w") as file:
        file.write("[client]\nuser = x\n password=y\n")
    os.chmod(client, 0o604)
    with_option(s, check, "mysql", "defaults_file", client,
                "holds a password and everybody can read it (mode 0604)")
    with open(client, "w") as file:
        file.write("[client]\nuser = x\n")
    s.reporter.configure("mysql", defaults_file=client)
    check.finds({})
    del s.reporter.options["mysql"]["defaults_file"]

    # More than any machine lets a process have.
    with open("/proc/sys/fs/nr_open") as file:
        most = int(file.read())
    if most < 1000000 or os.geteuid() != 0:
        with_option(s, check, "limits", "max_connections", 1000000,
                    "the limit cannot be raised")

    s.reporter.configure("reporter", listen="192.0.2.1:0",
                         pid_file=f"{s.directory}/none/pid")
    s.reporter.configure("log", target=f"{s.directory}/none/log")
    check.finds({"reporter.listen": "192.0.2.1", "log.target": "No such",
                 "reporter.pid_file": "No such",
                 "mysql.password": "everybody"}, mode=0o644)
    s.reporter.configure("reporter", listen="127.0.0.1:0", pid_file="")
    s.reporter.configure("log", target="stderr")


def user(s, check):
    """As another user: what that one cannot do."""
    if os.geteuid() != 0:
        with_option(s, check, "reporter", "user", "root",
                    "only root can change to user root")
        return
    nobody = pwd.getpwnam("nobody")
    private = os.path.join(s.directory, "private")
    os.mkdir(private, 0o700)
    os.chmod(s.directory, 0o755)
    s.reporter.configure("reporter", user="nobody",
                         pid_file=f"{private}/pid")
    s.reporter.configure("mysql", dead_letter_file=f"{private}/dead")
    s.reporter.configure("log", target=f"{private}/log")
    s.reporter.write_conf()
    done = check.run("-t")
    s.equal("root's directory is not nobody's: exit status", done.returncode, 1)
    for words in (f"{check.conf}: user nobody cannot read it, which a "
                  "reload requires: Permission denied",
                  "mysql.dead_letter_file: ", "log.target: "):
        s.check(words, words in done.stderr, done.stderr)
    s.equal("the pid file is root's", len(done.stderr.splitlines()), 3)
    s.reporter.configure("reporter", group="no-such-group")
    s.reporter.write_conf()
    done = check.run("-t")
    s.check("a group that is missing is said with its line, and hides nothing",
            f"{check.conf}:{s.reporter.conf_line('reporter.group')}: "
            "reporter.group: no such group" in done.stderr
            and len(done.stderr.splitlines()) == 4, done.stderr)
    del s.reporter.options["reporter"]["group"]
    os.chown(private, nobody.pw_uid, nobody.pw_gid)
    s.reporter.write_conf()
    os.chown(check.conf, 0, nobody.pw_gid)
    os.chmod(check.conf, 0o640)
    done = check.run("-t")
    s.equal("its own directory is", (done.returncode, done.stderr), (0, ""))
    s.reporter.configure("reporter", user="root")
    s.reporter.write_conf()
    done = check.run("-t")
    s.equal("root without capabilities cannot write there", [
        words in done.stderr for words in (
            "mysql.dead_letter_file: user root cannot write", "log.target: ")],
        [True, True])
    s.reporter.configure("reporter", pid_file="")
    s.reporter.configure("mysql", dead_letter_file=f"{s.directory}/dead")
    s.reporter.configure("log", target="stderr")
    with_option(s, check, "reporter", "user", "", "required if started by root")
    # Its start as well, before it does anything.
    with open(check.conf, "a") as file:
        file.write("[reporter]\nuser =\n")
    done = check.run("-f")
    s.check("root does not start it without a user", done.returncode == 1 and
            "reporter.user: required if started by root; " in done.stderr,
            done.stderr)


def database(s, check, net):
    """-t -t, over a list of two."""
    s.reporter.configure(
        "mysql", socket="", host=f"127.0.0.1:{net.port}, 127.0.0.1:1",
        connect_timeout="1s")
    done = check.finds({"mysql.host": "warning: 127.0.0.1:1: Can't connect"},
                       "-t", "-t", status=0)
    s.check("the host that is right is described",
            f"127.0.0.1:{net.port}: " in done.stdout
            and "table ServerCallStatus OK" in done.stdout, done.stdout)
    net.read_only(True)
    done = check.run("-t", "-t")
    s.check("one that is away and one that is read-only are an error",
            done.returncode == 1 and "nothing can be stored: no server is "
            "available and writable" in done.stderr, done.stderr)
    s.reporter.configure("mysql", host=f"127.0.0.1:{net.port}")
    done = check.finds({"mysql.host": "nothing can be stored: the server is "
                        "read-only"}, "-t", "-t")
    s.check("what it is, is described all the same",
            re.search(r"max_allowed_packet \d+, read-only", done.stdout),
            done.stdout)
    net.read_only(False)
    pipe = os.path.join(s.directory, "pipe")
    s.reporter.configure("mysql", ssl_ca=pipe)
    check.finds({"mysql.ssl_ca": "not a regular file",
                 "mysql.host": f"cannot read {pipe}: not a regular"},
                "-t", "-t")
    s.reporter.configure("mysql", ssl_ca="")
    done = check.finds({}, "-t", "-t")
    s.check("one that is right", done.stdout.endswith(
        "configuration OK\n"), done.stdout)
    net.account("watcher")
    net.administrate("REVOKE INSERT, UPDATE ON reporter.* FROM "
                     "watcher@127.0.0.1")
    s.reporter.configure("mysql", user="watcher")
    done = check.run("-t")
    s.equal("-t alone does not ask the database", done.returncode, 0)
    s.reporter.write_conf()
    done = check.run("-t", "-t")
    for right in ("insert", "update"):
        s.check(f"the right to {right} is missing",
                f"the account may not {right}" in done.stderr, done.stderr)
    s.reporter.configure("mysql", user="reporter", password="wrong")
    done = check.finds({"mysql.host": "Access denied"}, "-t", "-t")
    s.check("the password is not said",
            "wrong" not in done.stdout + done.stderr, done.stderr)
    s.reporter.configure("mysql", password=scenario.PASSWORD)
    s.equal("the table is as empty as before", net.count(), 0)


def printed(s, check):
    """Half a dump is not to be taken for a whole one."""
    s.reporter.write_conf()
    for word in ("-t", "-d"):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [scenario.program("reporter"), word, "-c", check.conf],
                stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                text=True, timeout=scenario.PATIENCE)
        s.equal(f"{word} fails when what it prints cannot be written",
                (done.returncode, done.stderr),
                (1, "reporter: standard output: No space left on device\n"))


def refused_reloads(s):
    """What -t finds, a reload refuses, and prints."""
    for section, name, value, word in faults(s):
        options, before = s.reporter.options[section], dict(
            s.reporter.options[section])
        options[name] = value
        said = s.reporter.reload(status=1)
        head = (f"{s.reporter.conf}:{s.reporter.conf_line(f'{section}.{name}')}"
                f": {section}.{name}: ")
        s.check(f"a reload finds {section}.{name}: {word}",
                any(line.startswith(head) and word in line
                    for line in said.splitlines()), said)
        s.reporter.options[section] = before
    refused = s.reporter.status()["reload_errors"]
    s.equal("each was refused", refused, len(faults(s)))
    os.chmod(s.reporter.conf, 0o644)
    s.reporter.process.send_signal(signal.SIGHUP)
    scenario.wait_for(
        lambda: s.reporter.status()["reload_errors"] == refused + 1,
        "a signal's is refused, too")


def reloads(s, net):
    refused_reloads(s)
    s.reporter.configure("reporter", pid_file=f"{s.directory}/pid")
    s.equal("an option that requires a restart is printed",
            s.reporter.reload(), "reporter.pid_file: change from empty to "
            f"{s.directory}/pid requires a restart\n")
    s.reporter.configure("reporter", pid_file="")

    net.freeze()
    s.agent().send(scenario.native(1, 1, 1, 2, [(1, 1, 1, 2, False)]))
    scenario.wait_for(lambda: s.reporter.status()["records"]["pending"] == 1,
                      "a record waits for the database")
    s.reporter.configure("queue", table_keys=1024)
    s.reporter.write_conf()
    done = s.reporter.ctl("reload", "-t", "1")
    s.check("a worker that stores what it has is named",
            done.returncode == 4 and
            re.search(r"worker \d of generation 1 does not use the new "
                         r"configuration yet: finishing\n", done.stderr),
            (done.returncode, done.stderr))
    net.thaw()
    s.equal("later all have it", s.reporter.reload(), "")
    s.equal("they are of one generation",
            {w["generation"] for w in s.reporter.status()["workers"]}, {2})

    stopped = s.reporter.workers()[1]["pid"]
    os.kill(stopped, signal.SIGSTOP)
    s.reporter.configure("mysql", flush_interval="200ms")
    s.reporter.write_conf()
    done = s.reporter.ctl("reload", "-t", "1")
    os.kill(stopped, signal.SIGCONT)
    s.check("a worker that does not end is named",
            done.returncode == 4 and "worker 1 of generation 2 does not use "
            "the new configuration yet: stopping\n" in done.stderr,
            (done.returncode, done.stderr))
    s.equal("later it has it as well", s.reporter.reload(), "")


def tell(s):
    # However many name servers are asked, and do not answer.
    os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"
    check = Check(s)
    printed(s, check)
    machine(s, check)
    user(s, check)
    net = scenario.Networked(os.path.join(s.directory, "net"))
    try:
        net.start()
        database(s, check, net)
        s.reporter.start()
        s.agent().send(scenario.native(1, 1, 1, 1, [(1, 1, 1, 1, False)]))
        scenario.wait_for(lambda: net.count() == 1, "what is right works")
        # They log that.
        scenario.wait_for(
            lambda: all(w["connected"] for w in s.reporter.status()["workers"]),
            "all workers are connected")
        s.equal("a check beside a running instance finds the memory taken, "
                "and that this is its own",
                check.run("-t", "-t").returncode, 0)
        s.reporter.alive()
        s.check("which goes on", True)
        reloads(s, net)
    finally:
        scenario.end_group(net.process)


scenario.run(__doc__, tell)
