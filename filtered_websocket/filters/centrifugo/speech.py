"""What filters in front of the pack say to its clients, and hear of them (`chain.speech`).

<- {"push":{"message":{"data":{"presence":...}}}}               client.on("message", ...)
<- {"id":3,"error":{"code":107,"message":"bad request: ..."}}    to a command that a filter refuses
"""

from collections.abc import Iterator
from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.speech import Payload, Speech
from filtered_websocket.filters.centrifugo.codes import BAD_REQUEST
from filtered_websocket.filters.centrifugo.messages import ErrorResult
from filtered_websocket.filters.centrifugo.session import Session
from filtered_websocket.filters.centrifugo.unidirectional import Unidirectional
from filtered_websocket.filters.centrifugo.wire import Asked, Malformed
from filtered_websocket.messages.strict_json import loads

CHANNELS = {"publish": "channel", "rpc": "method"}
"""What else an application says in a command, beside its data."""
COMMANDS = (*CHANNELS, "send")


class CentrifugoSpeech(Speech):
    def tell(self, connection: Connection, name: str, value: dict[str, Any]) -> bool:
        session = Session.of(connection)
        if session is None or not session.connected:
            return False
        session.send(value)
        return True

    def refuse(self, connection: Connection, data: Payload, name: str, value: dict[str, Any]) -> None:
        session, reason = Session.of(connection), str(value.get("reason", name))
        if session is None:
            return
        for number, _, _ in _commands(session, data):
            if number:
                session.reply(number, "error", ErrorResult(BAD_REQUEST, f"bad request: {reason}", False))
            else:
                self.tell(connection, name, value)

    def said(self, connection: Connection, data: Payload) -> list[Any]:
        session, said = Session.of(connection), []
        for _, name, request in () if session is None else _commands(session, data):
            if name not in COMMANDS:
                continue
            about = {"event": name}
            if name in CHANNELS:
                about[CHANNELS[name]] = getattr(request, CHANNELS[name])
            try:
                said.append(about | {"data": loads(request.data or b"null")})
            except ValueError as error:
                raise ValueError(f"no JSON: {error}") from None
        return said


def _commands(session: Session, data: Payload) -> Iterator[Asked]:
    """Those of a frame, up to one that is malformed; a client that only listens has none."""
    if isinstance(session, Unidirectional):
        return
    try:
        yield from session.encoding.codec.commands(data.encode() if isinstance(data, str) else data)
    except Malformed:
        return
