#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""ELB agents send the address of a server as a raw s_addr: 10.0.0.200 arrives
as -939524086.  What a real agent sent, beside a Lars agent on the same port, is
stored as it came, since ELB's own tools read the table.  `reporterctl keys` and
the dead-letter file show the addresses of both right, view-elb.sql and
queries.sql show those of the table, and what was shown can be sent again,
without a second row for any key."""

import json
import os
import socket
import struct
import subprocess
import time

import scenario

ELB = {"10.0.0.1", "10.0.0.2", "10.0.0.200", "192.168.1.50", "192.168.1.250"}
LARS = {"10.0.0.1", "10.0.0.2"}
REFUSED = -939524086  # 10.0.0.200 in a frame of ELB's


def address(text, byte_order):
    return struct.unpack(byte_order + "I", socket.inet_aton(text))[0]


def raw(text):
    return address(text, "<")


def keys(s):
    return [json.loads(line) for line in
            s.reporter.ctl("keys", "--json").stdout.splitlines()]


def send(s, lines, *options):
    subprocess.run([scenario.program("reporter-send"), *options, "-p",
                    str(s.reporter.addresses[0][1])], input=lines, text=True,
                   check=True)


def agents_at_work(s):
    s.agent().send(scenario.recorded("elb-agent-real.bin"))
    s.reporter.settled(8)
    table = s.database.table()
    s.check("the table has an address as ELB's agent sent it",
            (1, 1, REFUSED & 0xFFFFFFFF, 8003, 0x7F000001) in table, table)
    stored = {key[2] for key in table}
    shown = keys(s)
    s.equal("keys shows the server's address", {k["ip"] for k in shown}, ELB)
    s.equal("which is what is stored", {raw(k["ip"]) for k in shown}, stored)
    s.equal("and the caller's", {k["caller"] for k in shown}, {"127.0.0.1"})
    s.equal("and the dialect", {k.get("dialect") for k in shown}, {"elb"})
    s.equal("overload is 0 or 1", {k["overload"] for k in shown}, {0, 1})
    return table


def both_at_once(s):
    """Lars' servers 10.0.0.1 and 10.0.0.2 are others than ELB's in the table,
    and the same for people."""
    s.agent().send(scenario.recorded("lars-agent-real.bin"))
    scenario.wait_for(lambda: len(keys(s)) == 11, "both agents' keys are there")
    dialects = {k.get("dialect", "") + k["ip"] for k in keys(s)}
    s.check("keys shows the addresses of both", dialects >= {
        "elb10.0.0.1", "elb10.0.0.2", "10.0.0.1", "10.0.0.2"}, dialects)
    s.reporter.settled(s.reporter.status()["records"]["received"])


def sent_again(s):
    """Lines of keys; the thirteenth column is the dialect."""
    table = s.database.table()
    lines = [line.split("\t") for line in
             s.reporter.ctl("keys").stdout.splitlines()]
    before = s.reporter.status()["records"]["received"]
    for dialect in ("elb", "native"):
        mine = [line for line in lines if (line[12] == "elb")
                == (dialect == "elb")]
        send(s, "".join("\t".join(line[:9]) + "\n" for line in mine),
             "-D", dialect)
    s.reporter.settled(before + len(table))
    s.equal("what keys printed, sent again, changes nothing",
            s.database.table(), table)


def refused_row(s):
    s.database.requires_mysql(8.0, "CHECK constraints")
    dead = s.reporter.options["mysql"]["dead_letter_file"]
    now = int(time.time())
    s.database.sql("DELETE FROM ServerCallStatus; ALTER TABLE ServerCallStatus "
                   "ADD CONSTRAINT not_this CHECK (modid <> 9)")
    before = s.reporter.status()["records"]["received"]
    s.agent().send(scenario.elb(9, 1, 1, now, [(REFUSED, 80, 1, 2, True)]))
    s.agent().send(scenario.lars(9, 1, 1, now, [(0x0A0000C8, 80, 3, 4, False)]))
    scenario.wait_for(
        lambda: s.reporter.status()["records"]["dead_letter"] == 2,
        "both rows are set aside")
    with open(dead) as file:
        letters = [json.loads(line)["record"] for line in file]
    s.equal("the dead-letter file has their addresses",
            {(r.get("dialect"), r["ip"]) for r in letters},
            {("elb", "10.0.0.200"), (None, "10.0.0.200")})
    s.database.sql("ALTER TABLE ServerCallStatus DROP CONSTRAINT not_this")
    host, port = s.reporter.addresses[0]
    done = s.reporter.ctl("replay", "-H", host, "-p", str(port), dead)
    s.equal("the replay succeeds", (done.stdout, done.stderr),
            ("2 records sent\n", ""))
    s.reporter.settled(before + 4)
    s.equal("and stores both under the keys of the agents", {
        key: row for key, row in s.database.table().items() if key[0] == 9}, {
            (9, 1, REFUSED & 0xFFFFFFFF, 80, 1): (1, 2, now, 1),
            (9, 1, 0x0A0000C8, 80, 1): (3, 4, now, 0)})
    s.equal("keys shows them as before", {
        (k["ip"], k.get("dialect")) for k in keys(s) if k["modid"] == 9},
            {("10.0.0.200", "elb"), ("10.0.0.200", None)})


def sends_as_agents_do(s):
    before = s.reporter.status()["records"]["received"]
    send(s, "20 1 10.1.2.3 0 10.0.0.200 80 5 6 0\n", "-D", "elb")
    s.reporter.settled(before + 1)
    s.equal("reporter-send -D elb stores the address as an agent does",
            [key for key in s.database.table() if key[0] == 20],
            [(20, 1, REFUSED & 0xFFFFFFFF, 80, 0x0A010203)])
    s.equal("and keys shows what was typed", [
        (k["ip"], k["caller"]) for k in keys(s) if k["modid"] == 20],
            [("10.0.0.200", "10.1.2.3")])


def table_of_elb(s, kind):
    s.database.sql("TRUNCATE ServerCallStatus; ALTER TABLE ServerCallStatus "
                   f"MODIFY ip INT {kind} NOT NULL, "
                   f"MODIFY caller INT {kind} NOT NULL")
    s.database.load(os.path.join(scenario.SOURCE, "sql", "view-elb.sql"))
    ip = REFUSED if kind == "signed" else REFUSED & 0xFFFFFFFF
    s.database.sql(
        "INSERT INTO ServerCallStatus VALUES "
        f"(1, 2, {ip}, 80, 2130706433, 7, 8, UNIX_TIMESTAMP(), '1')")
    s.equal(f"{kind}: view-elb.sql shows the addresses", s.database.sql(
        "SELECT modid, ip, caller, overload FROM ServerCallStatusView"),
            [{"modid": 1, "ip": "10.0.0.200", "caller": "127.0.0.1",
              "overload": "yes"}])
    with open(os.path.join(scenario.SOURCE, "sql", "queries.sql")) as file:
        question = file.read().split(";")[0]
    s.equal(f"{kind}: and queries.sql follows the view",
            [row["server"] for row in s.database.sql(question)],
            ["10.0.0.200"])


def tell(s):
    s.reporter.configure("reporter", workers=1)
    s.start()
    agents_at_work(s)
    both_at_once(s)
    sent_again(s)
    s.part(refused_row, s)
    sends_as_agents_do(s)
    s.finish()
    for kind in ("signed", "unsigned"):
        table_of_elb(s, kind)


scenario.run(__doc__, tell)
