#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Each option of the table is changed by a reload, and shown to have its
effect, or to be named as needing a restart with its old and its new value.
The list of options is what `reporter -d` says: one that has no part here is a
failure.  A reload that is refused changes nothing and says why, and so does
reporterctl, of no other reload than the one it asked for."""

import copy
import datetime
import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import time

import scenario
from scenario import native, wait_for

TS = 1700000000

# Shown in a scenario of their own.
ELSEWHERE = {"ssl_ca": "scenario_database_tls.py",
             "ssl_cert": "scenario_database_tls.py",
             "ssl_key": "scenario_database_tls.py",
             "ssl_verify": "scenario_database_tls.py",
             "server_public_key": "scenario_hostile_database.py",
             "insecure_auth": "scenario_hostile_database.py",
             "certificate": "scenario_tls_agents.py",
             "key": "scenario_tls_agents.py",
             "client_ca": "scenario_tls_agents.py",
             "min_version": "scenario_tls_agents.py",
             "proxy_from": "scenario_proxy_protocol.py"}


class Options:
    """A method for each option: section_name."""

    def __init__(self, s, net):
        self.s = s
        self.net = net
        self.reporter = s.reporter
        self.base = copy.deepcopy(s.reporter.options)
        self.port = int(self.base["reporter"]["listen"].rpartition(":")[2])
        self.turn = 0
        self.agents = []
        self.mark = 0

    # ------------------------------------------------------- the tools --

    def begin(self):
        self.reporter.options = copy.deepcopy(self.base)
        self.reporter.reload()
        self.running(self.base["reporter"]["workers"])
        self.mark = os.path.getsize(self.reporter.log)

    def end(self):
        for agent in self.agents:
            agent.close()
        self.agents = []
        wait_for(lambda: self.reporter.status()["connections"] == 0,
                 "the agents are gone")

    def change(self, section, **options):
        self.mark = os.path.getsize(self.reporter.log)
        self.reporter.configure(section, **options)
        self.reporter.reload()

    def log(self):
        return self.reporter.log_text(self.mark)

    def says(self, text):
        wait_for(lambda: text in self.log(), f"the log says {text!r}")

    def running(self, workers):
        def are():
            states = [w["state"] for w in self.reporter.status()["workers"]]
            return states == ["running"] * workers
        wait_for(are, f"{workers} workers run, and no others")

    def agent(self, port=None):
        agent = scenario.Agent(("127.0.0.1", port or self.port))
        self.agents.append(agent)
        return agent

    def send(self, agent=None, ts=TS, ip=1, succ=1, err=1):
        """A record with a modid of its own, which is returned."""
        self.turn += 1
        (agent or self.agent()).send(
            native(self.turn, 1, 1, ts, [(ip, 1, succ, err, False)]))
        return self.turn

    def row(self, modid, table="ServerCallStatus"):
        rows = self.net.sql(f"SELECT ts FROM {table} WHERE modid = {modid}")
        return rows[0]["ts"] if rows else None

    def stored(self, modid, table="ServerCallStatus"):
        return wait_for(lambda: self.row(modid, table),
                        f"record {modid} is in {table}")

    def works(self, agent=None):
        self.stored(self.send(agent))

    def stays_out(self, modid, seconds):
        """The record does not come to the table in that time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.row(modid) is not None:
                return False
        return True

    def needs_restart(self, option, old, new):
        section, name = option.split(".")
        self.change(section, **{name: new})
        self.s.check(f"the log names {option}, {old} and {new}",
                     f"{option}: change from {old} to {new} requires a "
                     "restart" in self.log(), self.log())
        self.works()

    # ------------------------------------------------------ [reporter] --

    def reporter_instance(self):
        self.needs_restart("reporter.instance", self.reporter.instance, "new")

    def reporter_user(self):
        self.needs_restart("reporter.user", "empty", "nobody")

    def reporter_group(self):
        self.needs_restart("reporter.group", "empty", "nogroup")

    def reporter_sandbox(self):
        self.needs_restart("reporter.sandbox", "on", "off")

    def reporter_pid_file(self):
        path = os.path.join(self.s.directory, "other.pid")
        self.needs_restart("reporter.pid_file", "empty", path)
        self.s.check("no pid file is made", not os.path.exists(path))

    def reporter_runtime_directory(self):
        self.needs_restart("reporter.runtime_directory", self.s.directory,
                           "/none")

    def reporter_listen(self):
        other = scenario.free_port()
        agent = self.agent()
        self.works(agent)
        self.change("reporter",
                    listen=f"127.0.0.1:{other}, 127.0.0.1:{self.port}")
        self.works(self.agent(other))
        self.change("reporter", listen=f"127.0.0.1:{other}")
        self.works(self.agent(other))
        try:
            self.agent(self.port)
            raise scenario.Failure("the old address still takes agents")
        except ConnectionRefusedError:
            pass
        self.works(agent)
        self.s.check("the agent of the old address is still connected",
                     agent.is_open())

    def reporter_workers(self):
        self.change("reporter", workers=3)
        self.running(3)
        self.works()

    def reporter_shutdown_timeout(self):
        """An orderly end with a database that hangs: see stop()."""

    # -------------------------------------------------------- [limits] --

    def limits_max_connections(self):
        agent = self.agent()
        self.works(agent)
        self.change("limits", max_connections=1)
        refused = self.reporter.status()["connections_refused"]
        self.s.check("one more is closed", self.agent().sees_end())
        self.s.equal("and counted",
                     self.reporter.status()["connections_refused"],
                     refused + 1)
        self.works(agent)

    def limits_max_connections_per_address(self):
        agent = self.agent()
        self.works(agent)
        self.works()
        self.change("limits", max_connections_per_address=2)
        self.s.check("a third from here is closed", self.agent().sees_end())
        self.works(agent)

    def limits_accept_rate(self):
        """One may come at once, then one a second."""
        def holds():
            before = self.reporter.status()["accept_holds"]
            began = time.monotonic()
            for agent in [self.agent() for _ in range(4)]:
                self.works(agent)
            return (self.reporter.status()["accept_holds"] - before,
                    time.monotonic() - began)
        self.s.equal("nobody waits", holds()[0], 0)
        self.change("limits", accept_rate=1)
        held, took = holds()
        self.s.check("others wait their turn", held > 0 and took > 2,
                     f"{held} times, {took:.2f} s")

    def limits_message_timeout(self):
        agent = self.agent()
        self.works(agent)
        self.change("limits", message_timeout="1s")
        agent.send(native(1, 1, 1, TS, [(1, 1, 1, 1, False)])[:5])
        self.s.check("half a message ends the connection",
                     agent.sees_end(10))

    def limits_deny(self):
        agent = self.agent()
        self.works(agent)
        self.change("limits", deny="127.0.0.0/8")
        self.s.check("who is connected goes", agent.sees_end())
        self.s.check("and does not come back", self.agent().sees_end())

    def limits_check_caller(self):
        """The caller of send() is not 127.0.0.1."""
        self.works()
        self.change("limits", check_caller="reject")
        before = self.reporter.status()["rejected"]
        self.send()
        wait_for(lambda: self.reporter.status()["rejected"] != before,
                 "its report is rejected")
        self.s.check("the reason is the caller", [
            reason for reason, count in
            self.reporter.status()["rejected"].items()
            if count != before[reason]] == ["wrong_caller"])

    def limits_max_message(self):
        self.turn += 1
        long = native(self.turn, 1, 1, TS, [(ip, 1, 1, 1, False)
                                            for ip in range(300)])
        self.agent().send(long)
        self.stored(self.turn)
        self.change("limits", max_message="1k")
        agent = self.agent()
        agent.send(long)
        self.s.check("a longer message ends the connection", agent.sees_end())

    def limits_idle_timeout(self):
        agent = self.agent()
        self.works(agent)
        self.change("limits", idle_timeout="1s")
        self.s.check("a silent agent is disconnected", agent.sees_end(10))

    def limits_max_connection_age(self):
        agent = self.agent()
        self.works(agent)
        self.change("limits", max_connection_age="1s")
        self.s.check("an old connection is closed", agent.sees_end(10))
        agent.close()
        wait_for(lambda: self.reporter.status()["closed"]["age"] == 1,
                 "the reason is its age")

    def limits_allow(self):
        agent = self.agent()
        self.works(agent)
        self.change("limits", allow="10.0.0.0/8")
        self.s.check("who is connected goes", agent.sees_end())
        self.s.check("and does not come back", self.agent().sees_end())
        self.change("limits", allow="10.0.0.0/8, 127.0.0.0/8")
        self.works()

    def limits_max_clock_skew(self):
        ahead = int(time.time()) + 3600
        self.s.check("an hour ahead is stored as now",
                     self.stored(self.send(ts=ahead)) < ahead - 1800)
        self.change("limits", max_clock_skew="2h")
        self.s.equal("an hour ahead is stored as it is",
                     self.stored(self.send(ts=ahead)), ahead)

    # --------------------------------------------------------- [queue] --

    def queue_size(self, name, value):
        self.change("queue", **{name: value})
        wait_for(lambda: [w[name] for w in self.reporter.status()["workers"]]
                 == [value], f"the worker has {name} = {value}")
        self.works()

    def queue_ring_records(self):
        self.queue_size("ring_records", 131072)

    def queue_table_keys(self):
        self.queue_size("table_keys", 4096)

    def queue_overflow(self):
        self.change("queue", table_keys=1024)
        self.running(1)
        agent = self.agent()
        self.works(agent)
        self.net.freeze()
        data = b"".join(native(999999, turn, 1, TS,
                               [(ip, 1, 1, 1, False) for ip in range(1000)])
                        for turn in range(60))
        agent.socket.setblocking(False)
        sent = 0

        def flood():
            nonlocal sent
            sent += agent.send_some(data[sent:])
            return self.reporter.status()

        wait_for(lambda: flood()["throttled"] == 1, "the agent is blocked")
        self.s.equal("block: nothing is dropped",
                     self.reporter.status()["records"]["dropped"], 0)
        self.change("queue", overflow="drop")
        wait_for(lambda: flood()["records"]["dropped"] > 0, "drop: some are")
        wait_for(lambda: sent == len(data) and flood()["throttled"] == 0,
                 "and nobody is blocked")
        wait_for(lambda: time.time() - 60 < flood()["last_dropped_ts"],
                 "when that was is told")
        self.net.thaw()
        self.s.check("block, then drop", True)

    # --------------------------------------------------------- [mysql] --

    def mysql_host(self):
        self.change("mysql", host=f"localhost:{self.net.port}")
        self.works()
        self.says(f"database localhost:{self.net.port}: connected")

    def mysql_port(self):
        self.change("mysql", port=1)
        modid = self.send()
        self.says("database 127.0.0.1:1: error")
        self.change("mysql", port=self.net.port)
        self.stored(modid)

    def mysql_socket(self):
        for name in ("one", "two"):
            link = os.path.join(self.s.directory, name)
            os.symlink(self.net.socket, link)
            self.change("mysql", host="localhost", socket=link)
            self.works()
            self.says(f"database {link}: connected")

    def connected_as(self, user):
        return user in self.net.ask(
            "SELECT user FROM information_schema.processlist")

    def mysql_user(self):
        self.net.account("second")
        self.change("mysql", user="second")
        self.works()
        self.s.check("the other account is connected",
                     self.connected_as("second"))

    def mysql_password(self):
        self.change("mysql", password="no longer right")
        modid = self.send()
        self.says("Access denied")
        self.change("mysql", password=scenario.PASSWORD)
        self.stored(modid)
        self.s.check("neither is in the log",
                     "no longer right" not in self.reporter.log_text()
                     and scenario.PASSWORD not in self.reporter.log_text())

    def mysql_database(self):
        self.net.administrate(
            "CREATE DATABASE other; GRANT ALL ON other.* TO "
            "reporter@localhost, reporter@127.0.0.1; CREATE TABLE "
            "other.ServerCallStatus LIKE reporter.ServerCallStatus")
        self.change("mysql", database="other")
        self.stored(self.send(), "other.ServerCallStatus")

    def mysql_table(self):
        self.net.administrate("CREATE TABLE Second LIKE ServerCallStatus")
        self.change("mysql", table="Second")
        self.stored(self.send(), "Second")

    def mysql_defaults_file(self):
        """[reporter] counts more than [client]; what it does not have comes
        from there."""
        self.net.account("third", password="of-the-file")
        path = os.path.join(self.s.directory, "client.cnf")
        with open(path, "w") as file:
            file.write("[client]\nuser = nobody\npassword = of-the-file\n"
                       "[reporter]\nuser = third\n")
        os.chmod(path, 0o600)
        self.change("mysql", defaults_file=path, user="", password="")
        self.works()
        self.s.check("both groups are read", self.connected_as("third"))
        self.s.check("its password is not in the log",
                     "of-the-file" not in self.reporter.log_text())

    def mysql_flush_interval(self):
        self.change("mysql", flush_interval="1h", urgent_interval="1h")
        self.works()
        modid = self.send()
        self.s.check("1h: the second record waits", self.stays_out(modid, 1))
        self.change("mysql", flush_interval="50ms")
        self.stored(modid)
        self.works()
        self.works()

    def mysql_retention(self):
        """What it removes, and when: see scenario_retention.py.  A pass takes
        its time for each row."""
        self.net.administrate("TRUNCATE ServerCallStatus")
        self.change("mysql", retention="1h")
        wait_for(lambda: self.reporter.workers()[0]["retention_ts"] > 0,
                 "a pass has ended")
        self.change("mysql", retention="0")
        self.works()

    def mysql_urgent_interval(self):
        self.change("mysql", flush_interval="1h", urgent_interval="1h")
        self.works()
        modid = self.send()
        self.s.check("1h: a new key waits", self.stays_out(modid, 1))
        self.change("mysql", urgent_interval="50ms")
        self.stored(modid)
        self.works()
        self.works()

    def flushes(self):
        return sum(w["flushes"] for w in self.reporter.status()["workers"])

    def mysql_flush_rows(self):
        self.reporter.configure("reporter", workers=1)
        self.change("mysql", flush_interval="1h", urgent_interval="1h")
        self.running(1)
        self.works()
        for rows, transactions in ((1000, 1), (2, 2)):
            before = self.flushes()
            self.turn += 1
            self.agent().send(native(self.turn, 1, 1, TS, [
                (ip, 1, 1, 1, False) for ip in (1, 2, 3)]))
            self.s.check("three dirty keys wait", self.stays_out(self.turn, 1))
            # The next worker stores them at its start.
            self.change("mysql", flush_rows=rows)
            wait_for(lambda: self.reporter.status()["records"]["pending"] == 0,
                     "all three are stored")
            self.s.equal(f"transactions with flush_rows = {rows}",
                         self.flushes() - before, transactions)

    def mysql_bulk(self):
        self.reporter.configure("reporter", workers=1)
        for bulk, executed in (("off", False), ("auto", True)):
            self.change("mysql", bulk=bulk)
            self.running(1)
            before = self.executions()
            self.turn += 1
            self.agent().send(native(self.turn, 1, 1, TS, [
                (ip, 1, 1, 1, False) for ip in range(200)]))
            self.stored(self.turn)
            self.s.equal(f"bulk = {bulk}: bulk execution is used",
                         self.executions() > before, executed)

    def executions(self):
        return int(self.net.ask(
            "SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0].split()[1])

    def seconds_between(self, before, after):
        """From the last line that has `before` to the first one then that
        has `after`, by the times of the log; None when there is none yet."""
        begin = end = None
        for line in self.log().splitlines():
            if before in line:
                begin, end = line, None
            elif begin and not end and after in line:
                end = line
        if not end:
            return None
        begin, end = (datetime.datetime.fromisoformat(line.split("Z ")[0])
                      for line in (begin, end))
        return (end - begin).total_seconds()

    def mysql_connect_timeout(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            host = f"127.0.0.1:{silent.getsockname()[1]}"
            # A worker that finds a record waiting says so at its start.
            self.net.freeze()
            modid = self.send()
            wait_for(lambda: self.reporter.status()["records"]["pending"],
                     "the record is pending")
            for seconds in (4, 1):
                self.change("mysql", host=host,
                            connect_timeout=f"{seconds}s")
                took = wait_for(lambda: self.seconds_between(
                    "continuing with unstored", f"database {host}: error"),
                    "the connection is given up")
                self.s.check(f"after {seconds} s",
                             seconds <= took + 0.1 < seconds + 2.5, str(took))
            self.net.thaw()
        self.change("mysql", host="127.0.0.1")
        self.stored(modid)

    def mysql_keepalive(self):
        for seconds in (9, 5):
            self.change("mysql", keepalive=f"{seconds}s")
            self.works()
            probes = wait_for(lambda: scenario.keepalive(self.net.port),
                              "the connection is probed")
            self.s.check(f"after {seconds} s at most",
                         max(probes) <= seconds, str(probes))
        self.change("mysql", keepalive=0)
        self.works()
        wait_for(lambda: not scenario.keepalive(self.net.port),
                 "the connection is not probed")

    def mysql_read_timeout(self):
        for seconds in (4, 1):
            self.change("mysql", read_timeout=f"{seconds}s")
            self.works()
            self.net.freeze()
            self.mark = os.path.getsize(self.reporter.log)
            began = time.monotonic()
            modid = self.send()
            self.says(f"database 127.0.0.1:{self.net.port}: error")
            took = time.monotonic() - began
            self.net.thaw()
            self.s.check(f"a silent server is left after {seconds} s",
                         seconds <= took + 0.1 < seconds + 2.5, str(took))
            self.stored(modid)

    def refused(self):
        """Send a record that the database refuses, after one that it takes:
        before that, it may be the table that refuses all."""
        self.works()
        if not any("not_this" in line for line in self.net.ask(
                "SHOW CREATE TABLE ServerCallStatus")):
            self.net.administrate("ALTER TABLE ServerCallStatus ADD "
                                  "CONSTRAINT not_this CHECK (ip <> 61700)")
        before = self.reporter.status()["records"]["dead_letter"]
        self.send(ip=61700)
        wait_for(lambda: self.reporter.status()["records"]["dead_letter"]
                 > before, "it is set aside")

    def lost(self):
        return sum(w["dead_lost"] for w in self.reporter.status()["workers"])

    def mysql_dead_letter_file(self):
        path = os.path.join(self.s.directory, "other-dead")
        self.change("mysql", dead_letter_file=path)
        self.refused()
        self.s.check("it stands in the other file",
                     os.path.getsize(path) > 10)

    def mysql_dead_letter_size(self):
        path = os.path.join(self.s.directory, "full-dead")
        with open(path, "w") as file:
            file.write("x" * 4999 + "\n")
        self.change("mysql", dead_letter_file=path)
        self.refused()
        size = os.path.getsize(path)
        self.s.check("there is room for it", size > 5000)
        lost = self.lost()
        self.change("mysql", dead_letter_size="4k")
        self.refused()
        self.s.equal("there is no room", (os.path.getsize(path), self.lost()),
                     (size, lost + 1))

    def mysql_hold_time(self):
        self.works()
        if not self.net.ask(
                "SHOW COLUMNS FROM ServerCallStatus LIKE 'rate'"):
            self.net.administrate(
                "DELETE FROM ServerCallStatus WHERE succ_cnt + err_cnt = 0;"
                "ALTER TABLE ServerCallStatus ADD COLUMN rate DOUBLE AS "
                "(err_cnt / (succ_cnt + err_cnt)) STORED")
        before = self.reporter.status()["records"]["dead_letter"]
        self.send(ip=61701, succ=0, err=0)
        wait_for(lambda: any(w["held"] for w in
                             self.reporter.status()["workers"]), "it is held")
        self.change("mysql", hold_time="100ms")
        self.works()
        wait_for(lambda: self.reporter.status()["records"]["dead_letter"]
                 > before, "it is set aside after a while")

    # ----------------------------------------------------------- [log] --

    def log_target(self):
        path = os.path.join(self.s.directory, "other.log")
        self.change("log", target=path)
        self.works()

        def text():
            with open(path) as file:
                return file.read()

        wait_for(lambda: "] worker 0: info: " in text()
                 and "] master: info: configuration reloaded" in text(),
                 "master and worker write to the file")
        self.change("log", target="stderr")
        self.says("master: info: configuration reloaded")

    def log_level(self):
        self.says_reloaded("info", True)
        self.says_reloaded("warn", False)
        self.says_reloaded("info", True)

    def says_reloaded(self, level, loud):
        self.change("log", level=level)
        self.mark = os.path.getsize(self.reporter.log)
        before = self.reporter.status()["reloads"]
        self.reporter.reload()
        self.s.equal(f"{level}: it is reloaded",
                     self.reporter.status()["reloads"], before + 1)
        if loud:
            self.says("configuration reloaded")
        else:
            self.works()
            self.s.check(f"{level}: without a line",
                         ": info: " not in self.log(), self.log())


def stop(s, options):
    """[reporter] shutdown_timeout: what a stop may take at the most."""
    options.change("reporter", shutdown_timeout="1h")
    options.works()
    options.change("reporter", shutdown_timeout="100ms")
    options.net.freeze()
    options.send()
    options.end()
    began = time.monotonic()
    s.reporter.stop()
    took = time.monotonic() - began
    options.net.thaw()
    s.check("the stop takes no hour, but what a statement under way may",
            took < 20, str(took))
    s.check("and says what is left",
            "shared memory for the next start: 1" in s.reporter.log_text())


def judged(s):
    """What reporterctl check makes of a refused reload; 0: there was none."""
    # A record was lost: see mysql_dead_letter_size().
    done = s.reporter.ctl("check", "-c", "dead_lost_age=")
    return done.returncode if "last reload failed" in done.stdout else 0


def refusals(s, options):
    """Reloads that are refused: the configuration of before stays."""
    reporter = s.reporter
    port = scenario.free_port()
    unopened = os.path.join(s.directory, "none", "log")
    for what, section, change, words in (
            ("a wrong value", "log", {"level": "loud"},
             'log.level: invalid value "loud"; expected error, warn'),
            ("an unknown option", "log", {"colour": "red"},
             "log.colour: unknown option"),
            ("an address of another machine", "reporter",
             {"listen": f"127.0.0.1:{port}, 192.0.2.1:{port}"},
             f"cannot listen on 192.0.2.1:{port}: Cannot assign"),
            ("a log that cannot be opened", "log", {"target": unopened},
             f"cannot open log {unopened}: No such file")):
        options.begin()
        refused = reporter.status()["reload_errors"]
        mark = os.path.getsize(reporter.log)
        reporter.configure("reporter", workers=3,
                           listen=f"127.0.0.1:{port}")
        reporter.configure(section, **change)
        said = reporter.reload(status=1)
        text = reporter.log_text(mark)
        s.check(f"{what}: the log says why", words in text, text)
        s.check(f"{what}: and that all stays",
                "reload failed; keeping the current configuration"
                in text, text)
        s.check(f"{what}: and of no option that it has changed",
                ": changed from " not in text, text)
        s.check(f"{what}: reporterctl says it", "reload failed" in said, said)
        status = reporter.status()
        s.equal(f"{what}: it is counted", status["reload_errors"],
                refused + 1)
        s.equal(f"{what}: the status and the check tell of it",
                (status["reload_failed"], judged(s)), (True, 1))
        s.equal(f"{what}: as many workers", len(status["workers"]), 1)
        options.works()
        try:
            options.agent(port)
            s.check(f"{what}: the new address is not listened on", False)
        except ConnectionRefusedError:
            s.check(f"{what}: the new address is not listened on", True)
        options.end()
    options.begin()
    s.equal("a reload that goes well ends that",
            (reporter.status()["reload_failed"], judged(s)), (False, 0))
    for text in ("", "[reporter\n"):
        with open(reporter.conf, "w") as conf:
            conf.write(text)
        done = reporter.ctl("reload")
        s.check(f"a file with {text!r} is refused",
                done.returncode != 0 and "reload failed" in done.stderr,
                done.stderr)
        options.works()
    os.unlink(reporter.conf)
    s.check("no file is refused", reporter.ctl("reload").returncode != 0)
    options.works()
    options.end()


def one_under_way(s):
    """reporterctl waits for its own reload: one that was under way when it came
    has read what was there before.  The master is held, and we do in its place
    what it does in shared memory."""
    reporter = s.reporter
    master = reporter.process.pid
    reloads, begun = (scenario.offsets()[f"master_shared.input.{name}"]
                      for name in ("reloads", "reloads_begun"))
    os.kill(master, signal.SIGSTOP)
    try:
        with open(f"/dev/shm/reporter.{reporter.instance}", "r+b") as file, \
                mmap.mmap(file.fileno(), 0) as words:
            taken, refused = struct.unpack_from("=QQ", words, reloads)
            struct.pack_into("=Q", words, begun, taken + refused + 1)
            with open(reporter.conf, "a") as conf:
                conf.write("junk\n")
            ctl = subprocess.Popen(
                [scenario.program("reporterctl"), "-i", reporter.instance,
                 "reload"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True)
            wait_for(lambda: sighup_waits(master), "the signal was sent")
            struct.pack_into("=Q", words, reloads, taken + 1)
            try:
                ctl.wait(0.5)
            except subprocess.TimeoutExpired:
                pass
    finally:
        os.kill(master, signal.SIGCONT)
    said = ctl.communicate(timeout=scenario.PATIENCE)[1]
    s.check("one that was under way is not taken for one's own",
            ctl.returncode == 1 and "reload failed" in said, said)


def sighup_waits(pid):
    with open(f"/proc/{pid}/status") as file:
        pending = re.search(r"ShdPnd:\s+(\w+)", file.read()).group(1)
    return int(pending, 16) & 1 << (signal.SIGHUP - 1)


def every_option(s):
    """"section.name" of each, as the daemon knows them."""
    done = subprocess.run([scenario.program("reporter"), "-d", "-c",
                           s.reporter.conf], capture_output=True, text=True)
    names, section = [], None
    for line in done.stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        else:
            found = re.match(r"(?:# )?([a-z_0-9]+) =", line)
            if found:
                names.append(f"{section}.{found.group(1)}")
    return names


def story(s, net):
    net.start()
    s.reporter.configure("reporter", workers=1,
                         listen=f"127.0.0.1:{scenario.free_port()}")
    s.reporter.configure("mysql", socket="", host="127.0.0.1", port=net.port)
    s.reporter.start()
    options = Options(s, net)
    names = every_option(s)
    s.check(f"{len(names)} options are known", len(names) > 30, str(names))
    for name in names:
        section, _, word = name.partition(".")
        if word in ELSEWHERE:
            with open(os.path.join(scenario.SOURCE, "t",
                                   ELSEWHERE[word])) as file:
                s.check(f"{name} is shown in {ELSEWHERE[word]}",
                        f"{word}=" in file.read())
            continue
        show = getattr(options, f"{section}_{word}", None)
        s.check(f"{name} has a part in this scenario", show is not None)
        if show:
            print(f"-- {name}", flush=True)
            options.begin()
            show()
            options.end()
    refusals(s, options)
    one_under_way(s)
    options.begin()
    stop(s, options)


def tell(s):
    net = scenario.Networked(os.path.join(s.directory, "net"))
    try:
        story(s, net)
    finally:
        if net.process:
            net.thaw()
        scenario.end_group(net.process)


scenario.run(__doc__, tell)
