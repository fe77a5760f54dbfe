#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what libvirt itself makes of random domains, for tests/unit/read/vms/vms_truth_test.cpp.

usage: record_libvirt.py [SEED] [COUNT] >libvirt.jsonl

Each line is one document: `xml`, and what libvirt defined of it, read off the canonical XML that it
writes; or `refused`, with libvirt's word. The file here was recorded with libvirt 12.8.0 and its
driver `test:///default`, which reads domains by the code that all drivers share, and needs no
daemon. Needs python3-libvirt.
"""
import json
import random
import re
import sys
import xml.etree.ElementTree as ElementTree

import libvirt


class Writer:
    """Random domains, most of which libvirt takes."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def one_of(self, *choices):
        return self.dice.choice(choices)

    def maybe(self, share):
        return self.dice.random() < share

    def number(self, value):
        """As libvirt reads numbers, or not. (libvirt 12.8 crashes on `<vcpu>-1</vcpu>`.)"""
        return self.one_of(
            *[str(value)] * 6, f"+{value}", f" {value}", f"0{value}", f"0x{value}", f"{value} ",
            f"{value}.0", "", "one")

    def attribute(self, value):
        """A number that is well-formed more often."""
        return str(value) if self.maybe(0.97) else self.number(value)

    def cpus(self):
        first = self.dice.randrange(12)
        last = first + self.dice.randrange(1, 6)
        middle = self.dice.randrange(first, last + 1)
        plain = [str(first), f"{first}-{last}", f"{first},{last}", f"{first}-{last},^{middle}",
                 f"{first}-{last},{last + 2}"]
        odd = [f" {first}-{last}", f"{first} - {last}", f"{first}, {last}", f"{first}-{last} ",
               f"{first}-{last},^{first}-{middle}", f"^{first},{first}-{last}", f"{first}-{last},",
               f"{last + 1}-{first}", f"{first},^{first}", f"{first}-{last},^ {middle}",
               f"+{first}", f"0x{first}", f"{first},,{last}", f",{first}", "", "all",
               f"{first}-{last}:2", "16383", "16384", "1-16384", "0-99999", f"0{first}",
               f"{first}-{first}", f"{first}-", f"-{last}", f"{first}-{last},^{last + 1}",
               f"{first}\t,{last}", f"{first};{last}", f"{first}-{last},^{middle},{middle}",
               f"{first} {last}", f"^{first}", f"{first}-{last} ,{last + 2}", f"!{first}",
               f"{first}-{last},!{middle}", f"{first}--{last}", "r0", "4294967296"]
        return self.dice.choice(plain if self.maybe(0.95) else odd)

    def broken(self, text):
        """The same text as XML may have it."""
        half = len(text) // 2
        return self.one_of(
            text, text, text, f"{text}<!-- {text} -->", f"<!-- 7 -->{text}",
            f"{text[:half]}<!-- - -->{text[half:]}", f"<![CDATA[{text}]]>",
            "".join(f"&#{ord(c)};" for c in text), f"{text}<?x y?>", f"\n  {text}\n")

    def vcpu(self, count):
        words = ""
        if self.maybe(0.3):
            words += f" current='{self.attribute(self.dice.randrange(1, count + 2))}'"
        if self.maybe(0.4):
            words += f" cpuset='{self.cpus()}'"
        if self.maybe(0.2):
            words += f" placement='{self.one_of('static', 'static', 'auto', 'other')}'"
        text = self.broken(str(count)) if self.maybe(0.93) else self.number(count)
        return f"<vcpu{words}>{text}</vcpu>"

    def vcpus(self, count):
        rows = "".join(
            f"<vcpu id='{self.attribute(i)}' enabled='{'yes' if i == 0 else self.one_of('yes', 'no')}'"
            f" hotpluggable='{'no' if i == 0 else 'yes'}'/>" for i in range(count))
        return f"<vcpus>{rows}</vcpus>"

    def pins(self, count, threads):
        rows = []
        for i in range(count + (1 if self.maybe(0.15) else 0)):
            if self.maybe(0.6):
                rows.append(f"<vcpupin vcpu='{self.attribute(i)}' cpuset='{self.cpus()}'/>")
        if rows and self.maybe(0.04):
            rows.append(rows[0])
        for i in range(1, threads + 1):
            if self.maybe(0.6):
                rows.append(f"<iothreadpin iothread='{self.attribute(i)}' cpuset='{self.cpus()}'/>")
        if self.maybe(0.04):
            rows.append("<iothreadpin iothread='9' cpuset='1'/>")
        for _ in range(self.one_of(0, *[1] * 8, 2)):
            rows.append(f"<emulatorpin cpuset='{self.cpus()}'/>")
        if self.maybe(0.05):
            rows.append(self.one_of("<vcpupin vcpu='0'/>", "<vcpupin cpuset='1'/>",
                                    "<emulatorpin/>", "<shares>2048</shares>", "pins"))
        if self.maybe(0.3):
            self.dice.shuffle(rows)
        half = len(rows) // 2
        if self.maybe(0.2):
            return (f"<cputune>{''.join(rows[:half])}</cputune>",
                    f"<cputune>{''.join(rows[half:])}</cputune>")
        return (f"<cputune>{''.join(rows)}</cputune>", "")

    def address(self, slot):
        forms = [f"domain='0x0000' bus='0x3b' slot='0x{slot:02x}' function='0x0'",
                 f"bus='0x3b' slot='0x{slot:02x}' function='0x1'",
                 f"domain='0' bus='59' slot='{slot}' function='0'",
                 f"domain='0x10000' bus='0x01' slot='0x{slot:02x}' function='0x0'",
                 f"domain='0x0' bus='073' slot='0{slot:o}' function='07'",
                 f"bus='0x3b' slot='0x{slot:02x}'"]
        odd = [f"domain='0x0000' bus='0x100' slot='0x{slot:02x}' function='0x0'",
               f"domain='0x0000' bus='0x3b' slot='0x20' function='0x0'",
               f"domain='0x0000' bus='0x3b' slot='0x{slot:02x}' function='0x8'",
               f"domain='0x0000' bus='3b' slot='0x{slot:02x}' function='0x0'",
               f"domain='0x0000' bus='+0x3b' slot='0x{slot:02x}' function='0x0'", ""]
        return f"<address {self.dice.choice(forms if self.maybe(0.95) else odd)}/>"

    def device(self, slot):
        inner = f"<source>{self.address(slot)}</source>"
        guest = "<address type='pci' domain='0x0000' bus='0x00' slot='0x%02x' function='0x0'/>" % (
            slot + 10)
        guest = guest if self.maybe(0.2) else ""
        return self.one_of(
            f"<hostdev mode='subsystem' type='pci' managed='yes'>{inner}{guest}</hostdev>",
            f"<hostdev mode='subsystem' type='pci'>{inner}<driver name='vfio'/></hostdev>",
            f"<hostdev type='pci' managed='no'>{inner}</hostdev>",
            "<interface type='hostdev'><source><address type='pci' domain='0x0000' bus='0x3b' "
            f"slot='0x{slot:02x}' function='0x2'/></source></interface>",
            f"<disk type='nvme' device='disk'><driver name='qemu' type='raw'/><source type='pci' "
            f"managed='yes' namespace='1'>{self.address(slot)}</source>"
            f"<target dev='vd{chr(97 + slot)}' bus='virtio'/></disk>",
            "<controller type='usb' model='none'/>" if slot == 1 else "")

    def domain(self, number):
        count = self.dice.randrange(1, 6)
        threads = self.one_of(0, 0, 1, 2, 4)
        first, second = self.pins(count, threads) if self.maybe(0.9) else ("", "")
        parts = [self.vcpu(count)]
        if self.maybe(0.15):
            parts.append(self.vcpus(count))
        if self.maybe(0.04):
            parts.append(self.vcpu(count + 1))
        if threads:
            text = str(threads) if self.maybe(0.93) else self.number(threads)
            parts.append(f"<iothreads>{self.broken(text) if text else text}</iothreads>")
        if threads and self.maybe(0.3):
            ids = [self.one_of(i, i + 2) for i in range(1, threads + 1)]
            rows = "".join(f"<iothread id='{self.attribute(i)}'/>" for i in ids)
            parts.append(f"<iothreadids>{rows}</iothreadids>")
        parts += [first, second]
        devices = ["".join(self.device(slot) for slot in range(1, self.dice.randrange(1, 5)))]
        if self.maybe(0.15):
            devices.append(self.device(7))
        parts += [f"<devices>{text}</devices>" for text in devices]
        if self.maybe(0.15):
            parts.append("<numatune><memory mode='strict' %s/></numatune>" % self.one_of(
                "nodeset='0'", "placement='auto'", "placement='static' nodeset='0'", "nodeset='0-1'"))
        if self.maybe(0.3):
            self.dice.shuffle(parts)
        name = f"d{number}"
        broken = self.broken(name) if self.maybe(0.3) else name
        body = (f"<name>{broken}</name><memory unit='MiB'>64</memory>"
                "<os><type arch='x86_64' machine='q35'>hvm</type></os>" + "".join(parts))
        return self.dressed(body)

    def dressed(self, body):
        """The document around the domain's elements."""
        plain = f"<domain type='test'>{body}</domain>"
        return self.one_of(
            *[plain] * 16,
            f"<?xml version='1.0' encoding='UTF-8'?>\n<!-- edited -->\n{plain}",
            f"<domain type='test' xmlns='urn:other'>{body}</domain>",
            "<domain type='test' xmlns:x='urn:other'>" + body.replace(
                "<emulatorpin", "<x:emulatorpin") + "</domain>",
            "<domain type='test' xmlns:x='urn:other'>" + re.sub(
                r"<(/?)vcpupin", r"<\1x:vcpupin", body) + "</domain>",
            f"<!DOCTYPE domain [<!ENTITY c '3'>]>{plain.replace(chr(39) + '3' + chr(39), '%&c;%')}"
            .replace("%&c;%", "'&c;'"))


