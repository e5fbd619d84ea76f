"""Pickles of plain values, read without executing anything.

python-socketio up to 5.13 writes pickles. Python's own reader imports and calls what a pickle names; this one is a
small stack machine that knows the opcodes of dict, list, tuple, str, bytes, int, float, bool and None, and no other:
BUILD, INST, OBJ, NEWOBJ, EXT and the persistent ids are refused where they stand. `pickletools` takes the bytes apart;
nothing of `pickle` runs.

Old protocols write bytes, and all but the newest a bytearray, as a call: GLOBAL names what is called, REDUCE calls it.
The names of these few calls are known here, and what they make is made here; every other name is refused.

The work is bounded: no key of a dict can be chosen for its hash, as keys become text, whose hash has a secret.
"""

import pickletools
from collections.abc import Callable
from math import isfinite
from typing import Any

from filtered_websocket.messages.message import utf8_size

MAX_BYTES = 1 << 20
MAX_GROWTH = 4
"""Bytes of text and bytes in the value, or as many times the pickle's, which is as large as storage carries:
what refers to one part many times grows when it is sent."""
MAX_VALUES = 100_000
MAX_OPCODES = 250_000
MAX_DEPTH = 64
MAX_BITS = 1024
"""Of an integer, as many as a float has: to write out a longer one takes time that grows with its length's square."""


class NotPlain(ValueError):  # noqa: N818 - what it is
    """No pickle, one of more than plain values, or one of too much."""


class _Mark:
    """What is no value, on the stack: where a collection begins, or the name of a call."""

    def __init__(self, make: Callable[..., Any] | None = None) -> None:
        self.make = make


def _bytes(*arguments: Any) -> bytes:
    """What `bytes`, `bytearray` and `codecs.encode` make of the arguments that picklers give them."""
    if arguments == ():
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], bytes):
        return arguments[0]
    if len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] in ("latin1", "latin-1"):
        return arguments[0].encode("latin-1")
    raise NotPlain("a pickle that makes bytes of what no pickler makes them of")


_MARK = _Mark()
_CALLS = {
    f"{module} {name}": _Mark(_bytes)
    for module, name in (
        ("_codecs", "encode"),
        ("__builtin__", "bytes"),
        ("builtins", "bytes"),
        ("__builtin__", "bytearray"),
        ("builtins", "bytearray"),
    )
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
_LITERALS |= {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_LITERALS |= {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def loads(data: bytes) -> Any:
    """The value in a pickle of any protocol.

    :raises NotPlain: there is none, or it is more than plain
    """
    try:
        value = _run(data)
    except NotPlain:
        raise
    except Exception as error:
        raise NotPlain(f"a broken pickle: {type(error).__name__}") from None
    _measure(value, max(MAX_BYTES, MAX_GROWTH * len(data)))
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
            if not isinstance(argument, int) or not 0 <= argument <= MAX_OPCODES:
                raise NotPlain("a pickle that counts its parts as no pickler does")
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
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            wanted = argument if name == "GLOBAL" else " ".join([_of(str, stack.pop()), _of(str, stack.pop())][::-1])
            if wanted not in _CALLS:
                raise NotPlain(f"a pickle with {name} {wanted!r:.100}, which plain values do not need")
            stack.append(_CALLS[wanted])
        elif name == "REDUCE":
            arguments = _of(tuple, stack.pop())
            stack[-1] = _of(_Mark, stack[-1]).make(*arguments)
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


def _dict(parts: list[Any]) -> dict[str, Any]:
    return dict(zip(map(_key, parts[::2]), parts[1::2], strict=True))


def _key(key: Any) -> str:
    """The name that JSON has for a key."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if (isinstance(key, float) and isfinite(key)) or (isinstance(key, int) and key.bit_length() <= MAX_BITS):
        return repr(key)
    raise NotPlain("a dict whose keys are no plain names")


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise NotPlain(f"a broken pickle: no {kind.__name__} where one is due")
    return value


_COLLECTED: dict[str, Callable[[list[Any]], Any]] = {"TUPLE": tuple, "LIST": list, "DICT": _dict}


def _measure(value: Any, limit: int) -> None:
    """A value may hold one part many times, itself among them: count what it is when it is written out."""
    level, values, size = [value], 0, 0
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, _Mark):
                raise NotPlain("a broken pickle: a mark in the place of a value")
            if isinstance(each, (str, bytes)):
                size += len(each) if isinstance(each, bytes) else utf8_size(each)
            elif isinstance(each, int) and each.bit_length() > MAX_BITS:
                raise NotPlain(f"an integer of more than {MAX_BITS} bits")
            elif isinstance(each, (list, tuple)):
                inner += each
            elif isinstance(each, dict):
                inner += each.keys()
                inner += each.values()
            if len(inner) + values > MAX_VALUES or size > limit:
                raise NotPlain("a pickle of more than can be sent")
        values += len(inner)
        if not inner:
            return
        level = inner
    raise NotPlain(f"a pickle nested deeper than {MAX_DEPTH}")
