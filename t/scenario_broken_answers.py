#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Between reporter and its database is somebody who changes the answers: values
that are NULL, columns and rows that are missing or never end, packets that are
no protocol, a byte now and then.  Each is an error that is logged; the worker
reconnects and stores the record; nothing grows, nothing crashes, nothing waits
for longer than read_timeout; and a text from the server reaches no terminal as
it is.  The same for reporter -t -t."""

import os
import re
import socketserver
import subprocess
import threading
import time

import scenario
from scenario import wait_for

READ_TIMEOUT = 2
UNLIMITED = scenario.built_with("asan") or scenario.built_with("tsan")
QUIT, QUERY, PREPARE, EXECUTE, STMT_CLOSE, BULK = 1, 3, 22, 23, 25, 250
OK, EOF = b"\0\0\0\2\0\0\0", b"\xfe\0\0\2\0"
QUESTIONS = 5  # that reporter asks when it connects, at most
MANY = 2000  # rows, so that half of them go by bulk execution as well
MEMORY = 300 << 20
ROW = (b"\xfc\xe8\x03" + 1000 * b"x")


def error(number, text):
    return b"\xff" + number.to_bytes(2, "little") + b"#HY000" + text


def column(name=b"x"):
    texts = (b"def", b"", b"", b"", name, name)
    return (b"".join(bytes([len(t)]) + t for t in texts)
            + b"\x0c\x21\0\xff\0\0\0\xfd\0\0\0\0\0")


def is_rows(answer):
    return len(answer) > 1


def rows_of(answer):
    """How many columns it has, and where its rows begin."""
    return answer[0][0], answer[0][0] + 2


# What becomes of an answer, a list of packets: another list, or what yields
# the bytes that are sent, packet numbers included.

def framed(payload, number=1):
    return len(payload).to_bytes(3, "little") + bytes([number & 255]) + payload


def nulls(answer):
    columns, first = rows_of(answer)
    return answer[:first] + 3 * [columns * b"\xfb"] + [EOF]


def fewer_columns(_answer):
    return [b"\1", column(), EOF, b"\0011", EOF]


def no_rows(answer):
    return answer[:rows_of(answer)[1]] + [EOF]


def no_result(_answer):
    return [OK]


def error_in_rows(answer):
    return answer[:rows_of(answer)[1]] + [error(1317, b"interrupted")]


def no_column_is_described(_answer):
    return [b"\x09", column(), EOF, EOF]


def garbage(_answer):
    return [b"\x09", b"\x07\x07\x07", b"\xfd\xff\xff\xff", b"\x99" * 40, EOF]


def empty_packets(_answer):
    return [b"", b"", b""]


def rows_for_an_insert(_answer):
    return [b"\1", column(), EOF] + 3 * [b"\0011"] + [EOF]


def prepared(parameters):
    def answer(_answer):
        return ([b"\0\1\0\0\0\0\0" + parameters.to_bytes(2, "little")
                 + b"\0\0\0"] + parameters * [column(b"?")]
                + (parameters > 0) * [EOF])
    return answer


def many_parameters(answer):
    return prepared(60000)(answer)


def one_parameter(answer):
    return prepared(1)(answer)


def closed(_answer):
    yield b""


def silence(_answer):
    while True:
        yield b""
        time.sleep(0.1)


def dripping(answer):
    """A byte now and then, and never the last one."""
    columns = answer[0][0] if is_rows(answer) else 1
    data = framed(bytes([columns])) + framed(column(b"x" * 200), 2)
    for byte in data:
        yield bytes([byte])
        time.sleep(READ_TIMEOUT / 5)


def rows_without_end(answer):
    if is_rows(answer):
        columns, first = rows_of(answer)
        head = answer[:first]
    else:
        columns, head = 1, [b"\1", column(), EOF]
    yield b"".join(map(framed, head))
    while True:
        yield 500 * framed((columns * ROW)[:60000])


def columns_without_end(_answer):
    yield framed(b"\x09")
    while True:
        yield 5000 * framed(column(b"x" * 200))


def a_packet_without_end(_answer):
    while True:
        yield b"\xff\xff\xff\1" + 0xffffff * b"\1"


def a_long_row(answer):
    columns, first = rows_of(answer)
    return answer[:first] + [columns * (b"\xfd\0\0\x30" + 0x300000 * b"x")]


def an_error_that_steers(_answer):
    return [error(1105, b"\x1b[31mred\r\nforged line\xff\xc2\x9b2J \xe2\x82")]


LATE = "no whole answer within read_timeout"
# Of an answer with rows; and of one to an INSERT, with what is then said.
TO_QUESTIONS = (nulls, fewer_columns, no_rows, no_result, error_in_rows,
                no_column_is_described, garbage, empty_packets, closed,
                silence, dripping, rows_without_end, columns_without_end,
                a_packet_without_end, a_long_row, an_error_that_steers)
TO_INSERT = ((rows_for_an_insert, "rows that were not asked for"),
             (garbage, ""), (empty_packets, "Lost connection"),
             (closed, "Lost connection"), (silence, LATE), (dripping, LATE),
             (rows_without_end,
              "rows that were not asked for|Lost connection|" + LATE),
             (columns_without_end, ""), (a_packet_without_end, ""),
             (an_error_that_steers, r"\\x1b\[31mred"))
TO_PREPARE = ((many_parameters, ""), (one_parameter, ""), (no_result, ""),
              (dripping, LATE), (columns_without_end, ""))
ENDLESS = (rows_without_end, columns_without_end, a_packet_without_end)


def plain(upper):
    """The upper half of the flags of either side: rows end with an EOF, and
    questions have no attributes."""
    return (int.from_bytes(upper, "little") & ~0xb80).to_bytes(2, "little")


class Session(socketserver.BaseRequestHandler):
    """One connection: what is asked goes to the database, its answer back."""

    def handle(self):
        with scenario.socket.socket(scenario.socket.AF_UNIX) as self.base:
            self.base.connect(self.server.database)
            self.server.sessions += [self.request, self.base]
            try:
                self.relay()
            except OSError:
                pass

    @staticmethod
    def receive(source):
        """(number, payload); OSError at the end."""
        data = source.recv(4, scenario.socket.MSG_WAITALL)
        if len(data) < 4:
            raise OSError
        length = int.from_bytes(data[:3], "little")
        payload = b""
        while len(payload) < length:
            payload += source.recv(length - len(payload)) or b""
        return data[3], payload

    def relay(self):
        number, greeting = self.receive(self.base)
        # No extended types; of the extensions bulk execution alone.
        at = greeting.index(b"\0", 1) + 1 + 4 + 8 + 1
        more = int.from_bytes(greeting[at + 14:at + 18], "little") & 4
        greeting = greeting[:at + 5] + plain(greeting[at + 5:at + 7]) \
            + greeting[at + 7:at + 14] + more.to_bytes(4, "little") \
            + greeting[at + 18:]
        if self.server.greets_slowly:
            self.server.greets_slowly = False
            self.server.fired.set()
            for byte in framed(greeting, number):
                self.request.sendall(bytes([byte]))
                time.sleep(READ_TIMEOUT / 5)
        self.request.sendall(framed(greeting, number))
        self.log_in()
        asked = 0
        while True:
            number, question = self.receive(self.request)
            self.base.sendall(framed(question, number))
            if question[0] in (QUIT, STMT_CLOSE):
                continue
            answer = self.answer(question)
            self.respond(question, answer, asked)
            asked += is_rows(answer) and question[0] == QUERY

    def log_in(self):
        """What either says, until the server has decided."""
        number, payload = self.receive(self.request)
        self.base.sendall(framed(
            payload[:2] + plain(payload[2:4]) + payload[4:], number))
        known = True
        while True:
            if not known:  # the password is not in the server's cache
                number, payload = self.receive(self.request)
                self.base.sendall(framed(payload, number))
            number, payload = self.receive(self.base)
            self.request.sendall(framed(payload, number))
            if payload[0] in (0, 255):
                return
            known = payload == b"\1\3"

    def answer(self, question):
        answer = [self.receive(self.base)[1]]
        if question[0] == PREPARE and answer[0][0] == 0:
            parts = sum(int.from_bytes(answer[0][at:at + 2], "little") > 0
                        for at in (5, 7))
        else:
            parts = 0 if answer[0][0] in (0, 255) else 2
        while parts > 0:
            answer.append(self.receive(self.base)[1])
            if answer[-1][:1] == b"\xfe" and len(answer[-1]) < 9:
                parts -= 1
            elif answer[-1][:1] == b"\xff":
                break
        return answer

    def respond(self, question, answer, asked):
        changed = self.server.changed(question, answer, asked)
        if isinstance(changed, list):
            self.request.sendall(b"".join(
                framed(p, n) for n, p in enumerate(changed, 1)))
            return
        self.base.close()
        for data in changed:
            self.request.sendall(data)
        raise OSError  # closed


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, database):
        super().__init__(("127.0.0.1", 0), Session)
        self.database = database
        self.sessions = []
        self.fired = threading.Event()
        self.greets_slowly = False
        self.arm(None, None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def arm(self, change, which):
        """The next answer for which which(question, answer, asked) becomes
        what change() makes of it."""
        self.fired.clear()
        self.change, self.which = change, which

    def changed(self, question, answer, asked):
        change = self.change
        if change is None or not self.which(question, answer, asked):
            return answer
        self.change = None
        self.fired.set()
        return change(answer)

    def drop(self):
        """End all connections."""
        for request in self.sessions:
            try:
                request.shutdown(2)
            except OSError:
                pass
        self.sessions = []


def question(at):
    """That of this place after connecting, among those that have rows."""
    return lambda question, answer, asked: (
        asked == at and is_rows(answer) and question[0] == QUERY)


def setting(question, _answer, _asked):
    return question[1:].lstrip().startswith(b"SET")


def insert(question, _answer, _asked):
    return question[:1] == bytes([QUERY]) and b"INSERT" in question


def prepare(question, _answer, _asked):
    return question[0] == PREPARE


def bulk(question, _answer, _asked):
    return question[0] in (BULK, EXECUTE)


def memory(pid):
    """Its private memory, bytes."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return 1024 * int(re.search(r"RssAnon:\s+(\d+)",
                                        file.read()).group(1))
    except OSError:
        return 0


