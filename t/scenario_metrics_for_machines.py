#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""An administrator loads the alerts and the dashboard that are shipped: each
metric that they name is among those that reporter-web has.  What a process takes
of the machine is what /proc says, how old records were when they were stored is
counted, and the certificate and the limit are those of the configuration, from
its start and after a reload.  An overload is counted once it is seen."""

import os
import pathlib
import re
import signal
import subprocess
import time

import scenario
import tls
import web
from scenario import wait_for

SHIPPED = ("etc/prometheus/reporter.rules.yml", "etc/grafana/reporter.json")


def metrics(server):
    return dict(re.findall(r"^reporter_(\S+) (\S+)$", server.ask("/metrics")[2],
                           re.MULTILINE))


def number(found, name):
    return float(found[name])


def names(s, text):
    """Each metric that is named somewhere exists."""
    have = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    for path in SHIPPED:
        named = set(re.findall(
            r"\breporter_\w+", pathlib.Path(scenario.SOURCE, path).read_text()))
        s.check(f"{path} names metrics", len(named) > 10)
        s.equal("which exist", {re.sub("_bucket$", "", n) for n in named}
                - have, set())


def taken(s, found, role, pid):
    """The figures of a process are those of /proc; they are seconds old."""
    def figure(name):
        return number(found, f"process_{name}{{role={role}}}")

    # A worker's flush thread and a master's agents come and go.
    s.check(f"{role}: its descriptors", abs(
        figure("open_fds") - len(os.listdir(f"/proc/{pid}/fd"))) <= 3,
            f"{figure('open_fds')} {os.listdir(f'/proc/{pid}/fd')}")
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    size = pages * os.sysconf("SC_PAGESIZE")
    s.check(f"{role}: its memory", 0.5 < figure("resident_memory_bytes") / size
            < 2, f"{figure('resident_memory_bytes')} {size}")
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    s.equal(f"{role}: its limit", figure("max_fds"), float(
        re.search(r"Max open files +(\d+)", limits)[1]))
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
    spent = sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")
    s.check(f"{role}: its processor time",
            0 < figure("cpu_seconds_total") < spent + 0.1,
            f"{figure('cpu_seconds_total')} {spent}")


def processes(s, server):
    status = s.reporter.status()
    worker, = status["workers"]
    of_worker = (f'"worker",generation="{worker["generation"]}",'
                 f'slot="{worker["slot"]}"')
    found = wait_for(
        lambda: (m := metrics(server)) and str(m).count("open_fds") == 3 and m,
        "all have noted their figures", seconds=10)
    taken(s, found, '"master"', status["pid"])
    taken(s, found, of_worker, worker["pid"])
    taken(s, found, '"web"', server.process.pid)


def age_bucket(server, le):
    """Records stored that were younger than so many seconds."""
    return sum(int(value) for name, value in metrics(server).items()
               if name.startswith("record_age_seconds_bucket")
               and f'le="{le}"' in name)


def ages(s, server):
    agent, now = s.agent(), int(time.time())
    agent.send(scenario.native(1, 1, 1, now - 100, [(1, 80, 1, 0, False)]))
    agent.send(scenario.native(1, 2, 1, now - 99999, [(1, 80, 1, 0, False)]))
    s.reporter.settled(2)
    s.equal("one record of 100 seconds, one of a day",
            [age_bucket(server, le) for le in ("64", "128", "16384", "+Inf")],
            [0, 1, 1, 2])
    total, = (float(value) for name, value in metrics(server).items()
              if name.startswith("record_age_seconds_sum"))
    s.check("their sum", 0 <= total - 100099 < 60, total)


def expiry(certificate):
    text = subprocess.run(
        [tls.OPENSSL, "x509", "-enddate", "-noout", "-in", certificate],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=True).stdout
    return int(time.mktime(time.strptime(
        text, "notAfter=%b %d %H:%M:%S %Y GMT\n")) - time.timezone)


def configuration(s, server, first, second):
    before = metrics(server)
    s.equal("the certificate's end",
            number(before, "certificate_expiry_timestamp_seconds"),
            expiry(first[0]))
    s.equal("the limit", before["connections_max"], "77")
    loaded = number(before, "last_reload_timestamp_seconds")
    s.check("the start counts as a reload", abs(loaded - time.time()) < 60)
    wait_for(lambda: time.time() >= loaded + 1, "the next second")
    s.reporter.configure("limits", max_connections="none")
    s.reporter.reload(status=1)
    s.equal("a reload that is refused does not",
            metrics(server)["last_reload_timestamp_seconds"],
            before["last_reload_timestamp_seconds"])
    s.reporter.configure("limits", max_connections=78)
    s.reporter.configure("tls", certificate=second[0], key=second[1])
    s.reporter.reload()
    after = metrics(server)
    s.check("one that is taken does",
            number(after, "last_reload_timestamp_seconds") > loaded)
    s.equal("with its limit", after["connections_max"], "78")
    s.equal("and its certificate",
            number(after, "certificate_expiry_timestamp_seconds"),
            expiry(second[0]))


def services(s, server):
    agent, now = s.agent(), int(time.time())
    agent.send(scenario.native(7, 1, 1, now, [(1, 80, 9, 1, True),
                                              (2, 80, 5, 0, False)]))
    agent.send(scenario.native(8, 1, 2, now - 9999, [(1, 80, 9, 1, True)]))
    found = wait_for(lambda: (m := metrics(server)).get("overloaded_servers")
                     != "0" and m, "the overload is seen", seconds=10)
    s.equal("of one server", found["overloaded_servers"], "1")
    s.equal("of one service; that of hours ago is silent, that of days is not "
            "there",
            [found[f'services{{state="{state}"}}'] for state in
             ("overloaded", "errors", "silent", "fine")],
            ["1", "0", "1", "0"])
    text = server.ask("/metrics/services")[2]
    s.part(scenario.promtool, s, text)
    s.check("its series have its name",
            'reporter_service_overloaded_servers{modid="7",cmdid="1",'
            'name="pay \\"now\\""} 1\n' in text, text)
    s.check("and others", 'service_servers{modid="8",cmdid="1"} 1\n' in text,
            text)
    text = server.ask("/metrics/services?limit=1")[2]
    s.check("the one in trouble comes first",
            'modid="7"' in text and 'modid="8"' not in text
            and "reporter_services_left_out 2\n" in text, text)
    for wrong in ("limit=0", "limit=10001", "limit=1&limit=1", "n=1"):
        s.equal(f"{wrong} is refused",
                server.ask(f"/metrics/services?{wrong}")[0], 400)


def loop(s, server):
    """A master that hangs is seen."""
    pid = s.reporter.status()["pid"]
    s.check("its loop goes round",
            number(metrics(server), "master_age_seconds") < 3)
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: number(metrics(server), "master_age_seconds") > 3,
                 "its age grows", seconds=10)
    finally:
        os.kill(pid, signal.SIGCONT)


def tell(s):
    authority = tls.Authority(s.directory, "authority")
    first = authority.issue("first", "127.0.0.2")
    time.sleep(1)  # they end at different seconds
    second = authority.issue("second", "127.0.0.2")
    s.reporter.configure("reporter", workers=1, listen="127.0.0.1:0, "
                         "127.0.0.2:0 tls")
    s.reporter.configure("limits", max_connections=77)
    s.reporter.configure("tls", certificate=first[0], key=first[1])
    s.start()
    names_file = os.path.join(s.directory, "services")
    pathlib.Path(names_file).write_text('7 1 pay "now"\n')
    server = web.start(s, "-n", names_file)
    try:
        names(s, server.ask("/metrics")[2])
        processes(s, server)
        ages(s, server)
        services(s, server)
        configuration(s, server, first, second)
        loop(s, server)
        s.reporter.stop()
        s.check("of one that has ended the last look is not served",
                wait_for(lambda: server.ask("/metrics/services")[0] == 503,
                         "it is seen to have ended", seconds=15))
        server.process.terminate()
        s.equal("it ends in order", server.process.wait(scenario.PATIENCE), 0)
    finally:
        scenario.end_group(server.process)


if not scenario.has("MICROHTTPD"):
    scenario.skip("built without libmicrohttpd: there is no reporter-web")
scenario.run(__doc__, tell)
