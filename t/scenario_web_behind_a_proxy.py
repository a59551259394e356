#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""A real nginx and a real HAProxy stand before reporter-web, with the files of
etc/examples: TLS, a login, and the page under /reporter/ of a site or under a
host name of its own.  Without the password nothing is shown.  reporter-web sees
an address as Host, the request as the browser sent it, and no password; the
browser sees reporter-web's headers, and what it may keep.  The proxy does not
open a connection for each request.  A real browser shows the page under the
path, also when it is opened far below it.

What needs a program that is not installed is left out."""

import base64
import http.client
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import time

import browser
import scenario
import tls
import web
from scenario import wait_for

USER, SECRET = "viewer", "a word"
HEADERS = {"ETag": '"7-0123"', "Cache-Control": "no-cache",
           "Content-Security-Policy": "default-src 'none'",
           "Content-Encoding": "gzip", "Content-Type": "text/html",
           "Referrer-Policy": "no-referrer",
           "Cross-Origin-Resource-Policy": "same-origin",
           "X-Content-Type-Options": "nosniff"}


def login(secret=SECRET):
    return "Basic " + base64.b64encode(f"{USER}:{secret}".encode()).decode()


class Echo(http.server.BaseHTTPRequestHandler):
    """In the place of reporter-web: answers with what it was asked."""

    protocol_version = "HTTP/1.1"
    peers = set()  # of all requests but those of a health check

    def do_GET(self):
        if self.path != "/healthz":
            self.peers.add(self.client_address)
        same = self.headers["If-None-Match"] == HEADERS["ETag"]
        text = json.dumps({"path": self.path, **self.headers}).encode()
        self.send_response(304 if same else 200)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if not same:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if not same:
            self.wfile.write(text)

    def log_message(self, *_):
        pass


class Proxy:
    """A proxy, started with a file of etc/examples for this machine."""

    def __init__(self, s, name, texts, command):
        """texts: {file name: text}"""
        self.s = s
        self.name = name
        self.port = scenario.free_port()
        self.directory = os.path.join(s.directory, name)
        os.mkdir(self.directory)
        for file, text in texts.items():
            with open(os.path.join(self.directory, file), "w") as out:
                out.write(text.replace("PORT", str(self.port)).replace(
                    "DIRECTORY", self.directory))
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, cwd=self.directory, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        context = ssl.create_default_context(cafile=s.authority.certificate)
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=scenario.PATIENCE, context=context)
        wait_for(self._answers, f"{name} answers")

    def _answers(self):
        if self.process.poll() is not None:
            raise scenario.Failure(f"{self.name} ended:\n"
                                   + scenario.tail(self.log, 20))
        try:
            return self.ask("/reporter/healthz")[0] in (200, 404)
        except ConnectionRefusedError:
            self.connection.close()
            return False

    def ask(self, path, secret=SECRET, method="GET", **headers):
        """(status, headers, text).  secret: None for no login."""
        if secret:
            headers["Authorization"] = login(secret)
        self.connection.request(method, path, headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def end(self):
        self.connection.close()
        scenario.end_group(self.process)


def example(name, changes):
    """A file of etc/examples, in which each of these texts is replaced."""
    with open(os.path.join(scenario.SOURCE, "etc", "examples", name)) as file:
        text = re.sub("^ *#.*\n", "", file.read(), flags=re.M)
    for old, new in changes.items():
        if old not in text:
            raise scenario.Failure(f"{old} is not in {name}")
        text = text.replace(old, new)
    return text


def nginx(s, name, backend, own_name):
    program = scenario.tool("nginx", "nginx")
    certificate, key = s.identity_files
    text = example("nginx-web.conf", {
        "127.0.0.1:9316": f"127.0.0.1:{backend}",
        "listen *:443": "listen 127.0.0.1:PORT",
        "    listen [::]:443 ssl;\n": "",
        "/etc/ssl/certs/reporter.pem": certificate,
        "/etc/ssl/private/reporter.key": key,
        "/etc/nginx/reporter.users": "DIRECTORY/users",
        **({" /reporter/ ": " / "} if own_name else {})})
    paths = "".join(f"{kind}_temp_path DIRECTORY/{kind};\n" for kind in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # As in Debian, gzip is on.
    main = ("daemon off; master_process off; pid DIRECTORY/pid; events {}\n"
            f"http {{\n{paths}access_log off; gzip on;\n"
            "include DIRECTORY/web.conf;\n}\n")
    return Proxy(s, name, {"web.conf": text, "nginx.conf": main,
                           "users": f"{USER}:{s.hash}\n"},
                 [program, "-e", "stderr", "-c",
                  os.path.join(s.directory, name, "nginx.conf")])


def haproxy(s, name, backend, own_name):
    program = scenario.tool("haproxy", "haproxy")
    text = example("haproxy-web.cfg", {
        "127.0.0.1:9316": f"127.0.0.1:{backend}",
        "bind :443": "bind 127.0.0.1:PORT",
        "/etc/haproxy/reporter.pem": s.pair,
        "user NAME password $5$CHANGE$THIS": f"user {USER} password {s.hash}"})
    if own_name:
        lines = text.splitlines(keepends=True)
        text = "".join(line for line in lines if "/reporter/" not in line)
        s.equal(f"{name}: three lines are left out",
                len(lines) - text.count("\n"), 3)
    return Proxy(s, name, {"haproxy.cfg": text},
                 [program, "-db", "-f", "haproxy.cfg"])


def under_a_path(s, make, port):
    """Before the real reporter-web."""
    proxy = make(s, f"{make.__name__}-path", port, False)
    say = proxy.name
    try:
        for what, secret in (("no", None), ("a wrong", "x")):
            status, headers, text = proxy.ask("/reporter/metrics", secret)
            s.equal(f"{say}: {what} password is refused", (
                status, headers["WWW-Authenticate"].split("=")[0],
                "reporter_" in text), (401, "Basic realm", False))
        s.equal(f"{say}: the status is the reporter's", json.loads(
            proxy.ask("/reporter/api/v1/status")[2])["records"],
                s.reporter.status()["records"])
        s.check(f"{say}: metrics", "reporter_up 1" in
                proxy.ask("/reporter/metrics")[2])
        s.equal(f"{say}: an argument that reporter-web refuses",
                proxy.ask("/reporter/api/v1/keys?modid=1%00x&limit=0")[0], 400)
        status, headers, _ = proxy.ask("/reporter")
        s.check(f"{say}: the path without its slash is redirected",
                status in (301, 302)
                and headers["Location"].endswith("/reporter/"), status)
        s.equal(f"{say}: nothing else of the site is reporter-web's",
                [proxy.ask(path)[0] for path in (
                    "/metrics", "/api/v1/status", "/reporters/metrics")],
                [404, 404, 404])
    finally:
        proxy.end()


def own_name(s, make, port):
    """Before the echo."""
    proxy = make(s, f"{make.__name__}-name", port, True)
    say = proxy.name
    path = "/s/7/1/10.2.0.1:80?q=err%3E5+a&after=7%2F1&lang=zh"
    try:
        proxy.ask("/")
        Echo.peers.clear()
        status, headers, text = proxy.ask(
            path, Host="reporter.example.com", Accept_Encoding="gzip")
        seen = {name.lower(): value
                for name, value in json.loads(text).items()}
        s.equal(f"{say}: the request is the browser's",
                (status, seen["path"], seen["accept-encoding"]),
                (200, path, "gzip"))
        s.equal(f"{say}: Host is an address", seen["host"], "127.0.0.1")
        s.check(f"{say}: the password stays there",
                "authorization" not in seen, seen)
        s.equal(f"{say}: each header reaches the browser",
                {name: headers[name] for name in HEADERS}, HEADERS)
        status, headers, text = proxy.ask(
            path, If_None_Match=HEADERS["ETag"])
        s.equal(f"{say}: what the browser has is not sent again",
                (status, headers["ETag"], text), (304, HEADERS["ETag"], ""))
        for _ in range(10):
            proxy.ask(path)
        s.equal(f"{say}: all of that in one connection", len(Echo.peers), 1)
        s.equal(f"{say}: without a password nothing",
                proxy.ask(path, None)[0], 401)
    finally:
        proxy.end()


def opened(s, make, port, chromium):
    """The page itself, and all that it loads."""
    proxy = make(s, f"{make.__name__}-browser", port, False)
    try:
        for path, wanted in (("", "7/1"), ("s/7/1", "10.2.0.1:80"),
                             ("s/7/1/10.2.0.1:80", "10.1.0.5")):
            chromium.get(f"https://127.0.0.1:{proxy.port}/reporter/{path}")
            wait_for(lambda: wanted in chromium.script(
                "return document.body.innerText"),
                f"/reporter/{path} shows {wanted}")
            s.check(f"{proxy.name}: /reporter/{path} is shown with its style",
                    chromium.script(
                        "return document.styleSheets[0].cssRules.length") > 9)
    finally:
        proxy.end()


def in_a_browser(s, port):
    directory = os.path.join(s.directory, "chromium")
    os.mkdir(directory)
    chromium = browser.Browser(directory)
    try:
        chromium.cdp("Network.enable")
        chromium.cdp("Network.setExtraHTTPHeaders",
                     headers={"Authorization": login()})
        chromium.cdp("Security.setIgnoreCertificateErrors", ignore=True)
        for make in nginx, haproxy:
            s.part(opened, s, make, port, chromium)
    finally:
        chromium.close()


def tell(s):
    s.authority = tls.Authority(s.directory, "ca")
    s.identity_files = s.authority.issue("site", "127.0.0.1")
    s.pair = os.path.join(s.directory, "pair.pem")
    with open(s.pair, "w") as out:
        for name in s.identity_files:
            with open(name) as file:
                out.write(file.read())
    s.hash = subprocess.run(
        [tls.OPENSSL, "passwd", "-5", SECRET], capture_output=True, text=True,
        check=True).stdout.strip()
    s.start()
    s.agent().send(scenario.native(7, 1, 0x0A010005, int(time.time()), [
        (0x0A020001, 80, 10, 90, True)]))
    s.reporter.settled(1)
    server = web.start(s)
    echo = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    try:
        for make in nginx, haproxy:
            s.part(under_a_path, s, make, server.port)
            s.part(own_name, s, make, echo.server_port)
        s.part(in_a_browser, s, server.port)
    finally:
        echo.shutdown()
        scenario.end_group(server.process)


if not scenario.has("MICROHTTPD"):
    scenario.skip("built without libmicrohttpd: there is no reporter-web")
scenario.run(__doc__, tell)
