#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Makes the first inputs of each fuzz target, t/corpus/NAME/seed-*, from the
recorded frames and from what the Check suites send; and found-*, which ended a
target once.  To be run again when the form of a target's input changes, from
the directory of a build that has made t/offsets:

    ../../t/fuzz_seeds.py [DIRECTORY]       instead of t/corpus of the source

The other files there were kept because they reach code that no other input
reaches (make fuzz-merge)."""

import pathlib
import struct
import sys

import scenario

HERE = pathlib.Path(__file__).parent
WIRE = HERE / "wire"
CORPUS = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"


def put(target, name, data):
    directory = CORPUS / target
    directory.mkdir(parents=True, exist_ok=True)
    if not name.startswith("found-"):
        name = f"seed-{name}"
    (directory / name).write_bytes(data)


# ------------------------------------------------------------- native --

RESULT = bytes([0x95, 0xce, 10, 0, 0, 1, 0xcd, 0x1f, 0x90, 12, 13, 0xc3])
PLAIN = bytes([0x96, 1, 7, 8, 0xce, 127, 0, 0, 1, 100, 0x92]) + RESULT + bytes(
    [0x95, 14, 15, 16, 17, 0xc2])
NATIVE = {
    "plain": PLAIN,
    "two": PLAIN + PLAIN,
    "long-headers": bytes([
        0xdd, 0, 0, 0, 6, 1, 7, 8, 9, 100, 0xdc, 0, 2, 0xdd, 0, 0, 0, 5, 10,
        11, 12, 13, 0xc3, 0xdc, 0, 5, 14, 15, 16, 17, 0xc2]),
    "wide": bytes([0x96, 0xcf, 0, 0, 0, 0, 0, 0, 0, 1, 0xd2, 255, 255, 255, 0,
                   0xd1, 255, 0, 0xd3]) + bytes(8) + bytes([
                       0xcf, 0, 0, 0, 0, 1, 0, 0, 0, 0x91, 0x95, 0xd2, 128, 0,
                       0, 0, 0xcd, 255, 255, 0xce, 255, 255, 255, 255, 0xcc,
                       200, 1]),
    "others": bytes([0x93, 5, 0xda, 0, 3, 0xc1, 0xc1, 0xc1, 0x82, 1, 2, 3,
                     0x90, 0xa3, 71, 69, 84, 0xc0, 0xdf, 0, 0, 0, 1, 0xca, 0,
                     0, 0, 0, 0xc8, 0, 2, 1, 9, 9]) + PLAIN,
    "further": bytes([0xdc, 0, 8, 1, 7, 8, 9, 100, 0x92, 0x97, 10, 11, 12, 13,
                      1, 0x81, 1, 0x91, 0xc0, 0xa1, 0, 0x96, 14, 15, 16, 17,
                      0xc2, 0xd7]) + bytes(9) + bytes([0xc4, 2, 1, 1, 0xd9, 1,
                                                       1]),
    "faults": bytes([0x96, 1, 7, 8, 9, 100, 0x95, 0x90, 0x94, 10, 11, 12, 13,
                     5, 0xa1, 120, 0x95, 14, 0xce, 0, 1, 0, 0, 16, 17, 0xc2]),
    "deep": bytes([0x97, 1, 7, 8, 9, 100, 0x90]) + bytes([0x91]) * 40 + b"\x01",
    "no-messagepack": PLAIN + bytes([0x96, 1, 0xc1]),
    "claims": bytes([0x96, 1, 7, 8, 9, 100, 0xdd, 0xff, 0xff, 0xff, 0xff]),
    "cut": PLAIN + PLAIN[:20],
}
for name, stream in NATIVE.items():
    put("native", name, bytes([0, len(name)]) + stream)
put("native", "limit", bytes([len(PLAIN), 1]) + PLAIN)
put("native", "over-limit", bytes([len(PLAIN) - 1, 2]) + PLAIN)

# -------------------------------------------------------------- frames --


def frame(number, payload):
    return struct.pack("<ii", number, len(payload)) + payload


ELB = (WIRE / "elb-reports.bin").read_bytes()
LARS = (WIRE / "lars-report.bin").read_bytes()
OWN = bytes([8, 7, 16, 8, 24, 9, 40, 100])
FIELDS = bytes([8, 10, 16, 11, 24, 12, 32, 13, 40, 1])
FRAMES = {
    "elb": ELB,
    "lars": LARS,
    "elb-then-lars": ELB + LARS,
    "lars-skipped": LARS + frame(99, b"12345") + frame(3, b"\x80") + LARS,
    "elb-missing": frame(8, OWN + bytes([34, 8]) + FIELDS[2:]) + ELB,
    "lars-absent": frame(3, bytes([34, 0, 34, 2, 8, 1])) + LARS,
    "port": frame(3, OWN + bytes([34, 4, 16, 0x80, 0x80, 4])),
    "long-varints": frame(3, bytes([0x88, 0x80, 0x80, 0x80, 0, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    1]) + OWN),
    "unknown": frame(8, OWN + bytes([34, 10]) + FIELDS + bytes(
        [49, 1, 2, 3, 4, 5, 6, 7, 8, 61, 1, 2, 3, 4, 66, 2, 1, 1])),
    "twice": frame(8, OWN + OWN + bytes([34, 12]) + FIELDS + bytes([8, 1])),
    "flag": frame(3, bytes([34, 4, 42, 2, 0x80, 0x81])),
    "group": frame(3, bytes([0x33, 0x34])),
    "negative": ELB + struct.pack("<ii", 8, -1),
    "too-long": LARS + struct.pack("<ii", 3, 65528),
}
for name, stream in FRAMES.items():
    put("frame", name, bytes([0, len(name)]) + stream)
put("frame", "limit", bytes([len(LARS), 1]) + LARS)
put("frame", "over-limit", bytes([len(LARS) - 1, 1]) + LARS)

# -------------------------------------------------------------- PROXY --


def proxy(command, family, rest):
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(
        ">BBH", command, family, len(rest)) + rest


IPV4 = bytes([192, 0, 2, 7, 10, 0, 0, 1]) + struct.pack(">HH", 54321, 12316)
IPV6 = bytes(range(32)) + struct.pack(">HH", 54321, 12316)
AUTHORITY = struct.pack(">BH", 2, 4) + b"name"
PROXIED = {
    "ipv4": proxy(0x21, 0x11, IPV4) + LARS,
    "ipv6": proxy(0x21, 0x21, IPV6),
    "local": proxy(0x20, 0, b""),
    "values": proxy(0x21, 0x11, IPV4 + AUTHORITY * 2),
    "value-cut": proxy(0x21, 0x21, IPV6 + AUTHORITY[:-1]),
    "unix": proxy(0x21, 0x31, bytes(216)),
    "most": proxy(0x20, 0, bytes(1240)) + b"\1",
    "too-long": proxy(0x20, 0, bytes(1241)),
    "version-1": b"PROXY TCP4 192.0.2.7 10.0.0.1 54321 12316\r\n",
    "version-1-ipv6": b"PROXY TCP6 2001:db8::7 ::1 54321 12316\r\n" + LARS,
    "version-1-unknown": b"PROXY UNKNOWN a b\r\n" + LARS,
    "version-1-too-long": b"PROXY UNKNOWN " + b"x" * 100,
}
for name, stream in PROXIED.items():
    put("proxy", name, stream)

# ----------------------------------------------------------------- arks --

def ark(*connections, magic=b"reparkA\0", version=1, listeners=1,
        instance=b"default"):
    """See src/edge/ark.h; a connection is its entry's numbers and bytes."""
    state = b"".join(
        struct.pack("=H26xIIIQQ", family, flags, dialect, len(held), 5, 6)
        + held + bytes(-len(held) % 8)
        for family, flags, dialect, held in connections)
    return struct.pack("=8sIIQQQ32s", magic, version, listeners,
                       len(connections), 0, 7, instance) + state


