"""What is written to send a publication in a partition, and how what was refused is asked again.

Each script declares one key more than it uses, which never exists. So while its slot is moved key by key, a master
answers every script before it has begun (TRYAGAIN, ASK), and none fails half-way on a key that is gone already. The
scripts that send declare the name of their channel.
"""

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.envelope import MARK
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis.cluster.partitions import share_of
from filtered_websocket.storage_objects.redis.command import Script, command, parts_of
from filtered_websocket.storage_objects.redis.history_scripts import POSITION, SINCE
from filtered_websocket.storage_objects.redis.requests import Requests
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, SHARDED

_PART = b"$%d\r\n%b\r\n"
_PUBLISH = {False: b"PUBLISH", True: b"SPUBLISH"}
_REIGNS = {CLASSIC.send: -2, SHARDED.send: -2, CLASSIC.once: -3, SHARDED.once: -3, SINCE: -2, POSITION: -2}
"""Where scripts have the reign among their arguments."""


class PartitionRequests(Requests):
    """
    :param sharded: the channels are sharded ones
    """

    def __init__(self, prefix: bytes, epoch: bytes, sharded: bool) -> None:
        super().__init__(prefix, epoch)
        self.scripts = SHARDED if sharded else CLASSIC
        verb = _PUBLISH[sharded]
        self._publish = b"*3\r\n$%d\r\n%b\r\n" % (len(verb), verb) + _PART + b"$%d\r\n" + MARK + b"\n%b\r\n"
        self._send = b"*18\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n3\r\n" % self.scripts.send.sha + 5 * _PART + b"%b"

    def publish(self, channel: bytes, body: bytes) -> bytes:
        return self._publish % (len(channel), channel, len(body) + 2, body)

    def send(self, name: bytes, channel: bytes, body: bytes, keep: Keep, reign: bytes) -> bytes:
        kept, meta, length = self._prefix + b"h:" + name, self._prefix + b"e:" + name, len(channel)
        tails = self._tails.get(reign)
        tail = tails.get(keep) if tails is not None else None
        if tail is None:
            tail = self._tail(keep, reign)
        return self._send % (
            len(kept), kept, len(meta), meta, length, channel, length, channel, len(body), body, tail,
        )  # fmt: skip

    def again(self, request: bytes, script: Script | None, reign: bytes) -> tuple[bytes, Script | None]:
        """The same request, which may have been made for another master, and the script that it calls."""
        parts = parts_of(request)
        if script is None:
            # What is on the bus is no channel of ours.
            if parts[0] in _PUBLISH.values() and parts[1].startswith(self._prefix):
                parts[0] = _PUBLISH[self.scripts is SHARDED]
            return command(*parts), None
        if script in _REIGNS:
            parts[_REIGNS[script]] = reign
        for scripts in (CLASSIC, SHARDED):
            if script in scripts:
                script = self.scripts[scripts.index(script)]
                parts[1] = script.sha
        return command(*parts), script

    def _keys(self, name: bytes, channel: bytes) -> tuple[bytes, ...]:
        return *super()._keys(name, channel), channel

    def _pool(self, pool: Pool) -> Pool:
        return share_of(pool)


def key_of(request: bytes) -> bytes:
    """What a request is about: its first key, or its channel."""
    parts = parts_of(request)
    return parts[3] if parts[0] == b"EVALSHA" else b"".join(parts[1:2])
