#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the documentation: check_docs.py IRQTUNE

Links between documents resolve; every command and option that `irqtune --help` names is in
docs/irqtune.8; every key of a schema is in docs/json.md; every finding's id is in docs/diagnose.md;
every exit code is in README.md.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"--[a-z][a-z-]*")
EXIT_CODES = range(6)


def anchors(text):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def link_faults():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists():
                yield f"{page.relative_to(ROOT)}: no such file: {link}"
            elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                yield f"{page.relative_to(ROOT)}: no such heading: {link}"


def help_of(irqtune, *command):
    done = subprocess.run(
        [irqtune, *command, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def commands_of(text):
    return re.findall(r"^  ([a-z]+) ", text.partition("Subcommands:")[2], re.MULTILINE)


def options_of(text):
    """Options in the first column; those that a description mentions do not count."""
    lines = re.findall(r"^  (-\S+)", text, re.MULTILINE)
    return {option for line in lines for option in OPTION.findall(line)}


def manual_faults(irqtune):
    manual = (ROOT / "docs/irqtune.8").read_text(encoding="utf-8").replace("\\-", "-")
    known = set(OPTION.findall(manual))
    top = help_of(irqtune)
    commands = commands_of(top)
    if not commands:
        yield "irqtune --help: no commands found"
    found = options_of(top)
    for command in commands:
        found |= options_of(help_of(irqtune, command))
        if not re.search(rf"^\.B[RI]? {command}\b", manual, re.MULTILINE):
            yield f"docs/irqtune.8: lacks the command {command}"
    for option in sorted(found - known):
        yield f"docs/irqtune.8: lacks {option}"
    for option in sorted(known - found - {"--hardware"}):  # That one is numactl's.
        yield f"docs/irqtune.8: no command has {option}"


def keys_of(schema):
    """Every property name in a schema, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})) | set().union(*map(keys_of, schema.values()))


def json_faults():
    text = (ROOT / "docs/json.md").read_text(encoding="utf-8")
    parts = re.split(r"^## irqtune\.(\w+)/1$", text, flags=re.MULTILINE)
    general, sections = parts[0], dict(zip(parts[1::2], parts[2::2]))
    schemas = sorted((ROOT / "docs/schema").glob("*.schema.json"))
    if not schemas:
        yield "docs/schema: no schemas"
    for path in schemas:
        name = path.name.split(".")[0]
        schema = json.loads(path.read_text(encoding="utf-8"))
        if name not in sections:
            yield f"docs/json.md: lacks the section irqtune.{name}/1"
            continue
        words = set()
        for code in CODE.findall(general + sections[name]):
            words |= set(re.findall(r"\w+", code))
        for key in sorted(keys_of(schema) - words):
            yield f"docs/json.md: irqtune.{name}/1 lacks the key {key}"


def finding_faults():
    """Every finding's id has a section in docs/diagnose.md, and every section there an id."""
    code = (ROOT / "include/irqtune/diagnose/ids.h").read_text(encoding="utf-8")
    ids = set(re.findall(r'^\s*"([a-z0-9-]+)",', code, re.MULTILINE))
    sections = re.findall(
        r"^### ([a-z0-9-]+)$", (ROOT / "docs/diagnose.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    if not ids:
        yield "include/irqtune/diagnose/ids.h: no ids found"
    for name in sorted(ids - set(sections)):
        yield f"docs/diagnose.md: lacks the section {name}"
    for name in sorted(set(sections) - ids):
        yield f"docs/diagnose.md: no finding has the id {name}"
    for name in sorted({name for name in sections if sections.count(name) > 1}):
        yield f"docs/diagnose.md: two sections {name}"
    code = "".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "src/diagnose").rglob("*.cpp"))
    )
    used = set(re.findall(r'(?:\bid = |make_finding\(\s*)"([a-z0-9-]+)"', code))
    for name in sorted(used - ids):
        yield f"include/irqtune/diagnose/ids.h: lacks {name}"
    for name in sorted(name for name in ids if f'"{name}"' not in code):
        yield f"include/irqtune/diagnose/ids.h: nothing in src/diagnose makes {name}"


def exit_code_faults():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for code in EXIT_CODES:
        if not re.search(rf"^\| {code} \|", text, re.MULTILINE):
            yield f"README.md: lacks the exit code {code}"


def main(irqtune):
    faults = [
        *link_faults(),
        *manual_faults(irqtune),
        *json_faults(),
        *finding_faults(),
        *exit_code_faults(),
    ]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
