#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""One listener speaks TLS and one does not.  openssl s_client and reporter-send
bring reports through TLS to the table.  Who speaks no TLS there, or an old one,
or begins a handshake or a record and does not go on, is sent away and counted;
so is a client that requests an expensive key exchange.
A new certificate is taken at a reload, and an agent that was connected before
goes on; one that cannot be used is refused with its reason, and the old one
stays; a pipe in place of a file is refused as well, and nobody waits for it; so
is an authority of the database's that holds no certificate, and a certificate
for the database with another's key.  In the end agents need a certificate of
their own: who has none, or a stranger's, brings nothing in."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import time

import crowd
import scenario
import tls

TS = 1700000000
# Of 16 KiB of a stream, for all that can be seen.
RECORD_HEAD = b"\x17\x03\x03\x40\x00"


class Story:
    def __init__(self, s):
        self.s = s
        self.modid = 0
        self.wanted = {}
        self.authority = tls.Authority(s.directory, "authority")
        self.stranger = tls.Authority(s.directory, "stranger")
        self.first = self.authority.issue("first", "127.0.0.2")
        self.second = self.authority.issue("second", "127.0.0.2")
        # Certificates here have keys of elliptic curves.
        self.other_kind = os.path.join(s.directory, "rsa.key")
        tls.openssl("genrsa", "-out", self.other_kind, "2048")

    @property
    def plain(self):
        return self.s.reporter.addresses[0]

    @property
    def secure(self):
        return self.s.reporter.addresses[1]

    def configure(self, **options):
        self.s.reporter.configure("tls", **options)

    def use(self, identity):
        self.configure(certificate=identity[0], key=identity[1])

    def report(self):
        """A report of a service of its own, which is to be in the table."""
        self.modid += 1
        report = (self.modid, 1, 1, TS, [(1, 1, self.modid, 0, False)])
        self.wanted.update(scenario.rows(*report))
        return scenario.native(*report)

    def lines(self):
        """The same, for reporter-send."""
        self.modid += 1
        self.wanted[self.modid, 1, 1, 1, 1] = (self.modid, 0, TS, 0)
        return f"{self.modid} 1 0.0.0.1 {TS} 0.0.0.1 1 {self.modid} 0 0\n"

    def arrived(self, what):
        # What was rejected, as TLS on the plain port, was received as well.
        rejected = self.s.reporter.status()["records"]["rejected"]
        self.s.reporter.settled(len(self.wanted) + rejected)
        self.s.equal(what, self.s.database.table(), self.wanted)

    def closed(self, reason="tls"):
        return self.s.reporter.status()["closed"][reason]

    def refused(self, what, call, reason="tls"):
        """call() makes exactly one connection be closed for that reason, and
        brings nothing in."""
        before = self.closed(reason)
        call()
        scenario.wait_for(lambda: self.closed(reason) > before,
                          f"{what} is closed")
        self.s.equal(f"{what} is sent away", self.closed(reason), before + 1)

    def s_client(self, data, *arguments):
        return tls.s_client(self.secure, data, "-CAfile",
                            self.authority.certificate, *arguments)

    def agent(self, identity=None, version=None):
        return tls.TlsAgent(self.secure, self.authority, identity, version)


def reports_arrive(story):
    s = story.s
    for version in ("-tls1_2", "-tls1_3"):
        status, said = story.s_client(story.report(), version)
        s.equal(f"openssl s_client {version} has no complaint", status, 0)
        s.check("the certificate is right", "Verify return code: 0" in said,
                said)
    story.arrived("its reports are in the table")
    s.agent().send(story.report())
    status, said = tls.send(s, story.secure, story.lines(), "--tls", "--ca",
                            story.authority.certificate)
    s.equal("reporter-send has no complaint", (status, said), (0, ""))
    status, said = tls.send(s, story.secure, story.lines(), "--tls",
                            "--insecure")
    s.equal("nor has it, insecure", (status, said), (0, ""))
    story.arrived("and theirs, and that of a plain agent beside it")


