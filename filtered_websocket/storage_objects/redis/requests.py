"""What is written to Redis to send a publication: made in one piece, since nothing is sent more often."""

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.envelope import MARK
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, SendScripts, keep_values

MAX_TAILS = 1000
_PART = b"$%d\r\n%b\r\n"
PUBLISH_REQUEST = b"*3\r\n$7\r\nPUBLISH\r\n" + _PART + b"$%d\r\n" + MARK + b"\n%b\r\n"
SEND_REQUEST = b"*17\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n2\r\n" % CLASSIC.send.sha + 4 * _PART + b"%b"
"""``CLASSIC.send.request`` in one step: of list, meta, channel and body, each with its length, and the rest,
`keep_values`."""


class Requests:
    """
    :param prefix: of all keys, with its colon
    :param epoch: for histories that begin with what this node sends
    :ivar scripts: what they call
    """

    scripts: SendScripts = CLASSIC

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
        """The same for the script ``send``: publish and keep.

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
        """The same for the script ``once``, with a name for what is sent."""
        *values, prefix = self._values(keep, reign)
        return self.scripts.once.request(self._keys(name, channel), (channel, body, *values, once, prefix))

    def _keys(self, name: bytes, channel: bytes) -> tuple[bytes, ...]:
        return self._prefix + b"h:" + name, self._prefix + b"e:" + name

    def _pool(self, pool: Pool) -> Pool:
        return pool

    def _values(self, keep: Keep, reign: bytes) -> tuple[bytes, ...]:
        return keep_values(keep._replace(pool=self._pool(keep.pool)), self._epoch, reign, self._prefix)

    def _tail(self, keep: Keep, reign: bytes) -> bytes:
        if sum(map(len, self._tails.values())) >= MAX_TAILS:  # of apps and reigns that come and go
            self._tails.clear()
        tail = command(*self._values(keep, reign)).partition(b"\r\n")[2]
        self._tails.setdefault(reign, {})[keep] = tail
        return tail