class Story:
    def __init__(self, s, server):
        self.s = s
        self.server = server
        self.agent = s.agent()
        self.sent = 0
        self.restarts = 0

    def send(self, rows):
        self.agent.send(scenario.native(
            1, 1, 1, 1700000000 + self.sent,
            [(ip, 1, 1, 1, False) for ip in range(1, rows + 1)]))
        self.sent += rows

    def worker(self):
        return self.s.reporter.status()["workers"][0]

    def is_survived(self, what, said=""):
        """The answer was given; then all is stored."""
        began = time.monotonic()
        wait_for(self.server.fired.is_set, f"{what}: the answer is changed")
        peak = 0

        def stored():
            nonlocal peak
            status = self.s.reporter.status()
            peak = max(peak, memory(status["workers"][0]["pid"]))
            return status["records"]["pending"] == 0 and status

        worker = wait_for(stored, f"{what}: all is stored")["workers"][0]
        took = time.monotonic() - began
        self.s.check(
            f"{what}: a clean error, and all is stored ({took:.1f} s, "
            f"{peak >> 20} MB)",
            worker["restarts"] == self.restarts and peak < MEMORY and took < 10
            and re.search(said, worker["last_error"] or ""),
            (worker["restarts"], peak, took, worker["last_error"]))
        self.restarts = worker["restarts"]

    def to_insert(self, changes, which, rows, name):
        for change, said in changes:
            self.server.arm(change, which)
            if which in (prepare, setting):
                self.server.drop()
            self.send(rows)
            self.is_survived(f"{name} {change.__name__}", said)

    def to_questions(self):
        for at in range(QUESTIONS):
            for change in TO_QUESTIONS:
                if change in (silence, dripping, *ENDLESS) and (
                        at > 0 or UNLIMITED):
                    continue
                self.server.arm(change, question(at))
                self.server.drop()
                self.send(1)
                wait_for(lambda: self.server.fired.is_set()
                         or not self.s.reporter.status()["records"]["pending"],
                         "the question, or the end")
                if at == 0 or self.server.fired.is_set():
                    self.is_survived(f"question {at} {change.__name__}")
            self.server.arm(None, None)

    def handshake(self):
        self.server.fired.clear()
        self.server.greets_slowly = True
        self.server.drop()
        self.send(1)
        self.is_survived("a handshake that drips",
                         "no whole handshake within connect_timeout")

    def no_text_steers(self):
        log = self.s.reporter.log_text()
        self.s.check("the log shows what the server said, escaped",
                     r"\x1b[31mred" in log and "\x1b" not in log
                     and "\nforged line" not in log and "\x9b" not in log)

    def the_log_is_short(self):
        """A server that accepts, and then ends the connection."""
        start = os.path.getsize(self.s.reporter.log)
        for _ in range(12):
            self.server.arm(closed, insert)
            self.send(1)
            self.s.reporter.settled(self.sent)
        log = self.s.reporter.log_text(start)
        for text in (": connected", ": recovered"):
            self.s.check(f"{text} is logged at a limited rate",
                         log.count(text) <= 10, log.count(text))


