"""Socket.IO: channels are namespaces. What is published is an event, which the server's filters may acknowledge."""

from collections.abc import Iterable
from itertools import count
from typing import Any
from urllib.parse import SplitResult

from filtered_websocket.commands.fws_client.protocols.base import (
    Acknowledged,
    BadTerms,
    Call,
    Denied,
    Established,
    Event,
    Frame,
    Heard,
    Subscribed,
    Terms,
    dumps,
    json_object,
    one_line,
)
from filtered_websocket.commands.fws_client.protocols.packets import (
    ACKNOWLEDGEMENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    Packet,
    PacketProtocol,
)


class SocketIO(PacketProtocol):
    names = "optional"
    default = "/"
    acknowledges = True
    joins = True
    returns = False

    def __init__(self, url: SplitResult, terms: Terms) -> None:
        super().__init__(url, terms)
        self._auth = json_object(terms.auth)
        # Not counted anew on the next connection: what one may have lost is sent again as it was.
        self._numbers = count()

    def opened(self) -> Iterable[Event]:
        yield Established()

    def happened(self, packet: Packet) -> Iterable[Event]:
        where, data = packet.namespace, packet.data
        if packet.kind == CONNECT:
            yield from self.sessions.connected(where, data)
            yield Subscribed(where)
        elif packet.kind == CONNECT_ERROR:
            yield Denied(str(data.get("message", data) if isinstance(data, dict) else data), where)
        elif packet.kind == DISCONNECT:
            self.sessions.forget(where)
            yield Denied("the server has put this client out", where)
        elif packet.kind == EVENT and isinstance(data, list) and data:
            name, arguments = data[0], self.sessions.arguments(where, data, packet.number)
            whole = {"namespace": where, "event": name, "arguments": arguments}
            yield Heard(one_line(whole), where, _plain(arguments))
        elif packet.kind == ACKNOWLEDGEMENT and isinstance(data, list) and packet.number is not None:
            whole = {"namespace": where, "acknowledgement": data}
            yield Heard(one_line(whole), where, _plain(data), is_answer=True)
            yield Acknowledged(packet.number)

    def subscribe(self, channel: str) -> Frame:
        said = {**self.sessions.asked(channel), **self._auth}
        return f"40{_at(channel)}{dumps(said) if said else ''}"

    def unsubscribe(self, channel: str) -> Frame:
        self.sessions.forget(channel)
        return f"41{_at(channel)}"

    def publish(self, channel: str, data: Any) -> Frame | Call:
        where = _at(channel or self.default)
        arguments = data if self.terms.arguments and isinstance(data, list) else [data]
        body = dumps([self.terms.event or "message", *arguments])
        if not self.terms.ack:
            return f"42{where}{body}"
        number = next(self._numbers)
        return Call(f"42{where}{number}{body}", number)


def _at(namespace: str) -> str:
    if not namespace.startswith("/") or "," in namespace:
        raise BadTerms(f"{namespace} is no namespace, such as / or /chat")
    return "" if namespace == "/" else f"{namespace},"


def _plain(arguments: list[Any]) -> Any:
    return arguments[0] if len(arguments) == 1 else arguments
