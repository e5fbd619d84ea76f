"""Small frames, against a decoder of this file's own that is written from RFC 6455, section 5.2, bit by bit."""

import struct
import zlib
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filtered_websocket.messages import frames

LIMIT = 70_000
MASK = b"\x37\xfa\x21\x3d"


class Frame(NamedTuple):
    fin: bool
    rsv: int
    opcode: int
    masked: bool
    length_bytes: int  # of the length as it was written: 0, 2 or 8 more than the 7 bits
    payload: bytes
    end: int


def parse(data, at=0):
    """The frame that begins here, None while it is not complete."""
    try:
        first, second = struct.unpack_from("!BB", data, at)
        here, extra = at + 2, {126: 2, 127: 8}.get(second & 0x7F, 0)
        length = second & 0x7F
        if extra:
            (length,) = struct.unpack_from("!H" if extra == 2 else "!Q", data, here)
            here += extra
        key = b""
        if second & 0x80:
            (key,) = struct.unpack_from("4s", data, here)
            here += 4
    except struct.error:
        return None
    if len(data) - here < length:
        return None
    payload = data[here : here + length]
    if key:
        payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    return Frame(bool(first & 0x80), first >> 4 & 7, first & 15, bool(key), extra, payload, here + length)


def takeable(frame, limit):
    """Whether the fast path may take this frame, by what the module promises."""
    if frame is None or not frame.fin or frame.rsv or frame.opcode not in (1, 2) or not frame.masked:
        return False
    size = len(frame.payload)
    if frame.length_bytes != (0 if size < 126 else 2 if size < 65536 else 8) or size > limit:
        return False
    if frame.opcode == 1:
        try:
            frame.payload.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


def build(payload, opcode=2, fin=True, rsv=0, mask=MASK, length_bytes=None):
    size = len(payload)
    extra = length_bytes if length_bytes is not None else 0 if size < 126 else 2 if size < 65536 else 8
    bit = 0x80 if mask is not None else 0
    head = bytes([fin << 7 | rsv << 4 | opcode, bit | {0: size, 2: 126, 8: 127}[extra]])
    head += size.to_bytes(extra, "big") if extra else b""
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def expected(data, at, limit):
    frame = parse(data, at)
    if not takeable(frame, limit):
        return None
    return bytearray(frame.payload), frame.opcode == 2, frame.end


masks = st.binary(min_size=4, max_size=4)
lengths = st.sampled_from([0, 1, 3, 4, 124, 125, 126, 127, 128, 1000]) | st.integers(0, 300)
payloads = lengths.flatmap(lambda size: st.binary(min_size=size, max_size=size)) | st.text(max_size=200).map(str.encode)


@st.composite
def any_frames(draw):
    payload = draw(payloads)
    extra = draw(st.sampled_from([None, None, None, 2, 8]))
    return build(
        payload,
        opcode=draw(st.sampled_from([1, 2, 1, 2, 0, 3, 7, 8, 9, 10, 15])),
        fin=draw(st.sampled_from([True, True, True, False])),
        rsv=draw(st.sampled_from([0, 0, 0, 0, 1, 2, 4, 7])),
        mask=draw(st.one_of(masks, masks, masks, st.none())),
        length_bytes=extra,
    )


@given(st.lists(any_frames(), min_size=1, max_size=4), st.data())
def test_read_takes_exactly_the_frames_it_may_at_any_split(stream, data):
    raw = b"".join(stream)
    limit = data.draw(st.sampled_from([1, 125, 200, LIMIT]))
    starts = [0]
    for each in stream:
        starts.append(starts[-1] + len(each))
    at = data.draw(st.sampled_from(starts))
    cut = data.draw(st.sampled_from(starts) | st.integers(0, len(raw)))
    for given_bytes in (raw, raw[:cut]):
        begin = min(at, len(given_bytes))
        assert frames.read(given_bytes, begin, limit) == expected(given_bytes, begin, limit)


@given(st.binary(max_size=40), st.integers(0, 45), st.integers(1, 300))
def test_read_makes_of_any_bytes_what_the_reference_makes(raw, at, limit):
    at = min(at, len(raw))
    assert frames.read(raw, at, limit) == expected(raw, at, limit)


