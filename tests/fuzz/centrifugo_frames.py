"""Any bytes as frames of clients of Centrifugo, in both encodings: nothing fails, nothing stays, others go on.

    python -m tests.fuzz.centrifugo_frames CORPUS... [libFuzzer's options, such as -max_total_time=600]

An input is a byte of flags, and frames with `BETWEEN` between them. A client of each encoding is in the channels all
the while, and must hear what is published behind each input.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from twisted.logger import globalLogBeginner

BETWEEN = b"\x00\xff"
PROTOBUF, CONNECTED = 1, 2
CHANNELS = ("open:a", "kept:a", "joins:a", "cache:a")

server: Any = None
watchers: list[Any] = []
known: set[str] = set()
played = 0


class Watcher:
    """A client that hears what others do."""

    def __init__(self, binary: bool) -> None:
        self.binary = binary
        self.client: Any = None

    def come(self) -> None:
        path = "/connection/websocket" + ("?format=protobuf" if self.binary else "")
        self.client = server.connect(path)
        for frame in ({"id": 1, "connect": {}}, *({"id": 2 + at, "subscribe": {"channel": each}}
                      for at, each in enumerate(CHANNELS))):  # fmt: skip
            self.client.send(framed(frame) if self.binary else json.dumps(frame))
        self.client.received()

    def hears(self) -> None:
        """What is published reaches it; JSON has no word for what is none, and ends with 3506."""
        if self.client.close_code == 3506 and not self.binary:
            self.come()
        assert self.client.close_code is None, self.client.close_code
        self.client.received()
        server.result(server.pipeline("/connection/websocket").publish("open:a", b"what all hear"))
        assert self.client.received(), "it hears nothing"


def framed(command: dict[str, Any]) -> bytes:
    from filtered_websocket.filters.centrifugo import protobuf_codec
    from filtered_websocket.filters.centrifugo.json_reader import read
    from filtered_websocket.filters.centrifugo.messages import Command

    data = protobuf_codec.write(read(Command, json.dumps(command).encode()))
    return bytes([len(data)]) + data  # short ones


def one_input(data: bytes) -> None:
    global played
    if not data:
        return
    flags, binary = data[0], bool(data[0] & PROTOBUF)
    client = server.connect("/connection/websocket" + ("?format=protobuf" if binary else ""))
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
    for watcher in watchers:
        watcher.hears()
    hub, state = server.pipeline("/connection/websocket").hub, watchers[0].client.connection.centrifugo.state
    assert set(hub.channels) == known, "a channel has stayed"
    assert len(state.clients) == len(watchers), "a client has stayed"
    server._clients.remove(client)  # in memory it would keep all that ever came
    played += 1
    if played % 1000 == 0:
        print(f"{played} inputs", flush=True)


def seeds(folder: Path) -> None:
    """Inputs that show the way."""
    scenes: list[list[dict[str, Any]]] = [
        [{"id": 1, "connect": {"token": "x", "subs": {"kept:a": {"recover": True, "epoch": "e", "offset": 3}}}}],
        [{"id": 2, "subscribe": {"channel": channel, "recoverable": True, "delta": "fossil"}} for channel in CHANNELS],
        [{"id": 2, "publish": {"channel": "kept:a", "data": {"a": [1, None]}}}] * 3,
        [{"id": 2, "subscribe": {"channel": "open:a", "tf": {"op": "and", "nodes": [{"key": "a", "cmp": "ex"}]}}}],
        [
            {
                "id": 2,
                "history": {"channel": "kept:a", "limit": 5, "since": {"offset": 1, "epoch": "e"}, "reverse": True},
            }
        ],
        [{"id": 2, "presence": {"channel": "open:a"}}, {"id": 3, "presence_stats": {"channel": "open:a"}}],
        [{"id": 2, "rpc": {"method": "x", "data": "é"}}, {"send": {"data": 5}}, {}],
        [{"id": 2, "refresh": {"token": "x"}}, {"id": 3, "sub_refresh": {"channel": "open:a", "token": "y"}}],
    ]
    for at, scene in enumerate(scenes):
        first = bytes([CONNECTED if "connect" not in scene[0] else 0])
        (folder / f"{at}-json").write_bytes(first + BETWEEN.join(json.dumps(each).encode() for each in scene))
        (folder / f"{at}-lines").write_bytes(first + b"\n".join(json.dumps(each).encode() for each in scene))
        binary = bytes([first[0] | PROTOBUF])
        (folder / f"{at}-protobuf").write_bytes(binary + BETWEEN.join(framed(each) for each in scene))
        (folder / f"{at}-several").write_bytes(binary + b"".join(framed(each) for each in scene))


def main() -> None:
    global server
    # Here, for imports of this module where there is no atheris: pytest looks for doctests in it.
    import atheris

    with atheris.instrument_imports(include=["filtered_websocket.filters.centrifugo"]):
        from tests.filters.centrifugo.clients import serving
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    with serving(centrifugo_insecure=True) as server:
        for binary in (False, True):
            watchers.append(Watcher(binary))
            watchers[-1].come()
        known.update(server.pipeline("/connection/websocket").hub.channels)
        begin = Path(tempfile.mkdtemp(prefix="fuzz"))
        seeds(begin)
        atheris.Setup([*sys.argv, str(begin)], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
