"""What all of the pack knows of frames: which encoding a client speaks, and what is no frame.

An encoding is a `Codec`: `json_codec`, `protobuf_codec`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from filtered_websocket.filters.centrifugo.codes import BAD_COMMAND, Disconnect
from filtered_websocket.filters.centrifugo.messages import Command, EmulationRequest, Push, Reply

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


class Codec(Protocol):
    """One encoding.

    :ivar binary: whether its frames are binary ones
    :ivar ping: the empty reply
    """

    name: str
    binary: bool
    ping: bytes

    def commands(self, frame: bytes | bytearray) -> Iterator[Command]:
        """The commands in a frame, one after the other: those before a malformed one are good.

        :raises Malformed: from the iterator
        """

    def reply(self, reply: Reply) -> bytes:
        """A reply, or a push in one, as a frame."""

    def push(self, push: Push) -> bytes:
        """A push alone, as unidirectional clients get it."""

    def emulation(self, body: bytes) -> EmulationRequest:
        """Commands that come by a request of their own.

        :raises Malformed: it holds none
        """

    def joined(self, replies: Sequence[bytes]) -> bytes:
        """Several replies as one frame."""


def asked_for(protocols: Iterable[str], params: Mapping[str, Sequence[str]]) -> tuple[str, str | None]:
    """The encoding that a WebSocket's request asks for, and the subprotocol that is to be echoed."""
    chosen = next((each for each in protocols if each in SUBPROTOCOLS), None)
    wants = PROTOBUF in (*params.get("format", ()), *params.get("cf_protocol", ()))
    return (PROTOBUF if wants else SUBPROTOCOLS.get(chosen or "", JSON)), chosen