ARKS = {
    "none": ark(),
    "two": ark((2, 0, 1, PLAIN[:7]), (10, 30, 3, b"")),
    "header": ark((10, 3, 0, proxy(0x21, 0x11, b"")[:9])),
    "damaged": ark((2, 0, 4, b"12345678"), listeners=1 << 30),
    "version": ark(version=2),
    "other": ark(instance=b"defaults"),
}
for name, state in ARKS.items():
    put("ark", name, state)

# ------------------------------------------------------- configuration --

CONFIGS = {
    "sample": "".join(
        line for line in (HERE.parent / "etc" / "reporter.conf").read_text()
        .splitlines(keepends=True)
        if not line.startswith("#") and line.strip() != ""),
    "list": "[reporter]\nlisten = 127.0.0.1:1,\n\t[::1]:2\n"
            "[limits]\nallow = 10.0.0.0/8, fd00::/8\n",
    "units": "[limits]\nidle_timeout = 3min\nmax_message = 64k\n"
             "[queue]\nring_records = 32768\ntable_keys = 2k\n",
    "faults": "[reporter\n[nothing]\nx = 1\n[mysql]\nhots = a\nport : 1\n"
              "port = -1\nflush_rows = 99999999999999999999\nhost = a,\n",
    "password": "[mysql]\npassword = a # b\nuser = x\n",
    "marks": "\ufeff[log]\r\nlevel = debug ; comment\r\ntarget = syslog\r\n",
    "flush": "[queue]\ntable_keys = 1024\n[mysql]\nflush_rows = 2000\n"
             "socket = s\nhost = b\n",
}
for name, text in CONFIGS.items():
    put("config", name, text.encode())
