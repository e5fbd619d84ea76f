"""Frames that come in pieces, against Autobahn's own masker and UTF-8 validator."""

import tracemalloc

import pytest
from autobahn.websocket.utf8validator import Utf8Validator
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.messages import frames
from filtered_websocket.messages.partial_frame import JOINED, PartialFrame
from tests.support.raw_client import BINARY, TEXT, frame

LIMIT = 1 << 20

texts = st.text(max_size=300).map(str.encode) | st.binary(max_size=60)
sizes = st.sampled_from([1, 5, 125, 126, 65_535, 65_536, JOINED, 3 * JOINED + 1])
payloads = texts | st.builds(lambda size, begin: begin + b"x" * size, sizes, texts)


def begun(raw: bytes, at: int = 0, limit: int = LIMIT) -> PartialFrame:
    partial = PartialFrame.begin(raw, at, limit)
    assert partial is not None
    return partial


def head(raw: bytes) -> int:
    found = frames.head_of(raw, 0)
    assert found is not None
    return found[0]


@given(payloads, st.sampled_from([TEXT, BINARY]), st.binary(min_size=4, max_size=4), st.lists(st.integers(0, 70_000)))
def test_a_frame_cut_anywhere_is_the_payload_or_is_given_back_at_its_first_wrong_byte(payload, opcode, mask, cuts):
    raw = frame(payload, opcode, mask=mask)
    begin = head(raw)
    places = sorted({begin + cut % (len(raw) - begin + 1) for cut in cuts} | {len(raw)})
    valid = Utf8Validator()
    partial, came = PartialFrame.begin(raw[: places[0]], 0, LIMIT), places[0]
    if came == len(raw):
        assert partial is None
        return
    for end in [came, *places[1:]]:
        good = opcode == BINARY or valid.validate(payload[(0 if end == came else came - begin) : end - begin])[0]
        if end == len(raw):
            good = good and (opcode == BINARY or valid.validate(b"")[1])
        if end == came:
            assert (partial is not None) == good
            if partial is None:
                return
        else:
            assert partial.add(raw[came:end]) == good
            if not good:
                assert partial.given_back() == raw[:came]
                return
        came = end
        assert partial.missing == len(raw) - came
        assert partial.given_back() == raw[:came]
    assert partial.payload() == payload
    assert type(partial.payload()) is bytearray
    assert partial.binary == (opcode == BINARY)


@given(st.binary(max_size=30), st.integers(0, 30), st.integers(0, 300))
def test_what_begins_is_what_read_takes_when_the_rest_has_come(raw, at, limit):
    at = min(at, len(raw))
    partial = PartialFrame.begin(raw, at, limit)
    if partial is None:
        return
    # Of a text the rest may be chosen so that it becomes none.
    rest = frame(b"x" * partial.missing, mask=raw[head(raw[at:]) + at - 4 :][:4])
    assert frames.read(raw, at, limit) is None
    assert not partial.binary or frames.read(raw + rest[-partial.missing :], at, limit) is not None


@pytest.mark.parametrize(
    "raw",
    [
        frame("x" * 200, fin=False), frame("x" * 200, 0), frame("x" * 200, rsv=4), frame("x" * 200, mask=None),
        frame("", 9), frame("x" * 200), b"\x81\xfe\x00\x7d1234x", b"\x81\xff" + (65535).to_bytes(8, "big") + b"1234x",
        b"\x82\xff" + b"\xff" * 8 + b"1234x", frame("x" * 1001)[:50], frame("x" * 200)[:7],
        frame(b"\xff" * 200, TEXT)[:50],
    ],
)  # fmt: skip
def test_what_is_unusual_does_not_begin(raw):
    assert PartialFrame.begin(raw, 0, 1000) is None


def test_the_limit_itself_begins():
    assert PartialFrame.begin(frame("x" * 1000)[:50], 0, 1000) is not None


def test_what_is_announced_takes_no_memory_and_neither_do_small_pieces():
    raw = frame(b"x" * LIMIT, BINARY)
    begin = head(raw)
    tracemalloc.start()
    try:
        partial = begun(raw[: begin + 1])
        assert tracemalloc.get_traced_memory()[0] < 2000
        for at in range(begin + 1, 200_000):
            partial.add(raw[at : at + 1])
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 1.3 * 200_000
