"""A raw client of Socket.IO by each transport: it sends the packets that a test wants, right or wrong."""

import base64
import http.client
import itertools
import json
from typing import Any, Protocol

from tests.support.http_client import ask
from tests.support.raw_client import CLOSE, RawClient, frame

Packet = str | bytes
PATH = "/socket.io/?EIO={}&transport={}"


class Session(Protocol):
    """A client that is in ``/``."""

    def say(self, *packets: Packet) -> None:
        """Send packets in a row; whether the server likes them, `answer` says."""

    def answer(self, event: str) -> Any:
        """The acknowledgement of an event; None if the session has ended."""


class WebSocketSession:
    """
    :param protocol: of Engine.IO, 4 or 3
    :ivar heard: what the server has sent besides
    """

    def __init__(self, port: int, protocol: int) -> None:
        self._client = RawClient(("127.0.0.1", port)).open(PATH.format(protocol, "websocket"))
        self._protocol, self._numbers = protocol, itertools.count(900)
        self.heard: list[str] = []
        assert self._client.text()[0] == "0"
        if protocol == 4:
            self._client.send("40")
        assert self._client.text().startswith("40")

    def say(self, *packets: Packet) -> None:
        for packet in packets:
            data = packet
            if isinstance(packet, bytes):
                data = frame(packet if self._protocol == 4 else b"\4" + packet)
            try:
                self._client.send(data)
            except (BrokenPipeError, ConnectionResetError):
                return

    def answer(self, event: str) -> Any:
        number = next(self._numbers)
        self.say(f"42{number}{json.dumps([event])}")
        while (got := self._client.receive()) is not None and got.opcode != CLOSE:
            text = got.payload.decode("utf-8", "replace")
            if text.startswith(f"43{number}"):
                return json.loads(text.removeprefix(f"43{number}"))
            self.heard.append(text)
            if text == "2" and self._protocol == 4:
                self.say("3")  # else it is ended where the machine is slow
        return None

    def quit(self) -> None:
        self._client.socket.close()


class PollingSession:
    """
    :param protocol: of Engine.IO, 4 or 3
    :param before: what stands in front of `PATH`
    :ivar heard: what the server has sent besides
    """

    def __init__(self, port: int, protocol: int, before: str = "") -> None:
        self._address, self._protocol, self._numbers = ("127.0.0.1", port), protocol, itertools.count(900)
        self._path = before + PATH.format(protocol, "polling")
        self.heard: list[str] = []
        (first, *_) = self._get()
        self.sid = json.JSONDecoder().raw_decode(first[1:])[0]["sid"]
        self._path += f"&sid={self.sid}"
        if protocol == 4:
            self.say("40")
            assert self._get()[0].startswith("40")

    def _get(self) -> list[str]:
        answer = ask(self._address, "GET", self._path)
        return self._read(answer.body.decode("utf-8", "replace")) if answer.status == 200 else []

    def _read(self, body: str) -> list[str]:
        if self._protocol == 4:
            return body.split("\x1e")
        packets = []
        while body:
            length, _, body = body.partition(":")
            packets.append(body[: int(length)])
            body = body[int(length) :]
        return packets

    def post(self, body: bytes) -> int:
        """Post a body as it is; the status, 0 for none."""
        try:
            return ask(self._address, "POST", self._path, body, {"Content-Type": "text/plain;charset=UTF-8"}).status
        except (OSError, http.client.HTTPException):
            return 0

    def say(self, *packets: Packet) -> None:
        parts = [
            packet if isinstance(packet, str) else f"b{'4' if self._protocol == 3 else ''}{_base64(packet)}"
            for packet in packets
        ]
        if self._protocol == 3:
            parts = [f"{len(part.encode('utf-16-le')) // 2}:{part}" for part in parts]
        self.post(("\x1e" if self._protocol == 4 else "").join(parts).encode("utf-8", "surrogatepass"))

    def answer(self, event: str) -> Any:
        number = next(self._numbers)
        self.say(f"42{number}{json.dumps([event])}")
        while packets := self._get():
            for packet in packets:
                if packet.startswith(f"43{number}"):
                    return json.loads(packet.removeprefix(f"43{number}"))
                self.heard.append(packet)
        return None

    def quit(self) -> None:
        self.post(b"1" if self._protocol == 4 else b"1:1")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


TRANSPORTS = {
    "websocket": lambda port: WebSocketSession(port, 4),
    "polling": lambda port: PollingSession(port, 4),
    "websocket of 3": lambda port: WebSocketSession(port, 3),
    "polling of 3": lambda port: PollingSession(port, 3),
}