def checked(s, server, change, which):
    """reporter -t -t with such an answer."""
    server.arm(change, which)
    began = time.monotonic()
    done = subprocess.run(
        [scenario.program("reporter"), "-t", "-t", "-c", s.reporter.conf],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
        env=dict(os.environ, ASAN_OPTIONS=s.reporter.asan_options))
    took = time.monotonic() - began
    if not server.fired.is_set():
        return False
    text = done.stdout + done.stderr
    s.check(f"-t -t, {change.__name__}: no crash, and no long wait",
            done.returncode in (0, 1) and took < 8
            and not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|Sanitizer|runtime",
                              text),
            (done.returncode, took, text))
    if change is not error_in_rows:
        text.decode()
    return True


def check_configuration(s, server):
    for change in TO_QUESTIONS:
        if change in ENDLESS and UNLIMITED:
            continue
        slow = change in (silence, dripping, *ENDLESS)
        asked = [at for at in range(1 if slow else QUESTIONS)
                 if checked(s, server, change, question(at))]
        s.check("this was met when it asked", 0 in asked, asked)


def tell(s):
    s.database.start()
    with Server(s.database.socket) as server:
        s.reporter.configure("reporter", workers=1)
        s.reporter.configure("mysql", socket="", host="127.0.0.1",
                             port=server.server_address[1],
                             read_timeout=f"{READ_TIMEOUT}s")
        s.reporter.start()
        story = Story(s, server)
        story.send(1)
        s.reporter.settled(1)
        inserts = [(change, said) for change, said in TO_INSERT
                   if change not in ENDLESS or not UNLIMITED]
        story.to_insert(inserts, insert, 1, "INSERT")
        if not s.database.is_mysql:  # which has no bulk execution
            story.to_insert(inserts[:1] + inserts[4:6], bulk, MANY, "bulk")
            story.to_insert(TO_PREPARE[:4], prepare, MANY, "prepare")
        story.to_insert(inserts[:1] + inserts[4:6], setting, 1, "SET")
        story.handshake()
        story.no_text_steers()
        story.to_questions()
        check_configuration(s, server)
        story.the_log_is_short()
        s.reporter.stop()


scenario.run(__doc__, tell)
