#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `irqtune watch` costs, on made hosts: watch.py IRQTUNE [idle SECONDS | reboots COUNT]

idle: CPU time, wakeups and memory of a watch that polls, while nothing happens.
reboots: whether memory, descriptors and the journal grow while guests reboot again and again; exit
code 1 if they do, or if a vector is not where it belongs in the end.
Both on 16 VMs with 64 devices and 1000 vectors, on 128 CPUs.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

MAKE = pathlib.Path(__file__).parents[2] / "scripts" / "make_host.py"
POLL = 0.25  # Seconds between two looks of a watch that polls.
VMS = 16


def make_host(directory):
    subprocess.run([sys.executable, MAKE, "--cpus", "128", "--irqs", "1500", "--vectors", "1000",
                    "--vms", str(VMS), "--vcpus", "4", "--device-vectors", "16", directory],
                   check=True, stdout=subprocess.DEVNULL)


def status(pid):
    """The numbers of /proc/PID/status, in kB or as they are."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    numbers = {}
    for line in lines:
        key, _, value = line.partition(":")
        if value.split() and value.split()[0].isdigit():
            numbers[key] = int(value.split()[0])
    return numbers


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    """Of several looks the least: a file may just be read."""
    looks = []
    for _ in range(10):
        looks.append(len(os.listdir(f"/proc/{pid}/fd")))
        time.sleep(POLL / 10)
    return min(looks)


class Watch:
    """A watch on a tree, once its first round is done."""

    def __init__(self, irqtune, tree):
        self.tree = tree
        self.log = open(tree / "watch.log", "w", encoding="utf-8")
        self.process = subprocess.Popen([irqtune, "--root", tree, "watch", "-q"],
                                        stdout=self.log, stderr=self.log)
        told = tree / "var/lib/irqtune/watch.json"
        while not told.exists() and self.process.poll() is None:
            time.sleep(POLL)
        time.sleep(8 * POLL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()

    @property
    def pid(self):
        return self.process.pid

    def journal_bytes(self):
        return sum(one.stat().st_size
                   for one in (self.tree / "var/lib/irqtune/journal").glob("*.jsonl"))


class Guests:
    """The vectors of a tree's devices, and what a kernel does at a reboot: new files in msi_irqs/,
    the default mask."""

    def __init__(self, tree):
        self.tree = tree
        self.default = (tree / "proc/irq/0/smp_affinity_list").read_text(encoding="ascii")
        self.vectors = []
        for device in sorted((tree / "sys/bus/pci/devices").iterdir()):
            if (device / "vfio-dev").exists():
                self.vectors += [(device.name, entry.name)
                                 for entry in sorted((device / "msi_irqs").iterdir())]
        self.inode = 10_000

    def reboot_all(self, pid=None):
        """At once for the watch `pid`, which is stopped meanwhile: a kernel does both in one."""
        if pid:
            os.kill(pid, signal.SIGSTOP)
        record = self.tree / "irqtune"
        record.mkdir(exist_ok=True)
        lines = []
        for device, irq in self.vectors:
            self.inode += 1
            lines.append(f"/sys/bus/pci/devices/{device}/msi_irqs/{irq} {self.inode}\n")
            self.mask(irq).write_text(self.default, encoding="ascii")
        new = record / "inodes.new"
        new.write_text("".join(lines), encoding="ascii")
        new.rename(record / "inodes")
        if pid:
            os.kill(pid, signal.SIGCONT)

    def mask(self, irq):
        return self.tree / "proc/irq" / irq / "smp_affinity_list"

    def masks(self):
        return [self.mask(irq).read_text(encoding="ascii") for _, irq in self.vectors]


def idle(irqtune, tree, seconds):
    with Watch(irqtune, tree) as watch:
        cpu, before = cpu_seconds(watch.pid), status(watch.pid)
        time.sleep(seconds)
        after = status(watch.pid)
        used = cpu_seconds(watch.pid) - cpu
        wakeups = after["voluntary_ctxt_switches"] - before["voluntary_ctxt_switches"]
        print(f"polling, {seconds} s: {100 * used / seconds:.2f} % of a CPU, "
              f"{wakeups / seconds:.1f} wakeups/s, {after['VmRSS']} kB resident "
              f"({after['RssAnon']} kB of its own)")
    return True


def wait_until_placed(guests, wanted):
    """How many looks it took, at most 240; the watch may be in the middle of placing them."""
    for looks in range(240):
        if guests.masks() == wanted:
            return looks
        time.sleep(POLL)
    return None


def reboots(irqtune, tree, count):
    guests = Guests(tree)
    guests.reboot_all()  # From here on the tree records generations.
    grown, step = [], max(VMS, count // 10)
    with Watch(irqtune, tree) as watch:
        wanted = guests.masks()
        for done in range(VMS, count + VMS, VMS):
            guests.reboot_all(watch.pid)
            if wait_until_placed(guests, wanted) is None:
                print(f"after {done} reboots {len(guests.vectors)} vectors are not where they were")
                return False
            if done % step < VMS:
                now = (status(watch.pid)["VmRSS"], descriptors(watch.pid), watch.journal_bytes())
                grown.append(now)
                print(f"{done} reboots: {now[0]} kB resident, {now[1]} descriptors, "
                      f"journal {now[2]} bytes", flush=True)
    first, last = grown[0], grown[-1]
    return last[0] - first[0] <= 64 and last[1] <= first[1] and last[2] < 1 << 20


def main(irqtune, what="idle", number="60"):
    with tempfile.TemporaryDirectory(prefix="irqtune-watch.") as directory:
        tree = pathlib.Path(directory) / "host"
        make_host(tree)
        run = {"idle": idle, "reboots": reboots}[what]
        return 0 if run(pathlib.Path(irqtune).resolve(), tree, int(number)) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
