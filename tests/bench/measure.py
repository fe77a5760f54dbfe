#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measuring half of scripts/bench.sh: measure.py BUILD TREES [IRQTUNE]

With another build of irqtune it prints ratios to that one, and nothing else. Times are the least of many runs; those that are compared take turns, so that whatever else the
machine does hits both. "CPU" is user and system time of the whole process.
"""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

RUNS = 40
CPUS, IRQS = (64, 512, 1152), (512, 1034, 8192)


def run_once(command):
    """Wall and CPU seconds of one run."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          close_fds=False) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):  # 3: check found differences.
        sys.exit(f"measure.py: {command}: exit code {process.returncode}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def best(commands, runs=RUNS):
    """For each command the least wall and CPU time, in milliseconds."""
    for command in commands:
        run_once(command)
    rounds = [[run_once(command) for command in commands] for _ in range(runs)]
    return [tuple(1000 * min(times) for times in zip(*one)) for one in zip(*rounds)]


def peak_memory(command):
    """MB. By time(1): a child of this process would count what Python had before its exec."""
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=True, text=True)
    return int(done.stderr.split()[-1]) * 1024 / 1e6


def system_calls(command):
    """How many, by strace(1)."""
    done = subprocess.run(["strace", "-f", "-c", "-o", "/dev/stderr", *command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=True, text=True)
    lines = [line.split() for line in done.stderr.splitlines()]
    return sum(int(line[3]) for line in lines if len(line) >= 5 and line[3].isdigit() and line[-1] != "total")


def parser_times(build, tree):
    """Milliseconds and GB/s of each benchmark of the parser."""
    done = subprocess.run([build / "irqtune_interrupts_bench", "--benchmark_format=json"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=os.environ | {"IRQTUNE_BENCH_TREE": str(tree)})
    return {one["name"]: (one["cpu_time"], one["bytes_per_second"] / 1e9)
            for one in json.loads(done.stdout)["benchmarks"]}


class Report:
    def __init__(self):
        self.missed = False

    def row(self, what, value, bar="", kept=True):
        self.missed = self.missed or not kept
        print(f"  {what:<44} {value:<40} {bar}{'' if kept else '   MISSED'}", flush=True)


def against_peers(report, irqtune, tree):
    table = tree / "proc/interrupts"
    with open(table, "rb") as file:
        cpus = len(file.readline().split())
    print(f"\nOne table of {cpus} CPUs, {table.stat().st_size / 1e6:.1f} MB")
    ours, lsirq, lines = best([[irqtune, "--root", tree, "show", "irqs", "--json"], ["lsirq", "-J"],
                               ["wc", "-l", table]])
    for name, (wall, cpu) in (("irqtune show irqs --json", ours), ("lsirq -J", lsirq), ("wc -l", lines)):
        report.row(name, f"{wall:.1f} ms, {cpu:.1f} ms CPU")
    report.row("lsirq / irqtune", f"{lsirq[0] / ours[0]:.1f} times, CPU {lsirq[1] / ours[1]:.1f} times",
               "at least 20", lsirq[1] >= 20 * ours[1])
    return lines


def parsing(report, build, tree, lines):
    times = parser_times(build, tree)
    for name, (cpu, rate) in times.items():
        report.row(name.replace("_", " "), f"{cpu:.2f} ms CPU, {rate:.1f} GB/s")
    ratio = times["read_and_parse"][0] / lines[1]
    report.row("read and parse / wc -l", f"{ratio:.2f} times, CPU", "at most 3", ratio <= 3)


def start_up(report, irqtune):
    ours, nothing = best([[irqtune, "--version"], ["true"]], 5 * RUNS)
    report.row("start-up: irqtune --version", f"{ours[0]:.1f} ms, {ours[1]:.1f} ms CPU", "under 5 ms", ours[1] < 5)
    report.row("true", f"{nothing[0]:.1f} ms, {nothing[1]:.1f} ms CPU")


def plan_of(irqtune, trees, cpus, irqs):
    tree = trees / f"{cpus}x{irqs}"
    command = [irqtune, "--root", tree, "plan", "--json"]
    size = sum((tree / path).stat().st_size for path in ("proc/interrupts", "sample2/proc/interrupts"))
    (wall, cpu), = best([command], 10)
    return size / 1e6, wall, cpu, peak_memory(command)


def planning(report, irqtune, trees):
    print("\nplan --json, the whole process; half of the interrupts are vfio vectors; two readings")
    costs = {}
    for cpus in CPUS:
        for irqs in IRQS:
            size, wall, cpu, memory = costs[cpus, irqs] = plan_of(irqtune, trees, cpus, irqs)
            barred = (cpus, irqs) == (512, 8192)
            report.row(f"{cpus} CPUs, {irqs} IRQs ({size:.1f} MB)",
                       f"{wall:.0f} ms, {cpu:.0f} ms CPU, {memory:.0f} MB",
                       "under 250 ms, 40 MB" if barred else "", not barred or (cpu < 250 and memory < 40))
    for few, many in [((c, IRQS[0]), (c, IRQS[-1])) for c in CPUS] + [((CPUS[0], i), (CPUS[-1], i)) for i in IRQS]:
        size, cpu = (costs[many][at] / costs[few][at] for at in (0, 2))
        report.row(f"{few[0]} x {few[1]} -> {many[0]} x {many[1]}", f"bytes x {size:.1f}, CPU x {cpu:.1f}",
                   "no faster than the bytes", cpu <= size)


def machine():
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{model[0] if model else platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}, load {load:.1f}"


def compare(report, irqtune, other, trees):
    """Each figure of this build as a ratio to that of another one: below 1 is better."""
    big, wide = trees / "512x8192", trees / "table"
    print(f"\nRatios to {other}: CPU time, memory, system calls")
    for what, arguments, runs in (("plan --json, 512 CPUs, 8192 IRQs", ["--root", big, "plan", "--json"], RUNS),
                                  ("check --json of the same", ["--root", big, "check", "--json"], RUNS),
                                  ("show irqs --json of the table", ["--root", wide, "show", "irqs", "--json"], RUNS),
                                  ("--version", ["--version"], 5 * RUNS)):
        (_, ours), (_, theirs) = best([[irqtune, *arguments], [other, *arguments]], runs)
        report.row(what, f"{ours:.2f} ms CPU of {theirs:.2f} ms", f"{ours / theirs:.2f}")
    plan = ["--root", big, "plan", "--json"]
    ours, theirs = peak_memory([irqtune, *plan]), peak_memory([other, *plan])
    report.row("memory of that plan", f"{ours:.1f} MB of {theirs:.1f} MB", f"{ours / theirs:.2f}")
    if shutil.which("strace"):
        ours, theirs = system_calls([irqtune, *plan]), system_calls([other, *plan])
        report.row("system calls of that plan", f"{ours} of {theirs}", f"{ours / theirs:.2f}")
    (_, ours), (_, lsirq) = best([[irqtune, "--root", wide, "show", "irqs", "--json"], ["lsirq", "-J"]])
    report.row("lsirq -J of the table / irqtune", f"{lsirq:.1f} ms CPU, {ours:.2f} ms", f"{lsirq / ours:.1f} times")


def main(build, trees, other=None):
    report = Report()
    irqtune = build / "irqtune"
    print(f"\n{machine()}")
    if other is not None:
        compare(report, irqtune, other, trees)
        return
    lines = against_peers(report, irqtune, trees / "table")
    parsing(report, build, trees / "table", lines)
    start_up(report, irqtune)
    planning(report, irqtune, trees)
    sys.exit(report.missed)


main(*map(pathlib.Path, sys.argv[1:]))
