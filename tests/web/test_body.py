"""Bodies, sized and in chunks: whatever the cuts, the same bytes; what is no body is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.web.body import AT_ONCE, MAX_TRAILERS, Chunked, Sized
from filtered_websocket.web.head import Refused

MIB = 1024 * 1024


def fed(body: Sized | Chunked, pieces: list[bytes]) -> tuple[bool | Refused, bytes]:
    """What a body says in the end, and what it has left."""
    data = bytearray()
    for piece in pieces:
        data += piece
        while True:
            before = len(data)
            done = body.take(data)
            if done:
                return done, bytes(data)
            if len(data) == before:
                break
    return False, bytes(data)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(each % (len(data) + 1) for each in at), len(data)]
    return [data[one:other] for one, other in pairwise(places)]


_cuts = st.lists(st.integers(0, 10_000), max_size=8)


@given(st.binary(max_size=300), st.binary(max_size=20), _cuts)
def test_a_sized_body_is_its_bytes_and_leaves_the_rest(content: bytes, rest: bytes, cuts: list[int]) -> None:
    body = Sized(len(content))
    pieces = cut(content, cuts)
    done, left = fed(body, [*pieces[:-1], pieces[-1] + rest])
    assert bytes(body.content) == content
    assert done is True
    # What came in one piece behind the end is untouched.
    assert rest.endswith(left) or left == rest


_chunks = st.lists(
    st.tuples(st.binary(min_size=1, max_size=40), st.sampled_from([b"", b";a", b' ;a="b\xff"', b";;"])), max_size=100
)
_trailers = st.sampled_from([b"", b"X: y\r\n", b"X: y\r\nZ:\r\n"])


@given(_chunks, _trailers, _cuts)
def test_a_body_in_chunks_is_their_bytes_however_it_comes(
    chunks: list[tuple[bytes, bytes]], trailers: bytes, cuts: list[int]
) -> None:
    sent = b"".join(b"%x%b\r\n%b\r\n" % (len(data), extension, data) for data, extension in chunks)
    body = Chunked(MIB)
    done, left = fed(body, [*cut(sent + b"000\r\n" + trailers + b"\r\n", cuts)])
    assert (done, left) == (True, b"")
    assert bytes(body.content) == b"".join(data for data, _ in chunks)


@pytest.mark.parametrize(
    "wrong",
    [
        b"g\r\n", b"\r\n", b"-1\r\n", b"0x1\r\n", b"1 \r\nx", b" 1\r\nx", b"1\nx", b"1\r\nxy\r\n", b"1\r\nx\n\n",
        b"1;\x00\r\nx", b"1;a\nb\r\nx", b"1" * 17 + b"\r\n", b"1" * 2000, b"1;" + b"a" * 2000,
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nX: a\x00\r\n\r\n", b"0\r\n X: folded\r\n\r\n", b"0\r\nX: a\nY: b\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_chunk_is_400(wrong: bytes) -> None:
    done, _ = fed(Chunked(MIB), [wrong])
    assert isinstance(done, Refused)
    assert done.status == 400


def test_a_body_that_grows_beyond_its_limit_is_413_by_its_sizes_alone() -> None:
    done, _ = fed(Chunked(10), [b"a\r\n0123456789\r\n1\r\n"])
    assert isinstance(done, Refused)
    assert done.status == 413
    assert fed(Chunked(10), [b"a\r\n0123456789\r\n0\r\n\r\nrest"]) == (True, b"rest")
    assert isinstance(fed(Chunked(10), [b"ffffffffffffffff\r\n"])[0], Refused)


def test_trailers_have_a_limit() -> None:
    done, _ = fed(Chunked(10), [b"0\r\n", b"X: y\r\n" * (MAX_TRAILERS // 6 + 2)])
    assert isinstance(done, Refused)
    assert done.status == 431


def test_one_call_reads_so_many_chunks_and_no_more() -> None:
    body, data = Chunked(MIB), bytearray(b"1\r\nx\r\n" * 1000)
    assert body.take(data) is False
    assert len(body.content) <= AT_ONCE
