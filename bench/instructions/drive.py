"""The fixed run whose instructions are counted: the real `fws_server`, with its clients in the same process.

    drive.py callgrind LIBRARY [CERTIFICATE KEY]
    drive.py bytecodes FILE [CERTIFICATE KEY]

The first is run by valgrind; LIBRARY is callgrind.c, compiled. The second writes how many bytecodes each Python
function has run, for each path, as JSON. With a certificate they drive the paths of TLS, without the others.

The reactor is turned by hand: the clients send, the reactor turns, the clients read. So every run of one commit meets
the same events in the same order. Only the reactor's turns count. The clocks stand still, and random bytes are the same
each time. Nothing here knows more of the package than what its users see, so that it fits older and newer commits.
"""

import itertools
import os
import random
import sys
import time

# Before anything takes them from these modules.
time.time = time.monotonic = time.perf_counter = itertools.repeat(1e9).__next__
os.urandom = random.Random(16).randbytes
# Frames are Python's, the reference: only some checkouts have the C built, and what that saves would hide what all else
# has grown by.
os.environ["FILTERED_WEBSOCKET_NO_EXTENSIONS"] = "1"
# Another number, another layout: all that is made after these lies elsewhere in memory.
ballast = [sys.intern(f"ballast {number}") for number in range(int(os.environ.get("LAYOUT", "0")))]

import collections  # noqa: E402
import ctypes  # noqa: E402
import gc  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import runpy  # noqa: E402
import socket  # noqa: E402
import ssl  # noqa: E402
import traceback  # noqa: E402
from collections.abc import Callable, Iterable, Iterator  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from twisted.internet import main  # noqa: E402
from twisted.internet.tcp import Port  # noqa: E402

CONFIG = Path(__file__).resolve().parent.parent / "config.json"
HEAD = (
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:9000\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\nCookie: session=0123456789abcdef\r\n\r\n"
)
ECHO = "/echo"
# {"read":["c0"],"write":["c0"]}, signed with the empty secret.
TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyZWFkIjpbImMwIl0sIndyaXRlIjpbImMwIl19"
    ".1JHr9QUi7LJjU0Dqip0T7QrFlF-7uZn-Mr16M0XpdeU"
)
MAX_TURNS = 200
"""Turns of the reactor within which an answer comes: one or two do, and an answer that never comes is an error."""


class Callgrind:
    """Counts the instructions of a call; valgrind writes a file for each path."""

    def __init__(self, library: str) -> None:
        self._library = ctypes.CDLL(library)

    def count(self, call: Callable[[], object]) -> None:
        self._library.toggle()
        call()
        self._library.toggle()

    def end(self, path: str) -> None:
        self._library.end_path(path.encode())

    def finish(self) -> None: ...


