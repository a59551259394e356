# SPDX-License-Identifier: MIT
"""configure finds the database's client library by pkg-config, by
mysql_config, or by MYSQL_CFLAGS and MYSQL_LIBS; with these it does not ask
pkg-config for it.  It refuses what it finds and cannot use, and prints what that
was, what was expected and what to install.

The pkg-config and the mysql_config are ours, and know only what a case gives
them, so that each run ends at the next library."""

import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ["abs_top_builddir"]
CONFIGURE = os.path.join(os.environ["abs_top_srcdir"], "configure")
PACKAGES = ("libmariadb-dev", "libmysqlclient-dev", "MYSQL_CFLAGS",
            "MYSQL_LIBS")
FOUND = "none of: msgpack"  # the next library

passed = failed = 0


def flags(name):
    """What the build itself uses."""
    with open(os.path.join(BUILD, "Makefile")) as file:
        return re.search(rf"^{name} = (.*)$", file.read(), re.M)[1].strip()


CFLAGS, LIBS = flags("MYSQL_CFLAGS"), flags("MYSQL_LIBS")
HEADERS = CFLAGS.split()[0].removeprefix("-I") if CFLAGS else ""


def script(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def answers(words):
    """A script that prints what belongs to the option that it is given."""
    return "\n".join(f"case \" $* \" in *' {option} '*) {does};; esac"
                     for option, does in words.items())


def tools_without(directory, *names):
    """A PATH with all programs but these."""
    tools = os.path.join(directory, "tools")
    os.mkdir(tools)
    for path in os.environ["PATH"].split(os.pathsep):
        for name in os.listdir(path) if os.path.isdir(path) else ():
            link = os.path.join(tools, name)
            if name not in names and not os.path.lexists(link):
                os.symlink(os.path.join(path, name), link)
    return tools


def run(directory, module="", config=None, **variables):
    """configure with a pkg-config that knows this module, and a mysql_config
    that answers so.  Returns what it printed, and what pkg-config was asked."""
    asked = os.path.join(directory, "asked")
    open(asked, "w").close()
    known = f"--exists {module}" if module else "nothing at all"
    pkg_config = script(
        directory, "pkg-config",
        f'echo "$*" >> {asked}\ncase "$*" in\n'
        f"*version*) exit 0;;\n'{known}') exit 0;;\n"
        f"--cflags\\ {module}) echo '{CFLAGS}';;\n"
        f"--libs\\ {module}) echo '{LIBS}';;\n*) exit 1;;\nesac")
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("MYSQL_", "PKG_CONFIG"))}
    environment |= {"PKG_CONFIG": pkg_config, **variables}
    if config:
        environment["MYSQL_CONFIG"] = script(directory, "mysql_config",
                                             answers(config))
    done = subprocess.run(
        [CONFIGURE, "--disable-hardening", "--cache-file=cache",
         "--disable-dependency-tracking", *([
             f"CC={os.environ['CC']}"] if os.environ.get("CC") else [])],
        cwd=directory, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # The next run has other variables.
    cache = os.path.join(directory, "cache")
    with open(cache) as file:
        kept = [line for line in file
                if not re.match(r"ac_cv_(env|path)_", line)]
    with open(cache, "w") as file:
        file.writelines(kept)
    with open(asked) as file:
        return " ".join(done.stdout.split()), file.read()


def case(directory, what, *words, **how):
    """The output must have these words.  Returns what pkg-config was asked."""
    global passed, failed
    printed, asked = run(directory, **how)
    missing = [word for word in words if word not in printed]
    if missing:
        failed += 1
        print(f"NOT ok: {what}: {missing} is not in: {printed[-900:]}")
    else:
        passed += 1
        print(f"ok: {what}")
    return asked


def tell(directory):
    global passed, failed
    for module in "mysqlclient", "libmariadb":
        case(directory, f"pkg-config knows {module}",
             f"library ({module})... {LIBS}", FOUND, module=module)
    good = {"--include": f"echo {CFLAGS}", "--libs": f"echo {LIBS}"}
    case(directory, "mysql_config alone",
         f"mysql_config)... {LIBS}", FOUND, config=good)
    asked = case(directory, "both variables by hand",
                 f"(MYSQL_CFLAGS and MYSQL_LIBS)... {LIBS}", FOUND,
                 module="mysqlclient", MYSQL_CFLAGS=CFLAGS, MYSQL_LIBS=LIBS)
    asked += case(directory, "MYSQL_LIBS alone, headers in the usual places",
                  f"... {LIBS}", FOUND, module="mysqlclient", MYSQL_LIBS=LIBS,
                  CPATH=HEADERS)
    if "mysql" in asked:
        failed += 1
        print(f"NOT ok: pkg-config was asked: {asked}")

    case(directory, "nothing is found", "neither pkg-config", *PACKAGES,
         PATH=tools_without(directory, "mysql_config", "mariadb_config"))
    for option, expected in (("--include", "-I"), ("--libs", "-l")):
        case(directory, f"mysql_config {option} exits with an error",
             f'mysql_config {option} exited with 3 and printed "no such thing"; '
             f"expected {expected} and", *PACKAGES,
             config=good | {option: "echo no such thing >&2; exit 3"})
        case(directory, f"mysql_config {option} prints nothing of use",
             f'mysql_config {option} exited with 0 and printed "hello"; '
             f"expected {expected} and", *PACKAGES,
             config=good | {option: "echo hello"})
    case(directory, "a MYSQL_CONFIG that is not there", "exited with 127",
         *PACKAGES, MYSQL_CONFIG="/nonexistent/mysql_config")
    case(directory, "headers are missing", "cannot compile with <mysql.h>",
         "(MYSQL_CFLAGS: -I/nonexistent): ", "No such file", *PACKAGES,
         MYSQL_CFLAGS="-I/nonexistent", MYSQL_LIBS=LIBS)
    case(directory, "the library is missing", "cannot link with the database",
         "(MYSQL_LIBS: -lnonexistent): ", "find -lnonexistent", *PACKAGES,
         MYSQL_CFLAGS=CFLAGS, MYSQL_LIBS="-lnonexistent")


def places(directory):
    """configure prints where all goes, and what nobody looks into."""
    global passed, failed
    done = subprocess.run(
        [CONFIGURE, f"--cache-file={directory}/cache"], cwd=directory,
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wanted = {
        "status 0": done.returncode == 0,
        "the script's directory": bool(re.search(
            r"init script +/usr/local/etc/init\.d\n", done.stdout)),
        "who does not look where": re.findall(
            "WARNING: (.*) does not look into (.*): pass", done.stderr) == [
                ("SysV init", "/usr/local/etc/init.d"),
                ("logrotate", "/usr/local/etc/logrotate.d")]}
    for what, ok in wanted.items():
        passed += ok
        failed += not ok
        print(f"{'ok' if ok else 'NOT ok'}: without options: {what}")
    if not all(wanted.values()):
        print(done.stdout[-900:], done.stderr)


if not HEADERS:
    print("skipped: the headers are where the compiler looks in any case")
    sys.exit(77)
with tempfile.TemporaryDirectory(prefix="reporter-t-") as temporary:
    tell(temporary)
    places(temporary)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