put("config", "include", b"include = b.conf\n[log]\nlevel = warn\n\xff"
    b"[mysql]\nhost = a, b:3307\n")
put("config", "include-itself", b"include = ?.conf\n\xffinclude = a.conf\n")

# -------------------------------------------------------------- replay --

LINE = (b'{"time":"2025-01-01T00:00:00Z","error":1264,"message":"Out of range",'
        b'"record":{"modid":-1,"cmdid":2,"ip":"1.2.3.4","port":80,'
        b'"caller":"255.0.0.1","succ":4294967295,"err":0,'
        b'"ts":1099511627775,"overload":1}}')
LINES = {
    "good": LINE,
    "three": LINE + b"\n\n" + LINE + b"\n{\"cut\n" + LINE + b"\n",
    "elb": LINE.replace(b'"overload":1', b'"overload":1,"dialect":"elb"')
               .replace(b"1099511627775", b"4294967295"),
    "now": LINE.replace(b"1099511627775", b"0"),
    "missing": LINE.replace(b'"modid":-1,', b""),
    "types": LINE.replace(b"80", b'"80"').replace(b'"1.2.3.4"', b"7"),
    "range": LINE.replace(b"4294967295", b"4294967296"),
    "duplicate": LINE.replace(b'"port"', b'"err"'),
    "zero": b"\0\n" + LINE,
    "no-object": b'[]\n5\n"a"\n{"record":5}\n',
    "deep": b"[" * 100 + b"]" * 100 + b"\n",
}
for name, text in LINES.items():
    put("replay", name, text)

# ----------------------------------------------------------------- web --

REQUESTS = {
    "keys": b"/api/v1/keys\nmodid\n7\ncmdid\n-8\nlimit\n100",
    "edges": b"/api/v1/keys\nmodid\n-2147483648\ncmdid\n2147483647",
    "beyond": b"/api/v1/keys\nmodid\n-2147483649\nlimit\n100001",
    "one-beyond": b"/api/v1/keys\ncmdid\n2147483648\nlimit\n1",
    "no-numbers": b"/api/v1/keys\nmodid\n+1\ncmdid\n 1\nlimit\n0x10",
    "quoted": b'/api/v1/keys\nmodid\n"\n\\\n\\',
    "twice": b"/api/v1/keys\nmodid\n1\nmodid\n1",
    "others": b"/api/v1/keys\nmodi\n1\nlimit\n~",
    "agents": b"/api/v1/agents\nlimit\n10\nsort\nclock_offset",
    "agents-refused": b"/api/v1/agents\nlimit\n0\nsort\nx",
    "status": b"/api/v1/status",
    "metrics": b"/metrics",
    "readyz": b"/readyz",
    "healthz": b"/healthz",
    "no-page": b"/api/v1/keys/\nlimit\n0",
    "services": b"/api/v1/services\nq\n7/1 10.0.0.0/16 err>5 state:fine a\n"
                b"sort\nerrors\nhistory\n1",
    "cursor": b"/api/v1/services\nafter\n7.1.4.0.0.1.100.2.0.0.1.1.1795.-1",
    "no-cursor": b"/api/v1/services\nafter\n7.1.4..0.1",
    "no-filter": b'/api/v1/services\nq\nerr>"x"',
    "service": b"/api/v1/services/7/-1",
    "callers": b"/api/v1/services/7/1/callers\nserver\n10.0.0.1:80\nlimit\n1",
    "no-service": b"/api/v1/services/7/x",
    "events": b"/api/v1/events\nsince\n5",
}
for name, text in REQUESTS.items():
    put("web", name, text)

# -------------------------------------------------------------- client --

# What happens to a client: see act() in t/fuzz_client.c.
SENDS, READS, CLOSES, ENDS, CALLS, OVERLOADS, PASSES, FLOODS = range(8)


def happens(*actions):
    return b"".join(bytes([action | amount << 3]) + data
                    for action, amount, *more in actions
                    for data in [b"".join(more)])


