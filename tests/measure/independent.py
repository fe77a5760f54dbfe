#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Computes from the files of captured hosts what `irqtune measure` must say: independent.py IRQTUNE REPO [ARCHIVE...]

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
VFIO = re.compile(r"vfio-(msix|msi|intx)(?:\[(\d+)\])?\(([0-9a-f:.]+)\)")
PER_CPU = re.compile(r"arch_timer|kvm guest|percpu|IPI")  # Rows that each CPU raises for itself


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


def kind_of(name, text):
    """Who raised a row, as docs/measuring.md says; no row but numbered ones can be moved."""
    if "vfio-" in text:
        return "passthrough"
    return "host" if name.isdigit() and not PER_CPU.search(text) else "fixed"


def device_of(text):
    """"vfio-msix[3](0000:22:00.0)" -> ("0000:22:00.0", "msix", 3); INTx has the index 0."""
    match = VFIO.search(text)
    return (match[3], match[1], int(match[2] or 0)) if match else None


def rates_of(first, second, seconds):
    """[(kind, vector or None, {CPU: interrupts a second})] of the rows that both readings have."""
    before, after = rows(first / "interrupts"), rows(second / "interrupts")
    for name, (text, counts) in after.items():
        if name not in before or (name.isdigit() and before[name][0] != text):
            continue
        old = before[name][1]
        rates = {cpu: (now - old.get(cpu, 0)) % WRAP / seconds for cpu, now in counts.items()}
        yield kind_of(name, text), device_of(text), rates


def shares_of(first, second):
    """{"busy", "irq", "softirq"} -> {CPU: its share of the time between the readings}."""
    old, new = ticks(first / "stat"), ticks(second / "stat")
    shares = {"busy": {}, "irq": {}, "softirq": {}}
    for cpu, now in new.items():
        delta = [b - a for a, b in zip(old[cpu], now)]
        shares["busy"][cpu] = (sum(delta) - delta[3] - delta[4]) / sum(delta)
        shares["irq"][cpu] = delta[5] / sum(delta)
        shares["softirq"][cpu] = delta[6] / sum(delta)
    return shares


def checks_of(root, document):
    """(what, what irqtune says, what the files say) of every figure that the files have."""
    first, second = root / "proc", root / "sample2/proc"
    seconds = float((second / "uptime").read_text().split()[0]) - float((first / "uptime").read_text().split()[0])
    yield "seconds", document["seconds"], seconds
    rates = list(rates_of(first, second, seconds))
    yield from rates_checks(document, rates)
    yield from vm_checks(document, rates)
    shares = shares_of(first, second)
    for over, cpus in (("all", set(shares["busy"])), ("housekeeping", cpus_of(document["housekeeping"]))):
        for share, by_cpu in shares.items():
            is_now = document["totals"]["stdev"][over][share]
            if is_now is not None:
                yield f"stdev {over} {share}", is_now, statistics.pstdev(by_cpu[cpu] for cpu in cpus & set(by_cpu))
    for cpu in document["cpus"]:
        for share, by_cpu in shares.items():
            if cpu[share] is not None:
                yield f"cpu{cpu['id']} {share}", cpu[share], by_cpu[cpu["id"]]


def rates_checks(document, rates):
    cores = cpus_of(document["vcpu_cores"])
    for kind in ("passthrough", "host", "fixed"):
        of_kind = [by_cpu for found, _, by_cpu in rates if found == kind]
        on_cores = sum(by_cpu.get(cpu, 0) for by_cpu in of_kind for cpu in cores)
        yield f"{kind} on vCPU cores", document["totals"]["on_vcpu_cores"][kind], on_cores
        for cpu in document["cpus"]:
            yield f"cpu{cpu['id']} {kind}", cpu["interrupts"][kind], sum(by_cpu.get(cpu["id"], 0) for by_cpu in of_kind)


def vm_checks(document, rates):
    """Which device is whose is taken from irqtune, the rates are not."""
    by_vector = {vector: by_cpu for _, vector, by_cpu in rates if vector}
    for vm in document["vms"]:
        for entry in vm["vectors"]:
            vector = entry["vector"]
            by_cpu = by_vector.get((vector["device"], vector["kind"], vector["index"]))
            rate = sum(by_cpu.values()) if by_cpu else None
            yield f"{vm['name']} {vector['device']} {vector['kind']}/{vector['index']}", entry["rate"], rate


def cpus_of(text):
    cpus = set()
    for part in filter(None, text.split(",")):
        low, _, high = part.partition("-")
        cpus |= set(range(int(low), int(high or low) + 1))
    return cpus


def near(one, other):
    if one is None or other is None:  # Not in both readings
        return one is other
    return abs(one - other) <= 0.002 + 0.001 * abs(other)


def main(irqtune, archives):
    passed = failed = 0
    for archive in archives:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            with tarfile.open(archive) as tar:
                tar.extractall(root)
            if not (root / "sample2/proc/interrupts").exists():
                print(f"{archive.name}: one reading only")
                continue
            done = subprocess.run(
                [irqtune, "--root", directory, "--json", "measure"],
                capture_output=True, text=True, timeout=60, check=True,
            )
            for what, is_now, should in checks_of(root, json.loads(done.stdout)):
                if near(is_now, should):
                    passed += 1
                else:
                    failed += 1
                    print(f"FAILED {archive.name}: {what}: {is_now}, should be {should}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    bundled = sorted((pathlib.Path(sys.argv[2]).resolve() / "tests/hosts").glob("*.tar.gz"))
    sys.exit(main(sys.argv[1], bundled + [pathlib.Path(name) for name in sys.argv[3:]]))
