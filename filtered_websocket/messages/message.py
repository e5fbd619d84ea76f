"""A message: what is sent and received, its payload and its kind. Text stays text, binary stays binary."""

from contextvars import ContextVar
from itertools import repeat
from typing import Any

Message = tuple[bytes, bool]
"""``(payload, is_binary)``; the payload of a text message is valid UTF-8."""

in_binary_message: ContextVar[bool] = ContextVar("in_binary_message", default=False)
"""Whether the message chain that is running was started by a binary message. A context variable, so that it survives
an ``await`` and holds whichever connection a filter sends to."""


def came_binary(data: Any) -> bool:
    """Whether what a message filter gets is of a binary message: a filter before it may have made a str of one."""
    return in_binary_message.get() and not isinstance(data, str)


def message(payload: Any, is_binary: bool | None = None) -> Message:
    """One message from what a filter hands over.

    :param payload: str is text; bytes, bytearray and memoryview are of the kind of the message whose chain is running,
        outside of any message chain (and where they cannot be text) text if they are valid UTF-8
    :param is_binary: settles the kind
    :raises TypeError: the payload is neither str nor bytes
    """
    data, is_binary = outgoing(payload, is_binary)
    return bytes(data), is_binary


def outgoing(payload: Any, is_binary: bool | None = None) -> tuple[bytes | bytearray, bool]:
    """As `message`, for what is framed at once: a bytearray is not copied."""
    if type(payload) is not bytearray and type(payload) is not bytes:  # these need no further look
        if isinstance(payload, str):
            return payload.encode(), bool(is_binary)
        if not isinstance(payload, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"a message is str or bytes, not {type(payload).__name__}: encode it first, with json.dumps say"
            )
        payload = bytes(payload)
    if is_binary is None:
        is_binary = in_binary_message.get() or not (payload.isascii() or is_text(payload))
    return payload, is_binary


def utf8_size(text: str) -> int:
    """How many bytes a text has, which is what limits count. A lone surrogate, which JSON can hold, counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def messages(payload: Any, is_binary: bool | None = None) -> tuple[Message, ...]:
    """The messages in a payload: one, or a list or tuple of several that are sent together."""
    if type(payload) is bytearray and is_binary is None:
        # What a message filter hands on, without a second call.
        data = bytes(payload)
        return ((data, in_binary_message.get() or not (data.isascii() or is_text(data))),)
    if isinstance(payload, (list, tuple)):
        return tuple(map(message, payload, repeat(is_binary)))
    return (message(payload, is_binary),)


def is_text(data: bytes | bytearray) -> bool:
    """Whether these bytes can be sent as text: valid UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
