"""What is published to a channel, as it stands on the bus, in history and in the hub, whatever its clients speak.

    0xC1 0xF6  u8 kind  u8 flags  u64 offset  [info: u32 length, 4 x (u32 length, bytes)]  [tags: u32 length, JSON]
    data  [epoch: at offset 1, behind the data, with its length in a byte behind it]

It travels as a text, though 0xC1 begins no UTF-8. Nothing that anybody else publishes can be that, since bytes that are
no text are sent as binary: what a filter passes on of a client's is data, whatever it looks like.
The offset is 0 on the bus and in history, where the position stands beside the payload: it is put in when a publication
has arrived (`placed`), before it is encoded for clients.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from filtered_websocket.filters.centrifugo.json_reader import embedded, whole
from filtered_websocket.filters.centrifugo.json_writer import REMEMBERED, SMALL
from filtered_websocket.filters.centrifugo.messages import NOTHING, ClientInfo
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.strict_json import dumps

PUBLICATION, JOIN, LEAVE, PATCH = 0, 1, 2, 3
"""What is published, who comes and goes, and a publication whose data is a difference, which only a hub has."""

_MARK = b"\xc1\xf6"
_HEAD = struct.Struct(">2sBBQ")
_U32 = struct.Struct(">I")
_PLACE = struct.Struct(">QI")
"""The offset, and the length of the info behind it."""
_JSON, _DELTA, _INFO, _TAGS, _EPOCH = 1, 2, 4, 8, 16

_USUAL = {_MARK + bytes((PUBLICATION, _JSON | _INFO | delta)) for delta in (0, _DELTA)}
_SIZE = _HEAD.size
_DATA = _SIZE + _U32.size


class Envelope(NamedTuple):
    """
    :ivar kind: a publication, a join or a leave
    :ivar data: the publication's; of a join or a leave the channel's name
    :ivar is_json: whether clients of JSON can have it
    :ivar delta: whether it may be sent as the difference from the one before
    """

    data: bytes
    kind: int = PUBLICATION
    is_json: bool = True
    delta: bool = False
    offset: int = 0
    info: ClientInfo | None = None
    tags: Mapping[str, str] = NOTHING
    epoch: str = ""


def pack(envelope: Envelope) -> Message:
    """An envelope, as it is published."""
    return _packed(envelope), False


def begin_of_usual(is_json: bool, delta: bool, info: ClientInfo) -> bytes:
    """What stands before the data of a client's publication, as it is published: an envelope's beginning."""
    flags = is_json * _JSON | delta * _DELTA | _INFO
    return _HEAD.pack(_MARK, PUBLICATION, flags, 0) + _block_of(info)


def _packed(envelope: Envelope) -> bytes:
    data, kind, is_json, delta, offset, info, tags, _ = envelope
    flags = is_json * _JSON | delta * _DELTA
    if info is not None:
        flags |= _INFO
        block = _block_of(info)
        data = block + data
    if tags:
        flags |= _TAGS
        # An application may have made them of what a client has sent.
        text = dumps({whole(key): whole(value) for key, value in tags.items()}).encode()
        data = b"".join((block if info is not None else b"", _U32.pack(len(text)), text, envelope.data))
    return _HEAD.pack(_MARK, kind, flags, offset) + data


def unpack(message: Message) -> Envelope:
    """The envelope of a message of the hub; of any other message one around that."""
    if _is_packed(message):
        try:
            return _unpack(message[0])
        except (struct.error, ValueError, IndexError):
            pass  # it only begins like one
    return plain(message)


def plain(message: Message) -> Envelope:
    """An envelope around a message that is none."""
    payload, binary = message
    data = embedded(payload)
    if data is not None:
        return Envelope(data)
    return Envelope(payload, is_json=False) if binary else Envelope(dumps(payload.decode("utf-8", "replace")).encode())


def _is_packed(message: Message) -> bool:
    payload, binary = message
    return not binary and payload[:2] == _MARK and len(payload) >= _SIZE


def placed(messages: Sequence[Message], position: Position) -> tuple[list[Message], bool]:
    """Messages as envelopes with their offset in them, the first of a history with its epoch, too; and whether clients
    of JSON can have all of them."""
    epoch, offset = position
    place, envelopes, are_json = offset.to_bytes(8, "big"), [], True
    for payload, binary in messages:
        # What `_is_packed` says: all that is published comes by here.
        envelope = payload
        if binary or payload[:2] != _MARK or len(payload) < _SIZE:
            envelope = _packed(plain((payload, binary)))
        if offset == 1:
            envelope = _with_epoch(envelope, epoch.encode())
        if not envelope[3] & _JSON:
            are_json = False
        envelopes.append((envelope[:4] + place + envelope[12:], False))
    return envelopes, are_json


def _with_epoch(payload: bytes, epoch: bytes) -> bytes:
    return b"".join((payload[:3], bytes((payload[3] | _EPOCH,)), payload[4:], epoch, bytes((len(epoch),))))


def is_json(message: Message) -> bool:
    """Whether clients of JSON can have it."""
    payload, binary = message
    if _is_packed(message):
        return payload[3] & _JSON != 0
    return not binary or embedded(payload) is not None


def _unpack(payload: bytes) -> Envelope:
    _, kind, flags, offset = _HEAD.unpack_from(payload)
    at = _SIZE
    info, tags = None, NOTHING
    if flags & _INFO:
        block, at = _part(payload, at)
        info = _remembered_info(block) if len(block) <= SMALL else info_of(block)
    if flags & _TAGS:
        part, at = _part(payload, at)
        tags = json.loads(part)
    data, epoch = payload[at:], ""
    if flags & _EPOCH:
        end = len(data) - 1 - data[-1]
        data, epoch = data[:end], data[end:-1].decode()
    return Envelope(data, kind, bool(flags & _JSON), bool(flags & _DELTA), offset, info, tags, epoch)


def usual_parts(message: Message) -> tuple[bytes, bytes, int] | None:
    """What most publications are, JSON with a client's info: the data, the info as it stands here, and the offset, 0
    without history. None: it is another, which `unpack` takes apart."""
    payload, binary = message
    if binary or payload[:4] not in _USUAL:
        return None
    try:
        offset, size = _PLACE.unpack_from(payload, 4)
    except struct.error:
        return None
    begin = _DATA + size
    if size > SMALL or begin > len(payload):
        return None
    return payload[begin:], payload[_DATA:begin], offset


def _block_of(info: ClientInfo) -> bytes:
    is_small = len(info.user) + len(info.conn_info) + len(info.chan_info) <= SMALL
    return _remembered_block(info) if is_small else _block(info)


def _block(info: ClientInfo) -> bytes:
    """With its length."""
    parts = (info.user.encode(), info.client.encode(), info.conn_info, info.chan_info)
    block = b"".join([part for each in parts for part in (_U32.pack(len(each)), each)])
    return _U32.pack(len(block)) + block


def info_of(block: bytes) -> ClientInfo:
    """A client's info as it stands in an envelope.

    :raises ValueError: it is none
    """
    parts, at = [], 0
    try:
        for _ in range(4):
            part, at = _part(block, at)
            parts.append(part)
    except struct.error:
        raise ValueError("it ends too soon") from None
    return ClientInfo(parts[0].decode(), parts[1].decode(), parts[2], parts[3])


_remembered_block, _remembered_info = lru_cache(REMEMBERED)(_block), lru_cache(REMEMBERED)(info_of)


def _part(payload: bytes, at: int) -> tuple[bytes, int]:
    (length,) = _U32.unpack_from(payload, at)
    end = at + 4 + length
    if end > len(payload):
        raise ValueError("cut short")
    return payload[at + 4 : end], end


def info_as_text(info: ClientInfo) -> str:
    """A client's info as presence keeps it."""
    return dumps([info.user, info.client, info.conn_info.decode("latin-1"), info.chan_info.decode("latin-1")])


def info_of_text(text: str) -> ClientInfo:
    """The same read again; an empty one where another program wrote something else."""
    try:
        user, client, conn_info, chan_info = json.loads(text)
        return ClientInfo(user, client, conn_info.encode("latin-1"), chan_info.encode("latin-1"))
    except (ValueError, TypeError, AttributeError):
        return ClientInfo()
