"""A headless Chromium for tests that must see a page as a person's browser does.

Speaks the DevTools protocol over two pipes: no port is opened, no driver is needed. Knows nothing about any page.

    python -m tests.browser PAGE.html PICTURE.png [WIDTH HEIGHT [EXPRESSION]]      a screenshot of a page
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
KEY_CODES = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
START_LIMIT_S = 120.0  # a busy machine of two cores took 20


def find() -> str | None:
    """Return the browser: what KGTUNE_BROWSER names, else the first installed one, else None."""
    return os.environ.get("KGTUNE_BROWSER") or next((path for name in NAMES if (path := shutil.which(name))), None)


WHY_SKIPPED = "no Chromium is installed (Debian: apt-get install chromium), nor does KGTUNE_BROWSER name one"


class Page:
    """One open page. `console` gathers what the browser complains of: errors of scripts, of the policy, of loading."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = to_browser
        self._from = from_browser
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self._loaded = False
        self.console: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.requests: list[str] = []

    def open(self, url: str) -> None:
        """Load a page, to its end."""
        self._loaded = False
        self.send("Page.navigate", url=url)
        deadline = time.monotonic() + START_LIMIT_S
        while not self._loaded:
            self._receive(deadline)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; an exception in it is an error here."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, expression: str, limit_s: float = 20.0) -> None:
        """Ask until an expression is true."""
        deadline = time.monotonic() + limit_s
        while not self.run(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"never true: {expression}"
            self.run("new Promise((done) => setTimeout(done, 20))")

    def press(self, key: str, *, text: str = "", modifiers: int = 0) -> None:
        """Press a key where the focus is: "Tab", "Enter", "ArrowRight" ...; modifiers 2 is Ctrl, 8 is Shift."""
        code = KEY_CODES.get(key, 0)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        typed = {"text": text} if text else {}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **typed)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Put a text where the focus is, as a keyboard or an input method does."""
        self.send("Input.insertText", text=text)

    def click_at(self, x: float, y: float) -> None:
        """Click a place of the window."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def size(self, width: int, height: int) -> None:
        """Give the window a size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)

    def hover(self, selector: str) -> None:
        """Move the pointer over the first element that a selector finds."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}}); "
            "const box = e.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])

    def screenshot(self, path: Path, width: int, height: int) -> None:
        """Write a PNG of the page's top."""
        self.size(width, height)
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(self._from, 1 << 20) if ready else b""
            if not part:
                raise AssertionError("the browser gave no answer")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.console.append(json.dumps(params["exceptionDetails"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.console.append(params["entry"]["text"])
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.console.append(json.dumps(params["args"]))


@contextmanager
def page() -> Iterator[Page]:
    """Start a browser with a profile of its own and open an empty page; end both."""
    path = find()
    assert path is not None, WHY_SKIPPED
    with tempfile.TemporaryDirectory(prefix="kgtune-browser-", ignore_cleanup_errors=True) as profile:
        command = [path, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-sandbox",
                   "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--lang=en-US",
                   "--hide-scrollbars", "--force-color-profile=srgb"]  # fmt: skip
        pid, to_browser, from_browser = _start(command, {**os.environ, "HOME": profile, "LANG": "C.UTF-8"})
        try:
            yield Page(to_browser, from_browser)
        finally:
            os.close(to_browser)  # the browser ends when its pipe does
            os.close(from_browser)
            _end(pid)


def _start(command: list[str], environment: dict[str, str]) -> tuple[int, int, int]:
    """Start the browser with the protocol's pipes as its descriptors 3 and 4, in a process group of its own."""
    read_commands, to_browser = os.pipe()
    from_browser, write_answers = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 16) for fd in (read_commands, write_answers)]
    quiet = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for fd, number in ((quiet, 0), (quiet, 1), (quiet, 2))]
    actions += [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
    pid = os.posix_spawn(command[0], command, environment, file_actions=actions, setpgroup=0)
    for fd in (read_commands, write_answers, quiet, *high):
        os.close(fd)
    return pid, to_browser, from_browser


def _end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return
        select.select([], [], [], 0.05)


if __name__ == "__main__":
    source, picture, *size = sys.argv[1:]
    with page() as opened:
        opened.open(Path(source).resolve().as_uri())
        if len(size) > 2:
            opened.run(size[2])
        opened.screenshot(Path(picture), int(size[0]) if size else 1240, int(size[1]) if size else 1600)
        sys.stderr.write("".join(f"{line}\n" for line in opened.console))
