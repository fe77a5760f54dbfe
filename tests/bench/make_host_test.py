#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is a tree of scripts/make_host.py what was asked for, in irqtune's eyes? make_host_test.py IRQTUNE"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

MAKE_HOST = pathlib.Path(__file__).parents[2] / "scripts" / "make_host.py"
SMALL = ["--cpus=32", "--nodes=2", "--irqs=200", "--vectors=96", "--vms=3", "--vcpus=4", "--processes=5"]


def make_host(tree, *options):
    subprocess.run([MAKE_HOST, tree, *options], check=True)
    return tree


def irqtune(program, tree, *words):
    done = subprocess.run([program, "--root", tree, *words, "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)


def same(what, found, wanted):
    if found != wanted:
        sys.exit(f"make_host_test: {what}: {found!r}, expected {wanted!r}")


def digest(tree):
    """Names, links, modes and bytes of everything in a tree."""
    sums = hashlib.sha256()
    for path in sorted(pathlib.Path(tree).rglob("*")):
        text = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        sums.update(f"{path.relative_to(tree)} {path.lstat().st_mode:o} {len(text)}\n".encode() + text)
    return sums.hexdigest()


def check_show(program, tree):
    host = irqtune(program, tree, "show")
    passed = [device for device in host["devices"] if device["passthrough"]]
    same("warnings", host["warnings"], [])
    same("CPUs", [cpu["id"] for cpu in host["cpus"] if cpu["online"]], list(range(32)))
    same("nodes", [node["cpus"] for node in host["nodes"]], ["0-7,16-23", "8-15,24-31"])
    same("last-level caches", {cpu["llc"] for cpu in host["cpus"]}, {0, 1})
    same("numbered rows", len(host["irqs"]), 200)
    same("vectors", sum(irq["vector"] is not None for irq in host["irqs"]), 96)
    same("passthrough devices", [(device["vectors"], device["vm"]) for device in passed],
         [(64, "vm0000"), (32, "vm0001")])
    same("VMs", [(vm["name"], len(vm["vcpus"]), len(vm["devices"])) for vm in host["vms"]],
         [("vm0000", 4, 1), ("vm0001", 4, 1), ("vm0002", 4, 0)])
    same("pinned vCPUs", sum(vcpu["pinned"] for vm in host["vms"] for vcpu in vm["vcpus"]), 12)
    same("rates", host["rates"], {"source": "sampled", "seconds": 10.0})
    same("some vectors are busy", any(irq["rate"] > 0 for irq in host["irqs"] if irq["vector"]), True)
    same("managed interrupts cannot be set", {irq["settable"] for irq in host["irqs"]}, {True, False})


def check_plan(program, tree):
    plan = irqtune(program, tree, "plan")
    same("planned vectors", len(plan["assignments"]), 96)
    same("collisions before", plan["score"]["before"]["collisions"] > 0, True)
    same("collisions after", plan["score"]["after"]["collisions"], 0)
    same("remote after", plan["score"]["after"]["remote"], 0)


def main(program):
    with tempfile.TemporaryDirectory() as scratch:
        tree = make_host(f"{scratch}/a", *SMALL)
        check_show(program, tree)
        check_plan(program, tree)
        same("the same seed again", digest(make_host(f"{scratch}/b", *SMALL)), digest(tree))
        other = make_host(f"{scratch}/c", *SMALL, "--seed=2")
        same("another seed differs", digest(other) == digest(tree), False)
        only = make_host(f"{scratch}/d", *SMALL, "--only-interrupts")
        same("the table alone", len(irqtune(program, only, "show", "irqs")["irqs"]), 200)
        bad = subprocess.run([MAKE_HOST, f"{scratch}/e", "--cpus=5"], capture_output=True)
        same("two threads of five CPUs", bad.returncode, 2)


main(sys.argv[1])
