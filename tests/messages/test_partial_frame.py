"""Frames that come in pieces, against Autobahn's own masker and UTF-8 validator."""

import resource
import sys
import tracemalloc
from pathlib import Path

import pytest
from autobahn.websocket.utf8validator import Utf8Validator
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.messages import accelerator, frames, partial_frame
from filtered_websocket.messages.partial_frame import PartialFrame
from tests.support.accelerator import compiled
from tests.support.raw_client import BINARY, TEXT, frame

LIMIT = 1 << 20
_HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")

texts = st.text(max_size=300).map(str.encode) | st.binary(max_size=60)
sizes = st.sampled_from([1, 5, 125, 126, 65_535, 65_536, 16_384, 50_000])
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
    assert partial.payload == payload
    assert type(partial.payload) is bytearray
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


@pytest.fixture(params=["reference", "c"], autouse=True)
def appends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's function, the reference, and C's."""
    function = compiled().append_unmasked if request.param == "c" else accelerator.references["append_unmasked"]
    monkeypatch.setattr(partial_frame, "append_unmasked", function)


def test_what_is_announced_takes_no_memory_and_what_comes_sixteen_times_its_own_at_most() -> None:
    raw = frame(b"x" * LIMIT, BINARY)
    begin = head(raw)
    tracemalloc.start()
    try:
        partial = begun(raw[: begin + 1])
        for at in range(begin + 1, 30_000):
            assert partial.add(raw[at : at + 1])
            if not at % 999:
                assert tracemalloc.get_traced_memory()[0] < 2000 + 16 * at
        assert partial.add(raw[30_000:])
        assert tracemalloc.get_traced_memory()[0] < 2000 + LIMIT * 9 / 8
    finally:
        tracemalloc.stop()
    assert partial.payload == b"x" * LIMIT


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(
    "[always]" in _HUGE.read_text() if _HUGE.exists() else sys.platform != "linux", reason="pages are huge, or unknown"
)
def test_room_that_is_asked_for_ahead_is_the_kernels_until_something_comes() -> None:
    come = frame(b"x" * LIMIT, BINARY)[:65_536]
    before = resident()
    attackers = [begun(come) for _ in range(500)]
    assert resident() - before < 500 * 65_536 * 1.5
    assert all(each.missing > LIMIT - 65_536 for each in attackers)
