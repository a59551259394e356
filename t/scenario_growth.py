#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Three reporters behind HAProxy write to a cluster of three Galera nodes, two
of them through another HAProxy, which has one writer at a time, and the third
by its list of hosts to another node.  Agents move between the reporters, by
themselves and because of max_connection_age.  Under load a node is killed and
comes back; two are killed, and the last one is told to go on alone; the writer
stands still, shortly and for longer than the cluster waits for it; the table is
altered on another node; a reporter is killed and comes back.  In the end each
node has the newest report of every key, nothing was set aside, and all that the
agents sent was received once."""

import os
import random
import threading
import time

import galera
import scenario
from scenario import wait_for

AGENTS, SERVICES, SERVERS = 40, 10, 50  # 20,000 keys
REPORTS_PER_SECOND = 60                 # 3,000 records
TS = 1700000000


class Agents(threading.Thread):
    """Agents that report one of their services in turn, and remember the newest
    report of each key.  No two reports have the same ts."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.random = random.Random(1)
        self.connections = [None] * AGENTS
        self.wanted = {}
        self.sent = 0   # records
        self.moved = 0  # connections that reporter ended
        self.fault = None
        self.lock = threading.Lock()  # held: nothing is sent
        self.ended = threading.Event()

    def connection(self, at):
        agent = self.connections[at]
        if agent and not agent.is_open():
            self.moved += 1
            agent.close()
            agent = None
        elif agent and self.random.random() < 0.01:
            agent.close()
            agent = None
        if not agent:
            agent = scenario.Agent(self.address)
        self.connections[at] = agent
        return agent

    def disconnect(self):
        for agent in filter(None, self.connections):
            agent.close()
        self.connections = [None] * AGENTS

    def report(self, at, service):
        turn = self.sent // SERVERS
        report = (service, 1, at, TS + turn,
                  [(ip, 80, turn, self.random.randrange(9),
                    self.random.random() < 0.01) for ip in range(SERVERS)])
        self.connection(at).send(scenario.native(*report))
        self.wanted.update(scenario.rows(*report))
        self.sent += SERVERS

    def all_report(self):
        for service in range(SERVICES):
            for at in range(AGENTS):
                self.report(at, service)

    def run(self):
        try:
            while not self.ended.wait(1 / REPORTS_PER_SECOND):
                with self.lock:
                    self.report(self.random.randrange(AGENTS),
                                self.random.randrange(SERVICES))
        except Exception as fault:
            self.fault = fault

    def stop(self):
        self.ended.set()
        self.join()
        if self.fault:
            raise scenario.Failure(f"an agent failed: {self.fault!r}")


