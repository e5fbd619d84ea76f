"""Messages of the protocol, any of them."""

import json

from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.schema import INTEGERS, fields_of
from filtered_websocket.filters.centrifugo.wire import Malformed

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
JSON = VALUES.map(lambda value: json.dumps(value).encode())


def of(message, depth=2, raw=JSON):
    """Any message of a class; what is bytes in it is JSON."""
    return st.builds(message, **{field.name: _values(field, depth, raw) for field in fields_of(message)})


def _values(field, depth, raw):
    if field.kind == "message":
        if not depth:
            return st.just({"list": (), "map": {}, "": None}[field.many])
        one = of(field.message, depth - 1, raw)
        if not field.many:
            return st.none() | one
    elif field.kind in INTEGERS:
        one = st.integers(*INTEGERS[field.kind])
    else:
        one = {"string": TEXTS, "bytes": st.just(b"") | raw, "bool": st.booleans()}[field.kind]
    if field.many == "list":
        return st.lists(one, max_size=3).map(tuple)
    return st.dictionaries(TEXTS, one, max_size=3) if field.many == "map" else one


def until_malformed(asked):
    """What commands ask for, up to the first that is malformed."""
    found = []
    try:
        for each in asked:
            found.append(each)
    except Malformed:
        pass
    return found
