import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.messages import deflate
from filtered_websocket.messages.deflate import Deflate, TooLargeError, negotiate

NAMES = ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"]
VALUES = [None, "", "8", "9", "12", "15", "16", "09", "x", "1e1", "٩", '"10"', "-9"]
PARAMETERS = st.tuples(st.sampled_from([*NAMES, "x", ""]), st.sampled_from(VALUES)).map(
    lambda each: each[0] if each[1] is None else f"{each[0]}={each[1]}"
)
OFFER = st.lists(PARAMETERS, max_size=4).map(lambda each: "; ".join(["permessage-deflate", *each]))


@given(st.text() | st.lists(OFFER | st.text(alphabet=' ;,="\\a', max_size=8), max_size=5).map(", ".join))
def test_no_header_raises_and_what_is_answered_is_an_offer_of_the_client(header: str) -> None:
    agreed = negotiate(header)
    if agreed is not None:
        _, answer = agreed
        name, *parameters = answer.split("; ")
        assert name == "permessage-deflate"
        for parameter in parameters:
            assert parameter.partition("=")[0] in header.lower()


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("Permessage-Deflate; CLIENT_MAX_WINDOW_BITS", "permessage-deflate; client_max_window_bits=12"),
        ('permessage-deflate; server_max_window_bits="10"', "permessage-deflate; server_max_window_bits=10"),
        # Its compressor may use less than it was allowed, and an inflater more.
        ("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"),
        ("permessage-deflate; client_max_window_bits=15", "permessage-deflate; client_max_window_bits=12"),
        # As Netty and Jetty write what they cannot do.
        ("permessage-deflate;client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate;server_no_context_takeover;client_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover",
        ),
        ('foo; x="a, permessage-deflate, b"', None),
        ('foo="a;b", permessage-deflate', "permessage-deflate"),
        ("a, , ,permessage-deflate", "permessage-deflate"),
    ],
)
def test_offers_are_read_as_the_grammar_has_them(header: str, answer: str | None) -> None:
    agreed = negotiate(header)
    assert (agreed[1] if agreed else None) == answer


@given(
    messages=st.lists(st.binary(max_size=600) | st.sampled_from([b"a" * 2519, b"ab" * 5000, b""]), max_size=6),
    bits=st.sampled_from([9, 12, 15]),
    forgets=st.booleans(),
    ends=st.sampled_from([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH]),
    cut=st.integers(1, 40),
    room=st.integers(0, 3000),
)
def test_every_message_comes_out_whole_or_is_too_large(
    messages: list[bytes], bits: int, forgets: bool, ends: int, cut: int, room: int
) -> None:
    extension = Deflate(15, bits)
    sender = None
    for message in messages:
        if sender is None or forgets:
            sender = zlib.compressobj(9, zlib.DEFLATED, -bits)
        data = (sender.compress(message) + sender.flush(ends))[:-4]
        got = b""
        extension.start_decompress_message()
        try:
            for at in range(0, len(data), cut):
                got += extension.inflate(data[at : at + cut], room - len(got))
            got += extension.end(room - len(got))
        except TooLargeError:
            assert len(message) > room
            return
        assert got == message
        assert len(message) <= room


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(0, 10_000))
def test_whatever_comes_is_data_or_an_error(messages: list[bytes], room: int) -> None:
    extension = Deflate(15, 9)
    try:
        for message in messages:
            extension.start_decompress_message()
            size = len(extension.inflate(message, room))
            assert size + len(extension.end(room - size)) <= room
    except (TooLargeError, zlib.error):
        pass


def test_a_message_may_hold_so_many_final_blocks_and_the_next_as_many_again() -> None:
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    extension = Deflate(15, 15)
    for _ in range(3):
        extension.start_decompress_message()
        assert extension.inflate(end * deflate.MAX_FINAL_BLOCKS, 0) == b""
        assert extension.end(0) == b""
    with pytest.raises(zlib.error, match="final blocks"):
        extension.inflate(end * (deflate.MAX_FINAL_BLOCKS + 1), 0)
