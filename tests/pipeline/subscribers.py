"""Subscribers of a hub: on sockets of their own, and without; and a turn that ends when a test says so."""

import socket
import zlib

from tests.messages.test_frames import parse


class Turn:
    """A reactor's turn that ends when the test says so."""

    def __init__(self):
        self.calls = []

    def __call__(self, call):
        self.calls.append(call)

    def end(self):
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class OnSocket:
    """A subscriber with a socket of its own, which buffers what the kernel refuses, as a connection does."""

    def __init__(self, name, window_bits=0, send_buffer=0):
        self.id = name
        self.channels = set()
        self.window_bits = window_bits
        self.socket, self.peer = socket.socketpair()
        if send_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, send_buffer)
        self.socket.setblocking(False)
        self.peer.setblocking(False)
        self.waiting = b""
        self.delivered = []
        self.hub = None
        self.raw = b""
        self.corked = b""
        self.encoding = None
        self.sent = []

    @property
    def direct(self):
        return None if self.waiting or self.window_bits or self.socket.fileno() < 0 else self._send

    def _send(self, blob):
        self.sent.append(blob)
        return self.socket.send(blob)

    def uncork(self):
        held, self.corked = self.corked, b""
        if held:
            self.write(held)

    def deliver(self, batch, policy):
        self.delivered.append((batch, policy))
        self.uncork()
        self.write(batch.deflated(self.window_bits) if self.window_bits else batch.plain)

    def finish(self, blob, sent):
        self.write(blob[sent:])

    def reply(self, blob):
        """Send to this one alone, at the end of the turn."""
        if self.hub.dirty:
            self.hub.settle(self)
        if not self.corked:
            self.hub.cork(self)
        self.corked += blob

    def write(self, data):
        waited, self.waiting = bool(self.waiting), self.waiting + data
        self.drain()
        if bool(self.waiting) != waited:
            self.hub.refresh(self)

    def drain(self):
        try:
            while self.waiting:
                self.waiting = self.waiting[self.socket.send(self.waiting) :]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting = b""

    def received(self):
        """The payloads this subscriber's peer has got, in order; drains what waits."""
        while True:
            try:
                data = self.peer.recv(1 << 20)
            except BlockingIOError:
                data = b""
            self.raw += data
            waited = bool(self.waiting)
            self.drain()
            if not data and not waited:
                break
        payloads, at = [], 0
        while at < len(self.raw):
            frame = parse(self.raw, at)
            assert frame is not None, "half a frame"
            inflate = zlib.decompressobj(-15)
            payloads.append(inflate.decompress(frame.payload + b"\0\0\xff\xff") if frame.rsv else frame.payload)
            at = frame.end
        self.raw = b""
        return payloads

    def close(self):
        self.socket.close()
        self.peer.close()


class Session:
    """A subscriber that is no connection: it has no socket, and keeps messages for those that ask."""

    direct = None

    def __init__(self, name):
        self.id, self.channels, self.messages, self.policies = name, set(), [], set()

    def deliver(self, batch, policy):
        self.messages += batch.messages
        self.policies.add((batch.channel, policy))

    def finish(self, blob, sent):
        raise AssertionError("it has no socket")


def text(*payloads):
    return tuple((payload.encode(), False) for payload in payloads)


class Talks:
    """A subscriber that is no connection, which writes down what reaches it. No server's end ends it: see `part`."""

    direct = None

    def __init__(self, name: str = "talks") -> None:
        self.id, self.channels, self.heard = name, set(), []

    def deliver(self, batch, policy):
        self.heard += [payload.decode() for payload, _ in batch.messages]

    def finish(self, blob, sent):
        raise AssertionError("it has no socket")


def part(server):
    """Let all leave that are no connections, as a pack lets its sessions leave when a server ends."""
    for pipeline in server.server.pipelines:
        for name in list(pipeline.hub.channels):
            for each in [each for each in pipeline.hub.subscribers(name) if isinstance(each, Talks)]:
                pipeline.unsubscribe(name, each)