@given(st.sampled_from([b"\x81", b"\x82"]), st.binary(max_size=20))
@example(b"\x81", b"\xfe\x00\x7d1234")
@example(b"\x82", b"\xff" + b"\xff" * 8 + b"1234")
@example(b"\x82", b"\xff" + b"\x00" * 6 + b"\xff\xff1234")
def test_read_makes_of_any_second_byte_what_the_reference_makes(first, rest):
    assert frames.read(first + rest, 0, LIMIT) == expected(first + rest, 0, LIMIT)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537, LIMIT])
@pytest.mark.parametrize("opcode", [1, 2])
def test_every_way_to_write_a_length_is_read_and_only_the_shortest(size, opcode):
    payload = b"x" * size
    for extra in (0, 2, 8):
        if size >= {0: 126, 2: 65536, 8: 1 << 63}[extra]:
            continue
        raw = b"before" + build(payload, opcode, length_bytes=extra) + b"after"
        read = frames.read(raw, 6, LIMIT)
        assert read == expected(raw, 6, LIMIT)
        shortest = extra == (0 if size < 126 else 2 if size < 65536 else 8)
        assert (read is not None) == shortest
        if read is not None:
            assert read[0] == payload
            assert raw[read[2] :] == b"after"


@pytest.mark.parametrize("size", [1, 5, 125, 126, 300])
def test_a_frame_is_taken_when_its_last_byte_is_there_and_not_before(size):
    raw = build(b"y" * size)
    for cut in range(len(raw)):
        assert frames.read(raw[:cut], 0, LIMIT) is None
    assert frames.read(raw, 0, LIMIT) == (bytearray(b"y" * size), True, len(raw))


def test_the_limit_itself_is_taken_and_one_more_is_not():
    assert frames.read(build(b"x" * 200), 0, 200) is not None
    assert frames.read(build(b"x" * 201), 0, 200) is None


@pytest.mark.parametrize("text", [b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"ok \xff", b"\x80"])
def test_text_that_is_not_utf_8_is_left_to_autobahn_and_binary_is_not_looked_at(text):
    assert frames.read(build(text, opcode=1), 0, LIMIT) is None
    assert frames.read(build(text, opcode=2), 0, LIMIT) == (bytearray(text), True, 6 + len(text))


def test_the_payload_is_a_bytearray_that_a_filter_may_change():
    payload, _, _ = frames.read(build(b"abc", opcode=1), 0, LIMIT)
    assert type(payload) is bytearray
    payload += b"d"
    assert payload == b"abcd"


@given(payloads, st.booleans())
def test_what_make_makes_is_one_unmasked_frame_of_minimal_length(payload, binary):
    made = frames.make(payload, binary)
    frame = parse(made)
    assert frame == Frame(True, 0, 2 if binary else 1, False, frame.length_bytes, payload, len(made))
    assert frame.length_bytes == (0 if len(payload) < 126 else 2)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 1 << 20])
@pytest.mark.parametrize("binary", [True, False])
def test_make_knows_every_way_to_write_a_length(size, binary):
    frame = parse(frames.make(b"z" * size, binary))
    assert (frame.fin, frame.opcode, len(frame.payload)) == (True, 2 if binary else 1, size)
    assert frame.length_bytes == (0 if size < 126 else 2 if size < 65536 else 8)


@given(payloads, st.booleans(), st.integers(9, 15))
def test_a_deflated_frame_inflates_in_its_window_after_anything_else(payload, binary, bits):
    inflate = zlib.decompressobj(-bits)
    for each in (payload, b"something else", payload):
        frame = parse(frames.make_deflated(each, binary, bits))
        assert (frame.fin, frame.rsv, frame.opcode, frame.masked) == (True, 4, 2 if binary else 1, False)
        assert inflate.decompress(frame.payload + b"\x00\x00\xff\xff") == each


def test_a_deflated_frame_may_be_larger_than_a_small_one():
    frame = parse(frames.make_deflated(bytes(range(256)) * 300, True, 15))
    assert frame.rsv == 4
    big = frames.make_deflated(
        b"".join(struct.pack("!Q", n * 0x9E3779B97F4A7C15 % 2**64) for n in range(9000)), True, 9
    )
    assert parse(big).length_bytes == 8
