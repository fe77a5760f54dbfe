#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes fleet.html and fleet.csv of one JSON line a host: fleet_page.py FILE.jsonl DIRECTORY

By the templates of the Ansible role, so that both pages are one. Needs python3-jinja2. The lines are read one
after another: what stays in memory is one row a host.
"""

import datetime
import json
import pathlib
import sys

import jinja2

TEMPLATES = pathlib.Path(__file__).parent / "ansible/roles/irqtune/templates"


def documents(path):
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            yield json.loads(line)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    # As Ansible sets it up; the templates escape by themselves what needs it.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), trim_blocks=True, autoescape=False, keep_trailing_newline=True)
    made = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    for name in ("fleet.html", "fleet.csv"):
        text = environment.get_template(f"{name}.j2").render(documents=documents(sys.argv[1]), made=made)
        pathlib.Path(sys.argv[2], name).write_text(text, encoding="utf-8")


main()
