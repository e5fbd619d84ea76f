"""A real browser without a window, spoken to by its own protocol (Chrome DevTools), for pages and their server."""

import json
import os
import re
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.websocket_client import connect

DEADLINE = 30.0
NODE = Path(__file__).parents[1] / "node"


class Browser:
    """Chromium, as `make test-tools` installs it, for the length of a ``with`` block.

    :param profile: an empty folder
    """

    def __init__(self, profile: Path) -> None:
        assert (NODE / "node_modules").exists(), "the browser is not installed: make test-tools"
        unpacked = subprocess.run(
            ["node", "chromium.mjs"], cwd=NODE, capture_output=True, text=True, check=True, timeout=DEADLINE
        )
        chromium = json.loads(unpacked.stdout)
        flags = "--headless --no-sandbox --disable-dev-shm-usage --disable-gpu --no-first-run --remote-debugging-port=0"
        self._process = subprocess.Popen(
            [chromium["path"], *flags.split(), f"--user-data-dir={profile}", "about:blank"],
            env=os.environ | chromium["environment"],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        timer = threading.Timer(DEADLINE, self._process.kill)
        timer.start()
        said = []
        for line in self._process.stderr:
            said.append(line)
            if address := re.search(r"ws://\S+", line):
                break
        else:
            raise AssertionError(f"the browser has not started:\n{''.join(said)}")
        timer.cancel()
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        self._connections = ExitStack()
        self._socket = self._connections.enter_context(connect(address.group(), max_size=None, proxy=None))
        self._number = 0

    def ask(self, method: str, session: str | None = None, **params: Any) -> Any:
        """One command of the protocol, and its result."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": params}
        self._socket.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._socket.recv(DEADLINE))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def open(self, url: str) -> "Page":
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        self.ask("Page.navigate", page.session, url=url)
        return page

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self._connections.close()
        self._process.terminate()
        self._process.wait(DEADLINE)
        assert self._process.stderr is not None
        self._process.stderr.close()


class Page:
    """One open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self.session = session

    def run(self, script: str) -> Any:
        """The value of an expression, a promise's included."""
        answer = self._browser.ask(
            "Runtime.evaluate", self.session, expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str) -> Any:
        """Wait until an expression is true, looked at whenever the page changes; its value."""
        return self.run(
            f"""new Promise((resolve, reject) => {{
                const look = () => {{ const value = {condition}; if (value) resolve(value); return value; }};
                if (look()) return;
                setTimeout(() => reject(new Error({json.dumps(condition)} + " is not true")), {DEADLINE * 900:.0f});
                new MutationObserver(look).observe(document, {{childList: true, subtree: true, characterData: true}});
                document.addEventListener("DOMContentLoaded", look);
            }})"""
        )
