"""Pickles of plain values, read without executing anything.

python-socketio up to 5.13 writes pickles. Python's own reader imports and calls what a pickle names; this one is a
small stack machine that knows the opcodes of dict, list, tuple, str, bytes, int, float, bool and None, and no other:
GLOBAL, REDUCE, BUILD, INST, OBJ, NEWOBJ, EXT and the persistent ids are refused where they stand. `pickletools` takes
the bytes apart; nothing of `pickle` runs.
"""

import pickletools
from collections.abc import Callable
from typing import Any

MAX_BYTES = 1 << 20
"""Of the pickle, and of the text and bytes in the value: what refers to one part many times grows when it is sent."""
MAX_VALUES = 100_000
MAX_OPCODES = 250_000
MAX_DEPTH = 64


class NotPlain(ValueError):  # noqa: N818 - what it is
    """No pickle, one of more than plain values, or one of too much."""


class _Mark:
    """Where a collection begins on the stack."""


_MARK = _Mark()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
_LITERALS |= {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_LITERALS |= {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_KEYS = (str, int, float, bool, type(None))


def loads(data: bytes) -> Any:
    """The value in a pickle of any protocol.

    :raises NotPlain: there is none, or it is more than plain
    """
    if len(data) > MAX_BYTES:
        raise NotPlain(f"a pickle of more than {MAX_BYTES} bytes")
    try:
        value = _run(data)
    except NotPlain:
        raise
    except Exception as error:
        raise NotPlain(f"a broken pickle: {type(error).__name__}") from None
    _measure(value)
    return value


def _run(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        name = opcode.name
        if count > MAX_OPCODES:
            raise NotPlain("a pickle of more than can be sent")
        if name in _LITERALS:
            stack.append(bytes(argument) if isinstance(argument, bytearray) else argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in _TUPLES:
            length = _TUPLES[name]
            stack[-length:] = [tuple(stack[-length:])]
        elif name in ("TUPLE", "LIST", "DICT"):
            stack.append(_COLLECTED[name](_to_mark(stack)))
        elif name in ("APPEND", "APPENDS"):
            parts = [stack.pop()] if name == "APPEND" else _to_mark(stack)
            _of(list, stack[-1]).extend(parts)
        elif name in ("SETITEM", "SETITEMS"):
            parts = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else _to_mark(stack)
            _of(dict, stack[-1]).update(_dict(parts))
        elif name == "STOP":
            if len(stack) != 1 or position != len(data) - 1:
                raise NotPlain("a pickle that leaves something over")
            return stack[0]
        elif name not in ("PROTO", "FRAME"):
            raise NotPlain(f"a pickle with {name}, which plain values do not need")
    raise NotPlain("a pickle without an end")


def _to_mark(stack: list[Any]) -> list[Any]:
    parts = []
    while (value := stack.pop()) is not _MARK:
        parts.append(value)
    return parts[::-1]


def _dict(parts: list[Any]) -> dict[Any, Any]:
    keys = parts[::2]
    if not all(isinstance(key, _KEYS) for key in keys):
        raise NotPlain("a dict whose keys are no plain names")
    return dict(zip(keys, parts[1::2], strict=True))


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise NotPlain(f"what is put into a {kind.__name__} is put into something else")
    return value


_COLLECTED: dict[str, Callable[[list[Any]], Any]] = {"TUPLE": tuple, "LIST": list, "DICT": _dict}


def _measure(value: Any) -> None:
    """A value may hold one part many times, itself among them: count what it is when it is written out."""
    level, values, size = [value], 0, 0
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for each in level:
            if each is _MARK:
                raise NotPlain("a broken pickle: a mark in the place of a value")
            if isinstance(each, (str, bytes)):
                size += len(each)
            elif isinstance(each, (list, tuple)):
                inner += each
            elif isinstance(each, dict):
                inner += each.keys()
                inner += each.values()
            if len(inner) + values > MAX_VALUES or size > MAX_BYTES:
                raise NotPlain("a pickle of more than can be sent")
        values += len(inner)
        if not inner:
            return
        level = inner
    raise NotPlain(f"a pickle nested deeper than {MAX_DEPTH}")