CLIENT = {
    "answers": happens((CALLS, 1), (PASSES, 1), (SENDS, 4, b"HTTP"), (READS, 0),
                       (SENDS, 31, bytes(31)), (CALLS, 2), (PASSES, 2)),
    "refusals": happens((CALLS, 1), (CLOSES, 1), (PASSES, 1), (PASSES, 9),
                        (CLOSES, 0), (PASSES, 8), (READS, 0)),
    "cut": happens((CALLS, 1), (PASSES, 1), (READS, 5), (CALLS, 2), (PASSES, 2),
                   (CLOSES, 0), (PASSES, 9), (READS, 0), (PASSES, 2)),
    "ends": happens((CALLS, 1), (PASSES, 1), (ENDS, 1), (PASSES, 9),
                    (OVERLOADS, 1), (ENDS, 0), (PASSES, 8)),
    "floods": happens((CALLS, 1), (FLOODS, 31), (PASSES, 1), (FLOODS, 31),
                      (OVERLOADS, 1), (CLOSES, 0), (PASSES, 9), (FLOODS, 1)),
    "heartbeat": happens((CALLS, 1), (PASSES, 1), (READS, 0), (PASSES, 31),
                         (READS, 0), (PASSES, 8), (SENDS, 1, b"x")),
}
for name, data in CLIENT.items():
    put("client", name, data)

# ------------------------------------------------------------ segments --


def change(segment, offset, data):
    return struct.pack(">BHB", segment, offset, len(data)) + data


def word(value):
    return struct.pack("<Q", value)


def master(field, data):
    """Other bytes for a field of the master's segment."""
    return change(0, OFFSETS[f"master_shared.{field}"], data)


def worker(field, data):
    return change(1, OFFSETS[f"worker_shared.{field}"], data)


MEND_WORKER, CRASHED = b"\3\1", b"\5"
OFFSETS = scenario.offsets()
SLOT = OFFSETS["slot"]
SEGMENTS = {
    "whole": b"",
    "magic": change(0, 0, b"x") + change(1, 0, b"x"),
    "version": worker("header.version", b"\x63"),
    "size": worker("header.size", word(1 << 40)) + MEND_WORKER,
    "geometry": worker("header.table_keys", b"\xff\xff\xff\xff") + MEND_WORKER,
    "kind": worker("header.kind", b"\1") + MEND_WORKER,
    "tail": worker("consumer.tail", word(1 << 63)),
    "found-ring-room": worker("flush.stored", word(99999)),
    "found-status-difference": worker(
        "drain.added", word(1 << 63)) + worker(
        "flush.stored", word((1 << 64) - 1)),
    "found-status-sum": master(
        "input.rejected", word((1 << 63) - 1) * 3),
    "states": change(2, 0, b"\1\0\0") + change(2, SLOT, b"\3") + change(
        2, 2 * SLOT, b"\xff" * 8),
    "suspect": CRASHED + worker("info.suspect", word(5) + word(9)),
    "found-trial-slot": CRASHED + worker(
        "info.suspect_slot", word(3) + word(3) + word(9)),
    "found-table-recover": bytes.fromhex(
        "0101100800000000000000" "80ffffffffffffffff"),
    "mark": b"\6\0\11\1",
    "short": b"\4\1\0\1",
    "empty": b"\4\0\0\0\4\1\0\0",
    "longer": b"\4\1\xff\xff",
    "found-status-year": worker(
        "flush.last_error_ts", word(1 << 60)),
    "text": worker("flush.last_error_ts", word(1)) + worker(
        "flush.last_error", b"\x1b[31m" * 4) + master(
        "software", b"\x1b\x7f\xff"),
}
for name, changes in SEGMENTS.items():
    put("segment", name, changes)

# ------------------------------------------------------- filter and names --

put("filter", "all", b"0/3 10.0.0.0/8 state:silent,fine err>1.5 age<500 1")
put("filter", "name", "登录 a".encode())
put("filter", "states", b"state:overloaded,errors,silent,late,fine,")
put("filter", "address", b" 10.1.0.1 10.0.0.1/16\t")
put("filter", "limits", b"err<5 age>1e3")
put("names", "good", "# modid cmdid name\n0 0 login\n\n1 2  登录 \r\n".encode())
put("names", "bad", b"0\n0 1\nx 1 y\n1 1 a\tb\n0 1 \xff\n1 1 a\0b\n" +
    b"1 3 " + b"x" * 65 + b"\n1 4 one\n1 4 two")
put("names", "long", b"0 0 " + b"y" * 600 + b"\n1 1 z")