class Bytecodes:
    """Counts the bytecodes of a call, by Python function."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._paths: dict[str, dict[str, int]] = {}
        self._counts: collections.Counter[Any] = collections.Counter()

    def _trace(self, frame: Any, event: str, _argument: Any) -> Any:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self._counts[frame.f_code] += 1
        return self._trace

    def count(self, call: Callable[[], object]) -> None:
        sys.settrace(self._trace)
        try:
            call()
        finally:
            sys.settrace(None)

    def end(self, path: str) -> None:
        functions: collections.Counter[str] = collections.Counter()
        for code, count in self._counts.items():
            # Without its module: a function that has moved is the same function.
            functions[code.co_qualname] += count
        self._paths[path] = dict(functions)
        self._counts.clear()

    def finish(self) -> None:
        Path(self._file).write_text(json.dumps(self._paths))


class SecureClient:
    """A client that speaks TLS, to the server in its own process.

    :param turn: turns the server's reactor
    """

    _context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _context.check_hostname, _context.verify_mode = False, ssl.CERT_NONE

    def __init__(self, plain: socket.socket, turn: Callable[[], object]) -> None:
        self._plain = plain
        self._arrives, self._leaves = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._arrives, self._leaves)
        for _ in range(MAX_TURNS):
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                plain.sendall(self._leaves.read())
            turn()
            try:
                self._arrives.write(plain.recv(1 << 20, socket.MSG_DONTWAIT))
            except BlockingIOError:
                continue
        raise RuntimeError("no TLS handshake")

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)
        self._plain.sendall(self._leaves.read())

    def recv(self, size: int, flags: int) -> bytes:
        """
        :raises BlockingIOError: there is nothing
        """
        self._arrives.write(self._plain.recv(size, flags))
        received = b""
        try:
            while True:
                received += self._tls.read(size)
        except ssl.SSLWantReadError:
            return received

    def close(self) -> None:
        self._plain.close()


class Clients:
    """Clients of the server in this process."""

    def __init__(self, turn: Callable[[], object], secure: bool = False) -> None:
        self.turn = turn
        self._secure = secure
        self._port = 0
        self._sockets: list[Any] = []

    def wait_for_server(self, reactor: Any) -> None:
        """Turn the reactor until the server answers a handshake."""
        for _ in range(MAX_TURNS):
            reactor.iterate(0)
            ports = [each.getHost().port for each in reactor.getReaders() if isinstance(each, Port)]
            if ports:
                self._port = ports[0]
                if self.connect([ECHO]) == [b"HTTP/1.1 101"]:
                    self.leave()
                    return
                self.leave()
        raise RuntimeError("the server does not answer")

    def connect(self, paths: list[str]) -> list[bytes]:
        """:returns: how each answer begins"""
        for path in paths:
            plain = socket.create_connection(("127.0.0.1", self._port))
            # A large frame waits neither for the server's reads nor for acknowledgements.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 17)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = SecureClient(plain, self.turn) if self._secure else plain
            client.sendall((HEAD % path).encode())
            self._sockets.append(client)
        return [answer[:12] for answer in self._read(self._sockets[-len(paths) :], None)]

    def exchange(self, data: Iterable[bytes], expected: int) -> None:
        """Send these, each from one client, and turn the reactor until so many bytes have come to all."""
        for client, sent in zip(self._sockets, data, strict=False):
            client.sendall(sent)
        self._read(self._sockets, expected)

    def _read(self, clients: list[Any], expected: int | None) -> list[bytes]:
        """:param expected: bytes for each; None: the end of a head"""
        answers = dict.fromkeys(clients, b"")
        waiting = set(clients)
        for _ in range(MAX_TURNS):
            self.turn()
            for client in list(waiting):
                try:
                    answers[client] += client.recv(1 << 20, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue
                answer = answers[client]
                if b"\r\n\r\n" in answer if expected is None else len(answer) >= expected:
                    waiting.remove(client)
            if not waiting:
                return list(answers.values())
        raise RuntimeError(f"{len(waiting)} of {len(clients)} clients wait for an answer")

    def settle(self) -> None:
        """Turn the reactor until all has come that was sent, and pass over it."""
        for _ in range(10):
            self.turn()
            for client in self._sockets:
                with suppress(BlockingIOError):
                    client.recv(1 << 20, socket.MSG_DONTWAIT)

    def come_in(self, paths: list[str], data: bytes, word: bytes) -> None:
        """What clients of a protocol do first: connect, and say who they are. All are answered, with this word."""
        self.connect(paths)
        new = self._sockets[-len(paths) :]
        for client in new:
            client.sendall(data)
        if not all(word in answer for answer in self._read(new, 1)):
            raise RuntimeError(f"clients that have come in are answered without {word!r}")

    def exchange_in_parts(self, parts: list[bytes], expected: int) -> None:
        """Send this from all clients, each part in a turn of its own."""
        for part in parts[:-1]:
            for client in self._sockets:
                client.sendall(part)
            self.turn()
        self.exchange(parts[-1:] * len(self._sockets), expected)

    def connect_and_close(self, paths: list[str], data: bytes, expected: int) -> None:
        """What clients that say one thing do: connect, exchange, and end with the closing handshake."""
        self.connect(paths)
        self.exchange([data + CLOSE] * len(paths), expected + 4)
        waiting = set(self._sockets)
        for _ in range(MAX_TURNS):
            self.turn()
            waiting -= {client for client in waiting if _has_ended(client)}
            if not waiting:
                self.leave()
                self.turn()
                return
        raise RuntimeError(f"{len(waiting)} clients wait for the connection's end")

    def leave(self) -> None:
        """Close all, and let the server see it."""
        for client in self._sockets:
            client.close()
        self._sockets.clear()


def _has_ended(client: socket.socket) -> bool:
    try:
        return not client.recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False


def frame(payload: bytes) -> bytes:
    """A masked binary frame."""
    mask, size = b"\x11\x22\x33\x44", len(payload)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    wide = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    return b"\x82" + (bytes([0x80 | size]) if size < 126 else wide) + mask + masked


def text(payload: bytes) -> bytes:
    """A masked text frame."""
    return b"\x81" + frame(payload)[1:]


CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"


def paths(clients: Clients) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """Each hot path: its name, how often it runs, and one run of it; its clients are there when it is given out."""
    small, middle, large = b"e" * 64, b"m" * 128, frame(b"l" * 65536)
    cut = [large[:40_000], large[40_000:]]

    clients.connect([ECHO] * 50)
    yield "echo", 20, lambda: clients.exchange([frame(small)] * 50, 66)
    clients.leave()
    clients.connect([ECHO] * 10)
    yield "echo, 16 in flight", 10, lambda: clients.exchange([frame(small) * 16] * 10, 16 * 66)
    clients.leave()
    clients.connect(["/c0"] * 200)
    yield "fan-out", 20, lambda: clients.exchange([frame(middle)], 132)
    clients.leave()
    clients.connect(["/c0"] * 10)
    yield "fan-out to 10", 40, lambda: clients.exchange([frame(middle)], 132)
    clients.leave()
    clients.connect([f"/c{number % 10}" for number in range(100)])
    yield "rooms", 10, lambda: clients.exchange([frame(middle)] * 100, 10 * 132)
    clients.leave()
    # Each is in two of nine channels, and the first twenty speak in both of theirs, all in one turn.
    clients.connect([f"/join/a{number % 4}/b{number % 5}" for number in range(60)])
    spoken = [frame(b"a%d " % (at % 4) + middle) + frame(b"b%d " % (at % 5) + middle) for at in range(20)]
    yield "shared channels", 10, lambda: clients.exchange(spoken, 9 * 135)
    clients.leave()
    clients.connect([ECHO] * 10)
    yield "echo of 64 KiB", 4, lambda: clients.exchange([large] * 10, 65546)
    yield "the same in two reads", 4, lambda: clients.exchange_in_parts(cut, 65546)
    clients.leave()
    # What one says goes to the room of all, and comes back by the bus of the pack.
    clients.connect(["/emit/socket.io/?EIO=4&transport=websocket"] * 50)
    clients.exchange([text(b"40") + text(b'42["join",{"room":"a"}]')] * 50, 1)
    clients.settle()
    emitted = b"e" * 64
    said, heard = b'42["m","a","%b"]' % emitted, b'42["m","%b"]' % emitted
    yield "ws_emit to 50", 20, lambda: clients.exchange([text(said)], 2 + len(heard))
    clients.leave()
    # An application of Socket.IO: an event with its acknowledgement, then one that goes to the room of all.
    clients.connect(["/sio/socket.io/?EIO=4&transport=websocket"] * 50)
    clients.exchange([text(b"40") + text(b'42["join","a"]')] * 50, 1)
    clients.settle()
    asked = text(b'420["a","%b"]' % emitted)
    yield "Socket.IO, acknowledged", 20, lambda: clients.exchange([asked] * 50, 2 + len(b'430["%b"]' % emitted))
    yield "Socket.IO to 50", 20, lambda: clients.exchange([text(said)], 2 + len(heard))
    clients.leave()
    # All that it says first in one frame, as its JavaScript SDK does.
    entering = text(b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"kept:a"}}')
    path = "/cen/connection/websocket"
    yield "Centrifugo, coming in", 4, lambda: clients.come_in([path] * 10, entering, b'"subscribe"')
    clients.leave()
    # Each is in one of ten rooms that keep a history, and publishes to it.
    entering = [b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"kept:c%d"}}' % number for number in range(10)]
    for each in entering:
        clients.come_in([path] * 10, text(each), b'"subscribe"')
    clients.settle()
    said = [text(b'{"id":3,"publish":{"channel":"kept:c%d","data":"%b"}}' % (at // 10, middle)) for at in range(100)]
    yield "Centrifugo, rooms", 4, lambda: clients.exchange(said, 10 * len(middle))
    clients.leave()
    yield "handshake", 4, lambda: clients.connect([f"/h{number}" for number in range(10)])
    clients.leave()
    yield "handshake with a token", 4, lambda: clients.connect([f"/philote?auth={TOKEN}"] * 10)
    clients.leave()
    yield "connect, echo, close", 4, lambda: clients.connect_and_close([ECHO] * 10, frame(small), 66)


def secure_paths(clients: Clients) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """The same over TLS. (Its handshake is OpenSSL's, which draws random numbers of its own.)"""
    clients.connect([ECHO] * 20)
    yield "TLS, echo", 20, lambda: clients.exchange([frame(b"e" * 64)] * 20, 66)
    clients.leave()
    clients.connect(["/c0"] * 40)
    yield "TLS, fan-out", 40, lambda: clients.exchange([frame(b"m" * 128)], 132)
    clients.leave()


def drive(reactor: Any, meter: Callgrind | Bytecodes, secure: bool) -> None:
    def turn() -> None:
        reactor.iterate(0)

    clients = Clients(turn, secure)
    clients.wait_for_server(reactor)
    for name, times, run in (secure_paths if secure else paths)(clients):
        for _ in range(3):  # the interpreter specializes what has run a few times
            run()
        gc.collect()  # else it falls into one path or another, with all that is imported
        clients.turn = lambda: meter.count(turn)
        for _ in range(times):
            run()
        clients.turn = turn
        meter.end(name)
    meter.finish()
    sys.stdout.flush()
    os._exit(0)


def drive_or_fail(reactor: Any, meter: Callgrind | Bytecodes, secure: bool) -> None:
    """The reactor would log what is raised, and run on."""
    try:
        drive(reactor, meter, secure)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def begin(meter: Callgrind | Bytecodes, certificate: list[str]) -> None:
    """Run `fws_server`, and drive it as soon as its reactor runs.

    :param certificate: for TLS: its file, and that of its key
    """
    spec = importlib.util.find_spec("filtered_websocket")
    if spec is None or not str(spec.origin).startswith(os.environ["PYTHONPATH"]):
        sys.exit(f"this would count {spec and spec.origin}, not the package in {os.environ['PYTHONPATH']}")
    install = main.installReactor

    def installed(reactor: Any) -> None:
        install(reactor)
        reactor.callWhenRunning(reactor.callLater, 0, drive_or_fail, reactor, meter, bool(certificate))

    main.installReactor = installed
    sys.argv = ["fws_server", "-c", str(CONFIG), "-p", "0", "--log_level", "error"]
    if certificate:
        sys.argv += ["-cert", certificate[0], "-key", certificate[1]]
    runpy.run_module("filtered_websocket", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    begin({"callgrind": Callgrind, "bytecodes": Bytecodes}[sys.argv[1]](sys.argv[2]), sys.argv[3:])
