# SPDX-License-Identifier: MIT
"""What the scenarios of an installation share: `make install` into a scratch
root, and its files moved there.

The programs are installed as for a package, with DESTDIR.  What then names a
directory of the installation (init script, rotation of the log, unit file) is told
the scratch root by changing just these directories in its text."""

import os
import re
import subprocess

from scenario import BUILD, Failure, skip, tool


def make(target, **variables):
    """Run make in the build, as a call of its own.  Returns what it said."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        [tool("make", "make"), "-C", BUILD, target]
        + [f"{name}={value}" for name, value in variables.items()],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(f"make {target} failed:\n{done.stdout}")
    return done.stdout


def directories():
    """The build's directories, as its makefile has them; empty: left out."""
    with open(os.path.join(BUILD, "Makefile")) as file:
        found = dict(re.findall(r"^(\w+) =[ \t]*(.*)$", file.read(), re.M))

    def whole(value):
        return re.sub(r"\$[{(](\w+)[)}]",
                      lambda m: whole(found[m.group(1)]), value)

    return {name: whole(found[name]) for name in (
        "bindir", "sbindir", "sysconfdir", "localstatedir", "runstatedir",
        "libdir", "includedir", "mandir", "completionsdir", "pkgdatadir", "examplesdir",
        "systemdsystemunitdir",
        "sysusersdir", "tmpfilesdir", "initddir", "logrotatedir")}


def needs(*names):
    """Skip a scenario when configure was told to leave out what it is of."""
    for name in names:
        if not directories()[name]:
            skip(f"configured with --with-{name}=no")


class Installed:
    """An installation in a scratch root."""

    def __init__(self, root):
        self.root = root
        self.dirs = directories()
        self.said = make("install", DESTDIR=root)
        self.conf = self.path("sysconfdir", "reporter", "reporter.conf")
        self.defaults = self.path("sysconfdir", "default", "reporter")

    def path(self, directory, *names):
        """Where something of the installation is, in the scratch root."""
        return os.path.join(self.root + self.dirs[directory], *names)

    def move(self, path, **more):
        """Have a file name the scratch root; more: texts to change."""
        with open(path) as file:
            text = file.read()
        directories = sorted((self.dirs[name] for name in (
            "sbindir", "sysconfdir", "localstatedir", "runstatedir")),
            key=len, reverse=True)
        text = re.sub(r"(?<![\w/.])(" + "|".join(map(re.escape, directories))
                      + r")(?=/)", lambda m: self.root + m.group(1), text)
        for old, new in more.items():
            text = text.replace(old, new)
        with open(path, "w") as file:
            file.write(text)
        return path

    def set(self, **variables):
        """What /etc/default/reporter says."""
        with open(self.defaults, "w") as file:
            for name, value in variables.items():
                file.write(f"{name}={value}\n")

    def files(self):
        """{path in the root: (mode, contents)}"""
        found = {}
        for directory, _folders, names in os.walk(self.root):
            for name in names:
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    found[path[len(self.root):]] = (
                        os.stat(path).st_mode & 0o7777, file.read())
        return found


def use(s, installed):
    """Have the scenario's reporter be the installed one's configuration, for a
    daemon in the background."""
    s.reporter.conf = installed.conf
    s.reporter.log = os.path.join(s.directory, "log", "reporter.log")
    os.makedirs(os.path.dirname(s.reporter.log), exist_ok=True)
    s.reporter.configure("log", target=s.reporter.log)
    s.reporter.write_conf()
    installed.set(INSTANCE=s.reporter.instance)


def addresses(s, start=0):
    """Where the reporter that began after byte `start` of the log listens."""
    return [(host, int(port)) for host, port in re.findall(
        r"listening on \[?([^\s\]]+)\]?:(\d+)", s.reporter.log_text(start))]


def end(s):
    """End a daemon in the background, however the scenario went."""
    s.reporter.ctl("stop", seconds=120)
