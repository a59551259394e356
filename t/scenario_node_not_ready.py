#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The first host of the list is a node of a Galera cluster, which logs clients
in and describes the table even while it takes no statements: with
wsrep_reject_queries, and outside of a primary component.  -t -t reports that,
workers that connect go to the next host at once, without sending rows, and they
return when the node is ready again.  Rows go there as text, since MariaDB's
bulk execution is not to be trusted on such a node, and to the other server by
bulk execution."""

import os
import subprocess

import galera
import scenario

TS = 1700000000


def executions(host):
    return int(host.ask(
        "SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0].split()[1])


class Story:
    def __init__(self, s, node, other):
        self.s = s
        self.node = node
        self.other = other
        self.sent = 0

    def send(self, turn):
        self.agent.send(scenario.native(
            turn, 1, 3, TS, [(ip, 80, 1, 1, False) for ip in range(200)]))
        self.sent += 200
        self.s.reporter.settled(self.sent)

    def is_at(self, host):
        return [w["host"] for w in self.s.reporter.status()["workers"]] \
            == [f"127.0.0.1:{host.port}"]

    def away(self, what):
        """The node takes no statements."""
        done = self.s.reporter.check_database()
        self.s.check(f"{what}: -t -t reports it", done.returncode != 0 and
                     f"127.0.0.1:{self.node.port}: WSREP has not yet"
                     in done.stderr,
                     done.stdout + done.stderr)
        mark = len(self.s.reporter.log_text())
        # A worker that was restarted has no connection to lose.
        os.kill(self.s.reporter.workers()[0]["pid"], 9)
        self.send(len(what))
        self.s.check(f"{what}: the worker is at the other", self.is_at(
            self.other))
        log = self.s.reporter.log_text(mark)
        self.s.check(f"{what}: it sent the node no rows",
                     f"127.0.0.1:{self.node.port}: connected" not in log and
                     "error 1047: WSREP has not yet prepared" in log, log)


def tell(s):
    s.database.requires_mariadb("Debian's Galera is MariaDB's")
    node = scenario.Networked(
        os.path.join(s.directory, "node"), *galera.options(library),
        "--wsrep-cluster-address=gcomm://")
    other = scenario.Networked(os.path.join(s.directory, "other"))
    try:
        node.start()
        other.start()
        scenario.wait_for(lambda: galera.ready(node) == "ON",
                          "the node is ready")
        story(Story(s, node, other))
    finally:
        for host in (node, other):
            scenario.end_group(host.process)


def story(t):
    s, node, other = t.s, t.node, t.other
    s.reporter.configure("reporter", workers=1)
    s.reporter.configure("mysql", socket="", host=f"127.0.0.1:{node.port}, "
                         f"127.0.0.1:{other.port}")
    s.reporter.start()
    t.agent = s.agent()
    before = executions(node)
    t.send(1)
    s.equal("the node has the rows", node.count(), 200)
    s.equal("they came as text", executions(node), before)
    s.equal("-t -t has no fault", s.reporter.check_database().returncode, 0)

    node.administrate("SET GLOBAL wsrep_reject_queries = ALL")
    before = executions(other)
    t.away("wsrep_reject_queries")
    s.check("the other has them by bulk execution", executions(other) > before)
    # It refuses this one as well, and obeys.
    node._client(["--user=root", "--password=", "-e",
                  "SET GLOBAL wsrep_reject_queries = NONE"])
    scenario.wait_for(lambda: t.is_at(node), "the worker returns to the node")

    # It leaves its cluster and looks for another one, which does not exist;
    # meanwhile it lets clients read from its tables.
    node.administrate("SET GLOBAL wsrep_dirty_reads = ON")
    away = subprocess.Popen(
        [node.client, "--no-defaults", f"--socket={node.socket}",
         "--user=root", "-e", "SET GLOBAL wsrep_cluster_address = "
         f"'gcomm://127.0.0.1:{scenario.free_port()}'"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scenario.wait_for(lambda: galera.ready(node) == "OFF",
                      "the node is in no cluster")
    t.away("no component")
    status = s.reporter.status()
    s.equal("nothing was set aside", status["records"]["dead_letter"], 0)
    s.identity(status)
    away.kill()
    away.wait()


library = galera.library()
scenario.run(__doc__, tell)
