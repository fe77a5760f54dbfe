#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a made-up KVM host of any size as a tree for `irqtune --root`.

Everything irqtune reads of a host is there: /proc/interrupts with counts that differ between two
readings (sample2/), /proc/irq, /sys/kernel/irq, CPUs with cores, threads and caches, NUMA nodes, PCI
devices with msi_irqs, and QEMU processes with pinned vCPU threads that hold the passed-through
devices. The same options and seed give the same bytes.
"""

import argparse
import os
import pathlib
import random
import sys

CELL = 11  # "%10u " of kernel/irq/proc.c
UPTIME, SECONDS = 86400, 10  # At the first reading; until the second
PLATFORM = 24  # Rows of the platform itself, as on a PC
QUEUES = 32  # Vectors of one device of the host
BDF = "{:04x}:{:02x}:00.0"


def cpu_list(cpus):
    """A kernel CPU list, "0-3,8"."""
    runs = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in runs)


def cpu_mask(cpus, count):
    """A kernel CPU mask: hexadecimal words of 32 CPUs, the highest first."""
    value = sum(1 << cpu for cpu in cpus)
    words = [value >> shift & 0xFFFFFFFF for shift in range(0, count, 32)]
    first = f"{words[-1]:0{(count - 1) % 32 // 4 + 1}x}"
    return ",".join([first] + [f"{word:08x}" for word in reversed(words[:-1])])


class Tree:
    """Files below one new directory."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True)
        self.made = set()

    def place(self, path):
        directory, name = path.rsplit("/", 1)
        if directory not in self.made:
            os.makedirs(f"{self.root}{directory}", exist_ok=True)
            self.made.add(directory)
        return f"{self.root}{directory}/{name}"

    def file(self, path, text, mode=0o644):
        fd = os.open(self.place(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        os.write(fd, text.encode() + b"\n")
        os.close(fd)

    def files(self, directory, texts):
        for name, text in texts.items():
            self.file(f"{directory}/{name}", str(text))

    def link(self, path, target):
        os.symlink(target, self.place(path))


class Cpus:
    """CPUs numbered as Linux does on x86: the first threads of all cores, then the second ones."""

    def __init__(self, options):
        self.count, self.nodes = options.cpus, options.nodes
        self.cores = options.cpus // options.threads

    def node(self, cpu):
        return cpu % self.cores * self.nodes // self.cores

    def siblings(self, cpu):
        return range(cpu % self.cores, self.count, self.cores)

    def of_node(self, node):
        return [cpu for cpu in range(self.count) if self.node(cpu) == node]

    def llc(self, cpu, size=8):
        """The CPUs that share the last-level cache: eight cores of one node and their threads."""
        base = -(-self.node(cpu) * self.cores // self.nodes)
        first = base + (cpu % self.cores - base) // size * size
        cores = [core for core in range(first, min(first + size, self.cores))
                 if self.node(core) == self.node(cpu)]
        return [thread for core in cores for thread in self.siblings(core)]

    def housekeeping(self, node):
        """The first quarter of a node's cores, all threads; VMs own the rest."""
        cores = [cpu for cpu in self.of_node(node) if cpu < self.cores]
        return [cpu for core in cores[: max(1, len(cores) // 4)] for cpu in self.siblings(core)]


def write_cpus(tree, cpus):
    base = "/sys/devices/system/cpu"
    everyone = cpu_list(range(cpus.count))
    tree.files(base, {"online": everyone, "present": everyone, "possible": everyone,
                      "isolated": "", "nohz_full": "(null)"})
    for cpu in range(cpus.count):
        siblings = list(cpus.siblings(cpu))
        tree.files(f"{base}/cpu{cpu}/topology", {
            "physical_package_id": cpus.node(cpu), "die_id": 0, "core_id": siblings[0],
            "core_cpus_list": cpu_list(siblings), "thread_siblings_list": cpu_list(siblings)})
        for index, (level, kind, shared) in enumerate([
                (1, "Data", siblings), (1, "Instruction", siblings), (2, "Unified", siblings),
                (3, "Unified", cpus.llc(cpu))]):
            tree.files(f"{base}/cpu{cpu}/cache/index{index}", {
                "level": level, "type": kind, "shared_cpu_list": cpu_list(shared)})
    for node in range(cpus.nodes):
        distances = (10 if node == to else 21 for to in range(cpus.nodes))
        tree.files(f"/sys/devices/system/node/node{node}", {
            "cpulist": cpu_list(cpus.of_node(node)), "distance": " ".join(map(str, distances))})


class Device:
    """A PCI device below a root bus of its node."""

    def __init__(self, index, node, kind, queues, vm=None):
        self.address = BDF.format(index // 255, index % 255 + 1)
        self.index, self.node, self.kind, self.queues, self.vm = index, node, kind, queues, vm
        self.driver = "vfio-pci" if kind == "vfio" else "nvme" if kind == "nvme" else "mlx5_core"

    def action(self, queue):
        if self.kind == "vfio":
            return f"vfio-msix[{queue}]({self.address})"
        return f"nvme{self.index}q{queue}" if self.kind == "nvme" else f"mlx5_comp{queue}@pci:{self.address}"

    def write(self, tree, irqs):
        bus = f"/sys/devices/pci{self.address[:7]}"
        here = f"{bus}/{self.address}"
        tree.link(f"/sys/bus/pci/devices/{self.address}", f"../../../devices{here[12:]}")
        tree.files(here, {"class": "0x010802" if self.kind == "nvme" else "0x020000",
                          "vendor": "0x15b3", "device": "0x1017", "numa_node": self.node,
                          "irq": 0, "enable": 1})
        tree.link(f"{here}/driver", f"../../../bus/pci/drivers/{self.driver}")
        tree.link(f"{here}/iommu_group", f"../../../kernel/iommu_groups/{self.index}")
        tree.link(f"/sys/kernel/iommu_groups/{self.index}/devices/{self.address}",
                  f"../../../../devices{here[12:]}")
        if self.kind == "vfio":
            tree.file(f"{here}/vfio-dev/vfio{self.index}/dev", "511:0")
        for irq in irqs:
            tree.file(f"{here}/msi_irqs/{irq.number}", "msix")


class Irq:
    """One row of /proc/interrupts, with its counts at both readings."""

    def __init__(self, number, text, cpu=0, device=None, queue=0):
        self.number, self.text, self.cpu, self.device, self.queue = number, text, cpu, device, queue
        self.counts = [{}, {}]

    def run(self, rng, cpus, nonzero):
        """Where it was delivered since boot, and how often: few queues carry most of the load."""
        rate = int(min(rng.paretovariate(0.9) * 20, 200000)) if rng.random() < 0.9 else 0
        cells = max(1, round(cpus.count * nonzero / 100 * 2 * rng.random()))
        for cpu in rng.sample(range(cpus.count), cells) if rate else []:
            self.counts[0][cpu] = rng.randrange(1, 100000)
        self.counts[0][self.cpu] = min(rate * UPTIME, 2**32 - 2**24) + 1 if rate else 0
        self.counts[1] = self.counts[0] | {self.cpu: self.counts[0][self.cpu] + rate * SECONDS}

    def write(self, tree, cpus):
        managed = self.device is not None and self.device.kind == "nvme"
        node = self.device.node if self.device else 0
        allowed = cpus.of_node(node) if managed or self.number % 4 else range(cpus.count)
        proc, kernel = f"/proc/irq/{self.number}", f"/sys/kernel/irq/{self.number}"
        tree.file(f"{proc}/smp_affinity_list", cpu_list({*allowed, self.cpu}),
                  0o444 if managed else 0o644)
        tree.files(proc, {"effective_affinity_list": self.cpu, "node": node})
        chip, hwirq, action = self.text
        tree.files(kernel, {"actions": action, "chip_name": chip, "hwirq": hwirq, "type": "edge"})


def row(label, counts, zeros, text):
    """One line of the table; only cells that are not zero cost anything."""
    cells = bytearray(zeros)
    for cpu, count in counts.items():
        cells[cpu * CELL : (cpu + 1) * CELL] = b"%10d " % count
    return b"%5s: %b %s\n" % (label.encode(), bytes(cells), text.encode())


def write_interrupts(tree, path, irqs, cpus, sample):
    zeros = b"%10d " % 0 * cpus.count
    with open(tree.place(path), "wb") as out:
        out.write(b" " * 16 + b"".join(b"CPU%-8d" % cpu for cpu in range(cpus.count)) + b"\n")
        for irq in irqs:
            chip, hwirq, action = irq.text
            text = f"{chip:<24} {hwirq:>4}-edge      {action}"
            out.write(row(str(irq.number), irq.counts[sample], zeros, text))
        busy = {cpu: 1000000 + cpu + 1000 * sample for cpu in range(cpus.count)}
        for label, what in (("LOC", "Local timer interrupts"), ("RES", "Rescheduling interrupts"),
                            ("CAL", "Function call interrupts"), ("TLB", "TLB shootdowns")):
            out.write(row(label, busy, zeros, what))
        for label, what in (("NMI", "Non-maskable interrupts"), ("MCE", "Machine check exceptions")):
            out.write(row(label, {}, zeros, what))
        out.write(b"  ERR:          0\n  MIS:          0\n")


def write_moving(tree, prefix, irqs, cpus, sample):
    """What is read twice: interrupts, CPU times, uptime."""
    write_interrupts(tree, f"{prefix}/proc/interrupts", irqs, cpus, sample)
    seconds = UPTIME + SECONDS * sample
    cpu = f"{seconds} 0 {seconds} {90 * seconds} 0 {seconds} {seconds} 0 0 0"
    lines = [f"cpu  {cpu}"] + [f"cpu{i} {cpu}" for i in range(cpus.count)]
    tree.file(f"{prefix}/proc/stat", "\n".join(lines + ["ctxt 1", "btime 1"]))
    tree.file(f"{prefix}/proc/uptime", f"{seconds}.00 {90 * seconds}.00")
    tree.file(f"{prefix}/proc/softirqs", " " * 20 + "CPU0\n          HI:          0")


class Vm:
    """A QEMU process with one pinned thread a vCPU."""

    def __init__(self, index, pins):
        self.name, self.pid, self.pins, self.devices = f"vm{index:04}", 100000 + 1000 * index, pins, []

    def write(self, tree, everyone):
        uuid = f"00000000-0000-4000-8000-{self.pid:012x}"
        words = ["/usr/bin/qemu-system-x86_64", "-name", f"guest={self.name},debug-threads=on",
                 "-uuid", uuid, "-smp", f"{len(self.pins)}"]
        for device in self.devices:
            words += ["-device", f"vfio-pci,host={device.address}"]
        proc = f"/proc/{self.pid}"
        tree.files(proc, {"comm": "qemu-system-x86", "cmdline": "\0".join(words) + "\0",
                          "status": "Name:\tqemu-system-x86\nState:\tS (sleeping)\nUid:\t0\t0\t0\t0"})
        self.thread(tree, 0, "qemu-system-x86", everyone)
        for vcpu, cpu in enumerate(self.pins):
            self.thread(tree, vcpu + 1, f"CPU {vcpu}/KVM", str(cpu))
        targets = ["/dev/null", "/dev/kvm", "/dev/vfio/vfio", "anon_inode:kvm-vm"]
        targets += [f"anon_inode:kvm-vcpu:{vcpu}" for vcpu in range(len(self.pins))]
        for device in self.devices:
            targets += [f"/dev/vfio/{device.index}", "anon_inode:[vfio-device]"]
            targets += ["anon_inode:[eventfd]"] * device.queues
        for fd, target in enumerate(targets):
            tree.link(f"{proc}/fd/{fd}", target)

    def thread(self, tree, offset, comm, allowed):
        tid = self.pid + offset
        tree.files(f"/proc/{self.pid}/task/{tid}", {
            "comm": comm, "cgroup": f"0::/machine/{self.name}",
            "status": f"Name:\t{comm}\nState:\tS (sleeping)\nCpus_allowed_list:\t{allowed}",
            "stat": f"{tid} ({comm}) S " + " ".join("1" for _ in range(49))})


def make_vms(options, cpus):
    """Each VM gets CPUs of one node that are no housekeeping ones; VMs share them if they must."""
    free = [[cpu for cpu in cpus.of_node(node) if cpu not in cpus.housekeeping(node)] or [0]
            for node in range(cpus.nodes)]
    taken = [0] * cpus.nodes
    vms = []
    for index in range(options.vms):
        node = index % cpus.nodes
        pins = [free[node][(taken[node] + i) % len(free[node])] for i in range(options.vcpus)]
        taken[node] += options.vcpus
        vms.append((node, Vm(index, pins)))
    return vms


def make_devices(options, cpus, vms):
    """Passed-through devices, round the VMs, until the vectors are used up; then the host's own."""
    devices = []
    own = max(0, options.irqs - options.vectors - min(options.irqs, PLATFORM))
    while options.vectors and sum(device.queues for device in devices) < options.vectors:
        left = options.vectors - sum(device.queues for device in devices)
        node, vm = vms[len(devices) % len(vms)]
        vm.devices.append(Device(len(devices), node, "vfio", min(left, options.device_vectors), vm))
        devices.append(vm.devices[-1])
    for done in range(0, own, QUEUES):
        kind = "nvme" if done // QUEUES % 2 else "nic"
        node = done // QUEUES % cpus.nodes
        devices.append(Device(len(devices), node, kind, min(own - done, QUEUES)))
    return devices


def make_irqs(options, cpus, devices, rng):
    legacy = options.irqs - sum(device.queues for device in devices)
    irqs = [Irq(number, ("IR-IO-APIC", number, f"acpi{number}")) for number in range(legacy)]
    for device in devices:
        chip = f"IR-PCI-MSIX-{device.address}"
        near = cpus.of_node(device.node)
        for queue in range(device.queues):
            text = (chip, queue, device.action(queue))
            irqs.append(Irq(len(irqs), text, rng.choice(near), device, queue))
    for irq in irqs:
        irq.run(rng, cpus, options.nonzero)
    return irqs


def write_rest(tree, options, cpus):
    tree.files("/proc/sys/kernel", {"hostname": "made-up", "osrelease": "6.12.0-amd64"})
    tree.file("/proc/sys/kernel/random/boot_id", f"00000000-0000-4000-8000-{options.seed:012x}")
    tree.files("/proc", {"cmdline": "quiet iommu=pt", "version": "Linux version 6.12.0-amd64 (made up)"})
    tree.file("/proc/irq/default_smp_affinity", cpu_mask(range(cpus.count), cpus.count))
    tree.file("/sys/module/kvm_intel/parameters/enable_apicv", "Y")
    for pid in range(1, options.processes + 1):
        tree.files(f"/proc/{pid}", {"comm": f"kworker/{pid}:0", "cmdline": ""})


def make_host(options):
    rng = random.Random(options.seed)
    tree = Tree(options.directory)
    cpus = Cpus(options)
    vms = make_vms(options, cpus)
    devices = make_devices(options, cpus, vms)
    irqs = make_irqs(options, cpus, devices, rng)
    write_moving(tree, "", irqs, cpus, 0)
    if options.only_interrupts:
        return
    if not options.one_sample:
        write_moving(tree, "/sample2", irqs, cpus, 1)
    write_rest(tree, options, cpus)
    write_cpus(tree, cpus)
    owned = {}
    for irq in irqs:
        irq.write(tree, cpus)
        owned.setdefault(irq.device, []).append(irq)
    for device in devices:
        device.write(tree, owned[device])
    for _, vm in vms:
        vm.write(tree, cpu_list(range(cpus.count)))


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("directory", help="where the tree goes; must not exist")
    add("--cpus", type=int, default=64, help="CPUs, all online")
    add("--irqs", type=int, default=512, help="numbered rows of /proc/interrupts")
    add("--vectors", type=int, help="of them, vectors of passed-through devices (default: half)")
    add("--vms", type=int, help="running VMs (default: one for 16 CPUs)")
    add("--vcpus", type=int, default=8, help="pinned vCPUs of each VM")
    add("--device-vectors", type=int, default=64, help="vectors of one passed-through device")
    add("--nodes", type=int, help="NUMA nodes (default: one for 64 CPUs)")
    add("--threads", type=int, default=2, help="threads of a core; divides --cpus")
    add("--nonzero", type=float, default=0.5, help="percent of the table's cells that are not zero")
    add("--processes", type=int, default=300, help="processes that are no VM")
    add("--seed", type=int, default=1)
    add("--one-sample", action="store_true", help="no second reading: rates are since boot")
    add("--only-interrupts", action="store_true", help="nothing but the files that move under /proc")
    options = parser.parse_args(arguments)
    if options.vectors is None:
        options.vectors = options.irqs // 2
    options.vms = max(1, options.cpus // 16) if options.vms is None else options.vms
    options.nodes = options.nodes or max(1, options.cpus // 64)
    check(parser, options)
    return options


def check(parser, options):
    limits = {"cpus": (1, 4096), "irqs": (0, 65536), "vectors": (0, options.irqs), "vcpus": (1, 999),
              "vms": (1 if options.vectors else 0, 9999), "device_vectors": (1, 2048),
              "threads": (1, 8), "nodes": (1, options.cpus), "nonzero": (0, 100),
              "processes": (0, 90000), "seed": (0, 2**48 - 1)}
    for name, (low, high) in limits.items():
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name.replace('_', '-')}: from {low} to {high}")
    if options.cpus % options.threads or options.nodes > options.cpus // options.threads:
        parser.error("--threads must divide --cpus, and each node needs a core")
    if os.path.lexists(options.directory):
        parser.error(f"{options.directory}: exists")


if __name__ == "__main__":
    make_host(parse_options(sys.argv[1:]))
