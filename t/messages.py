#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What a program logs as an error or a warning stands in its manual, where it
says what the line means and asks for.

A call's text is compared with the headings under DIAGNOSTICS.  There a word in
capitals stands for what the program puts in, and a heading may end where the
line has a colon, a comma or a semicolon, since more may follow for the reader
of the log.  A text without words of its own, like "%s", comes from elsewhere
and cannot be compared.

The other way round, each phrase of a heading stands in some string of the
sources, or is the system's own, so that the manual keeps no line that nothing
logs any more."""

import os
import pathlib
import re
import signal
import sys

SOURCE = pathlib.Path(os.environ.get("abs_top_srcdir") or
                      pathlib.Path(__file__).resolve().parent.parent)

# A program's directory, what in it is another's, and its manual.
PROGRAMS = (("src", "src/web", "man/reporter.8"),
            ("src/web", None, "man/reporter-web.8"))

STRING = r'"(?:\\.|[^"\\\n])*"'
COMMENT = rf"({STRING})|/\*.*?\*/|//[^\n]*"
CALL = r"\blog_(?:error|warn|limited|limited_error)\s*\("
# The text of a call; log_limited() has a limiter before it.
TEXT = rf"{CALL}(?:\s*&[\w>.\[\]\-]+,)?\s*((?:{STRING}\s*)+)"
CONVERSION = r"%[-+ #0]*[0-9.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z]"
# Several in a row, as an address's four, are one thing to the reader.
CONVERSIONS = rf"{CONVERSION}(?:\.?{CONVERSION})*"
PLACE = r"[A-Z][A-Z.:_ ]*?"
# What log.c is made of, and not something that is said.
DEFINITIONS = {"log.c"}


def code_of(path):
    """A source with its comments blanked out, and "%" PRIu64 " is "%lu "."""
    code = re.sub(COMMENT, lambda found: found[1] or
                  re.sub(r"[^\n]", " ", found[0]), path.read_text(),
                  flags=re.DOTALL)
    code = re.sub(r'"\s*PRI([dux])64\s*"', r"l\1", code)
    return re.sub(r'"\s*PRI([dux])64\b', r'l\1"', code)


def messages(path):
    """(line, text) of each call; text is None if it is no literal."""
    code = code_of(path)
    for call in re.finditer(CALL, code):
        text = re.compile(TEXT).match(code, call.start())
        yield (code.count("\n", 0, call.start()) + 1,
               text and "".join(part[1:-1] for part in
                                re.findall(STRING, text[1])))


def headings(path):
    """The headings under DIAGNOSTICS, without markup."""
    part = path.read_text().split("\n.Sh DIAGNOSTICS\n", 1)[1]
    part = part.split("\n.Sh ", 1)[0]
    return [plain(re.sub(r"\\&", "", line)).replace(r"\-", "-")
            for line in re.findall(r"^\.It (.*)$", part, re.MULTILINE)]


def plain(text):
    return " ".join(text.replace(r"\"", "").replace('"', "").split())


def stands(text, found):
    """Whether a heading says this text, or its beginning."""
    text = plain(text)
    ends = [len(text)] + [mark.start() for mark in re.finditer("[:;,] ", text)]
    for end in ends:
        fixed = re.split(CONVERSIONS, text[:end])
        if not re.search("[a-z]{2}", "".join(fixed)):
            continue
        pattern = PLACE.join(re.escape(piece) for piece in fixed)
        if any(re.fullmatch(pattern, heading) for heading in found):
            return True
    return False


def strings():
    """All that the programs can say: their strings, and the system's."""
    said = [os.strerror(number) for number in range(1, 134)]
    said += [signal.strsignal(number) or "" for number in range(1, 32)]
    for directory in ("src", "shm", "sql"):
        for path in (SOURCE / directory).rglob("*.c"):
            said += ["".join(part[1:-1] for part in re.findall(STRING, run))
                     for run in re.findall(rf"(?:{STRING}\s*)+",
                                           code_of(path))]
    return "\n".join(plain(text) for text in said)


def stale(heading, said):
    """The phrases of a heading that nothing says."""
    phrases = re.split(r"\b[A-Z][A-Z.:_]*\b|[0-9]+|[:;,()] ?", heading)
    return [phrase for phrase in map(lambda text: text.strip(" ."), phrases)
            if re.search("[a-z]{2}", phrase) and phrase not in said]


def main():
    seen = missing = 0
    said = strings()
    for directory, others, manual in PROGRAMS:
        found = headings(SOURCE / manual)
        here = 0
        for path in sorted((SOURCE / directory).rglob("*.c")):
            if path.name in DEFINITIONS or \
                    others and path.is_relative_to(SOURCE / others):
                continue
            where = path.relative_to(SOURCE)
            for line, text in messages(path):
                here += 1
                if text is None:
                    print(f"{where}:{line}: the text is no literal")
                    missing += 1
                elif re.search("[a-z]{2}", re.sub(CONVERSIONS, "", text)) \
                        and not stands(text, found):
                    print(f"{where}:{line}: not in {manual}: {plain(text)}")
                    missing += 1
        for heading in found:
            for phrase in stale(heading, said):
                print(f"{manual}: nothing says \"{phrase}\": {heading}")
                missing += 1
        # Of nothing, everything is true.
        if here == 0 or not found:
            print(f"{directory}, {manual}: no messages, or no headings")
            missing += 1
        seen += here
    print(f"{seen} messages, {missing} failed")
    return missing != 0


if __name__ == "__main__":
    sys.exit(main())
