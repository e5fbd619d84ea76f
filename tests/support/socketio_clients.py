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


class Returning(Lines):
    """npm's socket.io-client 4, which reconnects by itself.

    :param transports: a key of `TRANSPORTS`
    :param options: more of its own
    :ivar id: its id in the namespace
    """

    def __init__(self, url: str, transports: str = "default", **options: Any) -> None:
        assert (TESTS / "node" / "node_modules" / NODE["js-4"]).is_dir(), "not installed: make test-tools"
        names = {} if transports == "default" else {"transports": TRANSPORTS[transports]}
        super().__init__("node", str(TESTS / "node" / "recovery.js"), NODE["js-4"], url, json.dumps(names | options))
        self._acks = 0
        self._upgrades = transports == "default"
        self.id = ""
        assert not self.comes_back()

    def comes_back(self) -> bool:
        """Wait until it is connected, by the transport with which it stays; whether its session goes on."""
        line = self.wait("connect")
        if self._upgrades:
            # A connection that is lost in the middle of that is one which the client misses by its pings alone.
            self.wait("upgrade")
        self.id = line["id"]
        return bool(line["recovered"])

    def event(self) -> tuple[Any, ...]:
        """The next event: its name and arguments, the offset left out."""
        line = self.wait("event")
        return (line["event"], *line["args"])

    def command(self, *words: Any) -> None:
        """What `does` in the program has."""
        self.say("do", words)

    def emit(self, event: str, *arguments: Any) -> None:
        self.say(event, arguments)

    def ask(self, event: str, *arguments: Any) -> list[Any]:
        """Emit, and wait for the acknowledgement's arguments."""
        self._acks += 1
        self.say(event, arguments, self._acks)
        return list(self.wait("ack", ack=self._acks)["args"])
