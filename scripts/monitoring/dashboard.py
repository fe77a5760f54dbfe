#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Grafana's dashboard of a fleet: checks that its queries name metrics that irqtune exposes.

dashboard.py METRICS RULES: METRICS is what `irqtune metrics` printed (several of them may follow one another);
RULES is written: each query as a recording rule, for `promtool check rules` to parse. Alert rules beside it are
looked through too. Exit code 1 names what does not exist.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
OTHERS = {"node_textfile_mtime_seconds"}  # node_exporter's own


def queries(panels):
    for panel in panels:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
        yield from queries(panel.get("panels", []))


def used_labels(expression):
    """Metric, label names of each selector."""
    for metric, selector in re.findall(r"\b((?:irqtune|node)_[a-z_]+)(?:\{([^}]*)\})?", expression):
        yield metric, set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))


def exposed(text):
    """Metric: its label names."""
    found = {}
    for line in text.splitlines():
        sample = re.match(r"(irqtune_[a-z_]+)(?:\{(.*)\})? ", line)
        if sample:
            found.setdefault(sample[1], set()).update(re.findall(r"([a-z_]+)=\"", sample[2] or ""))
    return found


def faults(expressions, metrics):
    for where, expression in expressions:
        for metric, labels in used_labels(expression):
            if metric in OTHERS:
                continue
            if metric not in metrics:
                yield f"{where}: no such metric: {metric}"
                continue
            for label in labels - metrics[metric] - {"instance", "job"}:
                yield f"{where}: {metric} has no label {label}"


def main():
    metrics = exposed(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    dashboard = json.loads((HERE / "irqtune.dashboard.json").read_text(encoding="utf-8"))
    panels = list(queries(dashboard["panels"]))
    variables = [(f"variable {v['name']}", v["query"]) for v in dashboard["templating"]["list"] if v["type"] == "query"]
    rules = (HERE / "irqtune.rules.yml").read_text(encoding="utf-8")
    alerts = [("rules", expression) for expression in re.findall(r"^ *expr: (.*)$", rules, re.MULTILINE)]
    wrong = list(faults(panels + variables + alerts, metrics))
    print("\n".join(wrong) or f"{len(panels)} queries of the dashboard, {len(alerts)} alerts: every metric exists")
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, (_, expression) in enumerate(panels):
        expression = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
        lines += [f"      - record: dashboard:query:{number}", f"        expr: {json.dumps(expression)}"]
    pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(1 if wrong else 0)


main()
