# SPDX-License-Identifier: MIT
"""What the scenarios of Galera share: nodes, a cluster of three, and HAProxy.

The nodes of a cluster begin with the same data, and one that comes back gets
what it has missed from its donor's cache: a full transfer of state requires
scripts, which Debian has in a package that starts a server."""

import os
import re
import shutil
import subprocess

import scenario

LIBRARIES = ("/usr/lib/galera/libgalera_smm.so",
             "/usr/lib/libgalera_smm.so",
             "/usr/lib64/galera-4/libgalera_smm.so",
             "/usr/lib64/galera/libgalera_smm.so")

# wsrep_sst_increments: the donor gives the joiner its position in a file.
TRANSFER = """#!/bin/sh
bypass=
while [ $# -gt 0 ]; do
    case $1 in
    --role) role=$2; shift ;;
    --address) address=$2; shift ;;
    --gtid) position=$2; shift ;;
    --datadir) file=${2%/}/position; shift ;;
    --bypass) bypass=yes ;;
    esac
    shift
done
if [ "$role" = joiner ]; then
    rm -f "$file"
    echo "ready $address/$file"
    until [ -s "$file" ]; do sleep 0.05; done
    cat "$file"
elif [ "$bypass" ]; then
    file=${address#*/}
    echo "$position" >"$file.new" && mv "$file.new" "$file"
    echo "done $position"
else
    echo "only increments are transferred" >&2
    exit 22
fi
"""


def library():
    """The path of Galera; without it the script is skipped."""
    found = next(filter(os.path.exists, LIBRARIES), None)
    if found is None:
        scenario.skip("libgalera_smm.so was not found: install Debian's "
                      "package galera-4")
    return found


def options(provider, **more):
    """A server's options that make it a node."""
    more.setdefault("gmcast.listen_addr",
                    f"tcp://127.0.0.1:{scenario.free_port()}")
    return ["--wsrep-on=ON", f"--wsrep-provider={provider}",
            "--wsrep-node-address=127.0.0.1", "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2", "--wsrep-provider-options="
            + ";".join(f"{name}={value}" for name, value in more.items())]


def ready(node):
    """"ON" or "OFF"; "" if the node closes its connections meanwhile."""
    return node._client(
        ["--user=root", "--password=", "--skip-column-names", "-e",
         "SHOW STATUS LIKE 'wsrep_ready'"]).stdout.strip().rpartition("\t")[2]


class Node(scenario.Networked):
    """A node of a Cluster."""

    def __init__(self, cluster, at):
        self.cluster = cluster
        self.at = at
        directory = os.path.join(cluster.directory, f"node{at}")
        self.group_port = scenario.free_port()
        super().__init__(directory, *options(
            cluster.library, **{
                "base_port": self.group_port,
                "gmcast.listen_addr": f"tcp://127.0.0.1:{self.group_port}",
                "ist.recv_addr": f"127.0.0.1:{scenario.free_port()}",
                "gcache.size": "64M"}), f"--wsrep-node-name=node{at}",
            "--wsrep-sst-method=increments",
            f"--wsrep-sst-receive-address=127.0.0.1:{scenario.free_port()}")
        self.plain = self.SETTINGS
        self.environment["PATH"] = (
            f"{cluster.directory}:{self.environment['PATH']}")

    def start(self, others, *more):
        """Start it, with these other nodes, and wait until it is ready."""
        self.SETTINGS = self.plain + list(more) + [
            "--wsrep-cluster-address=gcomm://" + ",".join(
                f"127.0.0.1:{node.group_port}" for node in others)]
        super().start()

    def rejoin(self):
        """Start it again after kill()."""
        self.start(self.cluster.nodes,
                   f"--wsrep-start-position={self._position()}")

    def _position(self):
        done = subprocess.run(
            [self.server, *self.plain, *self.identity,
             f"--datadir={self.data}", f"--socket={self.socket}",
             f"--wsrep-cluster-address=gcomm://127.0.0.1:{self.group_port}",
             "--wsrep-recover"], env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        found = re.search(r"Recovered position:\s*(\S+)", done.stderr)
        if not found:
            raise scenario.Failure(f"no position:\n{done.stderr[-2000:]}")
        return found.group(1)

    def clone(self, other):
        """Begin with the data of another node, which is stopped."""
        shutil.rmtree(self.data)
        shutil.copytree(other.data, self.data,
                        ignore=shutil.ignore_patterns("galera.cache"))
        open(self.log, "w").close()

    def primary(self):
        """Nodes of its component; 0: it takes no statements."""
        try:
            lines = self.ask("SHOW STATUS WHERE Variable_name IN "
                             "('wsrep_ready', 'wsrep_cluster_size')")
        except (scenario.Failure, subprocess.TimeoutExpired):
            return 0
        words = dict(line.split("\t") for line in lines)
        return (int(words["wsrep_cluster_size"])
                if words["wsrep_ready"] == "ON" else 0)


class Cluster:
    """Three nodes, in directories below this one."""

    def __init__(self, directory):
        self.directory = directory
        self.library = library()
        os.makedirs(directory, exist_ok=True)
        transfer = os.path.join(directory, "wsrep_sst_increments")
        with open(transfer, "w") as file:
            file.write(TRANSFER)
        os.chmod(transfer, 0o755)
        self.nodes = [Node(self, at) for at in (1, 2, 3)]

    def start(self):
        first, *others = self.nodes
        first.start([])
        first.stop()
        for node in others:
            node.clone(first)
        first.start([])
        for node in others:  # one by one: two at once need 5 s more
            node.start(self.nodes)

    def complete(self, nodes=3):
        """Wait until so many nodes see each other."""
        scenario.wait_for(
            lambda: [n.primary() for n in self.nodes].count(nodes) == nodes,
            f"{nodes} nodes are together", 2 * scenario.PATIENCE)

    def end(self):
        for node in self.nodes:
            scenario.end_group(node.process)


class Balancer:
    """A real HAProxy with a file of etc/examples, in which each address is
    replaced by one of this machine."""

    def __init__(self, s, name, bind, servers):
        self.port = scenario.free_port()
        addresses = {bind: f"127.0.0.1:{self.port}", **servers}
        with open(os.path.join(scenario.SOURCE, "etc", "examples",
                               f"haproxy-{name}.cfg")) as file:
            text = file.read()
        for example, real in addresses.items():
            text, n = re.subn(
                rf"^(    (?:bind|server \w+) ){re.escape(example)}(?!\S)",
                rf"\g<1>{real}", text, flags=re.MULTILINE)
            if n != 1:
                raise scenario.Failure(f"{example} is in {file.name} {n} times")
        base = os.path.join(s.directory, f"haproxy-{name}")
        with open(f"{base}.cfg", "w") as file:
            file.write(text)
        with open(f"{base}.log", "w") as log:
            self.process = subprocess.Popen(
                [scenario.tool("haproxy", "haproxy"), "-db", "-f",
                 f"{base}.cfg"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        scenario.wait_for(self._listens, f"HAProxy listens: {base}.log")

    def _listens(self):
        if self.process.poll() is not None:
            raise scenario.Failure("HAProxy ended")
        with open("/proc/net/tcp") as table:
            return (f" 0100007F:{self.port:04X} 00000000:0000 0A"
                    in table.read())

    def end(self):
        scenario.end_group(self.process)
