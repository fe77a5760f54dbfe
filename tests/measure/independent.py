#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Computes from the files of captured hosts what `irqtune measure` must say: independent.py IRQTUNE REPO

Reads the same two readings by other means, and shares no code with irqtune.
"""

import json
import pathlib
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile

WRAP = 1 << 32


def rows(path):
    """Name of the row -> (text behind the counts, {CPU: count})."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    cpus = [int(word[3:]) for word in lines[0].split()]
    found = {}
    for line in lines[1:]:
        match = re.match(r"\s*(\w+):((?:\s+\d+)+)(.*)", line)
        if match:
            counts = [int(word) for word in match[2].split()][: len(cpus)]
            if len(counts) == len(cpus):
                found[match[1]] = (match[3].strip(), dict(zip(cpus, counts)))
    return found


def ticks(path):
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"cpu(\d+) (.*)", line)
        if match:
            found[int(match[1])] = [int(word) for word in match[2].split()][:8]
    return found


def expected(root, document):
    first, second = root / "proc", root / "sample2/proc"
    seconds = float((second / "uptime").read_text().split()[0]) - float((first / "uptime").read_text().split()[0])
    before, after = rows(first / "interrupts"), rows(second / "interrupts")
    cores = cpus_of(document["vcpu_cores"])
    sums = {"passthrough": 0.0, "fixed": 0.0}
    for name, (text, counts) in after.items():
        if name not in before or (name.isdigit() and before[name][0] != text):
            continue
        kind = "passthrough" if "vfio-" in text else "fixed" if not name.isdigit() else None
        if kind:
            sums[kind] += sum((counts[cpu] - before[name][1].get(cpu, 0)) % WRAP for cpu in cores) / seconds
    busy = []
    old, new = ticks(first / "stat"), ticks(second / "stat")
    for cpu, now in new.items():
        delta = [b - a for a, b in zip(old[cpu], now)]
        busy.append((sum(delta) - delta[3] - delta[4]) / sum(delta))
    return seconds, sums, statistics.pstdev(busy)


def cpus_of(text):
    cpus = set()
    for part in filter(None, text.split(",")):
        low, _, high = part.partition("-")
        cpus |= set(range(int(low), int(high or low) + 1))
    return cpus


def near(one, other):
    return abs(one - other) <= 0.002 + 0.001 * abs(other)


def main(irqtune, repository):
    passed = failed = 0
    for archive in sorted((repository / "tests/hosts").glob("*.tar.gz")):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            with tarfile.open(archive) as tar:
                tar.extractall(root)
            done = subprocess.run(
                [irqtune, "--root", directory, "--json", "measure"],
                capture_output=True, text=True, timeout=60, check=True,
            )
            document = json.loads(done.stdout)
            seconds, sums, busy = expected(root, document)
        on_cores = document["totals"]["on_vcpu_cores"]
        checks = {
            "seconds": (document["seconds"], seconds),
            "passthrough": (on_cores["passthrough"], sums["passthrough"]),
            "fixed": (on_cores["fixed"], sums["fixed"]),
            "stdev busy": (document["totals"]["stdev"]["all"]["busy"], busy),
        }
        for what, (is_now, should) in checks.items():
            if near(is_now, should):
                passed += 1
            else:
                failed += 1
                print(f"FAILED {archive.name}: {what}: {is_now}, should be {should}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve()))
