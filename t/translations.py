#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The translated manual is complete and matches the English one: po4a
finds a translation for each paragraph.  None of them has lost or changed a
macro, which holds the name of an option, a file or another page.  roff formats
the pages without a warning.

With --update, which is `make translations`, the file of the translation is
updated first: paragraphs that have changed are marked fuzzy, those that
are gone are removed, and each that needs a translator is shown."""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("abs_top_srcdir") or
                      pathlib.Path(__file__).resolve().parent.parent)
PAGES = ("reporter.8", "reporterctl.8", "reporter.conf.5")
PO = "man/po/zh_CN.po"
TOOLS = {"po4a": "po4a", "msgattrib": "gettext", "groff": "groff",
         "perl": "perl"}
SKIPPED = 77
# In Chinese quotation marks and parentheses are characters.
MACROS = r"E<\.((?!Dq|Sq|Ql|Po|Pc)(?:E<gt>|[^<>])*)>"


def run(*command, **more):
    return subprocess.run(command, text=True, check=True, encoding="utf-8",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **more).stdout


def messages(path, *options):
    """[(pages, text, translation)] of the file, without its header."""
    string = r'(?:"(?:\\.|[^"\\])*"\s*)+'
    found = []
    for entry in run("msgattrib", "--no-wrap", "--no-obsolete", *options,
                     str(path)).split("\n\n"):
        pages = re.findall(r"^#: (.*)", entry, re.M)
        texts = re.search(rf"^msgid ({string})msgstr ({string})", entry, re.M)
        if pages and texts:
            found.append((pages[0], *("".join(re.findall(
                r'"((?:\\.|[^"\\])*)"', text)) for text in texts.groups())))
    return found


def macros(text, headings={}):
    """How often each is in a text; a heading that is referred to is translated."""
    return collections.Counter(
        "Sx " + headings.get(words[3:], words[3:]) if words.startswith("Sx ")
        else words.removesuffix(" Ns 's") for words in (
            " ".join(macro.split()) for macro in re.findall(MACROS, text)))


def formatted(directory, page):
    """What roff says about a page that po4a makes."""
    run("po4a", "--quiet", "--no-update", "--keep", "0", "--translate-only",
        f"man/zh_CN/{page}", "man/po/po4a.cfg", cwd=directory)
    path = directory / "man/zh_CN" / page
    with open(path, "rb") as file:
        text = subprocess.run(
            ["perl", "-CSD", "-p0", str(SOURCE / "man/po/join.pl")],
            stdin=file, stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(text)
    said = subprocess.run(["groff", "-ww", "-mandoc", "-Kutf8", "-Tutf8",
                           str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True)
    if len(said.stdout) < 10000:
        return f"{page}: roff made {len(said.stdout)} bytes"
    return said.stderr.decode()


def main():
    for name, package in TOOLS.items():
        if not shutil.which(name):
            print(f"skipped: {name} was not found: install Debian's package "
                  + package)
            return SKIPPED
    os.environ["LC_ALL"] = "C.UTF-8"
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "man/po").mkdir(parents=True)
        (directory / "man/zh_CN").mkdir()
        for file in ("po/po4a.cfg", "po/zh_CN.po", *PAGES):
            shutil.copy(SOURCE / "man" / file, directory / "man" / file)
        run("po4a", "--no-translations", "--force", "man/po/po4a.cfg",
            cwd=directory)
        po = directory / PO
        if "--update" in sys.argv[1:]:
            (SOURCE / PO).write_text(run("msgattrib", "--no-obsolete", str(po)))
        every = messages(po)
        todo = messages(po, "--only-fuzzy") + messages(po, "--untranslated")
        for pages, text, old in todo:
            print(f"{pages}\n  {text}\n  {old}")
        failed = len(todo)
        for page in PAGES:
            its = sum(f"man/{page}" in pages.split() for pages, *_ in every)
            left = sum(f"man/{page}" in pages.split() for pages, *_ in todo)
            print(f"{page}: {100 * (its - left) // max(its, 1)} % of {its} "
                  "paragraphs translated")
            failed += its < 100  # of nothing, everything is translated
        headings = {text: translated for _pages, text, translated in every}
        for pages, text, translated in every:
            wanted, found = macros(text, headings), macros(translated)
            if wanted != found and (pages, text, translated) not in todo:
                print(f"{pages}: other macros: {text}\n  {translated}\n"
                      f"  missing: {list(wanted - found)}, "
                      f"not there: {list(found - wanted)}")
                failed += 1
        for page in PAGES:
            said = formatted(directory, page)
            print(said, end="")
            failed += bool(said)
    print(f"{len(every)} paragraphs, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
