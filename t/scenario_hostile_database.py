#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A database server was taken over: to whatever a worker asks it answers with
a request for a file of the client's, the one with the password in it.  It gets
none, the workers say what went wrong, and the records wait for a better
one.  It asks for the password as well, as plain text or as the hash of old,
which is as good as the password: nothing comes unless insecure_auth is on.  It
asks for it encrypted with a key of its own: nothing comes either, unless the
key is the one in server_public_key; and nothing at all if TLS is required,
however little of a server is verified, since this one has none."""

import os
import socketserver
import struct
import subprocess
import threading

import scenario
from scenario import wait_for

CAPABILITIES = 0x00A8A2A7  # with LOAD DATA LOCAL, without TLS
OK = b"\0\0\0\2\0\0\0"
COM_QUIT, COM_QUERY, COM_PREPARE, COM_PING = 1, 3, 22, 14


class Session(socketserver.BaseRequestHandler):
    """One connection of a worker."""

    def send(self, number, payload):
        self.request.sendall(len(payload).to_bytes(3, "little")
                             + bytes([number]) + payload)

    def receive(self):
        """(number, payload), or None at the end."""
        head = self.exactly(4)
        if not head:
            return None
        return head[3], self.exactly(int.from_bytes(head[:3], "little"))

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.request.recv(n - len(data))
            if not more:
                return b""
            data += more
        self.server.seen += data
        return data

    def greet(self, plugin):
        salt = b"0123456789abcdefghij"
        self.send(0, b"\x0a5.7.0-hostile\0" + struct.pack("<I", 1) + salt[:8]
                  + b"\0" + struct.pack("<H", CAPABILITIES & 0xFFFF)
                  + b"\x21" + struct.pack("<HH", 2, CAPABILITIES >> 16)
                  + bytes([21]) + bytes(10) + salt[8:] + b"\0"
                  + plugin + b"\0")

    def ask_for_the_password(self):
        """By another plugin than the one that was greeted with."""
        self.greet(b"mysql_native_password")
        if self.receive():
            self.server.asked += 1
            # Alone: "use the old hash".
            self.send(2, b"\xfe" + (self.server.plugin + b"\0" + b"0123456789abcdefghij\0"
                                    if self.server.plugin else b""))
            while answer := self.receive():
                self.server.answers.append(answer[1])
                self.send(answer[0] + 1, b"\1\4")

    def handle(self):
        if self.server.plugin is not None:
            self.ask_for_the_password()
            return
        self.greet(b"mysql_native_password")
        if not self.receive():
            return
        self.send(2, OK)
        while packet := self.receive():
            number, payload = packet
            if payload[:1] == bytes([COM_QUIT]):
                return
            if payload[:1] == bytes([COM_PING]):
                self.send(number + 1, OK)
            else:
                self.server.asked += 1
                self.send(number + 1, b"\xfb" + self.server.wanted.encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, wanted):
        super().__init__(("127.0.0.1", 0), Session)
        self.wanted = wanted
        self.asked = 0
        self.plugin = None  # that asks for the password; b"": the old hash
        self.answers = []
        self.seen = b""
        threading.Thread(target=self.serve_forever, daemon=True).start()


def no_password_is_sent(s, server):
    """reporter -t -t asks once for each."""
    for plugin in (b"mysql_clear_password", b"dialog", b"mysql_old_password",
                   b"", b"mysql_cleartext", b"password"):
        server.plugin, server.asked, server.answers = plugin, 0, []
        done = check(s)
        s.equal(f"{plugin}: it was asked for, and nothing is sent",
                (server.asked, b"".join(server.answers).strip(b"\0")),
                (1, b""))
        # The last one is a part of a name that is permitted, and has no file.
        s.check("the check fails and says why", done.returncode == 1
                and (b"insecure_auth" in done.stderr or plugin == b"password"
                     or not scenario.has("DECL_MARIADB_OPT_RESTRICTED_AUTH")),
                done)
    server.plugin, server.answers = b"mysql_clear_password", []
    check(s, insecure_auth="on")
    s.check("insecure_auth = on: it is sent", scenario.PASSWORD.encode()
            in b"".join(server.answers), server.answers)


def no_key_is_believed(s, server):
    """The plugins that encrypt the password.  A worker's sandbox must permit
    what the client library needs not to ask for a key."""
    server.plugin, server.answers = b"caching_sha2_password", []
    start = os.path.getsize(s.reporter.log)
    s.reporter.start()
    s.agent().send(scenario.native(2, 1, 1, 1700000000, [(1, 1, 1, 1, False)]))
    wait_for(lambda: "server_public_key" in s.reporter.log_text(start),
             "the worker says what it lacks")
    s.reporter.stop()
    # MariaDB's library refuses the plugin, and sends nothing.
    s.check("nothing but hashes with the server's salt are sent",
            {len(answer) for answer in server.answers} <= {32}, server.answers)
    for segment in s.reporter.segments():
        os.unlink(segment)
    server.plugin, server.answers = b"sha256_password", []
    done = check(s)
    s.check("nor by the other plugin", b"".join(server.answers) == b""
            and done.returncode == 1, (done, server.answers))

    server.plugin, server.answers = b"caching_sha2_password", []
    check(s, insecure_auth="on")
    s.equal("insecure_auth = on: the key is asked for",
            server.answers[1:2], [b"\2"])
    key = os.path.join(s.directory, "public.pem")
    certificate = os.path.join(s.directory, "certificate.pem")
    openssl(f"req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout {key}.own "
            f"-out {certificate}")
    openssl(f"rsa -in {key}.own -pubout -out {key}")
    server.answers = []
    check(s, server_public_key=key)
    s.equal("the key in server_public_key is used, and none asked for",
            [len(answer) for answer in server.answers], [32, 256])
    server.answers = []
    done = check(s, server_public_key=certificate)
    s.check("a file without a key: nothing is sent, and it is named",
            [len(answer) for answer in server.answers] == [32]
            and b"server_public_key" in done.stderr, (done, server.answers))
    done = check(s, server_public_key=key + ".not")
    s.check("no such file: the check names it",
            f"mysql.server_public_key: user root cannot read {key}.not".encode()
            in done.stderr or os.geteuid() != 0, done)

    for options in ({"ssl_verify": "off"}, {"ssl_ca": certificate},
                    {"ssl_verify": "off", "ssl_ca": certificate},
                    {"ssl_verify": "ca", "ssl_ca": certificate}):
        for server.plugin in b"caching_sha2_password", b"sha256_password":
            server.asked, server.answers = 0, []
            done = check(s, **options)
            s.check(f"{options}, no TLS: {server.plugin} gets nothing",
                    server.asked == 0 and done.returncode == 1
                    and b"SSL is required" in done.stderr,
                    (done, server.answers))


def openssl(words):
    subprocess.run([scenario.tool("openssl", "openssl"), *words.split()],
                   check=True, stdin=subprocess.DEVNULL, capture_output=True)


def check(s, **options):
    """reporter -t -t, with more options for the database."""
    with open(s.reporter.conf) as file:
        conf = file.read()
    with open(s.reporter.conf + ".check", "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(conf + "[mysql]\n" + "".join(
            f"{name} = {value}\n" for name, value in options.items()))
    return subprocess.run(
        [scenario.program("reporter"), "-t", "-t", "-c",
         s.reporter.conf + ".check"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def tell(s):
    with Server(s.reporter.conf) as server:
        del s.reporter.options["mysql"]["socket"]
        s.reporter.options["mysql"].pop("insecure_auth", None)
        s.reporter.configure("reporter", workers=1, shutdown_timeout="1s")
        s.reporter.configure("mysql", host="127.0.0.1",
                             port=server.server_address[1])
        s.reporter.start()
        s.agent().send(scenario.native(1, 1, 1, 1700000000,
                                       [(1, 1, 1, 1, False)]))
        wait_for(lambda: server.asked >= 3, "a file was asked for three times")
        # The worker may have dealt with neither the answers nor the record yet.
        wait_for(lambda: s.reporter.status()["workers"][0]["last_error"],
                 "the worker says what is wrong")
        wait_for(lambda: s.reporter.status()["records"]["pending"] == 1,
                 "the record waits")
        with open(s.reporter.conf, "rb") as file:
            conf = file.read()
        s.check("it does hold what was asked for",
                scenario.PASSWORD.encode() in conf)
        s.check("no byte of the file came", b"[mysql]" not in server.seen
                and scenario.PASSWORD.encode() not in server.seen,
                server.seen[-400:])
        s.reporter.stop()
        for segment in s.reporter.segments():
            os.unlink(segment)
        no_password_is_sent(s, server)
        s.part(no_key_is_believed, s, server)


scenario.run(__doc__, tell)
