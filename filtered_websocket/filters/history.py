"""What a channel has said: clients that come late get the newest messages, and those that were away what they missed.

A client asks in the URL it connects to: ``?since=EPOCH:OFFSET``, the last position it has seen, ``?last=20``, or both:
then the newest 20 are for when what it missed cannot be had. It is answered first, by a JSON text:

    {"position": "f3a9:17", "recovered": true}
    {"position": "f3a9:17", "recovered": false, "reason": "trimmed"}     position null: the channel keeps nothing
    {"position": "f3a9:17"}                                              it has not asked with ``since``

Then comes what it missed, then what is live: each once, in order, each with its position (`history_positions`):

    json     {"position": "f3a9:18", "data": "hello"}, binary messages as {"position": ..., "binary": BASE64}
    prefix   f3a9:18 hello, in binary messages too
    none     hello: no positions, no answer; ``last`` alone is understood

Put the module in front of those that subscribe to the channel: what comes before the answer has no position.

``?client=SECRET``, a random text that a client makes for itself and keeps, lets it be the same client on its next
connection: what it published itself, and is therefore excluded from, does not come back as missed.
"""

import base64
import hashlib
import json
from typing import Any, NamedTuple

from filtered_websocket.config import Option, choice, text
from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    Position,
    Publication,
    Recovery,
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketHandshakeFilter,
    WebSocketStartFilter,
)
from filtered_websocket.limits.channel_rules import rule_for

Message = tuple[bytes, bool]
"""A payload, and whether it is binary."""
BROADCAST = "broadcast_messages"
"""The channel of the filter of that name, which is not imported here: it would come with this one."""
INCOMPLETE = 4110
"""The code that a client is closed with when something is missing that history may have: it should come back."""
POSITIONS_HEADER = "History-Positions"
"""Of the 101: how positions are told, for clients that are no browsers."""
MAX_LAST = 1_000_000
CLIENT_LENGTH = range(16, 129)
"""Characters of a client's secret."""

FOLLOWED = Option(
    "history_channel",
    text,
    BROADCAST,
    'channel that clients get what they missed of; "": none, filters of your own call `history.follow`',
    scope="pipeline",
)
POSITIONS = Option(
    "history_positions",
    choice("json", "prefix", "none"),
    "json",
    'how the position is told with each message: {"position": ..., "data": ...}; in front of it; not at all',
    scope="pipeline",
)
OPTIONS = (FOLLOWED, POSITIONS)
DEFAULTS = {"channels": {BROADCAST: {"history": 100, "history_seconds": 86400.0}}}


class Asked(NamedTuple):
    """What a client asks for in its URL."""

    since: Position | None
    last: int | None


def asked(connection: Connection) -> Asked:
    """What the URL asks for.

    :raises ValueError: what it says is none, or twice
    """
    params = connection.request.params
    for name in ("since", "last", "client"):
        if len(params.get(name, ())) > 1:
            raise ValueError(f"{name} is there twice")
    since, last = params.get("since"), params.get("last")
    if since and connection.pipeline.options.history_positions == "none":
        raise ValueError("since: no positions are told here")
    if last and not (last[0].isascii() and last[0].isdecimal() and len(last[0]) < 9 and int(last[0]) <= MAX_LAST):
        raise ValueError(f"last is a number up to {MAX_LAST}")
    return Asked(Position.read(since[0]) if since else None, int(last[0]) if last else None)


class Ask(WebSocketHandshakeFilter):
    """Refuses what cannot be asked for, and says how positions are told."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> None:
        try:
            asked(web_socket_instance)
            (secret,) = data.params.get("client") or [""]
            if secret and len(secret) not in CLIENT_LENGTH:
                raise ValueError(f"client is a secret of {CLIENT_LENGTH[0]} to {CLIENT_LENGTH[-1]} characters")
        except ValueError as error:
            raise Reject(400, str(error)) from None
        if secret:
            # Others may learn an id: it must not be what takes it.
            web_socket_instance.id = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        web_socket_instance.accept(headers=[(POSITIONS_HEADER, web_socket_instance.pipeline.options.history_positions)])


class CheckRules(WebSocketStartFilter):
    """A channel that keeps nothing is a mistake that nobody would see before a client has missed something."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        options = web_socket_instance.options
        channel = options.history_channel
        if channel and not rule_for(channel, options.channels).get("history"):
            raise ValueError(f'the channel "{channel}" of history_channel keeps nothing: channels wants a rule for it, '
                             f'such as {{"{channel}": {{"history": 100}}}}')  # fmt: skip


class Follow(WebSocketConnectFilter):
    """The client gets what it missed, then what is live."""

    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: None) -> None:
        channel = web_socket_instance.pipeline.options.history_channel
        if channel:
            await follow(web_socket_instance, channel)


async def follow(connection: Connection, channel: str) -> Recovery:
    """Subscribe a connection to a channel that keeps history, as its URL asks: for connect filters of your own.

    :raises NotAllowed: as `connection.subscribe`
    """
    since, last = asked(connection)
    positions = connection.pipeline.options.history_positions

    def answer(recovery: Recovery) -> None:
        if recovery.reason == "storage away" and since is not None:
            _come_back(None)  # with the same position, which may then be good
            return
        answered = [] if positions == "none" else [_answer(recovery, asked=since is not None)]
        missed = [each for publication in recovery.publications for each in publication.messages]
        if answered or missed:
            connection.send_together([*answered, *missed])

    def _come_back(_: Position | None) -> None:
        connection.close(INCOMPLETE, "something is missing that history may have: connect again")

    # Without `last` it is positioned all the same, and told so.
    return await connection.pipeline.recover(
        channel, connection, since=since, last=last or 0, answer=answer, insufficient=_come_back
    )


def _answer(recovery: Recovery, *, asked: bool) -> Message:
    position = recovery.position
    told: dict[str, Any] = {"position": None if position is None else str(position)}
    if asked:
        told["recovered"] = recovery.recovered
        if not recovery.recovered:
            told["reason"] = recovery.reason
    return json.dumps(told).encode(), False


class TellPositions(WebSocketConsumerFilter):
    """Puts its position to each message of a channel that keeps history."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> Publication | None:
        if not isinstance(data, Publication) or data.position is None:
            return None
        tell = _TOLD.get(web_socket_instance.options.history_positions)
        if tell is None:
            return None
        position = data.position
        # A client that was cut off amid several that were published together gets all of them again.
        before = str(position._replace(offset=position.offset - 1))
        *first, newest = data.messages
        told = [*(tell(before, *each) for each in first), tell(str(position), *newest)]
        return type(data)(data.channel, told, data.exclude, position, data.besides)


def _in_json(position: str, payload: bytes, is_binary: bool) -> Message:
    name, value = ("binary", base64.b64encode(payload).decode()) if is_binary else ("data", payload.decode())
    return json.dumps({"position": position, name: value}, ensure_ascii=False, separators=(",", ":")).encode(), False


def _in_front(position: str, payload: bytes, is_binary: bool) -> Message:
    return f"{position} ".encode() + payload, is_binary


_TOLD = {"json": _in_json, "prefix": _in_front}
