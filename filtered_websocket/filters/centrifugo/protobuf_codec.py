"""The protobuf encoding: messages behind their lengths. The classes are made of `schema` when this is imported.

It wants Google's runtime (the extra ``protobuf``): without that it cannot be imported, and the pack serves JSON alone.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from filtered_websocket.filters.centrifugo.messages import Command, EmulationRequest, Push, Reply
from filtered_websocket.filters.centrifugo.schema import Field, fields_of
from filtered_websocket.filters.centrifugo.wire import PROTOBUF, Asked, Malformed, asked
from filtered_websocket.messages.message import Message

_PACKAGE = "centrifugal.centrifuge.protocol"
_Proto = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "uint32": _Proto.TYPE_UINT32,
    "uint64": _Proto.TYPE_UINT64,
    "int32": _Proto.TYPE_INT32,
    "int64": _Proto.TYPE_INT64,
    "bool": _Proto.TYPE_BOOL,
    "string": _Proto.TYPE_STRING,
    "bytes": _Proto.TYPE_BYTES,
    "message": _Proto.TYPE_MESSAGE,
}


class ProtobufCodec:
    """The encoding of clients that ask for it."""

    name, binary, ping = PROTOBUF, True, b"\0"

    def commands(self, frame: bytes | bytearray) -> Iterator[Asked]:
        """The commands in a frame, one behind the other.

        :raises Malformed: from the iterator
        """
        if not frame:
            raise Malformed("the frame is empty")
        at = 0
        while at < len(frame):
            size, at = _varint(frame, at)
            if at + size > len(frame):
                raise Malformed("a message is cut short")
            yield asked(read(Command, frame[at : at + size]))
            at += size

    def reply(self, number: int, name: str, value: Any) -> bytes:
        """A reply behind its length."""
        return _framed(write(Reply(number, **{name: value})))

    def push(self, push: Push) -> bytes:
        """A push behind its length."""
        return _framed(write(push))

    def usual_push(self, channel: str, message: Message) -> None:
        """Google's classes are made in any case."""

    def emulation(self, body: bytes) -> EmulationRequest:
        """Commands that come by a request of their own.

        :raises Malformed: it holds none
        """
        found: EmulationRequest = read(EmulationRequest, body)
        return found

    def joined(self, replies: Sequence[bytes]) -> bytes:
        """Replies, one behind the other."""
        return b"".join(replies)


def read(message: Any, data: bytes | bytearray) -> Any:
    """The message of a class that these bytes hold.

    :raises Malformed: they hold none
    """
    try:
        found = _CLASSES[message].FromString(bytes(data))
        return _taken(message)(found)
    except (DecodeError, RecursionError):
        raise Malformed("it is no protobuf message") from None


def write(value: Any) -> bytes:
    """A message in protobuf."""
    data: bytes = _made(value).SerializeToString()
    return data


def _framed(data: bytes) -> bytes:
    size, length = b"", len(data)
    while length > 127:
        size += bytes((length & 127 | 128,))
        length >>= 7
    return size + bytes((length,)) + data


def _varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    value = 0
    for place in range(5):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at
    raise Malformed("a message's length is no varint")


# From our messages to Google's classes, and back.


@cache
def _taken(message: Any) -> Any:
    fields = [(field, _value_of(field)) for field in fields_of(message)]

    def take(found: Any) -> Any:
        return message(
            *[
                value(getattr(found, field.name))
                if field.kind != "message" or field.many or found.HasField(field.name)
                else None
                for field, value in fields
            ]
        )

    return take


def _value_of(field: Field) -> Any:
    def same(value: Any) -> Any:
        return value

    def of_message(value: Any) -> Any:
        return _taken(field.message)(value)

    one = of_message if field.kind == "message" else same
    if field.many == "list":
        return lambda values: tuple([one(each) for each in values])
    if field.many == "map":
        return lambda values: {name: one(each) for name, each in values.items()}
    return one


def _made(value: Any) -> Any:
    kind: Any = type(value)
    message = _CLASSES[kind]()
    for field, each in zip(fields_of(kind), value, strict=True):
        if field.kind != "message" and not field.many:
            if each:
                setattr(message, field.name, each)
        elif each is None:
            continue
        elif field.many == "list":
            getattr(message, field.name).extend([_made(one) for one in each] if field.message else each)
        elif field.many == "map" and field.message:
            for name, one in each.items():
                getattr(message, field.name)[name].CopyFrom(_made(one))
        elif field.many == "map":
            getattr(message, field.name).update(each)
        else:
            getattr(message, field.name).CopyFrom(_made(each))
    return message


# The classes.


def _messages(*roots: Any) -> list[Any]:
    """All classes of messages that are in these, these among them."""
    found: dict[Any, None] = {}
    pending = list(roots)
    while pending:
        message = pending.pop()
        if message not in found:
            found[message] = None
            pending += [field.message for field in fields_of(message) if field.message]
    return list(found)


def _describe(message: Any, described: Any) -> None:
    described.name = message.__name__
    for field in fields_of(message):
        one = described.field.add(name=field.name, number=field.number, label=_Proto.LABEL_OPTIONAL)
        if field.many:
            one.label = _Proto.LABEL_REPEATED
        if field.many == "map":
            entry = described.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=_Proto.LABEL_OPTIONAL, type=_TYPES["string"])
            _set_type(entry.field.add(name="value", number=2, label=_Proto.LABEL_OPTIONAL), field)
            one.type, one.type_name = _TYPES["message"], f".{_PACKAGE}.{message.__name__}.{entry.name}"
        else:
            _set_type(one, field)


def _set_type(described: Any, field: Field) -> None:
    described.type = _TYPES[field.kind]
    if field.message:
        described.type_name = f".{_PACKAGE}.{field.message.__name__}"


def _classes() -> dict[Any, Any]:
    messages = _messages(Command, Reply, EmulationRequest)
    file = descriptor_pb2.FileDescriptorProto(name="client.proto", package=_PACKAGE, syntax="proto3")
    for message in messages:
        _describe(message, file.message_type.add())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    named = ((each, pool.FindMessageTypeByName(f"{_PACKAGE}.{each.__name__}")) for each in messages)
    return {message: message_factory.GetMessageClass(found) for message, found in named}


_CLASSES = _classes()
