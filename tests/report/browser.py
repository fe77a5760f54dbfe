# SPDX-License-Identifier: Apache-2.0
"""Debian's chromium without a window, spoken to over a pipe by the DevTools protocol.

Source: https://chromedevtools.github.io/devtools-protocol/; with --remote-debugging-pipe chromium reads
commands from descriptor 3 and writes answers and events to 4, each a JSON text that a NUL byte ends.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile


class BrowserError(Exception):
    """The browser refused a command, or ended."""


class Browser:
    """One chromium with one page. It is given no network: what a page asks for would fail, and be seen."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="irqtune-browser.")
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()
        self.process = subprocess.Popen(
            [
                "/bin/sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", program,
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-extensions",
                "--hide-scrollbars", f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank",
            ],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.input = os.fdopen(self.answers, "rb")
        self.number, self.session, self.events, self.rest = 0, None, [], b""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.commands)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.input.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self):
        """The next answer or event."""
        while b"\0" not in self.rest:
            more = os.read(self.answers, 1 << 16)
            if not more:
                raise BrowserError("chromium ended")
            self.rest += more
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def ask(self, method, **parameters):
        """What the browser answers to a command; events that come before it are kept."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']['message']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def open(self, url):
        """Loads a page; returns the events of it."""
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            message = self.message()
            if "method" in message:
                self.events.append(message)
        return list(self.events)

    def look(self, width, height=900, scheme="light", media="screen"):
        """The size of the window in CSS pixels, and what the page is told of the reader's wishes."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script):
        """The value of a script's last expression, as JSON has it."""
        done = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in done:
            raise BrowserError(done["exceptionDetails"]["exception"].get("description", "script failed"))
        return done["result"].get("value")

    def picture(self, width, height):
        """A PNG of that much of the page, from its top, as base64 text."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        return self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]

    def pdf(self):
        """The page as it is printed, as base64 text."""
        return self.ask("Page.printToPDF", printBackground=False)["data"]
