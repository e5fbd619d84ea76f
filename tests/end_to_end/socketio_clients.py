"""Clients of Socket.IO as others wrote them, each a process of its own: npm's and PyPI's, unmodified."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.end_to_end.raw_client import DEADLINE

TESTS = Path(__file__).parent.parent
PACKAGES = TESTS.parent / "build" / "python"
NODE = {"js-4": "socket.io-client", "js-3": "socket.io-client-3", "js-2": "socket.io-client-2"}
PYTHON = "python"
TRANSPORTS = {"default": ("polling", "websocket"), "polling": ("polling",), "websocket": ("websocket",)}


def python_path(*names: str) -> dict[str, str]:
    """The environment in which these of the packages in build/python are importable, the first one first."""
    for name in names:
        assert (PACKAGES / name).is_dir(), f"build/python/{name} is not there: make test-tools"
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(PACKAGES / name) for name in names)}


class Client:
    """
    :param kind: a key of `NODE`, or `PYTHON`
    :param transports: a key of `TRANSPORTS`
    """

    def __init__(self, kind: str, url: str, transports: str = "default") -> None:
        names = TRANSPORTS[transports]
        environment = None
        if kind == PYTHON:
            environment = python_path("socketio")
            command = [sys.executable, str(TESTS / "python" / "socketio_client.py"), url, ",".join(names)]
        else:
            assert (TESTS / "node" / "node_modules" / NODE[kind]).is_dir(), "not installed: make test-tools"
            options = {} if transports == "default" else {"transports": names}
            command = ["node", str(TESTS / "node" / "socketio.js"), NODE[kind], url, json.dumps(options)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._seen: list[dict[str, Any]] = []
        self._acks = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put({"is": "end"})

    def wait(self, kind: str) -> dict[str, Any]:
        """The next of its kind that it says; others are kept for later."""
        for index, line in enumerate(self._seen):
            if line["is"] == kind:
                return self._seen.pop(index)
        while True:
            line = self._lines.get(timeout=DEADLINE)
            if line["is"] == kind:
                return line
            assert line["is"] != "end", f"ended without {kind!r}: {self._seen}"
            self._seen.append(line)

    def event(self) -> tuple[Any, ...]:
        """The next event: its name and arguments."""
        line = self.wait("event")
        return (line["event"], *line["args"])

    def emit(self, event: str, *args: Any) -> None:
        self._say(event, args, 0)

    def ask(self, event: str, *args: Any) -> list[Any]:
        """Emit, and wait for the acknowledgement's arguments."""
        self._acks += 1
        self._say(event, args, self._acks)
        answer = self.wait("ack")
        assert answer["ack"] == self._acks, answer
        return list(answer["args"])

    def _say(self, event: str, args: Sequence[Any], ack: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"event": event, "args": args, "ack": ack}) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> "Client":
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
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()
