#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The configuration lies behind symbolic links, as a ConfigMap and a Secret of
Kubernetes do: reporter.conf leads to ..data/reporter.conf, and ..data to a
directory that is replaced by a new one when anything changes.  reporter was
started with a relative path.  A reload takes the new configuration with what it
includes from the same directory, and a worker that dies starts again with it,
after the old directory is gone."""

import os
import shutil
import signal

import scenario
from scenario import wait_for


class Volume:
    """A directory as it is mounted into a container."""

    def __init__(self, path):
        self.path = path
        self.version = 0
        os.mkdir(path)
        os.symlink(os.path.join("..data", "reporter.conf"),
                   os.path.join(path, "reporter.conf"))

    def swap(self, **files):
        """Replace all files at once."""
        old = f"..{self.version}"
        self.version += 1
        new = f"..{self.version}"
        os.mkdir(os.path.join(self.path, new))
        for name, text in files.items():
            path = os.path.join(self.path, new, f"{name}.conf")
            with open(path, "w") as file:
                file.write(text)
            os.chmod(path, 0o600)
        link = os.path.join(self.path, "..data_tmp")
        os.symlink(new, link)
        os.rename(link, os.path.join(self.path, "..data"))
        shutil.rmtree(os.path.join(self.path, old), ignore_errors=True)


def tell(s):
    volume = Volume(os.path.join(s.directory, "volume"))
    password = s.reporter.options["mysql"].pop("password")
    plain = s.reporter.conf

    def put(**limits):
        """Put a new configuration in its place, by a swap."""
        s.reporter.configure("limits", **limits)
        s.reporter.conf = plain
        s.reporter.write_conf()
        with open(plain) as file:
            text = "include = secret.conf\n" + file.read()
        s.reporter.conf = "volume/reporter.conf"
        volume.swap(reporter=text,
                    secret=f"[mysql]\npassword = {password}\n")

    def reload():
        done = s.reporter.ctl("reload")
        s.equal("a reload succeeds", (done.returncode, done.stderr), (0, ""))

    s.database.start()
    put(max_connections=100)
    s.reporter.write_conf = lambda: None
    s.reporter.popen = {"cwd": s.directory}
    s.reporter.start()
    del s.reporter.write_conf
    sent = 0

    def serves(what):
        nonlocal sent
        for service in range(20):
            sent += 1
            s.agent().send(scenario.native(service, sent, 1, 1,
                                           [(1, 1, 1, 0, False)]))
        s.reporter.settled(sent)
        s.equal(what, s.database.count(), sent)

    serves("it works behind links")
    for connections in (200, 300):
        put(max_connections=connections)
        reload()
        s.check("it has the new configuration",
                f"limits.max_connections: changed from {connections - 100} to "
                f"{connections}" in s.reporter.log_text())
    put(max_connections=400)
    for slot, worker in s.reporter.workers().items():
        os.kill(worker["pid"], signal.SIGKILL)
        wait_for(lambda: (w := s.reporter.workers()[slot])["pid"]
                 not in (0, worker["pid"]) and w["state"] == "running",
                 "a killed worker runs again")
    serves("and brings records to the database")
    s.equal("no worker failed",
            [w["state"] for w in s.reporter.status()["workers"]],
            ["running", "running"])


scenario.run(__doc__, tell)
