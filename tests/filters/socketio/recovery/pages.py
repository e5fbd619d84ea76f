"""A page with socket.io-client 4.6 or newer, as far as recovery goes: it keeps pid and offset, and says them."""

import json
from typing import Any

from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import WEBSOCKET

Event = tuple[Any, ...]


class Page:
    """
    :param query: more of it
    :ivar recovered: as the client says it
    :ivar events: what its handlers were called with, the offset left out
    """

    def __init__(self, server: Server, query: str = "", namespace: str = "/", auth: Any = None) -> None:
        self.server, self.namespace, self.query, self.auth = server, namespace, query, auth or {}
        self.pid: str | None = None
        self.offset: str | None = None
        self.sid = ""
        self.recovered = False
        self.events: list[Event] = []
        self.acknowledged: list[int] = []
        self.packets: list[str] = []
        self.client: Client
        self.connect()

    @property
    def _where(self) -> str:
        return "" if self.namespace == "/" else f"{self.namespace},"

    def connect(self, server: Server | None = None) -> "Page":
        """Come, or come back."""
        self.server = server or self.server
        self.client = self.server.connect(WEBSOCKET + self.query)
        said = dict(self.auth) if self.pid is None else {"pid": self.pid, "offset": self.offset, **self.auth}
        if said.get("offset", "") is None:
            del said["offset"]
        self.client.send(f"40{self._where}{json.dumps(said) if said else ''}")
        self.sync()
        return self

    def drop(self) -> "Page":
        """Lose the connection."""
        self.sync()
        self.client.abort()
        return self

    def back(self, server: Server | None = None) -> bool:
        """Come back; whether the session goes on."""
        self.connect(server)
        return self.recovered

    def sync(self) -> "Page":
        """Take what has come."""
        for message in self.client.received():
            if isinstance(message, str):
                self._take(message)
        return self

    def _take(self, text: str) -> None:
        if text == "2":
            self.client.send("3")
        if text[:1] in "02":
            return  # the greeting, and pings
        self.packets.append(text)
        where = self._where
        if text.startswith(f"40{where}{{"):
            answer = json.loads(text.removeprefix(f"40{where}"))
            self.recovered = self.pid is not None and answer.get("pid") == self.pid
            self.sid, self.pid = answer["sid"], answer.get("pid")
        elif text.startswith(f"42{where}["):
            self._event(json.loads(text.removeprefix(f"42{where}")))
        elif text.startswith("43"):
            self.acknowledged.append(int(text[2 + len(where) :].partition("[")[0]))

    def _event(self, data: list[Any]) -> None:
        if self.pid is not None and isinstance(data[-1], str):
            self.offset = data.pop()
        self.events.append(tuple(data))

    def taken(self) -> list[Event]:
        """The events since this was last asked."""
        self.sync()
        events, self.events = self.events, []
        return events

    def say(self, event: str, *arguments: Any, ack: int | None = None) -> "Page":
        self.client.send(f"42{self._where}{'' if ack is None else ack}{json.dumps([event, *arguments])}")
        return self.sync()

    def join(self, room: str, **more: Any) -> "Page":
        return self.say("join", {"room": room, **more})
