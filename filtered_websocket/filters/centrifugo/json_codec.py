"""The JSON encoding: a message a line, in which bytes are embedded JSON."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from filtered_websocket.filters.centrifugo.envelope import info_of, usual_parts
from filtered_websocket.filters.centrifugo.json_reader import read
from filtered_websocket.filters.centrifugo.json_usual import usual, usual_frame
from filtered_websocket.filters.centrifugo.json_writer import REMEMBERED, write
from filtered_websocket.filters.centrifugo.messages import (
    Command,
    ConnectResult,
    EmulationRequest,
    Push,
    SubscribeResult,
)
from filtered_websocket.filters.centrifugo.namespaces import REMEMBERED as CHANNELS
from filtered_websocket.filters.centrifugo.wire import JSON, Asked, Malformed, asked
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.strict_json import loads, quote

_SUBS = ConnectResult._fields.index("subs")


@lru_cache(REMEMBERED)
def _info(block: bytes) -> bytes:
    return write(info_of(block))


@lru_cache(REMEMBERED)
def _subscribed(result: SubscribeResult) -> bytes:
    # All that come to a channel meanwhile are told the same.
    return write(result)


@lru_cache(REMEMBERED)
def _connected(before: tuple[Any, ...], behind: tuple[Any, ...]) -> bytes:
    # What stands behind a client's id, before and behind its subscriptions, of which there are none: the same for all.
    rest = write(ConnectResult._make(("", *before, {}, *behind)))[1:]
    return rest if rest == b"}" else b"," + rest


@lru_cache(CHANNELS)
def _quoted(channel: str) -> bytes:
    return quote(channel).encode()


class JSONCodec:
    """The encoding of clients that name no other."""

    name, binary, ping = JSON, False, b"{}"

    def commands(self, frame: bytes | bytearray) -> Iterator[Asked]:
        """The commands in a frame, one for each line.

        :raises Malformed: from the iterator
        """
        lines = frame.split(b"\n")
        if len(lines) > 1:
            together = usual_frame(frame)
            if together is not None:
                yield from together
                return
            if not lines[-1]:
                lines.pop()
        for line in lines:
            yield usual(line) or asked(read(Command, line))

    def reply(self, number: int, name: str, value: Any) -> bytes:
        """A reply as a line, without its newline."""
        if number:
            if name == "subscribe" and not (value.publications or value.data):
                return b'{"id":%d,"subscribe":%b}' % (number, _subscribed(value))
            if name == "connect" and not (value.subs or value.data or value.expires or value.session):
                rest = _connected(value[1:_SUBS], value[_SUBS + 1 :])
                return b'{"id":%d,"connect":{"client":%b%b}' % (number, quote(value.client).encode(), rest)
            return b'{"id":%d,"%b":%b}' % (number, name.encode(), write(value) if value else b"{}")
        return b'{"%b":%b}' % (name.encode(), write(value))

    def push(self, push: Push) -> bytes:
        """A push as a line, without its newline."""
        return write(push)

    def usual_push(self, channel: str, message: Message) -> bytes | None:
        """A push of a usual publication in a reply: what `reply` makes of it, without the messages in between."""
        publication = usual_parts(message)
        if publication is None:
            return None
        data, block, offset = publication
        if not data or b"\n" in data or b"\r" in data:
            return None
        try:
            info = _info(block)
        except ValueError:
            return None
        if not offset:
            return b'{"push":{"channel":%b,"pub":{"data":%b,"info":%b}}}' % (_quoted(channel), data, info)
        return b'{"push":{"channel":%b,"pub":{"data":%b,"info":%b,"offset":%d}}}' % (
            _quoted(channel), data, info, offset,
        )  # fmt: skip

    def emulation(self, body: bytes) -> EmulationRequest:
        """Commands that come by a request of their own, in a text.

        :raises Malformed: it holds none
        """
        try:
            said = loads(body)
            node, session, data = ("" if each is None else each for each in map(said.get, ("node", "session", "data")))
        except (ValueError, AttributeError):
            raise Malformed("an object with node, session and data is wanted") from None
        if not (isinstance(node, str) and isinstance(session, str) and isinstance(data, str)):
            raise Malformed("node, session and data are texts")
        return EmulationRequest(node, session, data.encode("utf-8", "replace"))

    def joined(self, replies: Sequence[bytes]) -> bytes:
        """Replies as lines."""
        return b"\n".join(replies)
