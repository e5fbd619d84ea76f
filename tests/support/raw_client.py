"""A small synchronous WebSocket client that sends exactly the bytes a test wants, right or wrong."""

import os
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

DEADLINE = 15.0
"""Seconds: long for a busy machine; a test that passes never waits for it."""

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0


class Response(NamedTuple):
    status: int
    reason: str
    headers: list[tuple[str, str]]

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def frame(
    payload: bytes | str, opcode: int | None = None, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\x37\xfa!="
) -> bytes:
    """A client's frame; ``mask`` None leaves it unmasked."""
    kind = opcode if opcode is not None else TEXT if isinstance(payload, str) else BINARY
    data = payload.encode() if isinstance(payload, str) else payload
    size, first, bit = len(data), bytes([fin << 7 | rsv << 4 | kind]), 0x80 if mask is not None else 0
    if size < 126:
        head = first + bytes([bit | size])
    elif size < 65536:
        head = first + bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head = first + bytes([bit | 127]) + struct.pack("!Q", size)
    if mask is None:
        return head + data
    pad = (mask * (size // 4 + 1))[:size]
    masked = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
    return head + mask + masked


def close_frame(code: int | None = 1000, reason: str = "") -> bytes:
    return frame(b"" if code is None else struct.pack("!H", code) + reason.encode(), CLOSE)


def close_of(closing: Frame) -> tuple[int | None, str]:
    """Code and reason of a close frame."""
    assert closing.opcode == CLOSE, closing
    return (struct.unpack("!H", closing.payload[:2])[0] if closing.payload else None), closing.payload[2:].decode()


def head(path: str = "/", headers: Sequence[tuple[str, str]] = (), host: str = "localhost") -> bytes:
    """The request of an opening handshake."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@cache
def _trusting() -> ssl.SSLContext:
    # One for all: a default context reads the system's authorities each time, which takes longer than the handshake.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class RawClient:
    """
    :param address: ``(host, port)``, or the path of a Unix socket
    :param tls: speak TLS, trusting nobody in particular
    :param receive_buffer: of the kernel, in bytes; small, for a client that reads slowly
    :param source: the address it comes from: any of 127.0.0.0/8 is this machine's
    """

    def __init__(self, address: Any, tls: bool = False, receive_buffer: int = 0, source: str = "") -> None:
        named = isinstance(address, str)
        family = socket.AF_UNIX if named else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        if source:
            self.socket.bind((source, 0))
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = _trusting().wrap_socket(self.socket, server_hostname="localhost")
        self._data = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()

    def send(self, *parts: bytes | str) -> None:
        """Send: bytes as they are, a str as a text frame."""
        self.socket.sendall(b"".join(frame(part) if isinstance(part, str) else part for part in parts))

    def send_bytewise(self, data: bytes) -> None:
        for each in data:
            self.socket.sendall(bytes([each]))

    def response(self) -> Response:
        """Read the head of an HTTP response."""
        while b"\r\n\r\n" not in self._data:
            assert self._more(), f"ended within the response: {self._data!r}"
        text, _, self._data = self._data.partition(b"\r\n\r\n")
        status, *lines = text.decode("latin-1").split("\r\n")
        _, code, reason = status.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return Response(int(code), reason, headers)

    def open(self, path: str = "/", headers: Sequence[tuple[str, str]] = (), host: str = "localhost") -> "RawClient":
        """Do the opening handshake; refused is a failure."""
        self.send(head(path, headers, host))
        response = self.response()
        assert response.status == 101, response
        return self

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            return False
        self._data += data
        return bool(data)

    def _take(self, size: int) -> bytes | None:
        while len(self._data) < size:
            if not self._more():
                return None
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def receive(self) -> Frame | None:
        """The next frame that is no ping, None at the end of the connection. Pings are answered: on a busy machine any
        test may outlast the interval between them."""
        while (got := self.receive_any()) is not None and got.opcode == PING:
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send(frame(got.payload, PONG))
        return got

    def receive_any(self) -> Frame | None:
        """The next frame, also a ping, which is not answered. None at the end of the connection."""
        first = self._take(2)
        if first is None:
            assert not self._data, f"ended within a frame: {self._data!r}"
            return None
        assert not first[1] & 0x80, "a server does not mask"
        size = first[1]
        if size == 126:
            size = struct.unpack("!H", self._take(2) or b"")[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8) or b"")[0]
        payload = self._take(size) if size else b""
        assert payload is not None, "ended within a frame"
        return Frame(first[0] & 15, payload, bool(first[0] & 0x80), first[0] >> 4 & 7)

    def text(self) -> str:
        """The next message, which must be a text."""
        got = self.receive()
        assert got is not None, "the connection ended where a text was wanted"
        assert got.opcode == TEXT, got
        return got.payload.decode()

    def frames(self) -> Iterator[Frame]:
        """All frames until the end."""
        while (got := self.receive()) is not None:
            yield got

    def closed(self) -> tuple[int | None, str]:
        """Code and reason of the close frame that must be next, answered; then the connection's end."""
        got = self.receive()
        assert got is not None, "ended without a close frame"
        code_reason = close_of(got)
        try:
            self.send(frame(got.payload, CLOSE))
        except (BrokenPipeError, ConnectionResetError):
            pass  # after a second violation the server waits for no answer
        self.ended()
        return code_reason

    def ended(self) -> None:
        """The server ends the connection, and sends nothing more."""
        assert self.body() == b""

    def body(self) -> bytes:
        """What comes until the end."""
        while self._more():
            pass
        rest, self._data = self._data, b""
        return rest

    def quit(self) -> None:
        """Close as the RFC has it."""
        self.send(close_frame())
        list(self.frames())
        self.socket.close()

    def reset(self) -> None:
        """End without a word: a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closing through the descriptor: over TLS no close alert may go before it.
        os.close(self.socket.detach())


def wait_until(predicate: Any, deadline: float = DEADLINE) -> Any:
    """Ask again until the answer is true; that answer. For what another process does and tells nobody of."""
    end = time.monotonic() + deadline
    while not (answer := predicate()):
        if time.monotonic() > end:
            raise TimeoutError(f"not so within {deadline} s: {predicate}")
        time.sleep(0.01)
    return answer
