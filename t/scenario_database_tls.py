#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The way to the database leads over a network.  With ssl_ca reporter speaks
TLS, and only with a server that can prove to be the one: one that another
authority has signed is refused, and so is one with another name, and one
without TLS; the log says why, and the records wait.  They wait as well while a
pipe is in place of a file, and nobody waits for its writer.  With ssl_verify =
ca a server of another name is taken, and none that another authority has
signed; with off any server with TLS, also without ssl_ca, and none without.  An
account that asks for a certificate gets one.  The names of the options are
those of the manual, and each takes effect at a reload."""

import os
import shutil
import subprocess

import scenario

TS = 1700000000


class Authority:
    """Signs certificates, by the openssl command."""

    def __init__(self, directory, name):
        self.directory = directory
        self.name = name
        self.serial = 0
        self.certificate, self.key = self.paths(name)
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                     "2", "-subj", f"/CN={name}", "-keyout", self.key,
                     "-out", self.certificate)

    def paths(self, name):
        base = os.path.join(self.directory, name)
        return base + ".pem", base + ".key"

    def openssl(self, *words):
        done = subprocess.run([scenario.tool("openssl", "openssl"), *words],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise scenario.Failure(f"openssl {words[0]}: {done.stderr}")

    def sign(self, name, host):
        """A certificate for that host.  Returns its path and its key's."""
        certificate, key = self.paths(name)
        request = certificate + ".request"
        names = certificate + ".names"
        with open(names, "w") as file:
            file.write(f"subjectAltName = DNS:{host}\n")
        self.serial += 1
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj",
                     f"/CN={host}", "-keyout", key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.certificate,
                     "-CAkey", self.key, "-set_serial", str(self.serial),
                     "-days", "2", "-extfile", names, "-out", certificate)
        return certificate, key


class Story:
    def __init__(self, s, database):
        self.s = s
        self.database = database
        self.turn = 0

    def mark(self):
        """What the log says from now on is about what changes now: a record
        that waits may be tried before the next one is sent."""
        self.start = os.path.getsize(self.s.reporter.log)

    def configure(self, **options):
        self.mark()
        self.s.reporter.configure("mysql", **options)
        self.s.reporter.reload()

    def send(self):
        """A record of its own; returns whether the table has it."""
        self.turn += 1
        turn = self.turn
        self.agent.send(scenario.native(turn, 1, 1, TS,
                                        [(1, 80, turn, 0, False)]))

        def stored():
            return self.database.sql("SELECT 1 AS n FROM ServerCallStatus "
                                     f"WHERE modid = {turn}") != []

        return stored

    def denies(self, what, reason, option, path, former):
        """A reload is refused, and names the file."""
        self.s.reporter.configure("mysql", **{option: path})
        self.s.reporter.write_conf()
        done = self.s.reporter.ctl("reload")
        self.s.check(what, done.returncode == 1 and path in done.stderr
                     and reason in done.stderr, done.stderr)
        self.s.reporter.configure("mysql", **{option: former})

    def takes(self, what):
        scenario.wait_for(self.send(), what)
        self.s.check(what, True)

    def refuses(self, what, *words):
        """The database stays without the record, and the log says why."""
        stored = self.send()

        def said():
            text = self.s.reporter.log_text(self.start)
            return all(word in text for word in words)

        scenario.wait_for(said, f"{what}: the log says {words}")
        self.s.check(what, not stored())
        scenario.wait_for(
            lambda: self.s.reporter.status()["records"]["pending"] >= 1,
            "the record waits")


def tell(s):
    s.database.requires_mysql(5.7, "CREATE USER with REQUIRE")
    right = Authority(s.directory, "right")
    wrong = Authority(s.directory, "wrong")
    server, key = right.sign("server", "localhost")
    database = scenario.Networked(
        os.path.join(s.directory, "tls"), f"--ssl-ca={right.certificate}",
        f"--ssl-cert={server}", f"--ssl-key={key}")
    try:
        story(s, database, right, wrong)
    finally:
        scenario.end_group(database.process)


def story(s, database, right, wrong):
    database.start()
    database.account("over_tls", "REQUIRE SSL")
    database.account("with_certificate", "REQUIRE X509")
    story = Story(s, database)
    s.reporter.configure(
        "mysql", socket="", host=f"localhost:{database.port}",
        user="over_tls", ssl_ca=right.certificate)
    s.reporter.start()
    story.agent = s.agent()
    story.takes("TLS, verified: an account that demands it is served")

    story.configure(ssl_ca=wrong.certificate)
    story.refuses("a server that the authority has not signed is refused",
                  f"database localhost:{database.port}: error 2026",
                  "certificate")
    story.configure(ssl_verify="ca")
    story.refuses("also if its name does not matter",
                  f"database localhost:{database.port}: error 2026",
                  "certificate")
    story.configure(ssl_verify="off")
    story.takes("without verification it is taken")
    story.configure(ssl_ca="")
    story.takes("over TLS, also without a file of authorities")
    story.configure(ssl_verify="on", ssl_ca=right.certificate)
    story.takes("with the right authority as well")

    story.configure(host=f"127.0.0.1:{database.port}")
    story.refuses("a server of another name is refused",
                  f"database 127.0.0.1:{database.port}: error 2026")
    story.configure(ssl_verify="ca")
    story.takes("unless the authority alone matters")
    story.configure(host=f"localhost:{database.port}", ssl_verify="on",
                    user="with_certificate")
    story.refuses("who shows no certificate is not let in", "error 1045")
    certificate, key = right.sign("client", "agent")
    story.configure(ssl_cert=certificate, ssl_key=key)
    story.takes("who shows one is")

    story.denies("a key that is missing is named", "No such file",
                 "ssl_key", os.path.join(s.directory, "nothing"), key)
    for name, file in (("ssl_ca", right.certificate), ("ssl_cert", certificate),
                       ("ssl_key", key)):
        pipe = os.path.join(s.directory, f"pipe.{name}")
        os.mkfifo(pipe)
        story.denies(f"nobody waits for the writer of a pipe as {name}",
                     "regular file", name, pipe, file)
    going = os.path.join(s.directory, "going")
    shutil.copy(key, going)
    story.configure(ssl_key=going)
    story.takes("a copy of the key")
    os.unlink(going)
    story.mark()
    database.stop()
    database.start()
    story.refuses("a key that has gone is named",
                  f"cannot read {going}: No such file",
                  "keeping all records until this is fixed")
    story.configure(ssl_key=key)
    story.mark()
    database.stop()
    database.SETTINGS = [option for option in database.SETTINGS
                         if not option.startswith("--ssl")] + [
        "--tls-version=" if database.is_mysql else "--skip-ssl"]
    database.start()
    story.refuses("a server without TLS is refused", "error 2026")
    for verify in "ca", "off":
        story.configure(user="reporter", ssl_verify=verify)
        story.refuses(f"and with {verify} as well", "error 2026",
                      "SSL is required")
    story.configure(ssl_ca="", ssl_cert="", ssl_key="")
    story.refuses("and with off alone", "error 2026", "SSL is required")
    s.reporter.configure("mysql", ssl_verify="on")
    s.reporter.reload()
    story.takes("and taken when nobody asks for TLS")
    scenario.wait_for(lambda: database.count() == story.turn,
                      "all that waited is stored")
    s.identity(s.reporter.settled(story.turn))


scenario.run(__doc__, tell)
