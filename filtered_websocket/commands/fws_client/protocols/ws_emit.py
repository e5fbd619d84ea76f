"""WS-Emit: clients of Socket.IO enter rooms; emitting goes by HTTP, with the secret.

The server acknowledges a join whether it let the client in or not, and does not say which room an event was for.
"""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.commands.fws_client.protocols.base import (
    Answer,
    BadTerms,
    Denied,
    Established,
    Event,
    Frame,
    Heard,
    Post,
    Subscribed,
    dumps,
    of_http,
    one_line,
)
from filtered_websocket.commands.fws_client.protocols.packets import (
    ACKNOWLEDGEMENT,
    CONNECT,
    CONNECT_ERROR,
    EVENT,
    Packet,
    PacketProtocol,
)


class WsEmit(PacketProtocol):
    names = "optional"

    def begin(self) -> None:
        super().begin()
        self._asked: dict[int, str] = {}
        self._number = 0

    def opened(self) -> Iterable[Event]:
        session = self.sessions.asked("/")
        yield Answer(f"40{dumps(session) if session else ''}")

    def happened(self, packet: Packet) -> Iterable[Event]:
        if packet.kind == CONNECT:
            yield from self.sessions.connected("/", packet.data)
            yield Established()
        elif packet.kind == ACKNOWLEDGEMENT and packet.number in self._asked:
            yield Subscribed(self._asked.pop(packet.number))
        elif packet.kind == CONNECT_ERROR:
            yield Denied("the server refuses the namespace" if packet.data is None else dumps(packet.data))
        elif packet.kind == EVENT:
            event = packet.data
            if isinstance(event, list) and event and isinstance(event[0], str):
                arguments = self.sessions.arguments("/", event, packet.number)
                yield Heard(
                    one_line([event[0], *arguments]), event[0], arguments[0] if len(arguments) == 1 else arguments
                )

    def subscribe(self, channel: str) -> Frame:
        secret = {"secret": self.terms.key} if self.terms.key else {}
        self._number += 1
        self._asked[self._number] = channel
        return f"42{self._number}{dumps(['join', {'room': channel, **secret}])}"

    def unsubscribe(self, channel: str) -> Frame:
        return "42" + dumps(["leave", {"room": channel}])

    def publish(self, channel: str, data: Any) -> Post:
        if not self.terms.secret:
            raise BadTerms("clients of WS-Emit do not publish: --secret is wanted, that of POST /emit")
        event = self.terms.event or "message"
        body = {"event": event, "room": channel or None, "data": data, "secret": self.terms.secret}
        url = of_http(self.url, f"{self.url.path.rpartition('/socket.io')[0]}/emit")
        return Post(url, dumps(body).encode(), {"Content-Type": "application/json"})
