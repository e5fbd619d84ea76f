"""What Redis's replies mean: functions that take one and give what a storage object promises; and what stands for one
while Redis is away."""

import json
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.envelope import decode
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import Record
from filtered_websocket.storage_objects.values import as_text, as_value


def nothing(reply: object) -> None:
    return None


def text_set(reply: list[bytes]) -> set[str] | None:
    return {as_text(raw) for raw in reply} or None


def _pairs(reply: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(reply[::2], reply[1::2], strict=True))


def fields(reply: list[bytes]) -> dict[str, str | bytes]:
    return {as_text(field): as_value(value) for field, value in _pairs(reply)}


def record(reply: list[bytes] | None) -> Record | None:
    if reply is None or reply[0] is None:
        return None
    value, owner = reply
    return Record(as_value(value), as_text(owner))


def counts(reply: list[bytes]) -> dict[str, int]:
    return {as_text(channel): int(count) for channel, count in _pairs(reply)}


def members(reply: list[bytes]) -> dict[str, str]:
    return {as_text(member): _newest_info(as_text(holders)) for member, holders in _pairs(reply)}


def member(reply: bytes | None) -> str | None:
    return None if reply is None else _newest_info(as_text(reply))


def _newest_info(holders: str) -> str:
    """Of a JSON list of ``[holder, node, info]``, the newest last: only that one is parsed, where it can be found."""
    start = holders.rfind('],["') + 1
    if start:
        try:
            # Inside a string a quote has a backslash before it. So this is where the last one begins, unless it is the
            # end of a string in it, and then what follows is no such list.
            _, _, info = json.loads(holders[start + 1 : -1])
        except ValueError:
            pass
        else:
            return str(info)
    return str(json.loads(holders)[-1][2])


def position(reply: bytes) -> tuple[Position, tuple[int, int]]:
    """With what that cost: publications dropped for a pool's bytes, and for its channels."""
    where, *dropped = reply.decode().split(" ")
    epoch, _, offset = where.rpartition(":")
    return Position(epoch, int(offset)), (int(dropped[0]), int(dropped[1])) if dropped else (0, 0)


def publications(channel: str, epoch: bytes, envelopes: list[bytes]) -> list[Publication]:
    """What a history keeps: what it has kept since before its present epoch has positions of that one too."""
    name, found = epoch.decode(), [decode(channel, envelope) for envelope in envelopes]
    for each in found:
        if each.position is not None and each.position.epoch != name:
            each.position = Position(name, each.position.offset)
    return found


def missed(channel: str, reply: list[bytes] | None) -> list[Publication] | None:
    return None if reply is None else publications(channel, reply[0], reply[1:])


def newest_first(channel: str, reply: list[bytes]) -> list[Publication]:
    return publications(channel, reply[0], reply[:0:-1])


def merged(counts: list[dict[str, int]]) -> dict[str, int]:
    return {channel: count for one in counts for channel, count in one.items()}


def first_error(failure: Failure) -> Failure:
    """What gatherResults wraps."""
    error: Any = failure.value
    wrapped: Failure = error.subFailure
    return wrapped


def away() -> Deferred[Any]:
    """What stands for a reply while Redis is away."""
    return fail(StorageAway("Redis is away: not done"))
