"""What all of the pack knows of frames: which encoding a client speaks, and what is no frame.

An encoding is a `Codec`: `json_codec`, `protobuf_codec`.
"""

import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any, Protocol

from filtered_websocket.filters.centrifugo.codes import BAD_COMMAND, Disconnect
from filtered_websocket.filters.centrifugo.messages import Command, EmulationRequest, Push
from filtered_websocket.messages.message import Message

JSON, PROTOBUF = "json", "protobuf"
DELTA_TYPES = ("fossil",)
SUBPROTOCOLS = {"centrifuge-json": JSON, "centrifuge-protobuf": PROTOBUF}


class Malformed(Disconnect):
    """What no client of the protocol sends: it ends the connection.

    :param why: counted and logged, not told
    """

    def __init__(self, why: str) -> None:
        super().__init__(BAD_COMMAND)
        self.why = why


Asked = tuple[int, str, Any]
"""What a command asks for: its number, the field of the request, and the request; None: it is a pong."""

_REQUESTS = Command._fields[1:]
_NONE: tuple[str, Any] = "", None
_IS = partial(operator.is_not, None)


def asked(command: Command) -> Asked:
    """What a command asks for.

    :raises Malformed: no command is so
    """
    number, *requests = command
    name, request = next(compress(zip(_REQUESTS, requests, strict=True), map(_IS, requests)), _NONE)
    if request is None:
        if number:
            raise Malformed("a command that asks for nothing")
    elif (not number and name != "send") or getattr(request, "channel", None) == "":
        raise Malformed(f"{name} without an id, or without a channel")
    return number, name, request


class Codec(Protocol):
    """One encoding.

    :ivar binary: whether its frames are binary ones
    :ivar ping: the empty reply
    """

    name: str
    binary: bool
    ping: bytes

    def commands(self, frame: bytes | bytearray) -> Iterator[Asked]:
        """What the commands in a frame ask for, one after the other: those before a malformed one are good.

        :raises Malformed: from the iterator
        """

    def reply(self, number: int, name: str, value: Any) -> bytes:
        """A reply as a frame.

        :param number: of the command; 0: it is a push
        :param name: the field of a reply that the value stands in
        """

    def push(self, push: Push) -> bytes:
        """A push alone, as unidirectional clients get it."""

    def usual_push(self, channel: str, message: Message) -> bytes | None:
        """A push of what was published in a reply, if it is usual, and there is a shorter way to that than `reply`."""

    def emulation(self, body: bytes) -> EmulationRequest:
        """Commands that come by a request of their own.

        :raises Malformed: it holds none
        """

    def joined(self, replies: Sequence[bytes]) -> bytes:
        """Several replies as one frame."""


def asked_for(protocols: Sequence[str], params: Mapping[str, Sequence[str]]) -> tuple[str, str | None]:
    """The encoding that a WebSocket's request asks for, and the subprotocol that is to be echoed."""
    chosen = next((each for each in protocols if each in SUBPROTOCOLS), None) if protocols else None
    if not params:
        return SUBPROTOCOLS.get(chosen or "", JSON), chosen
    wants = PROTOBUF in (*params.get("format", ()), *params.get("cf_protocol", ()))
    return (PROTOBUF if wants else SUBPROTOCOLS.get(chosen or "", JSON)), chosen
