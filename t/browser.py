# SPDX-License-Identifier: MIT
"""A headless Chromium, driven by Debian's chromedriver over WebDriver's HTTP:
with urllib alone, since the Python that runs the tests need not be the one that
has Selenium."""

import base64
import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import scenario

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004",
        "Backspace": "\ue003", "Down": "\ue015", "Up": "\ue013",
        "Left": "\ue012", "Right": "\ue014", "Home": "\ue011",
        "End": "\ue010", "Shift": "\ue008"}


class Browser:
    def __init__(self, directory, language="en"):
        chromium = scenario.tool("chromium", "chromium")
        driver = scenario.tool("chromedriver", "chromium-driver")
        self.directory = directory
        self.log_path = os.path.join(directory, "chromedriver.log")
        log = open(self.log_path, "w")
        self.process = subprocess.Popen(
            [driver, "--port=0"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
            env={**os.environ, "HOME": directory, "TMPDIR": directory,
                 "LANGUAGE": language})
        log.close()
        self.session = ""
        try:
            self.base = "http://127.0.0.1:" + scenario.wait_for(
                self._port, "chromedriver listens")
            self._begin(chromium, language)
        except BaseException:
            self.close()
            raise

    def _port(self):
        with open(self.log_path) as log:
            found = re.search(r"started successfully on port (\d+)", log.read())
        return found and found.group(1)

    def _begin(self, chromium, language):
        # The sandbox of Chromium needs more than a container or root gives it.
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync",
                     "--disable-extensions", "--disable-default-apps",
                     "--enable-precise-memory-info",
                     f"--lang={language}", "--window-size=1280,900",
                     f"--user-data-dir={self.directory}/chromium"]
        options = {"binary": chromium, "args": arguments,
                   "prefs": {"intl.accept_languages": language},
                   "perfLoggingPrefs": {"enableNetwork": True,
                                        "enablePage": False}}
        value = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = "/session/" + value["sessionId"]
        self._ask("POST", "/timeouts", {"script": 30000, "pageLoad": 30000})

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + self.session + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise scenario.Failure(
                f"{path}: {value['error']}: {value['message'][:600]}") from None

    def close(self):
        try:
            if self.session:
                self._ask("DELETE", "")
        except (OSError, scenario.Failure):
            pass
        scenario.end_group(self.process)

    # --------------------------------------------------------------- doing ---

    def get(self, url):
        self._ask("POST", "/url", {"url": url})

    def url(self):
        return self._ask("GET", "/url")

    def back(self):
        self._ask("POST", "/back", {})

    def forward(self):
        self._ask("POST", "/forward", {})

    def reload(self):
        self._ask("POST", "/refresh", {})

    def script(self, text, *arguments):
        """Run a function's body in the page, and return what it returns."""
        return self._ask("POST", "/execute/sync",
                         {"script": text, "args": list(arguments)})

    def later(self, text, *arguments):
        """As script(), of a body that calls done(result)."""
        return self._ask("POST", "/execute/async", {
            "script": "const done = arguments[arguments.length - 1];" + text,
            "args": list(arguments)})

    def cdp(self, command, **parameters):
        return self._ask("POST", "/goog/cdp/execute",
                         {"cmd": command, "params": parameters})

    def keys(self, *names):
        """Press and release keys, by character or by a name of KEYS; "Shift+x"
        holds one."""
        actions = []
        for name in names:
            held = [KEYS.get(k, k) for k in
                    (name.split("+") if len(name) > 1 else [name])]
            actions += [{"type": "keyDown", "value": k} for k in held]
            actions += [{"type": "keyUp", "value": k} for k in reversed(held)]
        self._ask("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def point(self, selector=None, click=False):
        """Move the pointer onto an element, or out of the way."""
        move = {"type": "pointerMove", "duration": 0, "x": 1, "y": 1}
        if selector is not None:
            move.update(x=0, y=0, origin=self._ask(
                "POST", "/element",
                {"using": "css selector", "value": selector}))
        press = [{"type": "pointerDown", "button": 0},
                 {"type": "pointerUp", "button": 0}] if click else []
        self._ask("POST", "/actions", {"actions": [
            {"type": "pointer", "id": "mouse",
             "parameters": {"pointerType": "mouse"},
             "actions": [move, *press]}]})

    def click(self, selector):
        self.point(selector, click=True)

    def view(self, width=1280, height=900, dark=False, **features):
        """The size of the window, and what the page finds preferred."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width,
                 height=height, deviceScaleFactor=1, mobile=width < 600)
        wanted = {"prefers-color-scheme": "dark" if dark else "light",
                  **{k.replace("_", "-"): v for k, v in features.items()}}
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": k, "value": v} for k, v in wanted.items()])

    def screenshot(self, path, full=False):
        more = {}
        if full:
            size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
            more = {"captureBeyondViewport": True,
                    "clip": {**size, "scale": 1}}
        data = self.cdp("Page.captureScreenshot", format="png", **more)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def pdf(self, **options):
        return base64.b64decode(self.cdp("Page.printToPDF", **options)["data"])

    # -------------------------------------------------------------- asking ---

    def text(self, selector="body"):
        return self.script("const e = document.querySelector(arguments[0]);"
                           "return e ? e.innerText : null", selector)

    def wait(self, condition, what, seconds=15):
        """Until an expression of JavaScript is true; returns its value."""
        return scenario.wait_for(
            lambda: self.script(f"return {condition}"), what, seconds)

    def console(self):
        """Messages of the console since the last call."""
        return self._ask("POST", "/se/log", {"type": "browser"})

    def requests(self):
        """URLs requested since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in
                  self._ask("POST", "/se/log", {"type": "performance"})]
        return [e["params"]["request"]["url"] for e in events
                if e["method"] == "Network.requestWillBeSent"]

    def metrics(self):
        """Chromium's counters of the page: seconds of script, bytes of heap."""
        self.cdp("Performance.enable")
        return {m["name"]: m["value"] for m in
                self.cdp("Performance.getMetrics")["metrics"]}

    def heap(self):
        """Bytes of the page's heap after a collection of garbage."""
        self.cdp("HeapProfiler.collectGarbage")
        return self.cdp("Runtime.getHeapUsage")["usedSize"]
