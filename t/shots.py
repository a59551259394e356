#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Takes pictures of the page in its states, with t/fakeweb.py behind it:

    t/shots.py DIRECTORY [PATTERN]

Two themes and two widths of the list with 3, 50 and 10,000 services, healthy
and in trouble, of the drill-down, of each banner, in Chinese, and printed; one
file each, of those whose name contains PATTERN."""

import os
import shutil
import sys
import tempfile
import threading
import time

import browser
import fakeweb

WIDTHS = {"wide": (1280, 900), "phone": (390, 844)}


def pictures():
    """(name, state, services, path)"""
    for services in (3, 50, 10000):
        for state in ("healthy", "one", "many"):
            yield f"{state}-{services}", state, services, "/"
    yield "caller-10000", "caller", 10000, "/"
    for state in ("hostile", "stopped", "other_layout", "behind", "away",
                  "agents", "truncated", "empty", "never"):
        yield f"banner-{state}", state, 50, "/"
    yield "service-one", "one", 50, "SERVICE"
    yield "service-caller", "caller", 50, "SERVICE"
    yield "server-one", "one", 50, "SERVER"
    yield "server-caller", "caller", 50, "SERVER"
    for path in ("agents", "instance", "help"):
        yield path, "many", 50, "/" + path
    yield "filter", "many", 10000, "/?q=state:overloaded err>5"
    yield "filter-error", "many", 50, "/?q=err>x"
    yield "chinese", "many", 50, "/?lang=zh"
    yield "chinese-help", "many", 50, "/help?lang=zh"
    yield "chinese-server", "caller", 50, "SERVER?lang=zh"


def deep(server, path):
    """The path of the first overloaded service or server."""
    world = server.world
    s = next((s for s in world.services if s.overloads), None)
    if s is None:
        return path
    service = f"/s/{s.modid}/{s.cmdid}"
    host = "%s:%d" % s.host(next(iter(s.overloads)))
    return path.replace("SERVICE", service).replace(
        "SERVER", f"{service}/{host}")


def main():
    directory = sys.argv[1]
    pattern = sys.argv[2] if len(sys.argv) > 2 else ""
    os.makedirs(directory, exist_ok=True)
    pages = os.environ.get("PAGE") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "src", "web", "page")
    world = fakeweb.World("empty", 0, 5)
    server = fakeweb.Server(0, pages, world)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    private = tempfile.mkdtemp(prefix="reporter-shots-")
    b = browser.Browser(private)
    try:
        for name, state, services, path in pictures():
            shots = [(f"{name}-{theme}-{width}.png", theme, width)
                     for theme in ("light", "dark") for width in WIDTHS]
            shots = [s for s in shots if pattern in s[0]]
            if not shots:
                continue
            world.make(state, services)
            for file, theme, width in shots:
                b.view(*WIDTHS[width], dark=theme == "dark")
                b.get(base + deep(server, path).replace(" ", "%20"))
                time.sleep(1)
                b.screenshot(os.path.join(directory, file))
                print(file, flush=True)
    finally:
        b.close()
        server.shutdown()
        shutil.rmtree(private, ignore_errors=True)


if __name__ == "__main__":
    main()
