"""Hostile clients, one per function, as processes of their own: ``python attacks.py NAME PORT``.

Each attacks until it is killed, connects anew whenever the server has got rid of it, and prints a line of figures for
what it got to see. It gives way to others in its use of the processor: an attacker has a machine of its own, and is not
to win by taking the server's.
"""

import os
import select
import socket
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + KEY + b"\r\n"
DEFLATE_HEAD = HEAD[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
CHUNKED = b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SOURCE = "127.0.0.2"
"""Attackers come from another address than honest clients."""

port = 0
seen: Counter[str] = Counter()


def frame(payload: bytes, opcode: int, fin: bool = True, rsv1: bool = False) -> bytes:
    """A client's frame; masked with zeros, which costs an attacker nothing."""
    size = len(payload)
    first = bytes([fin << 7 | rsv1 << 6 | opcode])
    if size < 126:
        return first + bytes([0x80 | size]) + bytes(4) + payload
    if size < 65536:
        return first + b"\xfe" + struct.pack("!H", size) + bytes(4) + payload
    return first + b"\xff" + struct.pack("!Q", size) + bytes(4) + payload


def connect(receive_buffer: int = 0) -> socket.socket:
    made = socket.socket()
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.bind((SOURCE, 0))
    made.settimeout(60)
    made.connect(("127.0.0.1", port))
    return made


def opened(head: bytes = HEAD, receive_buffer: int = 0) -> socket.socket:
    made = connect(receive_buffer)
    made.sendall(head)
    answer = made.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(answer[:30])
    return made


def tell(what: str) -> None:
    """A line per second and kind, and one for the first."""
    seen[what] += 1
    if seen[what] == 1:
        print(what, flush=True)


def stream(count: int, chunk: bytes, make: Callable[[], socket.socket], reads: bool, ahead: int = 0) -> None:
    """Send a chunk without end on so many connections, and read what comes, or not; connect anew when one ends.

    :param ahead: of each connection, chunks that may be under way, where each ends in a ping and nothing else is
        answered: the server is never without one, and has few to go through when the attacker has ended; 0: as many as
        the kernel takes
    """
    connections: dict[int, tuple[socket.socket, memoryview]] = {}
    under_way: Counter[int] = Counter()
    poller = select.poll()

    def begin() -> None:
        try:
            made = make()
        except OSError:
            tell("refused")
            return
        made.setblocking(False)
        connections[made.fileno()] = made, memoryview(chunk)
        under_way[made.fileno()] = 0
        poller.register(made, select.POLLOUT | (select.POLLIN if reads else 0))

    while True:
        for _ in range(count - len(connections)):
            begin()
        for number, event in poller.poll(100):
            made, rest = connections[number]
            try:
                if event & select.POLLIN:
                    if not (got := made.recv(1 << 20)):
                        raise ConnectionError
                    if ahead:
                        under_way[number] -= got.count(b"\x8a")  # a pong
                        poller.modify(made, select.POLLOUT | select.POLLIN)
                if event & (select.POLLERR | select.POLLHUP):
                    raise ConnectionError
                if event & select.POLLOUT:
                    sent = made.send(rest)
                    connections[number] = made, rest[sent:] if sent < len(rest) else memoryview(chunk)
                    under_way[number] += sent == len(rest)
                    if ahead and under_way[number] >= ahead:
                        poller.modify(made, select.POLLIN)
                    tell("sent")
            except BlockingIOError:
                pass
            except OSError:
                poller.unregister(number)
                del connections[number]
                made.close()
                tell("ended")


def again_and_again(count: int, data: bytes, answered: bytes, what: str) -> None:
    """Connect, send, read until the end; so many at a time, without end."""
    while True:
        clients = []
        for _ in range(count):
            try:
                clients.append(connect())
                clients[-1].sendall(data)
            except OSError:
                tell("refused")
        for each in clients:
            answer = b""
            try:
                while more := each.recv(65536):
                    answer += more
            except OSError:
                pass
            each.close()
            if answered in answer:
                tell(what)


def drip(count: int, head: bytes, seconds: float) -> None:
    """Send a byte of this on each of so many connections, wait, send the next; an ended one begins anew."""
    clients = [connect() for _ in range(count)]
    at = [0] * count
    while True:
        begin = time.monotonic()
        for number, each in enumerate(clients):
            try:
                each.sendall(head[at[number] : at[number] + 1])
                at[number] = (at[number] + 1) % len(head)
                if select.select([each], [], [], 0)[0] and not each.recv(65536):
                    raise ConnectionError
            except OSError:
                each.close()
                tell("ended")
                try:
                    clients[number], at[number] = connect(), 0
                except OSError:
                    tell("refused")
        time.sleep(max(0, seconds - (time.monotonic() - begin)))


def slow_handshakes() -> None:
    drip(200, HEAD[:-4] + b"x" * 10_000, 0.05)


def slow_bodies() -> None:
    drip(100, b"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n" + b"x" * 59_999, 0.02)


def never_reads() -> None:
    stream(5, frame(b"x" * 60_000, 2) * 20, lambda: opened(receive_buffer=4096), reads=False)


def pings() -> None:
    stream(4, frame(b"", 9) * 40_000, opened, reads=True)


def large_pings() -> None:
    stream(4, frame(b"x" * 125, 9) * 2000, opened, reads=False)


def fragments() -> None:
    def begun() -> socket.socket:
        made = opened()
        made.sendall(frame(b"", 1, fin=False))
        return made

    stream(2, frame(b"", 0, fin=False) * 10_000 + frame(b"", 9), begun, reads=True, ahead=3)


def small_fragments() -> None:
    chunk = frame(b"xy", 1, fin=False) + frame(b"xy", 0, fin=False) * 20_000 + frame(b"xy", 0)
    stream(2, chunk, opened, reads=True)


def bombs() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    bomb = b"".join(deflate.compress(zeros) for _ in range(100)) + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    stream(4, frame(bomb, 2, rsv1=True), lambda: opened(DEFLATE_HEAD), reads=True)


def small_bombs() -> None:
    """Each within the limit: a KiB that becomes nearly a MiB, and of that the answer is a KiB again."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)[:-4]
    stream(4, frame(bomb, 2, rsv1=True) * 50, lambda: opened(DEFLATE_HEAD), reads=True)


def headers() -> None:
    again_and_again(20, HEAD[:-2] + b"a:\r\n" * 4000 + b"\r\n", b" 431 ", "431")


def large_headers() -> None:
    again_and_again(20, HEAD[:-2] + b"a: " + b"x" * 1_000_000, b" 431 ", "431")


def invalid_text() -> None:
    code = struct.pack("!H", 1007)
    again_and_again(10, HEAD + frame(b"\xff\xfe", 1) + frame(code, 8), code, "1007")


def channels() -> None:
    """Join as many as it can think of."""
    code = struct.pack("!H", 1008)
    joins = b"".join(frame(b"+%d" % number, 1) for number in range(10_000))
    again_and_again(10, HEAD + joins + frame(code, 8), code, "1008")


def long_names() -> None:
    code = struct.pack("!H", 1008)
    again_and_again(10, HEAD + frame(b"+" + b"x" * 100_000, 1) + frame(code, 8), code, "1008")


def cross_site() -> None:
    again_and_again(10, HEAD[:-2] + b"Origin: https://evil.example\r\n\r\n", b" 403 ", "403")


def connections() -> None:
    """Hold all that can be had, silently."""
    held: list[socket.socket] = []
    while True:
        try:
            held.append(connect())
        except OSError:
            tell("refused")
        readable = select.select(held, [], [], 0)[0] if len(held) % 50 == 0 else []
        for each in readable:
            held.remove(each)
            each.close()
            tell("ended")
        if len(held) >= 900:
            time.sleep(0.01)


def storm() -> None:
    """Open and go, as fast as it goes."""
    while True:
        try:
            opened().close()
        except OSError:
            tell("refused")


def messages() -> None:
    stream(4, frame(b"x", 1) * 40_000, opened, reads=True)


def requests() -> None:
    """Plain HTTP, as much as it can send."""
    stream(4, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000, connect, reads=True)


def refused_requests() -> None:
    """Plain HTTP that is answered with an error, each as small as can be."""
    stream(4, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2000, connect, reads=True)


def unread_requests() -> None:
    """The same, and never an answer read."""
    stream(4, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2000, connect, reads=False)


def tiny_chunks() -> None:
    """Bodies in chunks of a byte, more than may be."""
    stream(30, CHUNKED + b"1\r\nx\r\n" * 70_000, connect, reads=True)


def two_lengths() -> None:
    """A request behind what one parser takes for the body's end, and another does not."""
    head = CHUNKED[:-2] + b"Transfer-Encoding: identity\r\n\r\n"
    again_and_again(10, head + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", b" 400 ", "400")


def odd_heads() -> None:
    """A header within a header, for a parser that takes for a line what is none."""
    again_and_again(10, HEAD[:-2] + b"User-Agent: x\x0bX-Forwarded-For: 203.0.113.66\r\n\r\n", b" 400 ", "400")


def half_open() -> None:
    """Open, and never say anything again, also not to pings."""
    while True:
        held: list[socket.socket] = []
        while len(held) < 40:
            try:
                held.append(opened())
            except OSError:
                tell("refused")
        for each in held:
            try:
                while each.recv(65536):
                    pass
            except OSError:
                pass
            each.close()
        tell("ended")


if __name__ == "__main__":
    os.nice(10)
    port = int(sys.argv[2])
    globals()[sys.argv[1]]()
