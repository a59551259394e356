#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A MySQL server as it installs itself: its certificates have no name, and its
accounts are of type caching_sha2_password, or sha256_password.  Over the
network and without TLS nothing is sent that gives the password away, and the
log says what is missing; with the server's public key, with its CA, with TLS
of any kind, or if told not to mind, the login succeeds, with both client
libraries."""

import os

import scenario

TS = 1700000000
ORACLE = scenario.has("DECL_MYSQL_OPT_SSL_MODE")
REFUSED = "the account requires TLS (ssl_ca, ssl_verify) or the public key"


class Accounts:
    def __init__(self, s, database):
        self.s = s
        self.database = database
        self.ca = os.path.join(database.data, "ca.pem")
        self.key = os.path.join(database.data, "public_key.pem")
        self.defaults = os.path.join(s.directory, "defaults.cnf")
        with open(self.defaults, "w") as file:
            file.write("[client]\nconnect-timeout = 9\n")
        self.base = {"host": f"127.0.0.1:{database.port}", "socket": "",
                     "user": "reporter", "insecure_auth": "off", "ssl_ca": "",
                     "ssl_verify": "on", "server_public_key": "",
                     "defaults_file": ""}

    def check(self, **options):
        """reporter -t -t, of a server that has no password in its cache."""
        self.database.administrate("FLUSH PRIVILEGES")
        self.s.reporter.configure("mysql", **self.base | options)
        self.s.reporter.write_conf()
        done = self.s.reporter.check_database()
        return done.returncode, done.stdout + done.stderr

    def takes(self, tls, **options):
        status, text = self.check(**options)
        self.s.check(f"{options}: logged in, TLS: {tls}", status == 0 and
                     ("no TLS" in text) != tls, text)

    def refuses(self, why, **options):
        status, text = self.check(**options)
        self.s.check(f"{options}: refused: {why}",
                     status == 1 and why in text, text)


def tell(s):
    if not s.database.is_mysql:
        raise scenario.Missing("requires MySQL: make check-mysql")
    database = scenario.Networked(os.path.join(s.directory, "net"))
    try:
        database.start()
        if not os.path.exists(os.path.join(database.data, "public_key.pem")):
            raise scenario.Missing("requires a MySQL that makes its keys")
        story(s, database)
    finally:
        scenario.end_group(database.process)


def story(s, database):
    accounts = Accounts(s, database)
    database.account("over_tls", "REQUIRE SSL")
    database.administrate(
        f"CREATE USER sha256@127.0.0.1 IDENTIFIED WITH sha256_password BY "
        f"'{scenario.PASSWORD}'; GRANT SELECT, INSERT, UPDATE ON reporter.* TO "
        "sha256@127.0.0.1")
    for more in {}, {"user": "sha256"}, {"user": "over_tls"}:
        accounts.takes(True, ssl_verify="off", **more)
        accounts.takes(True, ssl_verify="ca", ssl_ca=accounts.ca, **more)
        accounts.refuses("certificate", ssl_ca=accounts.ca, **more)
        accounts.refuses(REFUSED, **more)
        if more != {"user": "over_tls"}:
            accounts.takes(False, insecure_auth="on", **more)
        # Oracle's library may ask the server for a key with sha256_password.
        if not more or (more == {"user": "sha256"} and not ORACLE):
            accounts.takes(False, server_public_key=accounts.key, **more)
        elif more == {"user": "over_tls"}:
            accounts.refuses("Access denied", server_public_key=accounts.key,
                             **more)
        else:
            accounts.refuses(REFUSED, server_public_key=accounts.key, **more)
        # What is no key must not have the library ask for one.
        accounts.refuses(REFUSED, server_public_key=accounts.ca, **more)
        # Nor may it use TLS with anybody because there is such a file.
        accounts.refuses(REFUSED, defaults_file=accounts.defaults, **more)
    # The server asks somebody unknown for one of these types, for whichever.
    accounts.refuses("mysql.host", server_public_key=accounts.key,
                     user="nobody")

    s.reporter.configure("mysql", **accounts.base)
    database.administrate("FLUSH PRIVILEGES")
    s.reporter.start()
    s.agent().send(scenario.native(1, 1, 1, TS, [(1, 80, 1, 0, False)]))
    scenario.wait_for(lambda: REFUSED in s.reporter.log_text(),
                      "the log says what the account requires")
    # The one that says it need not be the worker that has the record.
    scenario.wait_for(
        lambda: (records := s.reporter.status()["records"])["received"] == 1
        and records["queued"] == 0, "the record is in a table")
    s.equal("the record waits", s.reporter.status()["records"]["pending"], 1)
    s.reporter.configure("mysql", server_public_key=accounts.key)
    s.reporter.reload()
    s.identity(s.reporter.settled(1))
    s.equal("it is stored as soon as the key is there", database.count(), 1)


scenario.run(__doc__, tell)
