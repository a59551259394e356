#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""make install puts everything where it belongs, below DESTDIR.  Installed once
more, as by an upgrade, it leaves a configuration that somebody has changed as
it is, and renews one that nobody has changed.  make uninstall removes
everything but what somebody has changed.  A directory with a blank in its name,
which units and init script could not name, is refused by configure; below such
a DESTDIR all goes well."""

import os
import subprocess

import installed
import scenario

CHANGED = b"[reporter]\n# mine\nlisten = 127.0.0.1:1\n"


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def everything(s, place):
    """[(path, mode)] of each thing that has a place of its own."""
    wanted = [("sbindir", 0o755, "reporter"), ("sbindir", 0o755, "reporterctl"),
              ("sbindir", 0o755, "reporter-migrate"),
              ("sysconfdir", 0o640, "reporter", "reporter.conf"),
              ("sysconfdir", 0o644, "default", "reporter"),
              ("bindir", 0o755, "reporterctl"),
              ("completionsdir", 0o644, "reporter"),
              ("completionsdir", 0o644, "reporterctl"),
              ("pkgdatadir", 0o644, "schema.sql"),
              ("pkgdatadir", 0o644, "queries.sql"),
              ("pkgdatadir", 0o644, "view-elb.sql"),
              ("examplesdir", 0o644, "haproxy-galera.cfg"),
              ("examplesdir", 0o644, "haproxy-reporters.cfg"),
              ("examplesdir", 0o644, "haproxy-web.cfg"),
              ("examplesdir", 0o644, "nginx-web.conf"),
              ("examplesdir", 0o644, "Containerfile"),
              ("examplesdir", 0o644, "container.conf"),
              ("examplesdir", 0o644, "compose.yml"),
              ("examplesdir", 0o644, "kubernetes.yml"),
              ("examplesdir", 0o644, "reporter.py"),
              ("examplesdir", 0o644, "Reporter.java"),
              ("examplesdir", 0o644, "reporter.rules.yml"),
              ("examplesdir", 0o644, "reporter.json"),
              ("initddir", 0o755, "reporter"),
              ("logrotatedir", 0o644, "reporter"),
              ("systemdsystemunitdir", 0o644, "reporter.service"),
              ("systemdsystemunitdir", 0o644, "reporter.socket"),
              ("systemdsystemunitdir", 0o644, "reporter@.service"),
              ("systemdsystemunitdir", 0o644, "reporter@.socket"),
              ("sysusersdir", 0o644, "reporter.conf"),
              ("tmpfilesdir", 0o644, "reporter.conf")]
    if os.path.exists(os.path.join(scenario.BUILD, "man/zh_CN/reporter.8")):
        wanted += [("mandir", 0o644, "zh_CN", f"man{page[-1]}", page) for page
                   in ("reporter.8", "reporterctl.8", "reporter.conf.5")]
    for directory, mode, *names in wanted:
        path = place.path(directory, *names)
        s.check(f"{path[len(place.root):]} is there with mode {mode:o}",
                os.path.isfile(path)
                and os.stat(path).st_mode & 0o7777 == mode)


def no_blanks_left(s, place):
    left = [path for path, (_mode, data) in place.files().items()
            if b"dir@" in data and b"\0" not in data]
    s.equal("no file has a directory that was not filled in", left, [])


def programs(s, place):
    """Each says what it is and how it is used."""
    directories = {place.path(name) for name in ("bindir", "sbindir")}
    for path in sorted(os.path.join(directory, name)
                       for directory in directories
                       for name in os.listdir(directory)):
        name = os.path.basename(path)
        for option, words in (("--help", f"usage: {name} "),
                              ("--version", f"{name} ")):
            done = subprocess.run([path, option], capture_output=True,
                                  text=True)
            s.equal(f"{name} {option}: status, first words, errors",
                    (done.returncode, done.stdout[:len(words)], done.stderr),
                    (0, words, ""))


def manual(s, place):
    """It names the directories of this installation."""
    wanted = {("reporter.8", place.dirs["sysconfdir"] + "/reporter/reporter.conf"),
              ("reporter.8", place.dirs["sysconfdir"] + "/default/reporter"),
              ("reporter.8", place.dirs["localstatedir"] + "/lib/reporter"),
              ("reporter.conf.5", place.dirs["localstatedir"] + "/log/reporter"),
              ("reporter.conf.5", place.dirs["runstatedir"] + "/reporter")}
    for page, path in sorted(wanted):
        text = read(place.path("mandir", "man" + page[-1], page)).decode()
        s.check(f"{page} has {path}", f" {path}" in text)


def upgrade(s, place):
    kept = place.path("pkgdatadir", "etc", "reporter.default")
    rotation = place.path("logrotatedir", "reporter")
    old = b"# as an earlier version had it\n"
    # Nobody has changed the one, an earlier version's; somebody the others.
    write(kept, old)
    write(place.defaults, old)
    write(place.conf, CHANGED)
    os.chmod(place.conf, 0o600)
    os.unlink(rotation)
    os.symlink("/dev/null", rotation)
    fresh = read(os.path.join(scenario.BUILD, "etc", "reporter.default"))
    said = installed.make("install-data", DESTDIR=place.root)
    s.equal("a configuration that was changed stays", read(place.conf),
            CHANGED)
    s.equal("with its mode", os.stat(place.conf).st_mode & 0o777, 0o600)
    s.check("and that is said", "reporter.conf, which was changed" in said,
            said)
    s.equal("where the new one is", read(place.path(
        "pkgdatadir", "etc", "reporter.conf")), read(os.path.join(
            scenario.BUILD, "etc", "sample.conf")))
    s.equal("one that nobody has changed is renewed", read(place.defaults),
            fresh)
    s.equal("one that was turned off stays off", os.readlink(rotation),
            "/dev/null")


def uninstall(s, place):
    enabled = [os.path.join(place.root, "etc", *names) for names in (
        ("systemd", "system", "multi-user.target.wants", "reporter.service"),
        ("rc2.d", "S03reporter"))]
    for link in enabled:
        os.makedirs(os.path.dirname(link))
        os.symlink("../init.d/reporter" if "rc2.d" in link else
                   place.dirs["systemdsystemunitdir"] + "/reporter.service",
                   link)
    installed.make("uninstall", DESTDIR=place.root)
    s.equal("no link is left without its file", [
        os.path.join(directory, name)
        for directory, directories, names in os.walk(place.root)
        for name in directories + names
        if not os.path.exists(os.path.join(directory, name))
        and os.readlink(os.path.join(directory, name)) != "/dev/null"], [])
    s.equal("no directory of ours is empty", [
        directory for directory, directories, names in os.walk(place.root)
        if not directories and not names
        and os.path.basename(directory) in ("reporter", "examples")], [])
    left = sorted(place.files())
    s.equal("only what was changed is left", left,
            sorted(path[len(place.root):] for path in (
                place.conf, place.path("logrotatedir", "reporter"))))
    s.equal("and as it was", read(place.conf), CHANGED)


def odd_directories(s):
    """configure refuses what init script and units could not name."""
    configure = os.path.join(scenario.SOURCE, "configure")
    for option in ("--prefix=/a b", "--sysconfdir=/etc;x", "--sbindir=/a'b"):
        done = subprocess.run([configure, option], cwd=s.directory,
                              capture_output=True, text=True)
        s.check(f"configure refuses {option}", done.returncode != 0
                and "must not contain blanks" in done.stderr, done.stderr)


def tell(s):
    odd_directories(s)
    place = installed.Installed(os.path.join(s.directory, "a root"))
    everything(s, place)
    no_blanks_left(s, place)
    programs(s, place)
    manual(s, place)
    before = place.files()
    said = installed.make("install-data", DESTDIR=place.root)
    s.equal("installed twice, nothing changes", place.files(), before)
    s.check("and nothing is said to be changed", "keeping" not in said, said)
    upgrade(s, place)
    uninstall(s, place)


installed.needs("systemdsystemunitdir", "sysusersdir", "tmpfilesdir",
                "initddir", "logrotatedir")
scenario.run(__doc__, tell)
