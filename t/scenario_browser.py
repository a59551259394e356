#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Somebody opens the page in Chromium: 10,000 services, one server of one of
them overloaded.  The first screen names the service, the server, since when,
and how many callers report it.  The page is used by keyboard, filtered, sorted,
reloaded and paused, and the back button works; rows do not move under the
pointer; a page in a hidden tab sends no request.  reporter-web ends and returns,
reporter stops, the database falls behind, names contain HTML.  It works at 390
pixels, in the dark, in Chinese, printed, below a path prefix, and loads nothing
from elsewhere.

t/fakeweb.py serves it, since it can be put into each state; the last part is a
real reporter-web.  The heap must not grow over 50 polls, or 3,000 with
`--long`.  `--parts NAME...` runs some parts only."""

import json
import os
import re
import subprocess
import sys
import threading
import time

import browser
import fakeweb
import scenario
from scenario import wait_for

LONG = "--long" in sys.argv
PARTS = sys.argv[sys.argv.index("--parts") + 1:] \
    if "--parts" in sys.argv else []
PAGE = os.environ.get("PAGE") or os.path.join(scenario.SOURCE, "src/web/page")
SCRIPT_S = 0.2  # of script until the first screen is there
AXE = "axe-core@4.10.3"
ROWS = "document.querySelectorAll('tbody tr[data-key]').length"
KEYS = ("return [...document.querySelectorAll('tbody tr[data-key]')]"
        ".map(r => r.dataset.key)")
FILTER, WRONG, PAUSE = "#q", "#q-error", "#pause"
VERDICT, BANNERS = "#verdict", "#banner"
BANNER_OF = {"away": "apart", "agents": "silent"}  # in the names of words
# Timers run faster, so that seconds of polling take tenths; a request may take
# as long as ever.
FAST = """
const timeout = window.setTimeout, interval = window.setInterval;
const now = performance.now.bind(performance);
window.setTimeout = (f, ms = 0, ...a) =>
    timeout(f, ms === 10000 ? ms : ms / FACTOR, ...a);
