"""Frames mean to the server what they mean to wsproto, or the table says why not."""

import struct
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.agreement import split
from tests.parsers.differences import Difference, explain, ids
from tests.parsers.frames import LIMIT, TABLE, Ours, Outcome, parted
from tests.parsers.mutations import mutated
from tests.support.raw_client import CLOSE, PING, PONG, close_frame, frame


def deflated(payload: bytes, flush: int) -> bytes:
    squeeze = zlib.compressobj(-1, zlib.DEFLATED, -15)
    data = squeeze.compress(payload) + squeeze.flush(flush)
    return data[:-4] if flush == zlib.Z_SYNC_FLUSH else data


PAYLOADS = (
    st.sampled_from(
        [b"", b"a", "é".encode(), b"\xff", b"\xe2\x82", b"\xac", b"\xed\xa0\x80", "😀".encode(), b"\xf4\x90\x80\x80"]
    )
    | st.integers(120, LIMIT + 2).map(lambda size: b"x" * size)
    | st.binary(max_size=9)
)
MASKS = st.sampled_from([bytes(4), b"\x37\xfa\x21\x3d"])
USUAL = st.builds(frame, PAYLOADS, st.sampled_from([1, 1, 2]), mask=MASKS)
PARTS = st.builds(frame, PAYLOADS, st.sampled_from([1, 2, 0, 0, 0]), fin=st.booleans(), mask=MASKS)
CONTROL = st.builds(
    frame, st.binary(max_size=126), st.sampled_from([PING, PONG]), fin=st.sampled_from([True] * 7 + [False])
)
CODES = st.sampled_from([0, 999, *range(1000, 1017), 1100, 2999, 3000, 3999, 4000, 4999, 5000, 65535])
CLOSES = st.builds(
    lambda code, reason: frame(struct.pack("!H", code) + reason, CLOSE),
    CODES,
    st.sampled_from([b"", b"why", b"\xff", b"x" * 123, b"x" * 124]),
) | st.sampled_from([frame(b"", CLOSE), frame(b"\x03", CLOSE)])
ODD = st.builds(
    frame, PAYLOADS, st.integers(0, 15), fin=st.booleans(), rsv=st.integers(0, 7), mask=st.one_of(MASKS, st.none())
)
SQUEEZED = st.builds(
    lambda payload, flush, opcode, fin: frame(deflated(payload, flush), opcode, fin=fin, rsv=4),
    PAYLOADS | st.just(bytes(2000)),
    st.sampled_from([zlib.Z_SYNC_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FINISH]),
    st.sampled_from([1, 2, 2]),
    st.sampled_from([True, True, True, False]),
)
LONG_FORM = st.sampled_from(
    [
        b"\x81\xfe\x00\x01" + bytes(4) + b"a",
        b"\x81\xff" + bytes(7) + b"\x01" + bytes(4) + b"a",
        b"\x81\xff\x80" + bytes(7) + bytes(4) + b"a",
        b"\x82\xff" + b"\x00" * 5 + b"\x01\x00\x00" + bytes(4) + b"a",
        b"\x89\xfe\x00\x7e" + bytes(4) + b"a" * 126,
    ]
)
STREAMS = mutated(
    st.lists(st.one_of(USUAL, USUAL, PARTS, PARTS, CONTROL, CLOSES, ODD, SQUEEZED, LONG_FORM), max_size=6).map(
        b"".join
    ),
    st.binary(max_size=2),
)


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    server = Ours()
    yield server
    server.close()


@settings(derandomize=True, max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STREAMS, st.lists(st.integers(0, 700), max_size=3), st.booleans())
@example(frame("a", fin=False) + frame(b"p", PING) + frame(b"\xc3", 0), [3], False)
@example(frame(b"\x03\x00" + b"\x06", 2, fin=False, rsv=4) + frame(b"p", PING), [], True)
def test_they_agree_however_the_bytes_come(ours: Ours, stream: bytes, cuts: list[int], deflate: bool) -> None:
    explain(parted(ours, split(stream, cuts), deflate), TABLE)


@pytest.mark.parametrize("difference", TABLE, ids=ids(TABLE))
def test_each_difference_is_one(ours: Ours, difference: Difference) -> None:
    found = [explain(parted(ours, [difference.example], deflate), TABLE) for deflate in (False, True)]
    assert [difference] in found


def test_what_is_compared_is_what_a_client_sends_and_is_told(ours: Ours) -> None:
    pieces = [frame("a", fin=False) + frame(b"p", PING), frame(b"b", 0) + frame(b"c", 2) + close_frame(3000, "why")]
    assert ours.outcome(pieces, False) == Outcome([(b"ab", False), (b"c", True)], [b"p"], 3000)
    assert parted(ours, pieces, False) is None


def test_a_difference_that_is_not_in_the_table_would_be_seen(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "outcome", lambda pieces, deflate: Outcome([], [], 1000))
    with pytest.raises(AssertionError, match="nothing in the table explains"):
        explain(parted(ours, [close_frame(1001)], False), TABLE)
