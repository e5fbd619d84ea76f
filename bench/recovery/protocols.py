"""What a client says to come back where it was, and what it is told: the protocols of the servers measured, sans-IO."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

ROOM = "c0"


class Say(NamedTuple):
    """A message that the client owes the server now."""

    text: str


class In(NamedTuple):
    """From here on the client gets what is published.

    :ivar recovered: what the server says of the time in between; None: it says nothing, or this is the first time
    """

    recovered: bool | None


class Got(NamedTuple):
    """A publication: what the publisher put into it."""

    number: int


Event = Say | In | Got


class Bare:
    """No recovery: a client that is away misses what is published meanwhile, and is not told."""

    def path(self) -> str:
        return "/"

    def opened(self) -> Iterator[Event]:
        """The handshake is done."""
        yield In(None)

    def heard(self, text: str) -> Iterator[Event]:
        """A message of the server."""
        yield Got(json.loads(text)["n"])


class Plain(Bare):
    """`filtered_websocket.filters.history`: the position in the URL, the answer as the first message."""

    def __init__(self) -> None:
        self._position = ""

    def path(self) -> str:
        return f"/?since={quote(self._position)}" if self._position else "/"

    def opened(self) -> Iterator[Event]:
        yield from ()

    def heard(self, text: str) -> Iterator[Event]:
        packet = json.loads(text)
        self._position = packet["position"]
        if "data" in packet:
            yield Got(json.loads(packet["data"])["n"])
        else:
            yield In(packet.get("recovered"))


class SocketIO(Bare):
    """Socket.IO 5 on Engine.IO 4, over a WebSocket: as the client of npm does it, from 4.6 on."""

    def __init__(self) -> None:
        self._pid = self._offset = ""

    def path(self) -> str:
        return "/socket.io/?EIO=4&transport=websocket"

    def opened(self) -> Iterator[Event]:
        yield from ()

    def heard(self, text: str) -> Iterator[Event]:
        if text == "2":
            yield Say("3")
        elif text.startswith("0"):
            session = {"pid": self._pid} | ({"offset": self._offset} if self._offset else {})
            yield Say("40" + (json.dumps(session) if self._pid else ""))
        elif text.startswith("40"):
            pid, former = json.loads(text[2:] or "{}").get("pid", ""), self._pid
            self._pid, self._recovered = pid, (pid == former if former else None)
            if self._recovered:
                yield In(True)
            else:
                yield Say(f'420["join",{{"room":"{ROOM}"}}]')
        elif text.startswith("430"):
            yield In(self._recovered)
        elif text.startswith("42"):
            _, data, *rest = json.loads(text[2:])
            if self._pid and rest and isinstance(rest[-1], str):
                self._offset = rest[-1]
            yield Got(data["n"])


class Centrifugo(Bare):
    """Centrifugo's protocol in JSON: connect and subscribe are one frame, as centrifuge-js has it."""

    def __init__(self) -> None:
        self._epoch, self._offset = "", 0

    def path(self) -> str:
        return "/connection/websocket"

    def opened(self) -> Iterator[Event]:
        subscribe = {"channel": f"kept:{ROOM}"}
        if self._epoch:
            subscribe |= {"recover": True, "epoch": self._epoch, "offset": self._offset}
        yield Say("\n".join(map(json.dumps, ({"id": 1, "connect": {}}, {"id": 2, "subscribe": subscribe}))))

    def heard(self, text: str) -> Iterator[Event]:
        for line in text.split("\n"):
            packet = json.loads(line)
            if not packet:
                yield Say("{}")
            elif "push" in packet:
                if "pub" not in packet["push"]:  # it is unsubscribed: the server has missed something
                    raise ConnectionError("unsubscribed")
                yield self._publication(packet["push"]["pub"])
            elif "subscribe" in packet:
                answer, was_in = packet["subscribe"], bool(self._epoch)
                self._epoch, self._offset = answer["epoch"], answer.get("offset", 0)
                yield from map(self._publication, answer.get("publications", ()))
                yield In(answer.get("recovered", False) if was_in else None)

    def _publication(self, publication: Any) -> Got:
        self._offset = publication["offset"]
        return Got(publication["data"]["n"])


PROTOCOLS = {"bare": Bare, "plain": Plain, "socketio": SocketIO, "centrifugo": Centrifugo}
