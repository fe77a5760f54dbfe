#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `irqtune report` makes, opened in a real browser: browser_test.py IRQTUNE REPOSITORY [DIRECTORY]

The pages of the captured hosts, of made hosts of 64, 512 and 1152 CPUs, and of one whose VM has markup as its
name, each at three widths in light and dark, and printed. Into DIRECTORY go the pages, and what they look like.
Exit code 77, and a line that says so, where chromium is missing.
"""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from browser import Browser

WIDTHS = (400, 1280, 1920)
SCHEMES = ("light", "dark")
SIZES = {64: 512, 512: 1024, 1152: 2048}  # CPUs of the made hosts, and their interrupts
MEMORY = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None  # Where 10,000 small files go fast
HOSTILE = "<script>alert(1)</script>&\"'"
TALLEST = 8000  # Pixels of a picture: chromium refuses larger ones, and nobody looks at them

# What a page is, of one width and scheme: all in pixels as they are on the screen.
LOOK = r"""(() => {
  const scale = (element) => element.ownerSVGElement ? element.getScreenCTM().a : 1;
  const parse = (color) => color.match(/[\d.]+/g).slice(0, 3).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (!/, 0\)$/.test(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = {least: 1e9, small: "", alike: [], pale: [], out: [], mute: []};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("title, style") || !parent.getClientRects().length) continue;
    const style = getComputedStyle(parent), size = parseFloat(style.fontSize) * scale(parent);
    if (size < found.least) [found.least, found.small] = [size, node.data.trim()];
    if (!parent.ownerSVGElement && contrast(style.color, ground(parent)) < 4.5) found.pale.push(node.data.trim());
  }
  for (const svg of document.querySelectorAll(".blocks svg")) {
    const cells = [...svg.querySelectorAll("g[role=img]")].map((group) => {
      const rect = group.querySelector(".cell");
      const owner = group.querySelector(".owner");
      const name = group.firstElementChild;
      const box = rect.getBoundingClientRect();
      if (name?.tagName !== "title" || !/^CPU \d+: .+; \d+ vectors?, \d+ interrupts a second$/.test(name.textContent)) found.mute.push(group.outerHTML);
      for (const text of group.querySelectorAll("text")) {
        const inside = text.getBoundingClientRect();
        if (inside.left < box.left || inside.right > box.right) found.out.push(name.textContent);
        if (contrast(getComputedStyle(text).fill, getComputedStyle(rect).fill) < 4.5) found.pale.push(name.textContent);
      }
      const texts = [...group.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
      if (texts.some((a, i) => texts.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom - 4 && b.top < a.bottom - 4)))
        found.out.push("over each other: " + name.textContent);
      return {box, fill: getComputedStyle(rect).fill, letter: owner?.textContent ?? "", name: name.textContent};
    });
    const near = (a, b) => a.left - b.right < 6 && b.left - a.right < 6 && a.top - b.bottom < 6 && b.top - a.bottom < 6;
    for (let i = 0; i < cells.length; ++i) {
      for (let j = i + 1; j < cells.length; ++j) {
        const [a, b] = [cells[i], cells[j]];
        if (a.fill !== b.fill && a.letter === b.letter && near(a.box, b.box) && contrast(a.fill, b.fill) < 3) found.alike.push([a.name, b.name]);
      }
    }
  }
  for (const svg of document.querySelectorAll("figure > svg")) if (!svg.querySelector("title")?.textContent) found.mute.push("plot");
  for (const line of document.querySelectorAll("figure > svg path, figure > svg polyline"))
    if (getComputedStyle(line).fill !== "none") found.alike.push("a plot's line is filled");
  const root = document.documentElement;
  return {...found, wide: root.scrollWidth - root.clientWidth, height: root.scrollHeight,
          cells: document.querySelectorAll(".blocks g[role=img]").length,
          plots: document.querySelectorAll("figure > svg .plot").length,
          scripts: document.scripts.length, text: document.body.innerText,
          links: [...document.querySelectorAll("a[download]")].map((link) => link.href)};
})()"""


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def holds(self, what, is_so, detail=""):
        if is_so:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {what}: {str(detail)[:300]}")


def unpacked(archive, directory):
    with tarfile.open(archive) as tar:
        tar.extractall(directory)
    return directory


def hostile(archive, directory):
    """The host with a pinned VM whose name is markup."""
    unpacked(archive, directory)
    for path in directory.glob("proc/*/cmdline"):
        text = path.read_bytes()
        if b"vm1" in text:
            path.write_bytes(text.replace(b"vm1", HOSTILE.encode()))
    return directory


def measured(irqtune, archive, directory):
    """The host with three appended measurements, so that there is a history."""
    unpacked(archive, directory)
    for _ in range(3):
        subprocess.run([irqtune, "--root", directory, "-q", "measure", "--append"], check=True, capture_output=True)
    return directory


def hosts(irqtune, repository, work):
    """Name -> (what --root takes, its CPUs)."""
    captured = repository / "tests/hosts"
    for archive in sorted(captured.glob("*.tar.gz")):
        yield archive.name.removesuffix(".tar.gz"), archive
    for cpus, irqs in SIZES.items():
        tree = work / f"made-{cpus}"
        subprocess.run([repository / "scripts/make_host.py", tree, "--cpus", str(cpus), "--irqs", str(irqs)], check=True)
        yield tree.name, tree
    yield "hostile", hostile(captured / "two-vms.tar.gz", work / "hostile")
    yield "history", measured(irqtune, captured / "two-vms.tar.gz", work / "history")


def quiet(events, url):
    """The events that a page without errors and requests does not have."""
    loud = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
    for event in events:
        if event["method"] in loud:
            yield event
        elif event["method"] == "Network.requestWillBeSent":
            asked = event["params"]["request"]["url"]
            if asked != url and not asked.startswith("data:"):
                yield asked


def check_sources(checks, name, links):
    """What the page links to is the JSON that it was made from, and in the page itself."""
    for link in links:
        start = "data:application/json;base64,"
        checks.holds(f"{name}: a link that needs no network", link.startswith(start), link[:80])
        schema = json.loads(base64.b64decode(link.removeprefix(start)))["schema"]
        checks.holds(f"{name}: its JSON", re.fullmatch(r"irqtune\.(plan|diagnosis)/1", schema), schema)


def check_screen(checks, browser, page, name, where):
    url = page.as_uri()
    noise = list(quiet(browser.open(url), url))
    checks.holds(f"{where}: no console message, no request", not noise, noise)
    seen = browser.run(LOOK)
    checks.holds(f"{where}: no sideways scroll", seen["wide"] <= 0, seen["wide"])
    checks.holds(f"{where}: text of at least 11 px", seen["least"] >= 10.99, (seen["least"], seen["small"]))
    checks.holds(f"{where}: neighbours can be told apart", not seen["alike"], seen["alike"])
    checks.holds(f"{where}: text stands out", not seen["pale"], seen["pale"])
    checks.holds(f"{where}: text stays in its CPU", not seen["out"], seen["out"])
    checks.holds(f"{where}: each mark has a title", seen["cells"] > 0 and not seen["mute"], seen["mute"])
    checks.holds(f"{where}: no script", seen["scripts"] == 0)
    return seen


def check_voice(checks, browser, name, cells):
    """A screen reader hears of each CPU."""
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    heard = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ("image", "img")
             and re.match(r"CPU \d+: ", node["name"]["value"])]
    checks.holds(f"{name}: each CPU has a name for a screen reader", len(heard) == cells, (len(heard), cells))


def check_page(checks, browser, page, out):
    name = page.stem
    for width in WIDTHS:
        for scheme in SCHEMES:
            browser.look(width, scheme=scheme)
            seen = check_screen(checks, browser, page, name, f"{name}, {width} px, {scheme}")
            if out:
                picture = browser.picture(width, min(seen["height"], TALLEST))
                (out / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(picture))
    check_sources(checks, name, seen["links"])
    check_voice(checks, browser, name, seen["cells"])
    browser.look(1280)
    printed = base64.b64decode(browser.pdf())
    checks.holds(f"{name}: prints", printed.startswith(b"%PDF"))
    if out:
        (out / f"{name}.pdf").write_bytes(printed)
    return seen


def check_size(checks, name, size, cpus):
    most = 300_000 if cpus <= 16 else 3_000_000
    checks.holds(f"{name}: {size} bytes for {cpus} CPUs", size < most)


def main(irqtune, repository, out):
    chromium = shutil.which("chromium")
    if not chromium:
        print("SKIPPED: no chromium here (scripts/packages.sh browser), so no page was looked at")
        return 77
    checks = Checks()
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory, Browser(chromium) as browser:
        work = pathlib.Path(directory)
        for name, root in hosts(irqtune, repository, work):
            page = (out or work) / f"{name}.html"
            subprocess.run([irqtune, "--root", root, "-q", "report", "-o", page], check=True, capture_output=True)
            seen = check_page(checks, browser, page, out)
            check_size(checks, name, page.stat().st_size, seen["cells"] // 2)
            if name == "hostile":
                checks.holds("hostile: the name is text", HOSTILE in seen["text"])
            if name == "history":
                checks.holds("history: plots", seen["plots"] >= 1, seen["plots"])
            print(f"{name}: {seen['cells'] // 2} CPUs, {page.stat().st_size} bytes, least text {seen['least']:.1f} px", flush=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    kept = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), kept))
