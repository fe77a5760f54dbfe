#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the layers of docs/ARCHITECTURE.md: who may include whom, and which library lives where."""

import pathlib
import re
import sys

# layer -> the layers it may include, besides itself
LAYERS = {
    "core": set(),
    "sys": {"core"},
    "read": {"core", "sys"},
    "snapshot": {"core", "sys", "read"},
    "plan": {"core"},
    "diagnose": {"core"},
    "measure": {"core"},
    "report": {"core"},
    "apply": {"core", "sys"},
    "watch": {"core", "sys", "read", "plan", "apply"},
    "top": {"core", "sys", "measure", "report"},
    "cli": {"top", "watch", "core", "sys", "read", "snapshot", "plan", "diagnose", "measure", "report", "apply"},
}
# library -> the files that may include it
LIBRARIES = {
    "CLI": r"src/cli/parse/",
    "spdlog": r"src/cli/",
    "nlohmann": r"src/(apply/(journal/journal\w*|intent/plan_file|beside/watch_status)\.cpp|report/json/json\w*\.(cpp|h)|read/cpus/lscpu_json\.cpp|measure/measure_file\.cpp)",
    "fmt": r"src/",
    "pugixml": r"src/read/vms/defined/libvirt\w*\.cpp",
    "pci": r"src/read/devices/pci_library\.h",
    "archive": r"src/sys/libraries/archive_library\.h",
    "ncurses": r"src/top/curses_library\.h",
}
OURS = re.compile(r'^#include "(?:irqtune/)?(\w+)/')
THEIRS = re.compile(r"^#include <(\w+)(?:/|\.hpp>|\.h>)")


def layer_of(path):
    parts = path.parts
    return parts[2] if parts[0] == "include" else parts[1]


def faults(path):
    layer = layer_of(path)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        ours, theirs = OURS.match(line), THEIRS.match(line)
        if ours and layer in LAYERS and ours[1] not in LAYERS[layer] | {layer}:
            yield f"{path}:{number}: {layer} may not include {ours[1]}"
        if ours and path.parts[0] == "include" and "irqtune/" not in line:
            yield f"{path}:{number}: a public header includes a private one"
        if theirs and theirs[1] in LIBRARIES and not re.match(LIBRARIES[theirs[1]], str(path)):
            yield f"{path}:{number}: <{theirs[1]}> belongs in {LIBRARIES[theirs[1]]}"


found = [
    fault
    for root in ("include", "src")
    for path in sorted(pathlib.Path(root).rglob("*.[ch]*"))
    if path.name != "main.cpp"
    for fault in faults(path)
]
print("\n".join(found), end="\n" if found else "")
sys.exit(bool(found))
