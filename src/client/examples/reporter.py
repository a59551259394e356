# SPDX-License-Identifier: MIT
"""An agent of reporter(8) in Python, by the rules of reporter-protocol(7).

    agent = Agent("reports.example.com")
    agent.call(1, 2, "10.0.0.1", 8080, ok=True)   # each call
    agent.overload(1, 2, "10.0.0.1", 8080, True)  # when that changes
    agent.close()                                 # at the end

call(), add() and overload() only count and never wait for the network; a thread
reports each interval.  The child of a fork() makes an agent of its own.

As a program it reads lines "modid cmdid ip port succ err overload":

    echo 1 2 10.0.0.1 8080 100 3 0 | python3 reporter.py HOST PORT [INTERVAL]

CALLER in the environment is our IPv4 address, by default that of the connection.
"""

import math
import os
import random
import selectors
import signal
import socket
import struct
import sys
import threading
import time

INTERVAL = 15      # seconds between reports, up to 60
HEARTBEAT = 60     # seconds without a report until an empty one is sent
URGENT = 1         # seconds between reports of a changed overload
KEYS_MAX = 10000   # keys in memory; what is counted for others is dropped
FORGET = 3600      # seconds without calls after which a key is removed
RESULTS_MAX = 128  # results of one report
CONNECT = 5        # seconds in which a connection is established
PAUSE_MIN, PAUSE_MAX = 2, 64  # seconds before connecting again
STEADY = 10        # seconds after which a connection was not refused

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def pack(value):
    """MessagePack: a truth value, a whole number or a list."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if 0 <= value < 1 << 32:
            return b"\xce" + struct.pack(">I", value)
        return b"\xd3" + struct.pack(">q", value)
    return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(pack, value))


def address(text):
    return int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")


class Figures:
    """What was counted for a key since its last report, and that report."""

    def __init__(self):
        self.succ = self.err = 0
        self.overload = self.changed = False
        self.sent, self.ts = (0, 0), 0  # ts: seconds since 1970; 0: none yet


class Agent:
    def __init__(self, host="127.0.0.1", port=12316, interval=INTERVAL,
                 caller=0):
        """caller: our IPv4 address as a number; 0: that of the connection."""
        self.peer, self.interval, self.caller = (host, port), interval, caller
        self.warned = False
        self.keys, self.dropped = {}, 0
        self.lock = threading.Lock()  # of keys; never held over the network
        self.urgent = self.closing = self.done = False
        self.until = math.inf  # end by then
        self.due = time.monotonic() + random.uniform(0, interval)
        self.wrote = -math.inf
        self.time = 0  # of day; never goes back, or rows would not change
        self.wake, self.waker = socket.socketpair()
        self.waker.setblocking(False)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def call(self, modid, cmdid, ip, port, ok):
        self.add(modid, cmdid, ip, port, int(ok), int(not ok))

    def add(self, modid, cmdid, ip, port, succ, err):
        with self.lock:
            figures = self._find((modid, cmdid, address(ip), port))
            if figures:
                figures.succ += succ
                figures.err += err

    def overload(self, modid, cmdid, ip, port, overloaded):
        with self.lock:
            figures = self._find((modid, cmdid, address(ip), port))
            if not figures or figures.overload == overloaded:
                return
            figures.overload = overloaded
            figures.changed = self.urgent = True
        self._wake()

    def close(self, seconds=5):
        """Report the rest.  Returns whether the reporter has read all of it."""
        self.until = time.monotonic() + seconds
        self.closing = True
        self._wake()
        self.thread.join(seconds)
        return self.done

    def _find(self, key):
        if key not in self.keys and len(self.keys) >= KEYS_MAX:
            self.dropped += 1
            return None
        return self.keys.setdefault(key, Figures())

    def _wake(self):
        try:
            self.waker.send(b"x")
        except BlockingIOError:
            pass  # it has not seen the last ones yet

    def _run(self):
        """Connect, again and again."""
        pause = PAUSE_MIN
        while not self.done and time.monotonic() < self.until:
            if self._round():
                pause = PAUSE_MIN
            if not self.done:
                self._wait(random.uniform(pause / 2, pause))
            pause = min(2 * pause, PAUSE_MAX)

    def _round(self):
        """Try each address, until one does not refuse us.  Returns if one did not."""
        try:
            found = socket.getaddrinfo(*self.peer, type=socket.SOCK_STREAM)
        except OSError:
            found = []
        for family, kind, _protocol, _name, peer in found:
            began = math.inf
            try:
                with socket.socket(family, kind) as link:
                    link.settimeout(CONNECT)
                    link.connect(peer)
                    began = time.monotonic()
                    self.done = self._serve(link)
            except OSError:
                pass
            now = time.monotonic()
            if self.done or now - began >= STEADY or now >= self.until:
                return now - began >= STEADY
        return False

    def _wait(self, seconds, link=None, events=0):
        """Wait for one of these events, for so long, or until we are woken.
        Returns which of them occurred."""
        seconds = min(seconds, self.until - time.monotonic())
        with selectors.DefaultSelector() as selector:
            selector.register(self.wake, READ)
            if link:
                selector.register(link, events)
            found = {key.fileobj: mask for key, mask in selector.select(
                None if seconds == math.inf else max(0, seconds))}
        if self.wake in found:
            self.wake.recv(4096)
        return found.get(link, 0)

    def _serve(self, link):
        """Report until the connection is lost.  Returns whether that was the
        answer to our end, after all was read."""
        link.setblocking(False)
        caller = self._caller(link.getsockname()[0].removeprefix("::ffff:"))
        data, ended, next_urgent = self._encode(caller, again=True), False, 0
        while time.monotonic() < self.until:
            due = min(self.due, next_urgent) if self.urgent else self.due
            found = self._wait(
                math.inf if data or ended else due - time.monotonic(), link,
                READ | WRITE if data else READ)
            now = time.monotonic()
            if found & READ and not link.recv(4096):
                return ended
            if found & WRITE:
                data = data[link.send(data):]
                self.wrote = now
            if data or ended:
                continue  # it does not read: counts add up meanwhile
            if self.closing or now >= self.due:
                self.due = now + self.interval
                data = self._encode(caller)
                if self.closing and not data:
                    if self._wait(0, link, READ):
                        continue  # its end may have come before ours
                    link.shutdown(socket.SHUT_WR)
                    ended = True
            elif self.urgent and now >= next_urgent:
                next_urgent, self.urgent = now + URGENT, False
                data = self._encode(caller, urgent=True)
        return False

    def _caller(self, local):
        """The caller of reports from this address."""
        if self.caller or ":" not in local:
            return self.caller or address(local)
        if not self.warned:
            print(f"set the caller: {local} is not an IPv4 address",
                  file=sys.stderr)
        self.warned = True
        return 0

    def _encode(self, caller, again=False, urgent=False):
        """Whole reports of what is new.  again: and the last report of the
        other keys once more; urgent: only of a changed overload."""
        reports, now = {}, max(self.time, int(time.time()))
        self.time = now
        with self.lock:
            for key, f in list(self.keys.items()):
                if f.changed or not urgent and (f.succ or f.err):
                    f.sent, f.ts = (f.succ, f.err), now
                    f.succ, f.err, f.changed = 0, 0, False
                elif not again or f.ts == 0:
                    if not urgent and now - f.ts > FORGET:
                        del self.keys[key]
                    continue
                modid, cmdid, ip, port = key
                reports.setdefault((modid, cmdid, f.ts), []).append(
                    [ip, port, *f.sent, f.overload])
        data = b"".join(
            pack([1, modid, cmdid, caller, ts, results[i:i + RESULTS_MAX]])
            for (modid, cmdid, ts), results in reports.items()
            for i in range(0, len(results), RESULTS_MAX))
        if not data and time.monotonic() - self.wrote >= HEARTBEAT:
            data = pack([1, 0, 0, caller, now, []])
        return data


def main(host="127.0.0.1", port=12316, interval=INTERVAL):
    agent = Agent(host, int(port), float(interval),
                  address(os.environ.get("CALLER", "0.0.0.0")))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for line in sys.stdin:
            try:
                modid, cmdid, ip, port, succ, err, overloaded = line.split()
                key = int(modid), int(cmdid), ip, int(port)
                calls = int(succ), int(err)
                agent.add(*key, *calls)
            except (ValueError, OSError):
                continue  # a malformed line
            agent.overload(*key, overloaded == "1")
    except KeyboardInterrupt:
        pass  # SIGTERM or SIGINT is an end as well
    return 0 if agent.close() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
