#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The recipe of the image is carried out, without a container engine: each RUN of
both stages in a root directory of Debian 12, each COPY between them.  Then the
image runs as a container does: its root file system is read-only, its user has no
capability and cannot gain any, it is process 1 of its own namespaces, and
/dev/shm has 64 MB.  The configuration and the secret are mounted, as symbolic
links that Kubernetes makes.

reporter starts in its sandbox, a report reaches the database, the health check
agrees, reporter-web answers beside it, and orphans leave no zombies.  SIGTERM
stops it, and everything is stored.  With more workers than 64 MB have room for, it
says so and exits.

Takes minutes, Debian's mirror, root and debootstrap: make check-container."""

import os
import re
import signal
import subprocess
import urllib.request

import containerfile
import scenario
from scenario import wait_for

HERE = os.path.join(scenario.BUILD, "container")
BASE = os.path.join(HERE, "base")


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=900, **more)
    if done.returncode != 0:
        raise scenario.Failure(f"{' '.join(command)}:\n{done.stdout[-3000:]}")
    return done.stdout


def inside(root, directory, command):
    """A RUN: of root, with the machine's network, in mounts of its own."""
    run("unshare", "--mount", "sh", "-ec", 'mount -t proc proc "$1/proc"\n'
        'mount --rbind /dev "$1/dev"\nmount --bind /etc/resolv.conf '
        '"$1/etc/resolv.conf"\nexec chroot "$1" /usr/bin/env -i '
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive '
        'sh -ec "cd $2; $3"', "sh", root, directory, command)


def copy(words, root, stages):
    """COPY [--from=STAGE] FROM TO; . is what git knows of the source."""
    place = root + words[-1]
    os.makedirs(place, exist_ok=True)
    if words[0].startswith("--from="):
        run("cp", "-a", os.path.join(stages[words[0][7:]] + words[1], "."),
            place)
    else:
        run("sh", "-ec", 'git ls-files -z --cached --others --exclude-standard '
            '| tar --null --verbatim-files-from -T - -c | tar -x -C "$1"', "sh",
            place, cwd=scenario.SOURCE)


def build():
    """Returns the root directory of the last stage, and its settings."""
    if not os.path.exists(os.path.join(BASE, "complete")):
        run("debootstrap", "--variant=minbase", "bookworm", BASE)
        with open(os.path.join(BASE, "complete"), "w"):
            pass
    stages, root, settings = {}, None, {}
    for name, text in containerfile.instructions():
        words = text.split()
        if name == "FROM":
            root = os.path.join(HERE, f"stage{len(stages)}")
            stages[words[2] if len(words) == 3 else root] = root
            run("rm", "-rf", root)
            run("cp", "-a", BASE, root)
            settings = {"WORKDIR": "/"}
        elif name == "RUN":
            print(f"    {text[:70]}", flush=True)
            inside(root, settings["WORKDIR"], text)
        elif name == "COPY":
            copy(words, root, stages)
        else:
            settings[name] = text
            if name == "WORKDIR":
                os.makedirs(root + text, exist_ok=True)
    return root, settings


class Container:
    """A running one."""

    def __init__(self, s, root, settings, shm="64m"):
        self.s = s
        self.user = settings["USER"].split(":")
        self.log = os.path.join(s.directory, "container.log")
        command = " ".join(eval(settings["ENTRYPOINT"]))
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["unshare", "--fork", "--kill-child", "--pid", "--mount",
                 "--ipc", "--uts", "--net", "sh", "-ec", f'''
ip link set lo up
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o size={shm},mode=1777 tmpfs dev/shm
mount --bind /dev/null dev/null
mount --bind /dev/urandom dev/urandom
mount --bind "$2/dead" var/lib/reporter
mount --bind "$2/conf" etc/reporter/conf.d
mount --bind "$2/secret" etc/reporter/secret.d
mount --bind "$2" mnt
mount -o remount,ro,bind "$1" .
exec chroot . {self.as_user()} env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    {command}''', "sh", root, s.directory],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = 0

    def as_user(self):
        return (f"setpriv --reuid={self.user[0]} --regid={self.user[1]} "
                "--clear-groups --bounding-set=-all --inh-caps=-all "
                "--no-new-privs")

    def text(self):
        with open(self.log) as file:
            return file.read()

    def has_started(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children"
                  ) as file:
            children = file.read().split()
        if children:
            self.pid = int(children[0])
        return self.process.poll() is not None or \
            "listening on" in self.text()

    def call(self, *words):
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p",
             "--root", "--wd=/", *self.as_user().split(), "env", "-i",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(scenario.PATIENCE)


def mounted(directory, name, text, owner):
    """A ConfigMap or Secret, as Kubernetes mounts it."""
    data = os.path.join(directory, "..2026_01_01")
    os.makedirs(data)
    os.symlink("..2026_01_01", os.path.join(directory, "..data"))
    os.symlink(f"..data/{name}", os.path.join(directory, name))
    with open(os.path.join(data, name), "w") as file:
        file.write(text)
    os.chown(file.name, 0, owner)
    os.chmod(file.name, 0o440)


