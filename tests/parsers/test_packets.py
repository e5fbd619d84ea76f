"""Packets of Socket.IO mean to us what they mean to python-socketio, or the table says why not."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parsers import packets
from tests.parsers.differences import Difference, explain, ids
from tests.parsers.mutations import mutated
from tests.parsers.packets import MOST, TABLE, Packet, Theirs, parted

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.5, 2**53, 2**70, 1e300, -0.0, "", "a", "é", "😀", "\ud800", "\0"]
)
BYTES = st.sampled_from([b"", b"\0", b"\xff" * 3])
VALUES = st.recursive(
    SCALARS | BYTES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "é", "", "num"]), inner, max_size=2)
    ),
    max_leaves=3,
)
NUMBERS = st.sampled_from([None, 0, 7, 10**14])
SPACES = st.sampled_from(["/", "/", "/admin", "/é"])
PACKETS = st.one_of(
    st.builds(Packet, st.just(2), SPACES, NUMBERS, st.lists(VALUES, max_size=2).map(lambda rest: ["name", *rest])),
    st.builds(Packet, st.just(3), SPACES, st.sampled_from([0, 12]), st.lists(VALUES, max_size=2)),
    st.builds(Packet, st.just(0), SPACES, st.none(), st.sampled_from([None, {}, {"token": "x"}])),
    st.builds(Packet, st.just(1), SPACES, st.none(), st.none()),
)


@cache
def theirs(version: int) -> Theirs:
    return Theirs(version)


@pytest.mark.parametrize("version", [5, 4])
@settings(derandomize=True, max_examples=100)
@given(PACKETS)
def test_what_each_writes_the_other_reads(version: int, packet: Packet) -> None:
    text, attachments = packets.write(packet)
    assert repr(theirs(version).read(text, attachments)) == repr(packet)
    if len(attachments) <= MOST:
        assert repr(packets.read(*theirs(version).write(packet))) == repr(packet)
    if version == 5:
        assert theirs(version).write(packet) == (text, attachments)


TOKENS = st.sampled_from(
    ["", "-", ",", "/", "?", "1", "0", "5", "9", '"', "[", "]", "{", "}", "null", "true", "NaN", "1e999", " ", "²", "٣",
     "-1", '"num":', '"_placeholder":', "1-", "connect", "\n"]
).map(str.encode)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    text, attachments = draw(PACKETS.map(packets.write))
    changed = draw(mutated(st.just(text.encode()), TOKENS)).decode("utf-8", "replace")
    return changed, attachments[: draw(st.sampled_from([9, 9, 9, 0, 1]))] + draw(st.sampled_from([[], [], [b"x"]]))


@pytest.mark.parametrize("version", [5, 4])
@settings(derandomize=True, max_examples=150)
@given(texts())
def test_they_agree_on_what_is_nearly_right(version: int, given: tuple[str, list[bytes]]) -> None:
    explain(parted(*given, theirs(version)), TABLE)


@pytest.mark.parametrize("difference", TABLE, ids=ids(TABLE))
def test_each_difference_is_one(difference: Difference) -> None:
    assert difference in explain(parted(*difference.example, theirs(5)), TABLE)


def test_a_difference_that_is_not_in_the_table_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    given: Any = '52-["a",{"_placeholder":true,"num":1}]', [b"x", b"y"]
    assert packets.read(*given) == Packet(2, "/", None, ["a", b"y"])
    assert parted(*given, theirs(5)) is None
    monkeypatch.setattr(packets, "read", lambda text, attachments: Packet(2, "/", None, ["a", b"x"]))
    with pytest.raises(AssertionError, match="nothing in the table explains"):
        explain(parted(*given, theirs(5)), TABLE)
