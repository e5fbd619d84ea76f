"""Bodies of polling mean to us what they mean to python-engineio, or the table says why not."""

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.parsers import payloads
from tests.parsers.differences import Difference, explain, ids
from tests.parsers.mutations import mutated
from tests.parsers.payloads import TABLE, Packet, Theirs, parted

TEXTS = st.sampled_from(["", "é", "😀", '2["a",1]', "probe", "b", ":", "0", "a😀é", "x" * 12, "\r\n", "b4", "1:"])
BYTES = st.sampled_from([b"", b"\0", b"\xff", b"\1\2", b"abc", bytes(range(250, 256)) * 2, b"\x1e"])
PACKETS = st.lists(
    st.tuples(st.sampled_from("4444123560"), TEXTS.map(str.encode), st.just(False))
    | st.tuples(st.just("4"), BYTES, st.just(True)),
    min_size=1,
    max_size=4,
)


@cache
def theirs(protocol: int) -> Theirs:
    return Theirs(protocol)


@pytest.mark.parametrize("protocol", [4, 3])
@settings(derandomize=True, max_examples=80)
@given(PACKETS, st.booleans())
def test_what_each_writes_the_other_reads(protocol: int, packets: list[Packet], base64_only: bool) -> None:
    ours = payloads.write(packets, protocol, base64_only)
    assert payloads.read(ours, protocol) == packets
    explain(parted(ours, theirs(protocol)), TABLE)
    # Where python-engineio 3 writes a text, it counts bytes; it reads characters, and Node.js both in UTF-16.
    assume(protocol == 4 or not base64_only or all(binary or data.isascii() for _, data, binary in packets))
    written = theirs(protocol).write(packets, base64_only)
    assert payloads.read(written, protocol) == packets
    assert written == ours or protocol == 3


TOKENS = {
    4: [
        b"",
        b"b",
        b"4",
        b"\x1e",
        b"=",
        b"\xff",
        b"d=",
        b"-",
        b"_",
        b"\n",
        b"A",
        b"9",
        b"x",
        b"\2",
        b"bAAA",
        "é".encode(),
    ],
    3: [b"", b"b", b"b4", b"4", b":", b"1", b"0", b"\0", b"\1", b"\xff", b"\4", b"\n", b"+", b" ", b"=", "😀".encode()],
}


@pytest.mark.parametrize("protocol", [4, 3])
@settings(derandomize=True, max_examples=120)
@given(st.data())
def test_they_agree_on_what_is_nearly_right(protocol: int, data: st.DataObject) -> None:
    valid = st.builds(
        lambda packets, base64_only: payloads.write(packets, protocol, base64_only), PACKETS, st.booleans()
    )
    body = data.draw(mutated(valid, st.sampled_from(TOKENS[protocol])))
    explain(parted(body, theirs(protocol)), TABLE)


@pytest.mark.parametrize("difference", TABLE, ids=ids(TABLE))
def test_each_difference_is_one(difference: Difference) -> None:
    protocol, body = difference.example
    assert difference in explain(parted(body, theirs(protocol)), TABLE)


def test_a_difference_that_is_not_in_the_table_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parted(b"4a", theirs(4)) is None
    monkeypatch.setattr(payloads, "read", lambda body, protocol: None)
    with pytest.raises(AssertionError, match="nothing in the table explains"):
        explain(parted(b"4a", theirs(4)), TABLE)
