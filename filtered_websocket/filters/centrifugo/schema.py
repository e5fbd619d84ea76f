"""What the encodings know of a message: its fields, as `messages` declares them."""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from filtered_websocket.filters.centrifugo.messages import ALWAYS, OTHERS, OWN

INTEGERS = {"uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1), "int32": (-(2**31), 2**31 - 1)} | {
    "int64": (-(2**63), 2**63 - 1)
}
"""The kinds of integers, and their smallest and largest."""


class Field(NamedTuple):
    """
    :ivar kind: a kind of integers, "bool", "string", "bytes", or "message"
    :ivar many: it is a list of these, or a map of texts to these
    :ivar message: the class, of a message
    :ivar always: JSON has it whatever its value
    :ivar whose: of bytes that may be no JSON, `OWN` or `OTHERS`
    """

    name: str
    number: int
    kind: str
    many: Literal["", "list", "map"] = ""
    message: Any = None
    always: bool = False
    whose: str = ""


_KINDS = {str: "string", bytes: "bytes", bool: "bool"}


@cache
def fields_of(message: Any) -> tuple[Field, ...]:
    """The fields of a class of messages, in the order of its values."""
    hints = get_type_hints(message, include_extras=True)
    return tuple(_field(name, hints[name]) for name in message._fields)


def _field(name: str, hint: Any) -> Field:
    assert get_origin(hint) is Annotated
    kind, number, *more = get_args(hint)
    many: Literal["", "list", "map"] = ""
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    elif get_origin(kind) is tuple:
        kind, many = get_args(kind)[0], "list"
    elif get_origin(kind) is not None:
        kind, many = get_args(kind)[1], "map"
    integer = next((each for each in more if each in INTEGERS), "")
    is_message = hasattr(kind, "_fields")
    return Field(
        name, number, integer or ("message" if is_message else _KINDS[kind]), many, kind if is_message else None,
        ALWAYS in more, next((each for each in more if each in (OWN, OTHERS)), ""),
    )  # fmt: skip
