"""Clients of Socket.IO as others wrote them, each a process of its own: npm's and PyPI's, unmodified."""

import json
import os
import sys
from typing import Any

from tests.support.lines import TESTS, Lines, folder

NODE = {"js-4": "socket.io-client", "js-3": "socket.io-client-3", "js-2": "socket.io-client-2"}
PYTHON = {"python": "socketio", "python-4": "socketio-4"}
"""Kinds of clients: of npm, with the package each imports, and of PyPI, each with its folder in build/python."""
TRANSPORTS = {"default": ("polling", "websocket"), "polling": ("polling",), "websocket": ("websocket",)}


def python_path(*names: str) -> dict[str, str]:
    """What the environment says so that these of the packages in build/python are importable, the first one first."""
    return {"PYTHONPATH": os.pathsep.join(folder(name) for name in names)}


class Client(Lines):
    """
    :param kind: a key of `NODE` or of `PYTHON`
    :param transports: a key of `TRANSPORTS`
    """

    def __init__(self, kind: str, url: str, transports: str = "default") -> None:
        names = TRANSPORTS[transports]
        if kind in PYTHON:
            script = str(TESTS / "python" / "socketio_client.py")
            super().__init__(sys.executable, script, url, ",".join(names), **python_path(PYTHON[kind]))
        else:
            assert (TESTS / "node" / "node_modules" / NODE[kind]).is_dir(), "not installed: make test-tools"
            options = {} if transports == "default" else {"transports": names}
            super().__init__("node", str(TESTS / "node" / "socketio.js"), NODE[kind], url, json.dumps(options))
        self._acks = 0

    def event(self) -> tuple[Any, ...]:
        """The next event: its name and arguments."""
        line = self.wait("event")
        return (line["event"], *line["args"])

    def emit(self, event: str, *args: Any) -> None:
        self.say(event, args, 0)

    def ask(self, event: str, *args: Any) -> list[Any]:
        """Emit, and wait for the acknowledgement's arguments."""
        self._acks += 1
        self.say(event, args, self._acks)
        answer = self.wait("ack")
        assert answer["ack"] == self._acks, answer
        return list(answer["args"])
