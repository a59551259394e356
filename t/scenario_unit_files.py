#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What systemd is given is what systemd takes: its own tools find nothing wrong
with the units, rate the service's hardening at 1.5 or better, make the user
that the service runs as, and make its directories with the modes they must have.
And the sandbox leaves what reporter needs: its segments outlive the service,
the filter of system calls has those that a running reporter makes.  systemd does
not limit how often they start."""

import os
import re
import subprocess

import installed
import scenario

MOST_EXPOSURE = 1.5


def call(s, what, *command):
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    s.check(f"{what}: ends with 0", done.returncode == 0, done.stdout)
    return done.stdout


def verified(s, place, analyze):
    units = place.path("systemdsystemunitdir")
    # Without an address, which each instance has in a drop-in, it is refused.
    os.mkdir(os.path.join(units, "reporter@.socket.d"))
    with open(os.path.join(units, "reporter@.socket.d", "listen.conf"),
              "w") as file:
        file.write("[Socket]\nListenStream=12317\n")
    for unit in sorted(os.listdir(units)):
        if unit.endswith(".d"):
            continue
        path = place.move(os.path.join(units, unit))
        # Units of the system that are none of ours may have faults.
        said = [line for line in call(
            s, f"systemd-analyze verify {unit}", analyze, "verify",
            "--man=no", path).splitlines() if "reporter" in line]
        s.equal(f"{unit}: no complaint", said, [])


def rated(s, place, analyze):
    units = place.path("systemdsystemunitdir")
    for unit in sorted(os.listdir(units)):
        if not unit.endswith(".service"):
            continue
        said = call(s, f"systemd-analyze security {unit}", analyze, "security",
                    "--offline=yes", "--no-pager", os.path.join(units, unit))
        rate = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        s.check(f"{unit}: rated {rate and rate.group(1)}, at most "
                f"{MOST_EXPOSURE}", rate
                and float(rate.group(1)) <= MOST_EXPOSURE, said)


def settings(path):
    """{name: [value, ...]} of a unit."""
    found = {}
    with open(path) as file:
        for name, value in re.findall(r"^(\w+)=(.*)$", file.read(), re.M):
            found.setdefault(name, []).append(value)
    return found


def records_survive(s, place):
    """Each of these would delete or hide what is in /dev/shm."""
    unit = settings(place.path("systemdsystemunitdir", "reporter.service"))
    s.equal("segments outlive the service", unit.get("RemoveIPC"), ["no"])
    for name in ("DynamicUser", "InaccessiblePaths", "TemporaryFileSystem"):
        s.check(f"{name} is not used", name not in unit)
    s.equal("the socket unit listens where the sample does",
            settings(place.path("systemdsystemunitdir",
                                "reporter.socket"))["ListenStream"],
            default_listen(place))


def no_start_is_refused(s, place):
    """With the limit of systemd's default a few restarts in a row, or an error
    in the configuration, end the service and its socket for good."""
    for name in ("reporter.service", "reporter@.service",
                 "reporter-web.service", "reporter-web@.service"):
        path = place.path("systemdsystemunitdir", name)
        if not os.path.exists(path):  # configured without reporter-web
            continue
        with open(path) as file:
            head = file.read().partition("[Service]")[0]
        s.check(f"{name}: starts are not limited",
                "\nStartLimitIntervalSec=0\n" in head, head)
        seconds = "5" if "web" in name else "1"
        s.equal(f"{name}: {seconds} s between them",
                settings(path)["RestartSec"], [seconds])


def members(analyze, group, seen):
    """All calls of a group of systemd's, and of those in it."""
    if not group.startswith("@"):
        return {group}
    if group not in seen:
        seen[group] = set()
        said = subprocess.run([analyze, "--no-pager", "syscall-filter", group],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True).stdout.splitlines()
        for word in {line.strip() for line in said[1:]}:
            if word and not word.startswith("#"):
                seen[group] |= members(analyze, word, seen)
    return seen[group]


