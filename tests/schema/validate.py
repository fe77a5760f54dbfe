#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Validates what irqtune prints as JSON against docs/schema: validate.py IRQTUNE REPOSITORY

Every captured host is looked at as the archive it is, and applied to, checked and rolled back as a
directory. Prints each failure, and then one line "N passed, M failed"; exits with 1 if any failed.
"""

import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import jsonschema

SECTIONS = ("topology", "devices", "irqs", "vms")
SECTION_KEYS = {
    "topology": {"cpus", "nodes"},
    "devices": {"devices"},
    "irqs": {"irqs", "counters"},
    "vms": {"vms"},
}
HOST_KEYS = set().union(*SECTION_KEYS.values())
TIMEOUT = 120


class Run:
    def __init__(self, irqtune, schemas):
        self.irqtune = irqtune
        self.schemas = schemas
        self.passed = 0
        self.failed = 0

    def fail(self, what, why):
        self.failed += 1
        print(f"FAILED {what}: {why}")

    def document(self, root, name, codes, *arguments):
        """What a command prints, if it is a valid document of that name and the code is expected."""
        command = [self.irqtune, "--root", str(root), "--json", *arguments]
        what = f"{pathlib.Path(root).name}: {' '.join(arguments)}"
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        if done.returncode not in codes:
            self.fail(what, f"exit code {done.returncode}: {done.stderr.strip()}")
            return None
        try:
            document = json.loads(done.stdout)
        except ValueError as error:
            self.fail(what, f"no JSON: {error}")
            return None
        problem = jsonschema.exceptions.best_match(self.schemas[name].iter_errors(document))
        if problem is not None:
            path = "/".join(str(part) for part in problem.absolute_path)
            self.fail(what, f"at /{path}: {problem.message}")
            return None
        self.passed += 1
        return document

    def expect(self, truth, what):
        if truth:
            self.passed += 1
        else:
            self.fail(what, "not so")


def load_schemas(directory):
    schemas = {}
    for path in sorted(directory.glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        validator = jsonschema.Draft202012Validator
        validator.check_schema(schema)
        schemas[path.name.split(".")[0]] = validator(schema)
    return schemas


def look(run, root):
    host = run.document(root, "host", {0}, "show")
    run.expect(host is not None and HOST_KEYS <= host.keys(), f"{root.name}: show holds every list")
    for section in SECTIONS:
        part = run.document(root, "host", {0}, "show", section)
        lists = part.keys() & HOST_KEYS if part else set()
        run.expect(lists == SECTION_KEYS[section], f"{root.name}: show {section} holds its list only")
    plan = run.document(root, "plan", {0}, "plan")
    for one in plan["assignments"][:1] if plan else []:
        run.document(root, "explain", {0}, "explain", str(one["irq"]))
        run.document(root, "explain", {0}, "explain", one["device"])
    run.document(root, "explain", {0}, "explain", "cpu2")
    run.document(root, "plan", {0}, "plan", "--scope", "all", "--default-affinity")
    run.document(root, "plan", {0}, "plan", "--policy", "colocate", "--rebalance")
    run.document(root, "check", {0, 3}, "check")
    run.document(root, "diagnosis", {0}, "diagnose")
    run.document(root, "diagnosis", {0, 3}, "diagnose", "--fail-on", "warning", "--no-protect-siblings")
    run.document(root, "apply", {0}, "apply", "--dry-run", "--scope", "evict")
    run.document(root, "measure", {0}, "measure")
    run.document(root, "top", {0}, "top")


ESX = """Vector    PCPU 0    PCPU 1
0x69: 3 0 COS irq 9 (ISA edge)
0x81: 1544 0 COS irq 17 (PCI level), VMK aic79xx
0x91: 90997 0 COS irq 18 (PCI level), VMK vmnic0
"""
CONSOLE = """           CPU0
 18:      90997    vmnix-level  usb-uhci
"""


def esx(run):
    with tempfile.TemporaryDirectory() as directory:
        table, console = pathlib.Path(directory) / "table", pathlib.Path(directory) / "console"
        table.write_text(ESX, encoding="utf-8")
        console.write_text(CONSOLE, encoding="utf-8")
        paths = ("--esx", str(table), "--esx-console", str(console))
        found = run.document(directory, "diagnosis", {3}, "diagnose", "--fail-on", "critical", *paths)
    severities = [finding["severity"] for finding in found["findings"]] if found else []
    run.expect(severities == ["critical", "info"], "diagnose --esx: worst first")


def change(run, root):
    """Applies and undoes; everything must be as the documents say."""
    plan = run.document(root, "plan", {0}, "plan")
    run.document(root, "history", {0}, "history")
    applied = run.document(root, "apply", {0}, "apply")
    again = run.document(root, "apply", {0}, "apply")
    check = run.document(root, "check", {0}, "check")
    dry = run.document(root, "apply", {0}, "rollback", "--dry-run")
    undone = run.document(root, "apply", {0}, "rollback")
    history = run.document(root, "history", {0}, "history")
    if None in (plan, applied, again, check, dry, undone, history):
        return
    due = plan["changes"] > 0
    name = root.name
    run.expect(applied["state"] == ("committed" if due else "nothing_to_do"), f"{name}: apply")
    run.expect(len(applied["results"]) == plan["changes"], f"{name}: a result for each change")
    run.expect(again["state"] == "nothing_to_do", f"{name}: a second apply has nothing to do")
    run.expect(check["in_place"], f"{name}: in place")
    run.expect(undone["state"] == ("rolled_back" if due else "nothing_to_do"), f"{name}: rollback")
    states = [entry["state"] for entry in history["applies"]]
    run.expect(states == ["rolled_back"] * due, f"{name}: history")


def main(irqtune, repository):
    run = Run(irqtune, load_schemas(repository / "docs/schema"))
    hosts = sorted((repository / "tests/hosts").glob("*.tar.gz"))
    run.expect(hosts, "there are captured hosts")
    for archive in hosts:
        look(run, archive)
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory) / archive.name.split(".")[0]
            with tarfile.open(archive) as tar:
                tar.extractall(root)
            change(run, root)
    esx(run)
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve()))
