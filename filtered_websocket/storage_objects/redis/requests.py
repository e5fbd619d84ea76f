"""What is written to Redis to send a publication: made in one piece, since nothing is sent more often."""

from filtered_websocket.messages.envelope import MARK
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.send_scripts import SEND_ONCE, SEND_REQUEST, keep_values

MAX_TAILS = 1000
PUBLISH_REQUEST = b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n" + MARK + b"\n%b\r\n"


class Requests:
    """
    :param prefix: of all keys, with its colon
    :param epoch: for histories that begin with what this node sends
    """

    def __init__(self, prefix: bytes, epoch: bytes) -> None:
        self._prefix, self._epoch = prefix, epoch
        self._tails: dict[bytes, dict[Keep, bytes]] = {}

    def publish(self, channel: bytes, body: bytes) -> bytes:
        """
        :param channel: as it is called at Redis
        :param body: the publication as an envelope, without its mark
        """
        return PUBLISH_REQUEST % (len(channel), channel, len(body) + 2, body)

    def send(self, name: bytes, channel: bytes, body: bytes, keep: Keep, reign: bytes) -> bytes:
        """The same for the script ``SEND``: publish and keep.

        :param name: the channel's name
        :param reign: of the Redis that it goes to
        """
        kept, meta = self._prefix + b"h:" + name, self._prefix + b"e:" + name
        tails = self._tails.get(reign)
        tail = tails.get(keep) if tails is not None else None
        if tail is None:
            tail = self._tail(keep, reign)
        return SEND_REQUEST % (len(kept), kept, len(meta), meta, len(channel), channel, len(body), body, tail)

    def send_once(self, name: bytes, channel: bytes, body: bytes, keep: Keep, *, reign: bytes, once: bytes) -> bytes:
        """The same for ``SEND_ONCE``, with a name for what is sent."""
        keys = self._prefix + b"h:" + name, self._prefix + b"e:" + name
        *values, prefix = keep_values(keep, self._epoch, reign, self._prefix)
        return SEND_ONCE.request(keys, (channel, body, *values, once, prefix))

    def _tail(self, keep: Keep, reign: bytes) -> bytes:
        if sum(map(len, self._tails.values())) >= MAX_TAILS:  # of apps and reigns that come and go
            self._tails.clear()
        parts = command(*keep_values(keep, self._epoch, reign, self._prefix))
        tail = parts.partition(b"\r\n")[2]
        self._tails.setdefault(reign, {})[keep] = tail
        return tail