window.setInterval = (f, ms = 0, ...a) => interval(f, ms / FACTOR, ...a);
performance.now = () => now() * FACTOR;
"""


class Site:
    """A fake reporter-web, and the browser that looks at it."""

    def __init__(self, s, prefix=""):
        self.world = fakeweb.World("one", 10000, 5)
        self.server = fakeweb.Server(0, PAGE, self.world, prefix)
        self.base = f"http://127.0.0.1:{self.server.server_port}{prefix}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        directory = os.path.join(s.directory, "browser")
        os.mkdir(directory)
        try:
            self.browser = browser.Browser(directory)
        except BaseException:
            self.close()
            raise

    def close(self):
        if hasattr(self, "browser"):
            self.browser.close()
        self.server.shutdown()
        self.server.server_close()

    def state(self, state, services=50, still=False, interval=5.0):
        with self.world.lock:
            self.world.interval, self.world.still = interval, still
            self.world.make(state, services)

    def open(self, path="/", ready=f"{ROWS} > 0"):
        self.browser.get(self.base + path)
        self.browser.wait(ready, f"{path} is shown")

    def deep(self, server=False):
        """The path of the service that is overloaded, or of its server."""
        found = next(x for x in self.world.services if x.overloads)
        path = f"/s/{found.modid}/{found.cmdid}"
        return path + ("/%s:%d" % found.host(next(iter(found.overloads)))
                       if server else "")

    def views(self):
        return ("/", self.deep(), self.deep(True), "/agents", "/instance",
                "/help")

    def polls(self):
        """Requests to the API since the last call."""
        log, self.server.log = self.server.log, []
        return [path for _, path in log if "/api/" in path]


class Fast:
    """Within it, pages that are opened have fast timers."""

    def __init__(self, b, factor=10):
        self.b = b
        self.text = FAST.replace("FACTOR", str(factor))

    def __enter__(self):
        self.id = self.b.cdp("Page.addScriptToEvaluateOnNewDocument",
                             source=self.text)["identifier"]

    def __exit__(self, *_):
        self.b.cdp("Page.removeScriptToEvaluateOnNewDocument",
                   identifier=self.id)


# ------------------------------------------------------------------- parts ---

def first_screen(s, site):
    b = site.browser
    best = [1000]
    site.state("one", 10000)
    for _ in range(3):
        b.get("about:blank")
        before = b.metrics()
        site.open()
        after = b.metrics()
        best = min(best, [after[name] - before[name] for name in (
            "ScriptDuration", "LayoutDuration", "RecalcStyleDuration",
            "TaskDuration")])
    script, layout, style, task = best
    print(f"first screen: {script * 1000:.0f} ms of script, "
          f"{(layout + style) * 1000:.0f} ms of layout, {task * 1000:.0f} ms "
          f"in all; {b.heap() >> 10} KiB of heap")
    s.check("10,000 services: the first screen takes under 200 ms of script",
            script < SCRIPT_S, best)
    s.check("50 of them are shown", b.script(f"return {ROWS}") <= 50)
    s.check("with their history", b.script(
        "return [...document.querySelectorAll('tbody tr[data-key] svg')]"
        ".some(e => e.innerHTML.length > 300)"))
    found = next(x for x in site.world.services if x.overloads)
    ip, port = found.host(5)
    b.wait(f"document.body.innerText.includes('{ip}')",
           "the overloaded server is on the first screen")
    text = b.text()
    for what, pattern in (("service", rf"{found.modid}/{found.cmdid}\s"),
                          ("server", re.escape(f"{ip}:{port}")),
                          ("callers", r"all 40 callers|40 of 40"),
                          ("since", r"\b3 min")):
        s.check(f"the first screen has the {what}", re.search(pattern, text),
                text[:800])
    s.equal("the overloaded service is the first row",
            b.script(KEYS)[0], f"{found.modid}/{found.cmdid}")
    s.check("the title has the verdict",
            re.search(r"1 .*overloaded", b.script("return document.title")))
    s.check("it is above the fold", b.script(
        "const r = document.querySelector('tbody tr').getBoundingClientRect();"
        "return r.bottom < innerHeight / 2"))


def one_caller(s, site):
    """A bad caller is told from a bad server."""
    b = site.browser
    site.state("caller", 10000)
    site.open()
    b.wait("/1 of 41 callers/.test(document.body.innerText)",
           "the first screen tells that one caller of 41 complains")
    site.open(site.deep(True))
    text = b.text()
    found = next(x for x in site.world.services if x.overloads)
    s.check("the server's page names that caller",
            found.caller(0) in text.split("Caller")[0] or
            b.script(KEYS)[0] == found.caller(0), text[:600])


def keyboard(s, site):
    b = site.browser
    site.state("many")
    site.open()
    b.keys("/")
    s.equal("/ goes to the filter", b.script(
        "return '#' + document.activeElement.id"), FILTER)
    b.keys(*"state:overloaded", "Enter")
    b.wait("location.search.includes('state:overloaded')",
           "the filter is in the URL")
    b.wait("[...document.querySelectorAll('tbody tr[data-key]')].every("
           "r => r.dataset.state === 'overloaded')", "it filters")
    b.keys("Escape")
    s.check("Escape leaves the filter", b.script(
        "return document.activeElement.id !== 'q'"))
    first = b.script(KEYS)[0]
    b.keys("Down")
    s.equal("an arrow goes to a row", b.script(
        "return document.activeElement.closest('tr')?.dataset.key"), first)
    s.check("that shows the focus", b.script(
        "const e = document.activeElement, s = getComputedStyle(e), r ="
        " getComputedStyle(e.closest('tr')); return s.outlineStyle !== 'none'"
        " || r.outlineStyle !== 'none' || s.boxShadow !== 'none'"))
    b.keys("Enter")
    b.wait(f"location.pathname.endsWith('/s/{first}')", "Enter opens it")
    b.wait(f"{ROWS} > 0", "its servers are shown")
    b.keys("Down", "Enter")
    b.wait("/:\\d+$/.test(decodeURIComponent(location.pathname))",
           "and a server")
    b.wait(f"{ROWS} > 0", "its callers are shown")
    b.keys("Backspace")
    b.wait(f"location.pathname.endsWith('/s/{first}')", "Backspace goes up")
    b.keys("Escape")
    b.wait("location.search.includes('state:overloaded')",
           "Escape too, to the list as it was")
    b.keys("?")
    b.wait("location.pathname.endsWith('/help')", "? is help")
    s.check("help has the keys", "Backspace" in b.text() or "⌫" in b.text())
    b.back()
    b.wait(f"{ROWS} > 0", "back")
    seen = set()
    for _ in range(60):
        b.keys("Tab")
        seen.add(b.script(
            "const e = document.activeElement; return e.id || e.textContent"
            ".trim().slice(0, 20) || e.tagName"))
    s.check("Tab reaches filter, pause, headers and rows",
            {"q", "pause"} <= seen and len(seen) > 15, seen)


def place(s, site):
    """The URL has the whole view."""
    b = site.browser
    site.state("many", 400, still=True)
    site.open("/?q=err%3E5&sort=errors")
    before = b.script(KEYS), b.url()
    s.check("a filter in a URL is in its field",
            b.script(f"return document.querySelector('{FILTER}').value")
            == "err>5")
    b.reload()
    b.wait(f"{ROWS} > 0", "reloaded")
    s.equal("a reload shows the same", (b.script(KEYS), b.url()), before)
    b.click("th button")
    b.wait(f"location.href !== {json.dumps(before[1])}", "a header sorts")
    s.equal("one header says so", b.script(
        "return document.querySelectorAll('th[aria-sort=ascending],"
        "th[aria-sort=descending]').length"), 1)
    b.back()
    b.wait(f"location.href === {json.dumps(before[1])}", "back")
    b.wait(f"JSON.stringify({KEYS[7:]}) === "
           + json.dumps(json.dumps(before[0], separators=(",", ":"))),
           "back shows the rows of before")
    site.open("/")
    length = b.script("return history.length")
    b.keys("/", *"abc")
    b.wait("location.search.includes('q=abc')", "typing filters")
    s.equal("typing adds nothing to the history",
            b.script("return history.length"), length)
    site.open("/?q=err%3Ex", f"!!document.querySelector('{WRONG}')?.innerText")
    s.check("an error of the filter is shown beside it",
            "expected" in b.text(WRONG), b.text(WRONG))
    s.equal("and told to a screen reader", b.script(
        f"return document.querySelector('{FILTER}').ariaInvalid"),
        "true")


def stands_still(s, site):
    b = site.browser
    with Fast(b):
        site.state("many", 50, interval=0.3)
        site.open()
        b.point("tbody tr[data-key]:nth-of-type(5)")
        before = b.script(KEYS)
        last = site.world.services[-1]
        others = [x for x in site.world.services if not x.overloads]
        for x in others[:12]:
            x.servers = 1
            fakeweb.Handler.flip(site.world, x.modid, x.cmdid)
        asked = len(site.server.log)
        wait_for(lambda: len(site.server.log) > asked + 20, "polls")
        s.equal("rows stay under the pointer", b.script(KEYS), before)
        s.check("the verdict goes on", b.script(
            f"return document.querySelector('{VERDICT}').innerText")
            .startswith(str(len([x for x in site.world.services
                                 if x.overloads and x.lag == 0]))),
            b.text(VERDICT))
        b.keys("u")
        wait_for(lambda: b.script(KEYS) != before, "u orders at once")
        b.point()
        before = b.script(KEYS)
        for x in others[:12]:
            fakeweb.Handler.flip(site.world, x.modid, x.cmdid)
        wait_for(lambda: b.script(KEYS) != before,
                 "they are ordered again without it")
        b.script("document.querySelector('tbody a').focus()")
        before = b.script(KEYS)
        fakeweb.Handler.flip(site.world, last.modid, last.cmdid)
        asked = len(site.server.log)
        wait_for(lambda: len(site.server.log) > asked + 20, "polls")
        s.equal("rows stay while the focus is among them", b.script(KEYS),
                before)


def pause(s, site):
    b = site.browser
    with Fast(b):
        site.state("many", interval=0.2)
        site.open()
        b.keys("p")
        s.equal("p pauses", b.script(
            f"return document.querySelector('{PAUSE}').ariaPressed"), "true")
        time.sleep(0.3)
        site.polls()
        before = b.text("tbody")
        time.sleep(0.7)  # 7 s of the page's
        s.equal("a paused page asks nothing", site.polls(), [])
        s.equal("and shows what it did", b.text("tbody"), before)
        b.keys("u")
        wait_for(site.polls, "u asks once")
        b.keys("p")
        wait_for(lambda: len(site.server.log) > 6, "it goes on")


def hidden(s, site):
    b = site.browser
    with Fast(b):
        site.state("many")
        site.open()
        hide = ("Object.defineProperty(document, 'hidden', {value: %s, "
                "configurable: true}); Object.defineProperty(document, "
                "'visibilityState', {value: '%s', configurable: true});"
                "document.dispatchEvent(new Event('visibilitychange'))")
        b.script(hide % ("true", "hidden"))
        time.sleep(0.3)
        site.polls()
        time.sleep(0.7)
        s.equal("a hidden page asks nothing", site.polls(), [])
        b.script(hide % ("false", "visible"))
        wait_for(site.polls, "it asks when it is shown again", 2)


def live_region(s, site):
    """Only a change of the verdict is announced."""
    b = site.browser
    with Fast(b):
        site.state("one", 50, interval=0.2)
        site.open()
        b.script("""window.said = [];
            new MutationObserver(() => said.push(
                [...document.querySelectorAll('[aria-live],[role=status],"""
                 """[role=alert]')].map(e => e.textContent).join('|')))
            .observe(document.body, {subtree: true, childList: true,
                characterData: true});""")
        same = "return [...new Set(said)].length"
        asked = len(site.server.log)
        wait_for(lambda: len(site.server.log) > asked + 12, "polls")
        s.check("what stays is not announced", b.script(same) <= 1,
                b.script("return said"))
        x = site.world.services[1]
        fakeweb.Handler.flip(site.world, x.modid, x.cmdid)
        b.wait("new Set(said).size > 1", "a change is announced")
        s.check("in words", "2 services overloaded" in
                b.script("return said.at(-1)"), b.script("return said.at(-1)"))


def gone(s, site):
    """A server that nobody calls any more, and more servers than are shown."""
    b = site.browser
    site.state("one")
    found = next(x for x in site.world.services if x.overloads)
    service = site.deep()
    site.open(service + "/10.9.9.9:1", "document.querySelector('.sum')"
              "?.innerText.includes('No caller')")
    s.equal("a server that is gone keeps its head",
            b.text("main h1"), "10.9.9.9:1")
    s.check("and its trail", f"{found.modid}/{found.cmdid}" in
            b.text(".trail"), b.text(".trail"))
    s.equal("its title has its state", b.script("return document.title")[:1],
            "◌")
    with site.world.lock:
        found.servers = 1500
        site.world.cache = {}
    site.open(service)
    s.check("a service says how many of its servers are shown",
            "1,000 of 1,500" in b.text("main"), b.text("main")[-200:])
    # One that is not among these: its callers alone tell its state.
    last = "%s:%d" % found.host(1499)
    site.open(f"{service}/{last}")
    s.equal("a server beyond these has the state that its callers give it",
            b.script("return document.querySelector('.sum').dataset.state"),
            "fine")


def goes_away(s, site):
    b = site.browser
    banner = f"document.querySelector('{BANNERS}').innerText"
    with Fast(b):
        site.state("many")
        site.open()
        before = b.script(KEYS)
        site.world.state = "dead"
        b.wait(f"{banner}.includes('not answer')",
               "the page says that reporter-web is away")
        s.equal("the rows stay", b.script(KEYS), before)
        s.check("greyed", b.script(
            "return document.body.classList.contains('old')"))
        site.world.state = "many"
        b.wait(f"{banner} === ''", "and that it is back")
        words = b.later("import(arguments[0]).then(m => done(m.WORDS.en))",
                        site.base + "/words.js")
        for state in (*fakeweb.REPORTERS, "behind", "away", "agents",
                      "truncated", "empty"):
            site.state(state)
            text = words["b_" + BANNER_OF.get(state, state)].split("|")[-1]
            parts = re.split(r"\{\w\}", text)
            b.wait(f"{json.dumps(parts)}.every(p => {banner}.includes(p))",
                   f"{state} has a banner")
        s.check("an empty page has a command to try",
                "reporter-send" in b.text())
        site.state("healthy", 3)
        b.wait(f"{banner} === ''", "which goes")
        b.wait("/No service overloaded/.test(document.querySelector("
               f"'{VERDICT}').innerText)", "all is well")


def sizes(s, site):
    """No sideways scrolling, in either theme and on any screen."""
    b = site.browser
    site.state("hostile")
    wide, cut = [], []
    for path in site.views():
        b.view(390, 844)
        site.open(path, "!!document.querySelector('table, dl')")
        for width in (390, 360, 768, 1280):
            b.view(width, 844)
            if b.script("const e = document.scrollingElement;"
                        "return e.scrollWidth > e.clientWidth"):
                wide.append((path, width))
            # What the row is about; a long name may be cut, not its number,
            # nor where there is trouble.
            cut += [(path, width, text) for text in b.script("""
                return [...document.querySelectorAll(
                    'tbody .number, td.server a, td.caller a, td.state span,'
                    + 'tr:not([data-state=fine]) .name')]
                    .filter(e => getComputedStyle(e).clipPath === 'none')
                    .filter(e => { const r = e.getBoundingClientRect(),
                        c = e.closest('td').getBoundingClientRect();
                        return r.width > 0 && (e.scrollWidth > e.clientWidth
                            + 1 && e.clientWidth > 0 || r.right > c.right + 1);
                    }).slice(0, 2).map(e => e.textContent)""")]
    s.equal("nothing is wider than 360, 390, 768 and 1,280 pixels", wide, [])
    s.equal("no number, address or state is cut", cut, [])
    b.view()


def looks(s, site):
    """Themes, forced colours, motion, paper."""
    b = site.browser
    light = ("const c = getComputedStyle(document.body).backgroundColor"
             ".match(/[\\d.]+/g).map(Number);"
             "return c[3] === 0 ? -1 : c[0] + c[1] + c[2]")
    site.state("many")
    b.view(dark=True)
    site.open()
    s.check("it is dark when that is preferred", 0 <= b.script(light) < 150,
            b.script(light))
    b.view()
    s.check("and light when not", b.script(light) > 600, b.script(light))
    b.view(prefers_reduced_motion="reduce")
    s.equal("nothing moves when that is not wanted", b.script(
        "return document.getAnimations().filter(a => a.playState === "
        "'running').length"), 0)
    b.view(forced_colors="active")
    text = b.text("tbody tr")
    s.check("state is a word and a shape, without colour",
            re.search("▲ ?\\s*overloaded", text), text)
    b.view()
    b.cdp("Emulation.setEmulatedMedia", media="print")
    s.check("paper has no controls", b.script(
        f"return ['{FILTER}', '{PAUSE}'].every(q => document.querySelector(q)"
        ".getClientRects().length === 0)"))
    s.check("nor links to other screens", b.script(
        "return document.querySelector('header nav').getClientRects()"
        ".length === 0"))
    s.check("but the verdict", b.script(
        f"return document.querySelector('{VERDICT}').getClientRects()"
        ".length > 0"))
    b.view()
    data = b.pdf(printBackground=False)
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    s.check("it prints", data[:5] == b"%PDF-" and 1 <= pages <= 6,
            f"{pages} pages")


def chinese(s, site):
    b = site.browser
    site.state("hostile")
    site.open("/?lang=zh")
    s.equal("the language is declared",
            b.script("return document.documentElement.lang")[:2], "zh")
    text = b.text()
    s.check("it is Chinese", "个服务过载" in text, text[:300])
    left = re.findall(r"\b(overloaded|silent|servers|callers|ago|since)\b",
                      b.text(VERDICT) + b.text("thead"))
    s.equal("all of it", left, [])
    if "Noto Sans CJK" not in subprocess.run(
            [scenario.tool("fc-list", "fontconfig")], capture_output=True,
            text=True).stdout:
        raise scenario.Missing("no Chinese font was found: install Debian's "
                               "package fonts-noto-cjk")
    b.cdp("DOM.enable")
    b.cdp("CSS.enable")
    root = b.cdp("DOM.getDocument")["root"]["nodeId"]
    node = b.cdp("DOM.querySelector", nodeId=root, selector=VERDICT + " b")
    fonts = {f["familyName"] for f in b.cdp(
        "CSS.getPlatformFontsForNode", nodeId=node["nodeId"])["fonts"]}
    s.check("in a font that has it",
            any("CJK" in f for f in fonts), fonts)


def hostile_names(s, site):
    b = site.browser
    site.state("hostile", 60)
    for path in ("/", site.deep(), site.deep(True)):
        site.open(path)
        s.equal(f"names are text on {path}", b.script(
            "return document.querySelectorAll("
            "'body img, body script, body iframe, td td').length"), 0)
    s.check("a name is shown as it is written", b.script(
        "return document.documentElement.innerText.includes(arguments[0])",
        next(x for x in site.world.services if x.overloads).name))
    site.open("/?q=" + "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
              f"document.querySelector('{FILTER}')?.value.includes('<img')")
    s.equal("and so is the filter", b.script(
        "return document.querySelectorAll('body img').length"), 0)


def prefix(s, site):
    """Below a path of a proxy."""
    b = site.browser
    site.state("many")
    site.server.prefix = "/ops/reporter"
    try:
        b.get(site.base + "/ops/reporter/")
        b.wait(f"{ROWS} > 0", "the page is shown below a prefix")
        first = b.script(KEYS)[0]
        b.script("document.querySelector('tbody a').click()")
        b.wait(f"location.pathname === '/ops/reporter/s/{first}'",
               "links keep it")
        b.wait(f"{ROWS} > 0", "servers")
        b.reload()
        b.wait(f"{ROWS} > 0", "a reload there")
        s.check("works", True)
    finally:
        site.server.prefix = ""


def axe_core(s):
    """The text of axe-core; fetched once for a build."""
    directory = os.path.join(scenario.BUILD, "axe")
    path = os.path.join(directory, "package", "axe.min.js")
    if not os.path.exists(path):
        npm = scenario.tool("npm", "npm")
        os.makedirs(directory, exist_ok=True)
        try:
            done = subprocess.run(
                [npm, "pack", AXE, "--loglevel=error"], cwd=directory,
                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=60, env={**os.environ, "npm_config_cache":
                                 os.path.join(directory, "cache")})
        except subprocess.TimeoutExpired:
            raise scenario.Missing(f"npm cannot fetch {AXE} in 60 s") from None
        if done.returncode != 0:
            raise scenario.Missing(f"npm cannot fetch {AXE}: {done.stderr}")
        subprocess.run(["tar", "-xzf", done.stdout.strip()], cwd=directory,
                       check=True)
    with open(path) as file:
        return file.read()


AXE_RUN = """
axe.run({exclude: ["tbody tr:nth-child(n + 7)"]},
        {resultTypes: ["violations"], ...arguments[1]})
    .then(r => done(r.violations.map(v => [arguments[0], v.id,
        v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + " " +
            (n.any[0] || n.all[0] || n.none[0] || {}).message).join("; ")])))"""


def accessible(s, site):
    b = site.browser
    axe = axe_core(s)
    site.state("many", 3)
    found = set()
    for dark in (False, True):
        b.view(dark=dark)
        for path in site.views():
            site.open(path, "!!document.querySelector('table, dl')")
            b.script(axe)
            found |= {tuple(v) for v in b.later(
                AXE_RUN, f"{path} {'dark' if dark else 'light'}",
                # The theme changes colours alone.
                {"runOnly": ["color-contrast"]} if dark else {})}
    b.view()
    s.equal("axe-core finds no violations", sorted(found), [])


def heap(s, site):
    """Polls change what is there and leave nothing behind."""
    b = site.browser
    polls = 3000 if LONG else 50
    with Fast(b, 50):
        site.state("many", 20 if LONG else 50, interval=0.1)
        site.open()

        def after(count):
            site.polls()
            wait_for(lambda: sum("history=1" in path for _, path in
                                 list(site.server.log)) >= count,
                     f"{count} polls", 2 * count)
            return b.heap(), b.metrics()["Nodes"]

        before = after(300 if LONG else 20)
        grown = after(polls)
    print(f"heap: {before[0] >> 10} KiB, after {polls} polls "
          f"{grown[0] >> 10} KiB; nodes {before[1]:.0f}, {grown[1]:.0f}")
    s.check(f"the heap is flat over {polls} polls",
            grown[0] < before[0] * 1.1 + 500000, f"{before[0]}, {grown[0]}")
    s.check("and so are the nodes", grown[1] < before[1] * 1.1 + 500,
            f"{before[1]}, {grown[1]}")


def quiet(s, site):
    """What all parts left behind."""
    b = site.browser
    site.open("/")
    strange = {u for u in b.requests() if not u.startswith(
        (site.base, "data:", "about:", "blob:"))}
    s.equal("nothing was asked for from elsewhere", strange, set())


PROBLEMS = re.compile("Content Security Policy|Uncaught|TypeError|"
                      "ReferenceError|SyntaxError|Unhandled|Error: <")


def complaints(s, site, part):
    """Violations of the policy and exceptions: always a fault."""
    bad = [m["message"] for m in site.browser.console()
           if PROBLEMS.search(m["message"])]
    s.equal(f"the console has no errors after {part.__name__}", bad, [])


def real(s, site):
    """The page of a real reporter-web."""
    now = int(time.time())
    s.start()
    for caller in range(4):
        s.agent().send(scenario.native(7, 1, caller + 1, now, [
            (i + 1, 80, 90, 10, i == 2) for i in range(5)]))
    s.agent().send(scenario.native(8, 2, 1, now, [(9, 81, 100, 0, False)]))
    s.reporter.settled(21)
    log = os.path.join(s.directory, "web.log")
    with open(log, "w") as out:
        web = subprocess.Popen(
            [scenario.program("reporter-web"), "-f", "-i",
             s.reporter.instance, "-l", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True)
    try:
        port = wait_for(lambda: re.search(
            r"listening on 127\.0\.0\.1:(\d+)", open(log).read()),
            "reporter-web listens").group(1)
        walk(s, site.browser, f"http://127.0.0.1:{port}")
    finally:
        scenario.end_group(web)


def walk(s, b, base):
    b.get("about:blank")
    b.requests()
    b.get(base + "/")
    b.wait(f"{ROWS} === 2", "both services of a real reporter are shown")
    s.check("one is overloaded", re.search(
        r"1 service overloaded", b.text(VERDICT)), b.text(VERDICT))
    s.equal("it leads", b.script(KEYS)[0], "7/1")
    b.keys("Down", "Enter")
    b.wait("location.pathname === '/s/7/1'", "its page")
    b.wait(f"{ROWS} === 5", "its servers")
    first = b.script(KEYS)[0]
    s.check("the overloaded one leads", first.endswith(".3:80")
            or first.startswith("3."), first)
    b.keys("Down", "Enter")
    b.wait(f"{ROWS} === 4", "its callers")
    for path in ("/agents", "/instance", "/help"):
        b.get(base + path)
        b.wait("!!document.querySelector('table, dl')", path)
    strange = {u for u in b.requests() if not u.startswith(base)}
    s.equal("nothing was asked for from elsewhere", strange, set())


ALL = (first_screen, one_caller, keyboard, place, stands_still, pause, hidden,
       live_region, gone, goes_away, sizes, looks, chinese, hostile_names, prefix,
       accessible, heap, quiet, real)


def tell(s):
    site = Site(s)
    b = site.browser
    try:
        b.get("about:blank")
        b.requests()
        for part in ALL:
            if PARTS and part.__name__ not in PARTS:
                continue
            began = time.monotonic()
            try:
                s.part(part, s, site)
            except scenario.Failure as failure:
                s.check(f"{part.__name__}: {failure}", False, b.text()[:1500])
                b.screenshot(f"{s.directory}/{part.__name__}.png")
            complaints(s, site, part)
            print(f"-- {part.__name__}: {time.monotonic() - began:.1f} s")
    finally:
        site.close()


if not scenario.has("MICROHTTPD"):
    scenario.skip("built without libmicrohttpd: there is no reporter-web")
scenario.run(__doc__, tell)
