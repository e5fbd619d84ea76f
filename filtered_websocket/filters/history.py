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
from functools import lru_cache
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

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
ASKS = "plain clients"
DEFAULTS = {"channels": {BROADCAST: {"history": 100, "history_seconds": 86400.0}}}


class Asked(NamedTuple):
    """What a client asks for in its URL."""

    since: Position | None = None
    last: int | None = None
    client: str | None = None


def asked(connection: Connection) -> Asked:
    """What the URL asks for.

    :raises ValueError: what it says is none, or twice
    """
    params = connection.request.params
    for name in ("since", "last", "client"):
        if len(params.get(name, ())) > 1:
            raise ValueError(f"{name} is there twice")
    since, last, client = (params.get(name, [None])[0] for name in ("since", "last", "client"))
    if since is not None and connection.pipeline.options.history_positions == "none":
        raise ValueError("since: no positions are told here")
    if last is not None and not (last.isascii() and last.isdecimal() and len(last) < 9 and int(last) <= MAX_LAST):
        raise ValueError(f"last is a number up to {MAX_LAST}")
    if client is not None and len(client) not in CLIENT_LENGTH:
        raise ValueError(f"client is a secret of {CLIENT_LENGTH[0]} to {CLIENT_LENGTH[-1]} characters")
    return Asked(None if since is None else Position.read(since), None if last is None else int(last), client)


NOTHING = Asked()


class Ask(WebSocketHandshakeFilter):
    """Refuses what cannot be asked for, and says how positions are told."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        if "?" in data.uri:
            try:
                wanted = asked(web_socket_instance)
            except ValueError as error:
                raise Reject(400, str(error)) from None
            web_socket_instance.history_asked = wanted  # until `follow` takes it
            if wanted.client is not None:
                # Others may learn an id: it must not be what takes it.
                secret = wanted.client.encode("utf-8", "surrogatepass")
                web_socket_instance.id = hashlib.sha256(secret).hexdigest()[:32]
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
    def filter(cls, web_socket_instance: Connection, data: None) -> Any:
        channel = web_socket_instance.pipeline.options.history_channel
        return follow(web_socket_instance, channel) if channel else None


def follow(connection: Any, channel: str) -> "Deferred[Recovery]":
    """Subscribe a connection to a channel that keeps history, as its URL asks: for connect filters of your own.

    :returns: fires when the client is in the channel; fails with NotAllowed as `connection.subscribe` does
    """
    since, last, _ = vars(connection).pop("history_asked", NOTHING)
    positions = connection.pipeline.options.history_positions

    def answer(recovery: Recovery) -> None:
        if recovery.reason == "storage away" and since is not None:
            _come_back(None)  # with the same position, which may then be good
            return
        if positions != "none":
            told = _answer(recovery.position, since is not None, recovery.recovered, recovery.reason)
            connection.sendMessage(told, False)

    def _come_back(_: Position | None) -> None:
        connection.close(INCOMPLETE, "something is missing that history may have: connect again")

    # Without `last` it is positioned all the same, and told so.
    recovering: Deferred[Recovery] = connection.pipeline.recover(
        channel, connection, since=since, last=last or 0, answer=answer, hand_out=True, insufficient=_come_back
    )
    return recovering


@lru_cache(maxsize=64)  # clients that come back together are told the same
def _answer(position: Position | None, asked: bool, recovered: bool, reason: str) -> bytes:
    told: dict[str, Any] = {"position": None if position is None else str(position)}
    if asked:
        told["recovered"] = recovered
        if not recovered:
            told["reason"] = reason
    return json.dumps(told).encode()


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
