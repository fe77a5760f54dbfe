#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what QEMU itself makes of random command lines, for tests/unit/read/vms/vms_truth_test.cpp.

usage: record_qemu.py [QEMU] [SEED] [COUNT] >qemu.jsonl

Each line is one command line: `words` (those behind `qemu-system-x86_64`), and what QEMU says of it
on QMP once it stands, stopped: `vcpus` (query-cpus-fast), `name`, `uuid` and `iothreads`; or
`refused`, with QEMU's word. The file here was recorded with QEMU 11.1.3.
"""
import json
import random
import subprocess
import sys

BASE = ["-nodefaults", "-no-user-config", "-display", "none", "-m", "16", "-S",
        "-qmp", "stdio"]
QUERIES = ["qmp_capabilities", "query-cpus-fast", "query-name", "query-uuid", "query-iothreads",
           "quit"]


class Writer:
    """Random command lines, most of which QEMU takes."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def one_of(self, *choices):
        return self.dice.choice(choices)

    def number(self, value):
        odd = [f"+{value}", f"0{value}", f"0x{value:x}", f" {value}", f"0{value:o}", f"0X{value:x}"]
        wrong = [f"-{value}", "0", "", f"{value}.5", f"{value}k", f"{value} ", "four", "0b1"]
        share = self.dice.random()
        return str(value) if share < 0.8 else self.dice.choice(odd if share < 0.99 else wrong)

    def topology(self):
        """Members of -smp that agree with one another, as a rule."""
        sizes = {"sockets": self.one_of(1, 2), "cores": self.one_of(1, 2, 3),
                 "threads": self.one_of(1, 1, 2)}
        if self.dice.random() < 0.3:
            sizes[self.one_of("dies", "modules")] = self.one_of(1, 2)
        if self.dice.random() < 0.02:
            sizes[self.one_of("books", "drawers", "clusters")] = self.one_of(1, 2)
        most = 1
        for size in sizes.values():
            most *= size
        members = [f"{key}={self.number(size)}" for key, size in sizes.items()]
        if self.dice.random() < 0.5:
            members = self.dice.sample(members, self.dice.randrange(len(members) + 1))
        if self.dice.random() < 0.4:
            members.append(f"maxcpus={self.number(most)}")
        if self.dice.random() < 0.4:
            members.append(f"cpus={self.number(self.one_of(1, most))}")
        self.dice.shuffle(members)
        return members

    def smp(self):
        first = [self.number(self.one_of(1, 2, 3, 4, 6))] if self.dice.random() < 0.5 else []
        rest = self.topology() if self.dice.random() < 0.25 or not first else []
        if self.dice.random() < 0.05:
            rest.append(self.one_of("cpus=2", "cores=2", "maxcpus=8", "cpu=2", "foo=1", "on"))
        return ",".join(first + rest) or "1"

    def machine(self):
        words = [self.one_of("q35", "pc", "type=q35", "q35,accel=tcg", "none", "microvm", "q35")]
        if self.dice.random() < 0.25:
            words += [f"smp.{self.one_of('cpus', 'cores', 'sockets', 'maxcpus')}"
                      f"={self.number(self.one_of(1, 2, 4))}"]
        if self.dice.random() < 0.2:
            words += ["usb=off"]
        return ",".join(words)

    def name(self):
        return self.one_of("web", "guest=web", "web,debug-threads=on", "guest=a,guest=b", "a,,b",
                           "guest=a,,b,debug-threads=on", "debug-threads=on", "guest=",
                           "web,process=x", "process=x", "process=x,guest=c", " web",
                           "guest=a=b", "0", "w,guest=v", *["db"] * 8)

    def refused_name(self):
        return self.one_of("name=w", "", "a=b")

    def object(self, number):
        return self.one_of(f"iothread,id=io{number}", f"qom-type=iothread,id=io{number}",
                           f'{{"qom-type":"iothread","id":"io{number}"}}',
                           f'{{ "id" : "io{number}", "qom-type" : "iothread" }}',
                           f"iothread,id=a-long-name-of-{number},poll-max-ns=0",
                           f"iothread,poll-max-ns=0,id=x{number}", f"id=y{number},qom-type=iothread",
                           f"memory-backend-ram,size=1M,id=m{number}")

    def words(self):
        pairs = []
        for _ in range(self.one_of(0, 1, 1, 1, 1, 1, 2, 2)):
            pairs.append((self.one_of("-smp", "-smp", "--smp"), self.smp()))
        for _ in range(self.one_of(0, 0, 1, 1, 2)):
            pairs.append((self.one_of("-machine", "-M", "--machine"), self.machine()))
        for _ in range(self.one_of(0, 0, 1, 1, 2)):
            pairs.append((self.one_of("-name", "--name"),
                          self.refused_name() if self.dice.random() < 0.03 else self.name()))
        for number in range(self.one_of(0, 0, 0, 1, 2, 3)):
            pairs.append(("-object", self.object(number)))
        if self.dice.random() < 0.15:
            pairs.append(("-uuid", self.one_of("6C8ACF86-0C4A-4D4E-8A4C-2D6A1D6B7C10",
                                               "6c8acf86-0c4a-4d4e-8a4c-2d6a1d6b7c10")))
        self.dice.shuffle(pairs)
        return [word for pair in pairs for word in pair]


def answer(qemu, words):
    """What QEMU says of the words, or why it does not start."""
    asked = "".join(json.dumps({"execute": query, "id": query}) + "\n" for query in QUERIES)
    done = subprocess.run([qemu, *BASE, *words], input=asked, capture_output=True, text=True,
                          timeout=120, check=False)
    said = {}
    for line in done.stdout.splitlines():
        reply = json.loads(line)
        if "id" in reply and "return" in reply:
            said[reply["id"]] = reply["return"]
    if "query-cpus-fast" not in said:
        return {"refused": done.stderr.strip().splitlines()[0] if done.stderr else "no word"}
    uuid = said["query-uuid"]["UUID"]
    return {"vcpus": len(said["query-cpus-fast"]), "name": said["query-name"].get("name", ""),
            "uuid": uuid if uuid.strip("0-") else "",
            "iothreads": sorted(io["id"] for io in said["query-iothreads"])}


def main():
    qemu = sys.argv[1] if len(sys.argv) > 1 else "qemu-system-x86_64"
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 250
    writer = Writer(seed)
    for _ in range(count):
        words = writer.words()
        print(json.dumps({"words": words, **answer(qemu, words)}), flush=True)


if __name__ == "__main__":
    main()
