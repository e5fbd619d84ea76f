"""PORT: the least that Python can do with this package's C: an epoll loop that reads, unmasks, frames and sends.

No filter, no channel, no limit, no state of a connection but its room; what a turn says in a room is joined. What this
takes is the floor of every server in Python on these calls; what the real one takes beyond it is its own.
"""

import socket
import sys
from base64 import b64encode
from hashlib import sha1
from select import EPOLLET, EPOLLIN, EPOLLRDHUP, epoll

from filtered_websocket.messages.frames import make, read
from filtered_websocket.transport.reads import read_ready
from filtered_websocket.transport.sends import bound_send

READ_SIZE = 124 * 1024
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


class Stream:
    __slots__ = ("is_open", "room", "send", "socket")

    def __init__(self, opened):
        self.socket, self.send = opened, bound_send(opened.fileno)
        self.is_open, self.room = False, None


class Server:
    def __init__(self, port):
        self.epoll, self.streams, self.rooms, self.said = epoll(), {}, {}, {}
        self.port = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port.setblocking(False)
        self.epoll.register(self.port.fileno(), EPOLLIN)

    def run(self):
        while True:
            events, at = self.epoll.poll(-1, 1024), 0
            while at < len(events):
                reads = []
                at = read_ready(events, at, self.streams, Stream, READ_SIZE, reads)
                pairs = iter(reads)
                for stream, data in zip(pairs, pairs, strict=True):
                    self.handle(stream, data)
                if not reads and at < len(events):
                    fd = events[at][0]
                    at += 1
                    if fd == self.port.fileno():
                        self.accept()
                    else:
                        self.end(self.streams[fd])
            for room, frames in self.said.items():
                blob = b"".join(frames)
                for stream in self.rooms[room]:
                    stream.send(blob)
            self.said.clear()

    def accept(self):
        while True:
            try:
                opened, _ = self.port.accept()
            except BlockingIOError:
                return
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.streams[opened.fileno()] = Stream(opened)
            self.epoll.register(opened.fileno(), EPOLLIN | EPOLLRDHUP | EPOLLET)

    def end(self, stream):
        self.streams.pop(stream.socket.fileno(), None)
        if stream.room is not None:
            self.rooms[stream.room].remove(stream)
        stream.socket.close()

    def handle(self, stream, data):
        if not data:
            self.end(stream)
        elif not stream.is_open:
            self.open(stream, data)
        else:
            at = 0
            while at < len(data):
                payload, binary, at = read(data, at, 1 << 20)
                if stream.room is None:
                    stream.send(make(payload, binary))
                elif stream.room in self.said:
                    self.said[stream.room].append(make(payload, binary))
                else:
                    self.said[stream.room] = [make(payload, binary)]

    def open(self, stream, head):
        path = head.split(b" ")[1]
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        stream.send(b"%b%b\r\n\r\n" % (_SWITCHING, b64encode(sha1(key + _GUID, usedforsecurity=False).digest())))
        stream.is_open = True
        if path != b"/echo":
            stream.room = path
            self.rooms.setdefault(path, []).append(stream)


if __name__ == "__main__":
    Server(int(sys.argv[1])).run()
