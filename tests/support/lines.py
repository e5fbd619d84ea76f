"""Other people's clients, each a process of its own that speaks in lines of JSON."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.deadlines import joined
from tests.support.python_programs import PythonProgram
from tests.support.raw_client import DEADLINE

TESTS = Path(__file__).parent.parent
PACKAGES = TESTS.parent / "build" / "python"


class Lines:
    """
    :param command: a program that writes objects, each with a member ``is``, and reads lists
    :param imports: modules that it imports by names that it is given, where it is one of Python
    """

    def __init__(self, *command: str, imports: Sequence[str] = (), **environment: str) -> None:
        given = os.environ | environment
        self._process: subprocess.Popen[str] | PythonProgram
        if command[0] == sys.executable:
            script = next(index for index, word in enumerate(command) if word.endswith(".py"))
            self._process = PythonProgram(command[1:script], command[script], command[script + 1 :], given, imports)
        else:
            self._process = subprocess.Popen(
                command, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put({"is": "end"})

    def say(self, *line: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def do(self, *line: Any) -> None:
        """Say a line and wait until it has been obeyed, for programs that say ``done``: what another process does next
        finds them listening."""
        self.say(*line)
        self.wait("done")

    def wait(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next of its kind that it says, with these members; others are kept for later."""

        def fits(line: dict[str, Any]) -> bool:
            return line["is"] == kind and all(line.get(name) == value for name, value in members.items())

        for index, line in enumerate(self._seen):
            if fits(line):
                return self._seen.pop(index)
        # One deadline for all lines: a program that goes on saying other things is heard no longer than a silent one.
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind!r} with {members}: {self._seen}") from None
            if fits(line):
                return line
            assert line["is"] != "end", f"ended without {kind!r}: {self._seen}"
            self._seen.append(line)

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """All of a kind that it has said and nobody has waited for."""
        while not self._lines.empty():
            self._seen.append(self._lines.get_nowait())
        found = [line for line in self._seen if line["is"] == kind]
        self._seen = [line for line in self._seen if line["is"] != kind]
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._process.wait(DEADLINE)
            joined(self._reader)
            self._process.stdout.close()


class PusherJs(Lines):
    """npm's pusher-js and pusher.

    :param app: ``appId``, ``key``, ``secret``, ``host``, ``port``, ``useTLS``
    """

    def __init__(self, app: dict[str, Any], user: str, root: str = "") -> None:
        assert (TESTS / "node" / "node_modules" / "pusher-js").is_dir(), "not installed: make test-tools"
        environment = {"NODE_EXTRA_CA_CERTS": root} if root else {}
        super().__init__("node", str(TESTS / "node" / "pusher.js"), json.dumps(app), user, **environment)
        self.id = ""

    def connected(self) -> "PusherJs":
        self.id = self.wait("connected")["id"]
        return self

    def event(self, channel: str, event: str) -> Any:
        """The data of the next event of a name on a channel."""
        return self.wait("event", channel=channel, event=event)["data"]

    def subscribe(self, channel: str) -> Any:
        self.do("subscribe", channel)
        return self.event(channel, "pusher:subscription_succeeded")

    def api(self, method: str, *arguments: Any) -> tuple[int, Any]:
        """A call of the Node SDK: status and body."""
        self.do("api", method, *arguments)
        answer = self.wait("answer")
        return answer["status"], answer["body"]


class PythonApi(Lines):
    """One object of a package in build/python.

    :param package: the folder
    :param root: a certificate that it trusts, through OpenSSL
    :param before: a folder in which modules are looked for first
    """

    def __init__(self, package: str, module: str, name: str, root: str = "", before: str = "", **keywords: Any) -> None:
        script = str(TESTS / "python" / "calls.py")
        path = os.pathsep.join(filter(None, (before, folder(package))))
        environment = {"SSL_CERT_FILE": root} if root else {}
        arguments = (sys.executable, "-W", "ignore", script, module, name, json.dumps(keywords))
        super().__init__(*arguments, imports=(module,), PYTHONPATH=path, **environment)

    def call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        self.say(method, arguments, keywords)
        answer = self.wait("answer")
        assert "error" not in answer, answer
        return answer["result"]

    def fail(self, method: str, *arguments: Any, **keywords: Any) -> str:
        """The name of the exception that a call ends with."""
        self.say(method, arguments, keywords)
        answer = self.wait("answer")
        assert "error" in answer, answer
        return str(answer["error"])


class PushiSocket(Lines):
    """The socket client of Pushi's own package."""

    def __init__(self, url: str, ident: str, key: str, secret: str) -> None:
        script = str(TESTS / "python" / "pushi_socket.py")
        arguments = (sys.executable, "-W", "ignore", script, url, ident, key, secret)
        super().__init__(*arguments, PYTHONPATH=folder("pushi_service"))
        self.id = self.wait("connect")["id"]

    def call(self, method: str, *arguments: Any, **keywords: Any) -> None:
        self.calls((method, arguments, keywords))

    def calls(self, *calls: tuple[str, tuple[Any, ...], dict[str, Any]]) -> None:
        """Several in a row: its loop does not keep the order of what is given to it one by one."""
        self.say(*calls)

    def subscribe(self, channel: str, **keywords: Any) -> Any:
        self.call("subscribe_pushi", channel, **keywords)
        return self.wait("subscribe", channel=channel)["data"]


def folder(package: str) -> str:
    """The folder of a package in build/python."""
    assert (PACKAGES / package).is_dir(), f"build/python/{package} is not there: make test-tools"
    return str(PACKAGES / package)