class Story:
    def __init__(self, s):
        self.s = s
        self.cluster = galera.Cluster(os.path.join(s.directory, "cluster"))
        self.balancers = []
        self.reporters = [s.reporter]
        self.agents = self.database = None  # the port of HAProxy

    @property
    def nodes(self):
        return self.cluster.nodes

    # ------------------------------------------------------------ start --

    def balance(self, *arguments):
        """The port of a balancer."""
        self.balancers.append(galera.Balancer(self.s, *arguments))
        return self.balancers[-1].port

    def start(self):
        self.cluster.start()
        one, two, three = self.nodes
        one.administrate("CREATE USER haproxy@127.0.0.1")
        self.database = self.balance("galera", "127.0.0.1:3306", {
            f"192.0.2.1{node.at}:3306": f"127.0.0.1:{node.port}"
            for node in self.nodes})
        for n in 2, 3:
            directory = os.path.join(self.s.directory, f"reporter{n}")
            os.mkdir(directory)
            self.reporters.append(scenario.Reporter(
                directory, f"{self.s.reporter.instance}-{n}", one))
        ports = [scenario.free_port() for _ in self.reporters]
        for reporter, port in zip(self.reporters, ports):
            reporter.configure("reporter", listen=f"127.0.0.1:{port} proxy")
            reporter.configure("limits", proxy_from="127.0.0.1",
                               max_connection_age="5s")
            reporter.configure("mysql", socket="", read_timeout="8s",
                               host=f"127.0.0.1:{self.database}")
        self.reporters[2].configure("mysql", host=", ".join(
            f"127.0.0.1:{node.port}" for node in (two, three, one)))
        for reporter in self.reporters:
            reporter.start()
        self.agents = Agents(("127.0.0.1", self.balance(
            "reporters", "*:12316",
            {f"192.0.2.2{n}:12316": f"127.0.0.1:{port}"
             for n, port in enumerate(ports, 1)})))
        self.agents.all_report()
        self.agents.start()

    def end(self):
        if self.agents:
            self.agents.ended.set()
        for reporter in self.reporters[1:]:
            reporter.clear()
        for balancer in self.balancers:
            balancer.end()
        self.cluster.end()

    # ------------------------------------------------------------ tools --

    def records(self, name):
        """A count of each reporter that runs."""
        return [reporter.status()["records"][name]
                for reporter in self.reporters if reporter.process]

    def all_received(self):
        """While the agents are silent."""
        wait_for(lambda: sum(self.records("received")) == self.agents.sent,
                 "all that was sent is received")

    def goes_on(self, what):
        """Each reporter stores records again."""
        before = self.records("stored")
        wait_for(lambda: all(
            now > then + 100 for now, then
            in zip(self.records("stored"), before)),
            f"{what}: records are stored", 2 * scenario.PATIENCE)

    def lasts(self, seconds):
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > seconds, "time passes",
                 seconds + 1)

    def nobody_is_let_in(self):
        """HAProxy before the nodes has found that none is ready."""
        agent = scenario.Agent(("127.0.0.1", self.database))
        try:
            return agent.sees_end()
        finally:
            agent.close()

    def there_is_one_writer(self):
        """Each worker of the reporters behind HAProxy is at the first node, and
        the sessions of the others were closed."""
        def sessions(node):
            return int(node.ask("SELECT COUNT(*) FROM information_schema."
                                "PROCESSLIST WHERE USER = 'reporter'")[0])

        wait_for(lambda: sessions(self.nodes[0]) >= 4
                 and sum(map(sessions, self.nodes[1:])) <= 2,
                 "the first node is the writer")

    # ------------------------------------------------------------- acts --

    def a_node_is_killed(self):
        self.nodes[1].kill()
        self.goes_on("a node is killed")
        self.nodes[1].rejoin()
        self.cluster.complete()

    def two_are_killed(self):
        """The writer and a backup; the last one has no quorum."""
        last = self.nodes[2]
        for node in self.nodes[:2]:
            node.kill()
        wait_for(lambda: last.primary() == 0, "the last node stops")
        self.lasts(1)
        stored = self.records("stored")
        wait_for(self.nobody_is_let_in, "HAProxy closes at once")
        self.s.equal("without a quorum nothing counts as stored",
                     self.records("stored"), stored)
        last.administrate("SET GLOBAL wsrep_provider_options = "
                          "'pc.bootstrap=YES'")
        self.goes_on("the last node goes on alone")
        for node in self.nodes[:2]:
            node.rejoin()
        self.cluster.complete()
        self.there_is_one_writer()

    def the_writer_stands_still(self):
        for seconds in 2, 20:
            self.nodes[0].freeze()
            self.lasts(seconds)
            self.nodes[0].thaw()
            self.cluster.complete()
            self.goes_on(f"the writer stood still for {seconds} s")
            self.there_is_one_writer()

    def the_table_is_altered(self):
        self.nodes[2].administrate("ALTER TABLE reporter.ServerCallStatus "
                                   "ADD COLUMN note INT NOT NULL DEFAULT 0")
        self.goes_on("the table was altered")

    def a_reporter_is_killed(self):
        """All that it has received is in its segments."""
        killed = self.reporters[1]
        with self.agents.lock:
            self.all_received()
            killed.kill()
            self.agents.disconnect()
        self.goes_on("a reporter is killed")
        killed.start()
        before = killed.status()["records"]["received"]
        wait_for(lambda: killed.status()["records"]["received"] > before,
                 "agents come back to it")

    def all_is_right(self):
        s = self.s
        self.agents.stop()
        self.all_received()
        for n, reporter in enumerate(self.reporters, 1):
            status = reporter.settled(0)
            s.identity(status)
            s.connections_add_up(status)
            records = status["records"]
            s.check(f"reporter {n} had a share",
                    records["received"] > self.agents.sent / 10, records)
            s.equal(f"reporter {n} set nothing aside",
                    (records["rejected"], records["dropped"],
                     records["dead_letter"]), (0, 0, 0))
            s.check(f"reporter {n} closed connections for their age",
                    status["closed"]["age"] > 0)
        s.equal("there are keys", len(self.agents.wanted),
                AGENTS * SERVICES * SERVERS)
        for node in self.nodes:
            self.node_is_right(node)

    def node_is_right(self, node):
        node.ask("SET SESSION wsrep_sync_wait = 1; "
                 "SELECT COUNT(*) FROM reporter.ServerCallStatus")
        table = node.table()
        differ = [(key, table.get(key), row) for key, row in
                  self.agents.wanted.items() if table.get(key) != row]
        self.s.check(f"node {node.at} has the newest report of every key",
                     len(table) == len(self.agents.wanted) and not differ,
                     f"{len(table)} rows, {len(differ)} differ: {differ[:5]}")


def tell(s):
    story = Story(s)
    try:
        story.start()
        for act in (story.a_node_is_killed, story.two_are_killed,
                    story.the_writer_stands_still, story.the_table_is_altered,
                    story.a_reporter_is_killed, story.all_is_right):
            began = time.monotonic()
            act()
            print(f"{act.__name__}: {time.monotonic() - began:.1f} s",
                  flush=True)
        for reporter in story.reporters[1:]:
            reporter.stop()
            s.equal("the sanitizers report nothing", reporter.findings(), [])
    finally:
        story.end()


galera.library()
scenario.require("haproxy", "haproxy")
scenario.run(__doc__, tell)