def recorded(text):
    """What the XML that libvirt writes of its own says, in one form."""
    root = ElementTree.fromstring(text)
    vcpu = root.find("vcpu")
    row = {"name": root.findtext("name"), "vcpus": int(vcpu.text),
           "current": int(vcpu.get("current", vcpu.text)), "cpuset": vcpu.get("cpuset"),
           "placement": vcpu.get("placement")}
    row["enabled"] = [int(v.get("id")) for v in root.iterfind("vcpus/vcpu")
                      if v.get("enabled") == "yes"]
    row["vcpupin"] = {p.get("vcpu"): p.get("cpuset") for p in root.iterfind("cputune/vcpupin")}
    pin = root.find("cputune/emulatorpin")
    row["emulatorpin"] = pin.get("cpuset") if pin is not None else None
    count = int(root.findtext("iothreads", "0"))
    ids = [int(i.get("id")) for i in root.iterfind("iothreadids/iothread")]
    row["iothreads"] = sorted(ids) if ids else list(range(1, count + 1))
    row["iothreadpin"] = {p.get("iothread"): p.get("cpuset")
                          for p in root.iterfind("cputune/iothreadpin")}
    row["devices"] = sorted(set(devices_of(root)))
    return row


def devices_of(root):
    """Host addresses of passed-through PCI devices and NVMe disks."""
    paths = ("devices/hostdev[@type='pci']/source/address",
             "devices/interface[@type='hostdev']/source/address",
             "devices/disk[@type='nvme']/source/address")
    for path in paths:
        for address in root.iterfind(path):
            yield "%04x:%02x:%02x.%x" % tuple(
                int(address.get(key), 0) for key in ("domain", "bus", "slot", "function"))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = libvirt.open("test:///default")
    writer = Writer(seed)
    for number in range(count):
        text = writer.domain(number)
        row = {"xml": text}
        try:
            domain = connection.defineXML(text)
            row.update(recorded(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
            domain.undefineFlags(0)
        except libvirt.libvirtError as error:
            row["refused"] = str(error)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
