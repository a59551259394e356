# SPDX-License-Identifier: MIT
"""What the scenarios of TLS share: authorities that sign certificates, made
with the openssl command, and agents that speak TLS."""

import os
import signal
import ssl
import subprocess

import scenario

if not scenario.has("OPENSSL"):
    scenario.skip("built without OpenSSL: there is no TLS")
OPENSSL = scenario.require("openssl", "openssl")
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
         "stderr": subprocess.STDOUT, "text": True}
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
KEY_P384 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes"]
KEY_RSA4096 = ["-newkey", "rsa:4096", "-nodes"]


def openssl(*arguments):
    done = subprocess.run([OPENSSL, *arguments], **QUIET)
    if done.returncode != 0:
        raise scenario.Failure(f"openssl {arguments[0]}: {done.stdout}")


class Authority:
    """One who signs certificates; its own is in the file `certificate`."""

    def __init__(self, directory, name):
        self.directory = directory
        self.name = name
        self.certificate = os.path.join(directory, f"{name}.pem")
        self.key = os.path.join(directory, f"{name}.key")
        openssl("req", "-x509", *KEY, "-keyout", self.key, "-out",
                self.certificate, "-subj", f"/CN={name}", "-days", "2")

    def issue(self, name, *addresses, key=None):
        """A certificate for these addresses, of a kind of key.  Returns the
        files of it and of its key."""
        base = os.path.join(self.directory, f"{self.name}-{name}")
        names = ",".join(f"IP:{address}" for address in addresses)
        more = ["-addext", f"subjectAltName={names}"] if names else []
        openssl("req", "-new", *(key or KEY), "-keyout", base + ".key", "-out",
                base + ".csr", "-subj", f"/CN={name}", *more)
        openssl("x509", "-req", "-in", base + ".csr", "-copy_extensions",
                "copyall", "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", "2", "-out", base + ".pem")
        return base + ".pem", base + ".key"


class TlsAgent(scenario.Agent):
    """An agent that speaks TLS.  ssl.SSLError and OSError: it was refused."""

    def __init__(self, address, authority, identity=None, version=None):
        super().__init__(address)
        context = ssl.create_default_context(cafile=authority.certificate)
        if version:
            context.maximum_version = version
        if identity:
            context.load_cert_chain(*identity)
        self.socket = context.wrap_socket(
            self.socket, server_hostname=address[0])

    def is_open(self):
        try:
            return super().is_open()
        except ssl.SSLWantReadError:
            return True

    def certificate(self):
        """The server's, as it came."""
        return self.socket.getpeercert(binary_form=True)


def s_client(address, data, *arguments):
    """openssl s_client, which sends data and ends.  Returns what it said."""
    done = subprocess.run(
        [OPENSSL, "s_client", "-connect", "%s:%d" % address, "-nocommands",
         "-verify_return_error", *arguments], input=data,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=scenario.PATIENCE)
    return done.returncode, done.stdout.decode(errors="replace")


def send(s, address, lines, *arguments):
    """reporter-send.  Returns its exit status and what it said."""
    done = subprocess.run(
        [scenario.program("reporter-send"), "-H", address[0], "-p",
         str(address[1]), *arguments], input=lines, timeout=scenario.PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def reload(s, taken=True):
    """SIGHUP, and wait until the configuration is taken, or refused."""
    name = "reloads" if taken else "reload_errors"
    before = s.reporter.status()[name]
    s.reporter.write_conf()
    s.reporter.process.send_signal(signal.SIGHUP)
    scenario.wait_for(lambda: s.reporter.status()[name] > before,
                      f"{name} counts the reload")