def a_restart_closes_them(story):
    """Another process cannot continue TLS: close_notify comes, after all that
    had arrived was read.  A plain agent stays connected."""
    s = story.s
    secure, plain = story.agent(story.known), scenario.Agent(story.plain)
    for agent in (secure, plain):
        agent.send(story.report())
    wait_for = scenario.wait_for
    story.arrived("an agent of each kind is heard")
    before = s.reporter.process
    with open(s.reporter.log, "a") as log:
        s.reporter.process = subprocess.Popen(
            [scenario.program("reporter"), "-f", "-r", "-c", s.reporter.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
    s.equal("the process before ends", before.wait(scenario.PATIENCE), 0)
    secure.socket.suppress_ragged_eofs = False
    s.check("an agent with TLS sees an end in order", secure.sees_end())
    wait_for(lambda: s.reporter.ctl("status").returncode == 0, "it runs")
    plain.send(story.report())
    wait_for(lambda: s.database.table() == story.wanted, "a plain one goes on")
    secure.close()
    plain.close()


def pieces(story):
    """A report cut into records of one byte, and many reports in one."""
    agent = story.agent()
    for byte in story.report():
        agent.send(bytes([byte]))
    agent.send(b"".join(story.report() for _ in range(2000)))
    story.arrived("reports in small and in large pieces arrive")
    agent.close()


def send_is_careful(story):
    s = story.s
    lines = story.lines()
    del story.wanted[story.modid, 1, 1, 1, 1]
    for what, arguments in (
            ("does not trust a stranger",
             ("--ca", story.stranger.certificate)),
            ("does not trust just anybody", ())):
        status, said = tls.send(s, story.secure, lines, "--tls", *arguments)
        s.equal(f"reporter-send {what}", status, 3)
        s.check("and says why", "certificate verify failed" in said, said)
    status, said = tls.send(s, ("localhost", story.plain[1]), lines,
                            "--tls", "--ca", story.authority.certificate)
    s.equal("nor one who speaks no TLS", status, 3)
    status, said = tls.send(s, story.secure, lines, "--tls", "--ca", "/none")
    s.equal("a file that is missing is a fault of usage", status, 2)
    s.equal("which is told", said, "reporter-send: --ca: /none: No such file "
            "or directory; expected certificates in PEM form\n")
    story.arrived("nothing of that is in the table")


def strangers_are_sent_away(story):
    s = story.s
    # One of modid 1 looks like the greeting of SSL 2.
    for modid in (999, 1):
        plain = s.agent(1)
        story.refused(f"a plain agent of modid {modid}",
                      lambda: plain.send(scenario.native(modid, 1, 1, TS, [])))
        s.check("and sees it", plain.sees_end())

    # The client must want it: its own minimum is in its way else.
    story.refused("TLS 1.1", lambda: s.check(
        "s_client cannot connect with TLS 1.1", story.s_client(
            b"x", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")[0] != 0))
    s.check("the log says why", "TLS failed: unsupported protocol: closed"
            in s.reporter.log_text(), s.reporter.log_text()[-500:])

    slow = s.agent(1)
    slow.send(b"\x16\x03\x01\x02\x00\x01")
    s.reporter.configure("limits", message_timeout="300ms")

    def short_of_time():
        tls.reload(s)
        s.check("it sees its end", slow.sees_end())

    story.refused("a handshake that does not go on", short_of_time,
                  "message_timeout")
    story.refused("one who says nothing", lambda: s.check(
        "it sees its end", s.agent(1).sees_end()), "message_timeout")
    s.reporter.configure("limits", message_timeout="30s")
    tls.reload(s)
    story.arrived("the others are as before")


def key_exchange_is_cheap(story):
    """A key share of a large finite field costs the server 120 ms."""
    s = story.s
    for groups in ("X25519", "P-256", "P-384", "ffdhe8192:X25519"):
        status, said = story.s_client(story.report(), "-groups", groups)
        s.equal(f"key exchange by {groups} is accepted", status, 0)
    story.arrived("and those reports are in the table")
    before = crowd.processor_time(s)
    for _ in range(10):
        story.refused("key exchange by ffdhe8192", lambda: s.check(
            "s_client cannot connect",
            story.s_client(b"x", "-groups", "ffdhe8192")[0] != 0))
    spent = crowd.processor_time(s) - before
    s.check("ten of them cost the master less than 0.4 s", spent < 0.4,
            f"{spent} s")
    for groups in ("P-521", "X448", "ffdhe2048"):
        story.refused(f"key exchange by {groups}", lambda: s.check(
            "s_client cannot connect",
            story.s_client(b"x", "-groups", groups)[0] != 0))


def crafted_hello(groups, shares):
    """A ClientHello with so many unknown groups, and so many key shares of the
    last of them."""
    numbers = [0x4000 + at for at in range(groups - 1)] + [0x7fff]
    lists = ((43, b"\x02\x03\x04"),
             (10, struct.pack(f">H{groups}H", 2 * groups, *numbers)),
             (13, struct.pack(">HH", 2, 0x0403)),
             (51, struct.pack(">H", 5 * shares)
              + struct.pack(">HHB", 0x7fff, 1, 1) * shares))
    extensions = b"".join(struct.pack(">HH", kind, len(data)) + data
                          for kind, data in lists)
    body = (b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">HH", 2, 0x1301)
            + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions)
    hello = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"".join(
        b"\x16\x03\x01" + struct.pack(">H", len(part)) + part
        for part in (hello[at:at + 16384]
                     for at in range(0, len(hello), 16384)))


def long_lists_are_cheap(story):
    """OpenSSL searches the groups for each key share: 54 ms."""
    s = story.s
    before = crowd.processor_time(s)
    for _ in range(5):
        with socket.create_connection(s.reporter.addresses[1]) as agent:
            agent.settimeout(scenario.PATIENCE)
            agent.sendall(crafted_hello(16300, 6500))
            agent.recv(100)
    spent = crowd.processor_time(s) - before
    s.check("five hellos with long lists cost the master less than 0.15 s",
            spent < 0.15, f"{spent} s")


def records_end_in_time(story):
    """No byte of a report is there before its record is whole, so what trickles
    in is the record."""
    s = story.s
    good, slow = story.agent(), story.agent()
    good.send(story.report())
    slow.send(story.report())
    story.arrived("two agents bring reports")
    s.reporter.configure("limits", message_timeout="500ms", idle_timeout="1h")
    tls.reload(s)

    def trickle():
        raw = socket.socket(fileno=os.dup(slow.socket.fileno()))
        raw.settimeout(0.05)
        raw.send(RECORD_HEAD)
        began = time.monotonic()
        while time.monotonic() - began < 5:
            try:
                raw.send(b"x")
                if raw.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        raw.close()

    story.refused("one whose record does not come to its end", trickle,
                  "message_timeout")
    s.check("who is between two records stays", good.is_open())
    good.send(story.report())
    story.arrived("and is heard")
    s.reporter.configure("limits", message_timeout="30s", idle_timeout="5min")
    tls.reload(s)


def an_old_connection_ends_in_order(story):
    """max_connection_age: close_notify comes first, and reports are taken until
    the agent closes."""
    s = story.s
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        agent = story.agent(version=version)
        agent.send(story.report())
        s.reporter.configure("limits", max_connection_age="1s")
        tls.reload(s)
        agent.socket.suppress_ragged_eofs = False
        s.check(f"{version.name}: close_notify comes", agent.sees_end(10))
        if version == ssl.TLSVersion.TLSv1_3:
            # Before it an end in one direction ended the other as well.
            agent.send(story.report())
        story.arrived("and until its own end the agent is heard")
        before = story.closed("age")
        agent.close()
        scenario.wait_for(lambda: story.closed("age") == before + 1,
                          "it is counted")
        s.reporter.configure("limits", max_connection_age="0")
        tls.reload(s)


def what_waited_counts(story):
    """A message in several records is finished while reporter is stopped, for
    longer than message_timeout."""
    s = story.s
    s.reporter.configure("limits", message_timeout="3s")
    tls.reload(s)
    results = [(1, 1, n, 0, False) for n in range(6000)]
    story.modid += 1
    message = scenario.native(story.modid, 1, 1, TS, results)
    story.wanted.update(scenario.rows(story.modid, 1, 1, TS, results[-1:]))
    s.check("it takes several records", len(message) > 1 << 15)
    agent, bytes_before = story.agent(), s.reporter.status()["bytes"]
    agent.send(message[:10])
    scenario.wait_for(lambda: s.reporter.status()["bytes"]
                      == bytes_before + 10, "it has begun")
    s.reporter.process.send_signal(signal.SIGSTOP)
    agent.send(message[10:])
    began = time.monotonic()
    scenario.wait_for(lambda: time.monotonic() - began > 3.3, "time passes")
    s.reporter.process.send_signal(signal.SIGCONT)
    scenario.wait_for(lambda: s.database.table() == story.wanted,
                      "a message that waited for the master is taken")
    s.check("and its agent stays", agent.is_open())
    agent.close()
    s.reporter.configure("limits", message_timeout="30s")
    tls.reload(s)


def renegotiation_is_off(story):
    """s_client asks for it when it reads a line R."""
    done = subprocess.run(
        [tls.OPENSSL, "s_client", "-connect", "%s:%d" % story.secure,
         "-tls1_2", "-CAfile", story.authority.certificate], input=b"R\n",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    said = done.stdout.decode(errors="replace")
    story.s.check("renegotiation is refused", "RENEGOTIATING" in said
                  and "no renegotiation" in said, said)
    status, said = story.s_client(story.report(), "-tls1_2")
    story.s.check("there is no compression, no ticket",
                  "Compression: NONE" in said
                  and "TLS session ticket:" not in said, said)


def is_told(story, fault, *words):
    """reporter, called with these words, ends with that fault; -t tells it
    with the line of the option."""
    reporter = story.s.reporter
    if "-t" in words:
        line = reporter.conf_line(fault.split(":")[0])
        fault = f"{reporter.conf}:{line}: {fault}"
    done = subprocess.run(
        [scenario.program("reporter"), *words, "-c", reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=scenario.PATIENCE)
    story.s.check(f"reporter {' '.join(words)} says: {fault}",
                  done.returncode == 1 and fault in done.stderr, done.stderr)


def certificates_are_renewed(story):
    s = story.s
    before = story.agent()
    story.use(story.second)
    tls.reload(s)
    after = story.agent()
    s.check("a reload brings another certificate",
            before.certificate() != after.certificate())
    before.send(story.report())
    after.send(story.report())
    story.arrived("old and new connection go on")

    bad = os.path.join(s.directory, "bad.pem")
    with open(bad, "w") as file:
        file.write("no certificate\n")
    for certificate, key, fault in (
            (bad, story.second[1], f"tls.certificate: {bad}: no start line"),
            ("/none", story.second[1],
             "tls.certificate: /none: No such file or directory"),
            (story.second[0], story.first[1],
             f"tls.key: {story.first[1]}: key values mismatch"),
            (story.second[0], story.other_kind,
             f"tls.key: {story.other_kind}: no certificate assigned")):
        story.use((certificate, key))
        tls.reload(s, taken=False)
        s.check(f"a reload is refused: {fault}", fault + "; expected"
                in s.reporter.log_text(), s.reporter.log_text()[-800:])
        is_told(story, fault, "-t")
    last = story.agent()
    s.equal("the certificate of before stays", last.certificate(),
            after.certificate())
    for agent in (before, after, last):
        agent.send(story.report())
    story.arrived("and all connections")
    story.use(story.second)


def nobody_waits_for_a_pipe(story):
    """Whoever opened one for reading would hang until somebody writes."""
    s = story.s
    good = {"certificate": story.second[0], "key": story.second[1],
            "client_ca": ""}
    pipe = os.path.join(s.directory, "pipe")
    os.mkfifo(pipe)
    for option, path in (("certificate", pipe), ("key", pipe),
                         ("client_ca", pipe), ("client_ca", "/dev/zero")):
        fault = f"tls.{option}: {path}: not a regular file; expected"
        story.configure(**{**good, option: path})
        tls.reload(s, taken=False)
        s.check(f"a reload is refused: {fault}", fault
                in s.reporter.log_text(), s.reporter.log_text()[-800:])
        is_told(story, fault, "-t")
        # A second one of this instance would see no further than that.
        s.reporter.configure("reporter", instance=s.reporter.instance + "-2")
        s.reporter.write_conf()
        is_told(story, fault, "-f")
        s.reporter.configure("reporter", instance=s.reporter.instance)
    story.configure(**good)
    story.s.agent().send(story.report())
    story.arrived("the master goes on")


def is_taken(story, what):
    """reporter -t finds nothing wrong."""
    done = subprocess.run(
        [scenario.program("reporter"), "-t", "-c", story.s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    story.s.equal(what, (done.returncode, done.stderr), (0, ""))


def an_authority_holds_certificates(story):
    """What the database's certificate is verified by is looked into."""
    s = story.s
    s.reporter.configure("mysql", ssl_ca=story.authority.certificate)
    s.reporter.write_conf()
    is_taken(story, "reporter -t takes certificates as ssl_ca")
    for path in (os.path.join(s.directory, "bad.pem"), story.authority.key):
        s.reporter.configure("mysql", ssl_ca=path)
        s.reporter.write_conf()
        is_told(story, f"mysql.ssl_ca: {path}: no certificate or crl found; "
                "expected certificates in PEM form", "-t")
    s.reporter.configure("mysql", ssl_ca="")


def a_key_belongs_to_its_certificate(story):
    """What is shown to the database is looked into as well."""
    s = story.s
    bad = os.path.join(s.directory, "bad.pem")
    locked = os.path.join(s.directory, "locked.key")
    tls.openssl("pkey", "-in", story.first[1], "-aes256", "-passout", "pass:x",
                "-out", locked)
    s.reporter.configure("mysql", ssl_ca=story.authority.certificate)
    certificate = "a certificate in PEM form"
    key = "the certificate's private key in PEM form, without a password"
    for pair, fault in (
            (story.first, None),
            ((bad, story.first[1]),
             f"ssl_cert: {bad}: no start line; expected {certificate}"),
            ((story.first[0], bad), f"ssl_key: {bad}: "),
            ((story.first[0], story.second[1]),
             f"ssl_key: {story.second[1]}: key values mismatch; "
             f"expected {key}"),
            ((story.first[0], story.other_kind),
             f"ssl_key: {story.other_kind}: no certificate assigned; "
             f"expected {key}"),
            ((story.first[0], locked), f"ssl_key: {locked}: ")):
        s.reporter.configure("mysql", ssl_cert=pair[0], ssl_key=pair[1])
        s.reporter.write_conf()
        if fault is None:
            is_taken(story, "reporter -t takes a certificate and its key")
        else:
            is_told(story, "mysql." + fault, "-t")
    client = os.path.join(s.directory, "client.cnf")
    with open(client, "w") as file:
        file.write("[client]\nssl-passphrase = x\n")
    s.reporter.configure("mysql", defaults_file=client)
    s.reporter.write_conf()
    is_taken(story, "defaults_file may know the key's password")
    s.reporter.configure("mysql", ssl_ca="", ssl_cert="", ssl_key="",
                         defaults_file="")


def version_can_be_raised(story):
    story.configure(min_version="1.3")
    tls.reload(story.s)
    story.refused("TLS 1.2 then", lambda: story.s.check(
        "s_client cannot connect with TLS 1.2",
        story.s_client(b"x", "-tls1_2")[0] != 0))
    story.s_client(story.report(), "-tls1_3")
    story.arrived("TLS 1.3 can")


def agents_need_certificates(story):
    s = story.s
    story.configure(client_ca=story.authority.certificate, min_version="1.2")
    tls.reload(s)
    known = story.authority.issue("agent")
    unknown = story.stranger.issue("agent")

    def bring(identity):
        """With TLS 1.3 a client knows only later that it was refused."""
        try:
            agent = story.agent(identity)
            agent.send(scenario.native(999, 1, 1, TS, []))
            s.check("the refused agent sees its end", agent.sees_end())
        except (ssl.SSLError, OSError):
            pass

    story.refused("an agent without certificate", lambda: bring(None))
    story.refused("an agent with a stranger's", lambda: bring(unknown))
    for fault in ("peer did not return a certificate",
                  "certificate verify failed: "):
        s.check(f"the log says: {fault}", f"TLS failed: {fault}"
                in s.reporter.log_text(), s.reporter.log_text()[-500:])
    story.known = known
    good = story.agent(known)
    good.send(story.report())
    authority = ("--tls", "--ca", story.authority.certificate)
    status, said = tls.send(s, story.secure, story.lines(), *authority,
                            "--cert", known[0], "--key", known[1])
    s.equal("reporter-send shows its certificate", (status, said), (0, ""))
    story.arrived("agents with a certificate are let in")
    status, said = tls.send(s, story.secure, "1 1 0.0.0.1 0 0.0.0.1 1 1 0 0\n",
                            *authority)
    s.equal("without it reporter-send fails", status, 3)
    status, said = tls.send(s, story.secure, "", *authority, "--cert",
                            known[0], "--key", story.other_kind)
    s.equal("a key of another kind is told before it connects", (status, said),
            (2, f"reporter-send: --key: {story.other_kind}: no certificate "
             "assigned; expected the certificate's private key in PEM form, "
             "without a password\n"))
    story.arrived("and brings nothing in")


def tell(s):
    story = Story(s)
    s.database.start()
    s.reporter.configure("reporter", listen="127.0.0.1:0, 127.0.0.2:0 tls")
    story.use(story.first)
    s.reporter.start()
    for part in (reports_arrive, pieces, send_is_careful,
                 strangers_are_sent_away, key_exchange_is_cheap,
                 long_lists_are_cheap,
                 records_end_in_time, an_old_connection_ends_in_order,
                 what_waited_counts, renegotiation_is_off,
                 certificates_are_renewed,
                 nobody_waits_for_a_pipe, an_authority_holds_certificates,
                 a_key_belongs_to_its_certificate,
                 version_can_be_raised,
                 agents_need_certificates, a_restart_closes_them):
        part(story)
    status = s.reporter.status()
    s.identity(status)
    s.connections_add_up(status)


scenario.run(__doc__, tell)
