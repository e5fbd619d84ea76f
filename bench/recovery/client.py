"""One client of many: a non-blocking socket, the least of RFC 6455 that a client needs, and what has become of it."""

import os
import socket
import struct
from collections.abc import Iterator
from typing import Protocol

from recovery.protocols import Bare, Event, Got, In, Say

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_RESET = struct.pack("ii", 1, 0)


class Return:
    """A connection that was made after an earlier one was lost.

    :ivar begun: when the client called connect
    :ivar missing: the confirmed publications that the client had not got then
    :ivar told: when it was in again
    :ivar complete: when the last of the missing ones had come as well
    """

    __slots__ = ("begun", "complete", "first", "missed", "missing", "recovered", "told")

    def __init__(self, begun: float, missing: set[int], first: bool) -> None:
        self.begun, self.missing, self.first, self.missed = begun, missing, first, len(missing)
        self.told: float | None = None
        self.complete: float | None = None
        self.recovered: bool | None = None


class Log(Protocol):
    """What a client's figures come from."""

    def missing(self, client: "Client") -> set[int]:
        """Confirmed publications that it should have, and has not."""


class Client:
    """
    :ivar entered: when it was in for the first time: it is owed all that is published from then on
    :ivar got: numbers of the publications it has
    :ivar returns: the connections that it was told anything on
    """

    def __init__(self, protocol: Bare, log: Log) -> None:
        self.entered: float | None = None
        self.got: set[int] = set()
        self.doubles: list[int] = []
        self.disorder: list[int] = []
        self.returns: list[Return] = []
        self.socket: socket.socket | None = None
        self.inside = False
        self._protocol, self._log = protocol, log
        self._top = 0
        self._data = b""
        self._handshaken = False
        self._now: Return | None = None

    def connect(self, port: int, now: float) -> socket.socket:
        """Begin to connect."""
        self._data, self._handshaken = b"", False
        self._now = Return(now, self._log.missing(self) if self.entered else set(), self.entered is None)
        self.socket = made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.connect_ex(("127.0.0.1", port))
        return made

    def connected(self) -> None:
        """The socket may be written to: the handshake goes out.

        :raises OSError: there is no connection
        """
        assert self.socket is not None
        if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self.socket.send(
            f"GET {self._protocol.path()} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def readable(self, now: float) -> None:
        """
        :raises OSError: the connection is lost
        """
        assert self.socket is not None
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self._data += data
        if not self._handshaken:
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head.partition(b"\r\n")[0].decode())
            self._data, self._handshaken = rest, True
            self._follow(self._protocol.opened(), now)
        for kind, payload in self._frames():
            if kind == _TEXT:
                self._follow(self._protocol.heard(payload.decode()), now)
            elif kind == _PING:
                self._send(_PONG, payload)
            elif kind == _CLOSE:
                raise ConnectionError(f"closed with {int.from_bytes(payload[:2])}")

    def lose(self, *, reset: bool = False) -> None:
        """There is no connection any more.

        :param reset: with a TCP reset, which is how a peer that has gone is noticed
        """
        assert self.socket is not None
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.socket.close()
        self.socket, self.inside = None, False

    def _follow(self, events: Iterator[Event], now: float) -> None:
        for event in events:
            match event:
                case Got(number):
                    self._take(number, now)
                case In(recovered):
                    self._enter(recovered, now)
                case Say(text):
                    self._send(_TEXT, text.encode())

    def _take(self, number: int, now: float) -> None:
        assert self._now is not None
        if number in self.got:
            self.doubles.append(number)
        elif number < self._top:
            self.disorder.append(number)
        self.got.add(number)
        self._top = max(self._top, number)
        if number in self._now.missing:
            self._now.missing.discard(number)
            if not self._now.missing:
                self._now.complete = now

    def _enter(self, recovered: bool | None, now: float) -> None:
        assert self._now is not None
        self.inside = True
        self.entered = self.entered or now
        self._now.told, self._now.recovered = now, recovered
        self.returns.append(self._now)

    def _send(self, kind: int, payload: bytes) -> None:
        assert self.socket is not None
        size = len(payload)
        head = bytes([0x80 | kind, 0x80 | size]) if size < 126 else bytes([0x80 | kind, 0xFE]) + size.to_bytes(2)
        self.socket.send(head + bytes(4) + payload)  # masked with zeros

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        data, at = self._data, 0
        while len(data) >= at + 2:
            kind, size, body = data[at] & 15, data[at + 1], at + 2
            if size >= 126:
                body += 2 if size == 126 else 8
                size = int.from_bytes(data[at + 2 : body])
            if len(data) < body + size:
                break
            at = body + size
            self._data = data[at:]
            yield kind, data[body:at]