def prepare(s, root, owner):
    os.chmod(s.directory, 0o711)
    os.mkdir(os.path.join(s.directory, "dead"))
    os.chown(os.path.join(s.directory, "dead"), owner, owner)
    mounted(os.path.join(s.directory, "conf"), "site.conf",
            "[mysql]\nhost = localhost\nsocket = /mnt/mariadb.sock\n", owner)
    mounted(os.path.join(s.directory, "secret"), "password.conf",
            f"[mysql]\npassword = {scenario.PASSWORD}\n", owner)
    for name in "conf.d", "secret.d":
        os.makedirs(os.path.join(root, "etc/reporter", name), exist_ok=True)
    for name in "null", "urandom":
        with open(os.path.join(root, "dev", name), "a"):
            pass


def is_confined(s, container):
    pids = re.findall(r"/proc/(\d+)/", container.call(
        "sh", "-c", "grep -l ^reporter /proc/[0-9]*/comm").stdout)
    s.equal("master and worker run, as processes 1 and", len(pids), 2)
    for pid in pids:
        text = container.call("cat", f"/proc/{pid}/status").stdout
        found = dict(re.findall(r"^(\w+):\s+(\S+)", text, re.M))
        s.equal(f"process {pid}: user, no capability, no new privileges, seccomp",
                [found.get(name) for name in ("Uid", "CapBnd", "CapPrm",
                                              "NoNewPrivs", "Seccomp")],
                [container.user[0], "0" * 16, "0" * 16, "1", "2"])
    done = container.call("sh", "-c", "echo >/etc/x")
    s.check("the root file system is read-only", "Read-only" in done.stdout,
            done.stdout)


def works(s, container):
    done = container.call("sh", "-c", "echo 7 2 127.0.0.1 0 10.0.0.1 8080 100 3 "
                          "0 | reporter-send")
    s.check("a report is sent", done.returncode == 0, done.stdout)
    wait_for(lambda: s.database.count() == 1, "it is stored")
    health = dict(containerfile.instructions())["HEALTHCHECK"]
    done = container.call("sh", "-c", health.partition("CMD ")[2])
    s.check("the health check agrees", done.returncode == 0, done.stdout)
    print("    " + done.stdout.strip())
    print("    " + container.call("df", "-h", "/dev/shm").stdout.split("\n")[1])
    for probe in containerfile.probes():
        done = container.call(*probe)
        s.check(f"probe {probe[-1][:40]}", done.returncode == 0, done.stdout)
    container.call("sh", "-c", "for i in 1 2 3; do (sleep 0.2 &) & done")
    wait_for(lambda: "sleep" not in container.call(
        "sh", "-c", "cat /proc/[0-9]*/comm").stdout, "orphans are reaped")
    s.check("and no zombie is left", "Z" not in container.call(
        "sh", "-c", "sed -n 's/^State:.//p' /proc/[0-9]*/status").stdout)


def is_shown(s, container):
    """reporter-web beside it: of its own mounts, but for /dev/shm."""
    web = subprocess.Popen(
        ["nsenter", "-t", str(container.pid), "-m", "-u", "-i", "-n", "-p",
         "--root", "--wd=/", *container.as_user().split(),
         "/usr/sbin/reporter-web", "-f", "-l", "0.0.0.0:9316"],
        stdin=subprocess.DEVNULL)
    look = ("import urllib.request as r; print(r.urlopen("
            "'http://127.0.0.1:9316/readyz').status)")
    try:
        wait_for(lambda: subprocess.run(
            ["nsenter", "-t", str(container.pid), "-n", "python3", "-c", look],
            capture_output=True, text=True).stdout == "200\n",
            "reporter-web answers")
    finally:
        web.kill()
        web.wait()


def tell(s):
    root, settings = build()
    owner = int(settings["USER"].split(":")[0])
    prepare(s, root, owner)
    s.database.start()
    container = Container(s, root, settings)
    try:
        wait_for(container.has_started, "it has started")
        s.check("it listens", "listening on" in container.text(),
                container.text())
        is_confined(s, container)
        works(s, container)
        is_shown(s, container)
        os.kill(container.pid, signal.SIGTERM)
        s.equal("SIGTERM stops it", container.process.wait(60), 0)
        s.check("with everything stored", "all records stored"
                in container.text(), container.text())
        bad = [line for line in container.text().splitlines()
               if re.search("warn|error", line)]
        s.equal("nothing went wrong", bad, [])
    finally:
        container.end()
    data = os.path.join(s.directory, "conf", "..data", "site.conf")
    with open(data, "a") as file:
        file.write("[reporter]\nworkers = 4\n")
    container = Container(s, root, settings)
    try:
        s.equal("four workers do not fit", container.process.wait(60), 1)
        s.check("and it says so", "/dev/shm is too small" in container.text(),
                container.text())
        print("    " + container.text().splitlines()[-1])
    finally:
        container.end()


if os.geteuid() != 0:
    scenario.skip("it takes root")
for name, package in (("debootstrap", "debootstrap"), ("git", "git"),
                      ("nsenter", "util-linux"), ("ip", "iproute2")):
    scenario.require(name, package)
scenario.run(__doc__, tell)
