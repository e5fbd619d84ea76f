"""What a program says on its standard error, in the log."""

from typing import Any

from twisted.logger import Logger

from filtered_websocket.errors import printable

_log = Logger()

LONGEST = 1000
"""Bytes of a line that are told."""
MOST = 20
"""Lines that are told in `SECONDS`. The others are counted."""
SECONDS = 10.0


class ErrorLines:
    """
    :param name: of the program
    """

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor, self._name = reactor, name
        self._rest = b""
        self._told = self._untold = 0
        self._since = 0.0

    def read(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LONGEST]
        for line in lines:
            self._tell(line)

    def end(self) -> None:
        if self._rest:
            self._tell(self._rest)
        self._rest = b""
        self._tell_of_others()

    def _tell(self, line: bytes) -> None:
        now = self._reactor.seconds()
        if now - self._since >= SECONDS:
            self._tell_of_others()
            self._since, self._told = now, 0
        if self._told == MOST:
            self._untold += 1
            return
        self._told += 1
        text = printable(line[:LONGEST].decode("utf-8", "replace").rstrip("\r"))
        _log.warn("exec_pipe: {name}: {text}", name=self._name, text=text)

    def _tell_of_others(self) -> None:
        if self._untold:
            _log.warn("exec_pipe: {name}: {count} more lines of standard error", name=self._name, count=self._untold)
        self._untold = 0
