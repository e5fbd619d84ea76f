"""The JSON of Redis's scripts: that of the library lua-cjson, which takes strings for bytes."""

import json
import re
from typing import Any

from tests.simulation.redis_model.answers import Refusal

_SPECIAL = re.compile(rb'[\x00-\x1f"\\/\x7f]')
_ESCAPES = {b'"': rb"\"", b"\\": rb"\\", b"/": rb"\/", b"\b": rb"\b", b"\f": rb"\f", b"\n": rb"\n", b"\r": rb"\r"}
_ESCAPES[b"\t"] = rb"\t"
NULL = object()
"""JSON's null, which is not Lua's nil."""


class Cjson:
    """
    :param runtime: of Lua, which makes tables
    """

    def __init__(self, runtime: Any) -> None:
        self._table_from = runtime.table_from
        self._type_of = runtime.globals()[b"type"]

    def encode(self, value: Any) -> bytes:
        """
        :raises Refusal: a value that JSON has no form for
        """
        if isinstance(value, bytes):
            return b'"' + _SPECIAL.sub(_escaped, value) + b'"'
        if value is None or value is NULL:
            return b"null"
        if isinstance(value, bool):
            return b"true" if value else b"false"
        if isinstance(value, int | float):
            return b"%.14g" % value
        if self._type_of(value) != b"table":
            raise Refusal("ERR Cannot serialise userdata: type not supported")
        if not len(value):
            pairs = [self._name(key) + b":" + self.encode(each) for key, each in value.items()]
            return b"{" + b",".join(pairs) + b"}"
        return b"[" + b",".join([self.encode(value[index]) for index in range(1, len(value) + 1)]) + b"]"

    def decode(self, text: bytes) -> Any:
        """
        :raises Refusal: no JSON
        """
        try:
            # What is no UTF-8 stays as it is.
            return self._given(json.loads(text.decode("utf-8", "surrogateescape"), strict=False))
        except ValueError as error:
            raise Refusal(f"ERR {error}") from None

    def _name(self, key: Any) -> bytes:
        return self.encode(key if isinstance(key, bytes) else b"%.14g" % key)

    def _given(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape")
        if isinstance(value, list):
            return self._table_from(map(self._given, value))
        if isinstance(value, dict):
            return self._table_from({self._given(key): self._given(each) for key, each in value.items()})
        return NULL if value is None else value


def _escaped(found: "re.Match[bytes]") -> bytes:
    return _ESCAPES.get(found[0]) or rb"\u%04x" % found[0][0]
