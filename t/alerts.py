#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The alerts for Prometheus: each fires when it should and not when it nearly
should (reporter.rules.test.yml, by promtool), and INSTALL says what to do about
it.  The dashboard for Grafana: each panel has a title, a description and a unit,
names no data source of its own, and asks what Prometheus can parse.  That the
metrics of both exist is in scenario_metrics_for_machines."""

import json
import pathlib
import re
import subprocess
import tempfile

import scenario

SOURCE = pathlib.Path(scenario.SOURCE)
RULES = SOURCE / "etc/prometheus/reporter.rules.yml"
CASES = SOURCE / "t/reporter.rules.test.yml"
DASHBOARD = SOURCE / "etc/grafana/reporter.json"
ALERTS, PANELS = 11, 12


def promtool(*words):
    done = subprocess.run(
        [scenario.require("promtool", "prometheus"), *map(str, words)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def check_dashboard(board):
    """Returns the queries of its panels."""
    assert board["uid"] == "reporter" and "id" not in board
    first = board["templating"]["list"][0]
    assert (first["name"], first["type"]) == ("datasource", "datasource")
    assert set(re.findall(r'"uid": "([^"]*)"', json.dumps(board))) == {
        "reporter", "${datasource}"}, "a data source of its own"
    panels, queries = board["panels"], []
    assert len(panels) == PANELS, f"{len(panels)} panels"
    for name in ("id", "title"):
        assert len({panel[name] for panel in panels}) == PANELS, name
    for panel in panels:
        title, place = panel["title"], panel["gridPos"]
        assert panel["description"].endswith("."), f"{title}: no description"
        assert panel["fieldConfig"]["defaults"]["unit"], f"{title}: no unit"
        assert place["x"] + place["w"] <= 24, f"{title}: beyond the edge"
        for target in panel["targets"]:
            queries.append(target["expr"])
            assert target["legendFormat"], f"{title}: no legend"
            spans = re.findall(r"\[(.*?)\]", target["expr"])
            assert set(spans) <= {"$__rate_interval"}, f"{title}: {spans}"
    return queries


def check_queries(queries):
    """As recording rules, each with the variables filled in."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        rules = [{"record": f"panel:{i}", "expr": re.sub(
            r"\$\w+", lambda found: "5m" if found[0] == "$__rate_interval"
            else ".*", query)} for i, query in enumerate(queries)]
        json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
        file.flush()
        promtool("check", "rules", file.name)


def main():
    names = re.findall(r"alert: (\w+)", RULES.read_text())
    assert len(set(names)) == len(names) == ALERTS, names
    firing = set(re.findall(r'alertname="(\w+)"', CASES.read_text()))
    assert firing == set(names), f"no case: {firing ^ set(names)}"
    explained = re.findall(r"^\| `(Reporter\w+)` \|",
                           (SOURCE / "INSTALL.md").read_text(), re.MULTILINE)
    assert explained == names, f"INSTALL.md has {explained}"
    queries = check_dashboard(json.loads(DASHBOARD.read_text()))
    promtool("check", "rules", RULES)
    promtool("test", "rules", CASES)
    check_queries(queries)
    print(f"{len(names)} alerts, {PANELS} panels, {len(queries)} queries")


if __name__ == "__main__":
    main()