def calls_get_through(s, place, analyze):
    """src/privilege/sandbox.c knows which calls reporter makes.  The unit's
    filter is there before that, and so it must have seccomp as well."""
    unit = settings(place.path("systemdsystemunitdir", "reporter.service"))
    filtered, seen = set(), {}
    for words in unit["SystemCallFilter"]:
        for word in words.lstrip("~").split():
            its = members(analyze, word, seen)
            filtered = (filtered - its if words.startswith("~")
                        else filtered | its)
    with open(os.path.join(scenario.SOURCE,
                           "src/privilege/sandbox.c")) as file:
        code = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    lists = re.findall(r"\*const (?:both|of_master)\[\] = \{(.*?)\};", code,
                       re.DOTALL)
    wanted = set(re.findall(r'"(\w+)"', " ".join(lists))) | {"seccomp",
                                                            "capset"}
    s.check("the lists were found", len(lists) == 2 and len(wanted) > 100)
    s.equal("the unit's filter lets reporter make its calls",
            # mincore is the sanitizers'.
            sorted(wanted - filtered - {"mincore"}), [])


def default_listen(place):
    with open(place.conf) as file:
        return [re.search(r"^#listen = (.*)$", file.read(), re.M).group(1)]


def user(s, place, sysusers):
    etc = os.path.join(s.directory, "users", "etc")
    os.makedirs(etc)
    for name in ("passwd", "group", "shadow", "gshadow"):
        with open(os.path.join(etc, name), "w"):
            pass
    call(s, "systemd-sysusers", sysusers, "--root=" + os.path.dirname(etc),
         place.path("sysusersdir", "reporter.conf"))
    with open(os.path.join(etc, "passwd")) as file:
        entry = re.search(r"^reporter:.*$", file.read(), re.M)
    s.check("the user is made", entry)
    fields = entry.group(0).split(":")
    s.check("it is a system's user: logind leaves alone what it has in "
            "/dev/shm", 0 < int(fields[2]) < 1000, fields)
    s.check("nobody can log in as it", fields[6].endswith("nologin"), fields)
    return etc


def run_time_folders(s, place, tmpfiles, etc):
    """The user is known in the scratch root only."""
    root = os.path.join(s.directory, "directories")
    os.makedirs(root)
    os.rename(etc, os.path.join(root, "etc"))
    call(s, "systemd-tmpfiles", tmpfiles, "--root=" + root, "--create",
         place.path("tmpfilesdir", "reporter.conf"))
    with open(os.path.join(root, "etc", "passwd")) as file:
        uid = int(re.search(r"^reporter:[^:]*:(\d+)", file.read(),
                            re.M).group(1))
    for directory, mode, *names in (
            ("runstatedir", 0o755, "reporter"),
            ("localstatedir", 0o750, "lib", "reporter"),
            ("localstatedir", 0o750, "log", "reporter")):
        path = os.path.join(root + place.dirs[directory], *names)
        s.check(f"{path[len(root):]} is the user's, with mode {mode:o}",
                os.path.isdir(path) and os.stat(path).st_uid == uid
                and os.stat(path).st_mode & 0o7777 == mode)


def tell(s):
    place = installed.Installed(os.path.join(s.directory, "root"))
    records_survive(s, place)
    no_start_is_refused(s, place)
    analyze = scenario.tool("systemd-analyze", "systemd")
    sysusers = scenario.tool("systemd-sysusers", "systemd")
    tmpfiles = scenario.tool("systemd-tmpfiles", "systemd")
    calls_get_through(s, place, analyze)
    rated(s, place, analyze)
    verified(s, place, analyze)
    etc = user(s, place, sysusers)
    if os.geteuid() == 0:
        run_time_folders(s, place, tmpfiles, etc)
    else:
        print("who is not root cannot give directories away: that is not shown")


installed.needs("systemdsystemunitdir", "sysusersdir", "tmpfilesdir")
scenario.run(__doc__, tell)
