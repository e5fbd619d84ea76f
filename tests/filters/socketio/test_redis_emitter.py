"""What Node's emitter writes."""

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio.audience import Audience
from filtered_websocket.filters.socketio.redis_emitter import (
    Change,
    Disconnection,
    Emission,
    ServerEvent,
    decode_emission,
    decode_request,
    prefixes,
)
from tests.filters.socketio.test_packets import BINARY


def emission(data: Any, where: str = "/chat#", **members: Any) -> Emission | None:
    options = members.pop("options", {"rooms": [], "flags": {}, "except": []})
    packet = {"type": 2, "data": data, "nsp": "/chat"} | members
    return decode_emission(where, msgpack.packb(["emitter", packet, options]))


def request(**members: Any) -> Any:
    return decode_request("/chat", json.dumps(members).encode())


def test_the_channels_are_named_by_a_key() -> None:
    assert prefixes("socket.io") == ("socket.io#", "socket.io-request#")


def test_an_event_its_rooms_and_flags() -> None:
    assert emission(["e"]) == Emission(Audience("/chat"), "e", ())
    options = {"rooms": ["a", "b", "a"], "except": ["c"], "flags": {"volatile": True, "compress": False}}
    wanted = Emission(Audience("/chat", ("a", "b"), ("c",)), "e", (1, [b"\0", None]), True)
    assert emission(["e", 1, [b"\0", None]], "/chat#a#", options=options) == wanted
    assert emission(["e"], type=5) == emission(["e"], options={}) == emission(["e"])


def test_a_date_is_the_text_that_json_has_for_it() -> None:
    date = {"at": msgpack.Timestamp(1593835520, 5_000_000)}
    made = emission(["e", [date]])
    assert made is not None
    assert made.arguments == ([{"at": "2020-07-04T04:05:20.005Z"}],)


@pytest.mark.parametrize("where", ["/#", "/chat", "/chatter#", "#", ""])
def test_what_came_on_the_channel_of_another_namespace_is_not_for_this_one(where: str) -> None:
    assert emission(["e"], where) is None


@given(st.lists(BINARY))
def test_arguments_are_read_as_msgpack_writes_them(arguments: list[Any]) -> None:
    try:
        made = emission(["e", *arguments])
    except OverflowError:
        return  # an integer that MessagePack cannot hold
    assert made is not None
    assert made.arguments == tuple(arguments)


@given(st.binary())
def test_bytes_of_any_kind_are_malformed_or_read(data: bytes) -> None:
    for decode in (decode_emission, decode_request):
        try:
            decode("/", data)
        except Malformed:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xc0\xc0",
        b"\x91" * 2000 + b"\xc0",
        b"\x91" * 500 + b"\xc0",
        b"\xdd\xff\xff\xff\xff",
        b"\x93\xa1a\x81\x01\x01\x80",
        msgpack.packb([1, 2]),
        msgpack.packb(["u", 5, {}]),
        msgpack.packb(["u", {"nsp": 5}, {}]),
        msgpack.packb(["u", {"type": 2, "data": ["e"]}, 5]),
        msgpack.packb(["u", {"type": 2, "data": []}, {}]),
        msgpack.packb(["u", {"type": 2, "data": [5]}, {}]),
        msgpack.packb(["u", {"type": 3, "data": ["e"]}, {}]),
        msgpack.packb(["u", {"type": 2, "data": ["e"]}, {"rooms": "a"}]),
        msgpack.packb(["u", {"type": 2, "data": ["e"]}, {"rooms": [1]}]),
        msgpack.packb(["u", {"type": 2, "data": ["e"]}, {"flags": 5}]),
        msgpack.packb(["u", {"type": 2, "data": ["e", msgpack.ExtType(5, b"x")]}, {}]),
    ],
)
def test_what_no_emitter_writes_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_emission("/#", data)


def test_requests_that_want_no_answer_are_read() -> None:
    options = {"rooms": ["a"], "except": ["b"]}
    audience = Audience("/chat", ("a",), ("b",))
    assert request(type=2, opts=options, rooms=["x", "y"]) == Change(audience, ("x", "y"), True)
    assert request(type=3, opts=options, rooms=["x"]) == Change(audience, ("x",), False)
    assert request(type=4, opts=options, close=True) == Disconnection(audience, True)
    assert request(type=4, opts={}) == Disconnection(Audience("/chat"), False)
    assert request(uid="emitter", type=6, data=["e", 1]) == ServerEvent("/chat", "e", (1,))


@pytest.mark.parametrize("kind", [0, 1, 5, 7, None, "2"])
def test_those_of_servers_are_not_for_us(kind: Any) -> None:
    assert request(type=kind, opts={}, requestId="x") is None
    assert request(type=6, data=["e"], requestId="x") is None
    assert request(type=2, sid="x", room="y", requestId="x") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"5",
        b"\xff",
        b"[" * 100_000,
        b'{"type":2,"opts":5}',
        b'{"type":2,"opts":{}}',
        b'{"type":2,"opts":{},"rooms":[1]}',
        b'{"type":4,"opts":{"rooms":"a"}}',
        b'{"type":6}',
        b'{"type":6,"data":[1]}',
    ],
)
def test_requests_that_no_emitter_writes_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_request("/", data)
