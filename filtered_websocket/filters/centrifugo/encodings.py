"""What is published, as clients get it: once for all that speak JSON, and once for all that speak protobuf."""

from collections.abc import Sequence

from filtered_websocket.filters.centrifugo.codes import Disconnect
from filtered_websocket.filters.centrifugo.envelope import JOIN, LEAVE, PATCH, Envelope, plain, unpack
from filtered_websocket.filters.centrifugo.messages import Disconnected, Join, Leave, Publication, Push
from filtered_websocket.filters.centrifugo.messages import Message as ForOne
from filtered_websocket.filters.centrifugo.wire import Codec
from filtered_websocket.messages.message import Message


class Encoding:
    """Of the clients that speak one encoding: `messages.encoding.Encoding`.

    :param codec: what they speak
    :param bare: pushes come alone, and not in replies: to clients that send no commands
    """

    def __init__(self, codec: Codec, bare: bool = False) -> None:
        self.codec, self.bare = codec, bare
        self._usual_push = _none if bare else codec.usual_push

    def push(self, push: Push) -> bytes:
        """A push as these clients get it."""
        return self.codec.push(push) if self.bare else self.codec.reply(0, "push", push)

    @staticmethod
    def end_of(end: Disconnect) -> Disconnected:
        """Why a connection ends, as clients are told."""
        return Disconnected(end.code, end.reason, end.reconnect)

    def encode(self, messages: Sequence[Message], channel: str | None = None) -> Sequence[Message]:
        """Pushes of what was published to a channel, or sent to one client alone."""
        binary = self.codec.binary
        if channel is None:
            return [(self.push(Push(message=ForOne(plain(each).data))), binary) for each in messages]
        usual_push = self._usual_push
        return [(usual_push(channel, each) or self.push(push_of(unpack(each), channel)), binary) for each in messages]


def _none(_: str, __: Message) -> None:
    """Only in replies there is a shorter way."""


def push_of(envelope: Envelope, channel: str) -> Push:
    """What clients are told."""
    if envelope.kind == JOIN:
        return Push(envelope.data.decode(), join=Join(envelope.info))
    if envelope.kind == LEAVE:
        return Push(envelope.data.decode(), leave=Leave(envelope.info))
    return Push(channel, pub=publication_of(envelope))


def publication_of(envelope: Envelope) -> Publication:
    """A publication as replies and pushes have it."""
    data, info, offset, tags = envelope.data, envelope.info, envelope.offset, envelope.tags
    return Publication(data, info, offset, tags, envelope.kind == PATCH, epoch=envelope.epoch)
