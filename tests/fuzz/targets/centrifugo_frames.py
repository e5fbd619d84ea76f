"""Any bytes as frames of clients of Centrifugo, in both encodings: nothing fails, nothing stays, others go on.

An input is a byte of flags, and frames with `BETWEEN` between them. A client of each encoding is in the channels all
the while, and must hear what is published behind each input.
"""

import json
from contextlib import ExitStack
from typing import Any

from filtered_websocket.filters.centrifugo import protobuf_codec
from filtered_websocket.filters.centrifugo.json_reader import read
from filtered_websocket.filters.centrifugo.messages import Command
from tests.filters.centrifugo.clients import serving

BETWEEN = b"\x00\xff"
PROTOBUF, CONNECTED = 1, 2
CHANNELS = ("open:a", "kept:a", "joins:a", "cache:a")
PATH = "/connection/websocket"


class Watcher:
    """A client that hears what others do."""

    def __init__(self, server: Any, binary: bool) -> None:
        self._server, self._binary = server, binary
        self.come()

    def come(self) -> None:
        self.client = self._server.connect(PATH + ("?format=protobuf" if self._binary else ""))
        for frame in ({"id": 1, "connect": {}}, *({"id": 2 + at, "subscribe": {"channel": each}}
                      for at, each in enumerate(CHANNELS))):  # fmt: skip
            self.client.send(framed(frame) if self._binary else json.dumps(frame))
        self.client.received()

    def hears(self) -> None:
        """What is published reaches it; JSON has no word for what is none, and ends with 3506."""
        if self.client.close_code == 3506 and not self._binary:
            self.come()
        assert self.client.close_code is None, self.client.close_code
        self.client.received()
        self._server.result(self._server.pipeline(PATH).publish("open:a", b"what all hear"))
        assert self.client.received(), "it hears nothing"


def framed(command: dict[str, Any]) -> bytes:
    data = protobuf_codec.write(read(Command, json.dumps(command).encode()))
    return bytes([len(data)]) + data  # short ones


class Target:
    def __init__(self) -> None:
        self._while_open = ExitStack()
        self._server = self._while_open.enter_context(serving(centrifugo_insecure=True))
        self._watchers = [Watcher(self._server, binary) for binary in (False, True)]
        self._known = set(self._server.pipeline(PATH).hub.channels)

    def __call__(self, data: bytes) -> None:
        if not data:
            return
        server, flags, binary = self._server, data[0], bool(data[0] & PROTOBUF)
        client = server.connect(PATH + ("?format=protobuf" if binary else ""))
        if flags & CONNECTED:
            connect = {"id": 1, "connect": {}}
            client.send(framed(connect) if binary else json.dumps(connect))
        for frame in data[1:].split(BETWEEN):
            if client.close_code is None:
                client.send(frame if binary else frame.decode("utf-8", "replace"))
        client.received()
        if client.close_code is None:
            client.close()
        assert client.close_code in (1000, 1005, 1009) or 3000 <= client.close_code < 5000, client.close_code
        assert not server.errors
        for watcher in self._watchers:
            watcher.hears()
        hub, state = server.pipeline(PATH).hub, self._watchers[0].client.connection.centrifugo.state
        assert set(hub.channels) == self._known, "a channel has stayed"
        assert len(state.clients) == len(self._watchers), "a client has stayed"

    def close(self) -> None:
        self._while_open.close()
