import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.fossil import delta

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"


def number(text):
    value = 0
    for digit in text.decode():
        value = value * 64 + DIGITS.index(digit)
    return value


def applied(source, patch):
    """As Fossil's documentation says how to."""
    size, _, rest = patch.partition(b"\n")
    found = b""
    while True:
        count, sign = re.match(rb"([0-9A-Za-z_~]+)([@:;])", rest).groups()
        rest = rest[len(count) + 1 :]
        if sign == b";":
            assert rest == b""
            assert len(found) == number(size)
            padded = found + bytes(-len(found) % 4)
            words = [int.from_bytes(padded[at : at + 4], "big") for at in range(0, len(padded), 4)]
            assert sum(words) % 2**32 == number(count)
            return found
        if sign == b":":
            found, rest = found + rest[: number(count)], rest[number(count) :]
        else:
            offset, _, rest = rest.partition(b",")
            at = number(offset)
            assert at + number(count) <= len(source)
            found += source[at : at + number(count)]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_made_of_any_others(source, target):
    assert applied(source, delta(source, target)) == target


@st.composite
def changed(draw):
    """A text, and the same with pieces of it elsewhere, and new ones between."""
    text = draw(st.text(st.sampled_from("aé€😀 ,:{}"), min_size=20, max_size=300))
    pieces = []
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(text)))
        pieces.append(text[begin : draw(st.integers(begin, len(text)))])
        pieces.append(draw(st.text(st.sampled_from("xyzäß"), max_size=5)))
    return text, "".join(pieces)


@given(changed())
def test_the_delta_of_two_texts_is_a_text(texts):
    source, target = (text.encode() for text in texts)
    patch = delta(source, target)
    assert applied(source, patch) == target
    patch.decode()


def test_what_is_the_same_is_copied():
    before = json.dumps([{"id": number, "name": f"name {number}", "on": False} for number in range(200)]).encode()
    after = before.replace(b'"id": 50', b'"id": 5000').replace(b'"name 120", "on": false', b'"name 120", "on": true')
    patch = delta(before, after)
    assert applied(before, patch) == after
    assert len(patch) < 80


@pytest.mark.parametrize("size", [0, 1, 3, 63, 64, 4096, 70_000])
def test_numbers_of_any_size(size):
    target = b"\xff" * size
    assert applied(b"", delta(b"", target)) == target
    assert applied(target, delta(target, target)) == target


def test_large_texts_are_compared_at_their_ends():
    source = b"a" * 1_500_000
    target = b"a" * 700_000 + b"b" + b"a" * 700_000
    patch = delta(source, target)
    assert applied(source, patch) == target
    assert len(patch) < 50
