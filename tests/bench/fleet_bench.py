#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a snapshot of a fleet costs: fleet_bench.py IRQTUNE COUNT...

Makes 20 hosts of 128 CPUs, 1024 interrupts, 512 of them vectors, 8 VMs, and of them COUNT snapshots by links; then
runs scripts/fleet.sh on them. Says the CPU time of all its processes and the most memory of one, which other work on
the machine does not change, and the hosts an hour that two CPUs would do. Fails below 50,000.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

KINDS = 20
GOAL = 50_000
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # Where a tree's small files go fast
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def make_snapshots(irqtune, work):
    for seed in range(KINDS):
        archive = work / f"kind-{seed}.tar.gz"
        with tempfile.TemporaryDirectory(prefix="irqtune-fleet.", dir=MEMORY) as name:
            tree = pathlib.Path(name) / "host"
            subprocess.run(
                [REPOSITORY / "scripts/make_host.py", tree, "--cpus", "128", "--irqs", "1024", "--seed", str(seed)],
                check=True)
            subprocess.run([irqtune, "--root", tree, "-q", "snapshot", "-o", archive], check=True)
        yield archive


def run(irqtune, kinds, count, work):
    """(CPU seconds, wall seconds) of fleet.sh over `count` snapshots."""
    directory = work / f"snapshots-{count}"
    directory.mkdir()
    for number in range(count):
        os.link(kinds[number % KINDS], directory / f"host{number:06}.tar.gz")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([REPOSITORY / "scripts/fleet.sh", "-o", work / f"fleet-{count}", directory], check=True,
                   env={**os.environ, "IRQTUNE": str(irqtune)}, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with open(work / f"fleet-{count}/fleet.jsonl", "rb") as lines:
        if sum(1 for _ in lines) != count:
            sys.exit("fleet_bench: a host has no line")
    return cpu, time.monotonic() - start


def main(irqtune, counts):
    slow = False
    with tempfile.TemporaryDirectory(prefix="irqtune-fleet.") as name:
        work = pathlib.Path(name)
        kinds = list(make_snapshots(irqtune, work))
        for count in counts:
            cpu, wall = run(irqtune, kinds, count, work)
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            hour = 2 * 3600 * count / cpu
            print(f"{count} hosts: {cpu:.1f} s CPU, {1000 * cpu / count:.0f} ms a host, {wall:.0f} s wall, "
                  f"{most // 1024} MB at most in one process; {hour:.0f} hosts an hour on two CPUs", flush=True)
            slow = slow or hour < GOAL
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), [int(count) for count in sys.argv[2:]]))
