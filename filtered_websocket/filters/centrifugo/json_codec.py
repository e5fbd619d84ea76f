"""The JSON encoding: a message a line, in which bytes are embedded JSON."""

from collections.abc import Iterator, Sequence

from filtered_websocket.filters.centrifugo.json_reader import read
from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import Command, EmulationRequest, Push, Reply
from filtered_websocket.filters.centrifugo.wire import JSON, Malformed
from filtered_websocket.messages.strict_json import loads


class JSONCodec:
    """The encoding of clients that name no other."""

    name, binary, ping = JSON, False, b"{}"

    def commands(self, frame: bytes | bytearray) -> Iterator[Command]:
        """The commands in a frame, one for each line.

        :raises Malformed: from the iterator
        """
        lines = frame.split(b"\n")
        if len(lines) > 1 and not lines[-1]:
            lines.pop()
        for line in lines:
            yield read(Command, line)

    def reply(self, reply: Reply) -> bytes:
        """A reply as a line, without its newline."""
        return write(reply)

    def push(self, push: Push) -> bytes:
        """A push as a line, without its newline."""
        return write(push)

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
