"""A headless Chromium, driven over a pipe by its DevTools protocol: what a page does when it is really opened."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.cluster import Raw

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
)


def found() -> str | None:
    """Where a Chromium is, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Browser:
    """One page."""

    _to: Any
    _from: int
    _session: str = ""
    _count: int = 0
    _rest: bytes = b""
    events: list[Raw] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> Raw:
        """Ask for something, and keep what happened meanwhile."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                result: Raw = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> Raw:
        while b"\0" not in self._rest:
            part = os.read(self._from, 2**20)
            assert part, "the browser is gone"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: Raw = json.loads(line)
        return message

    def begin(self) -> None:
        """Open a page that tells everything."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, path: Path, *, scheme: str = "light", medium: str = "") -> None:
        """Show a file, in a colour scheme and for a medium."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=medium, features=features)
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._next())

    def happened(self, *methods: str) -> list[Raw]:
        """What of some kinds happened since the page was opened."""
        return [each["params"] for each in self.events if each.get("method") in methods]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Browser]:
    """Start a Chromium and end it."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    options = [*_OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["/bin/bash", "-c", command, program, *options], pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL
    )
    os.close(theirs_in)
    os.close(theirs_out)
    with os.fdopen(ours_out, "wb") as out:
        try:
            page = Browser(out, ours_in)
            page.begin()
            yield page
        finally:
            process.kill()
            process.wait()
            os.close(ours_in)
