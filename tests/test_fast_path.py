"""The fast paths and Autobahn alone agree on every stream, split anywhere. (`make fuzz` asks the same for longer.)"""

import struct
import zlib
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from filtered_websocket.connection import receiving, sending
from filtered_websocket.connection.connection import Connection
from filtered_websocket.messages import accelerator, frames, partial_frame
from filtered_websocket.transport import reactor
from tests.fuzz.agreement import LARGE_LIMIT, LIMIT, Agreement, Side, split
from tests.fuzz.over_tls import Port, SecureEnd
from tests.support import certificates
from tests.support.accelerator import compiled
from tests.support.raw_client import CLOSE, PING, TEXT, close_frame, frame

CALLED_IN = {
    "read": frames,
    "append_unmasked": partial_frame,
    "make": frames,
    "bound_send": sending,
    "read_ready": reactor,
}
"""The module through which each function that has a form in C is called."""


@pytest.fixture(scope="module", params=["Python", "C"])
def language(request: pytest.FixtureRequest) -> Iterator[None]:
    """What receives bytes, reads, makes and sends frames."""
    functions = accelerator.references if request.param == "Python" else vars(compiled())
    with pytest.MonkeyPatch.context() as patch:
        for name in accelerator.references:
            patch.setattr(CALLED_IN[name], name, functions[name])
        yield


@pytest.fixture(scope="module")
def agreement(language: None) -> Iterator[Agreement]:
    both = Agreement()
    yield both
    both.close()


def deflated(payload: bytes) -> bytes:
    squeeze = zlib.compressobj(-1, zlib.DEFLATED, -15)
    return (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


words = st.sampled_from([b"a", b"c", b"e", b"n", b"p", b"t", b"x", b"\xc3\xa4", b"\xff", b"\xe2\x82", b""])
sizes = st.sampled_from([0, 1, 2, 124, 125, 126, 127, LIMIT - 1, LIMIT, LIMIT + 1]) | st.integers(0, 40)
payloads = st.builds(lambda word, size: (word + b"y" * size)[: max(size, len(word))], words, sizes) | st.binary(
    max_size=20
)
masks = st.sampled_from([b"\x00\x00\x00\x00", b"\x37\xfa\x21\x3d"]) | st.binary(min_size=4, max_size=4)
ordinary = st.builds(frame, payloads, st.sampled_from([1, 2]), mask=masks)
control = st.builds(frame, st.binary(max_size=10), st.sampled_from([PING, 10]), mask=masks)
closes = st.builds(
    lambda code, reason: frame(struct.pack("!H", code) + reason, CLOSE),
    st.sampled_from([1000, 1001, 1004, 1005, 1006, 1007, 1011, 1014, 2999, 3000, 4999, 5000]),
    st.sampled_from([b"", b"why", b"\xff", b"x" * 122]),
)
squeezed = st.builds(
    lambda payload, opcode, fin: frame(deflated(payload), opcode, fin=fin, rsv=4),
    payloads | st.just(bytes(2000)),
    st.sampled_from([1, 2]),
    st.booleans(),
)
odd = st.builds(
    frame,
    payloads,
    st.integers(0, 15),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 1, 4, 7]),
    mask=st.one_of(masks, masks, masks, st.none()),
)
streams = st.lists(
    st.one_of(ordinary, ordinary, ordinary, control, odd, squeezed, closes, st.binary(max_size=16)), max_size=8
).map(b"".join)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams, st.lists(st.integers(0, 70_000), max_size=6), st.booleans(), st.sampled_from([0, 0, 1, 2]))
@example(frame("c") + frame("after") + close_frame(4001), [], False, 0)
@example(frame("a1") + frame("a2") + frame("x") + close_frame(), [3, 3], False, 1)
@example(frame("p") + frame("x") + frame("", PING) + frame("t"), [], False, 0)
@example(frame(b"a", TEXT, fin=False) + frame(b"", PING) + frame(b"\xff", 0), [], False, 2)
def test_the_fast_paths_and_autobahn_alone_agree(
    agreement: Agreement, stream: bytes, cuts: list[int], deflate: bool, share: int
) -> None:
    agreement.on(split(stream, cuts), deflate, share)


@pytest.fixture(scope="module")
def large_agreement(language: None) -> Iterator[Agreement]:
    both = Agreement(LARGE_LIMIT)
    yield both
    both.close()


class Large(NamedTuple):
    """A large frame, in few words: its payload begins with one, and holds something strange somewhere."""

    word: bytes
    filling: bytes
    size: int
    strange: bytes = b""
    at: int = 0
    opcode: int = TEXT
    fin: bool = True
    sent: int | None = None

    def made(self) -> bytes:
        filled = self.word + (self.filling * (self.size // len(self.filling) + 1))[: self.size - len(self.word)]
        at = self.at % self.size
        return frame(filled[:at] + self.strange + filled[at:], self.opcode, self.fin)[: self.sent]


larges = st.builds(
    Large,
    st.sampled_from([b"a", b"c", b"p", b"t", b"x"]),
    st.sampled_from([b"y", b"\xc3\xa4", b"\xf0\x9f\x98\x80"]),
    st.sampled_from([4096, 65_535, 65_536, 100_000, LARGE_LIMIT, LARGE_LIMIT + 1]) | st.integers(1000, LARGE_LIMIT),
    st.sampled_from([b"", b"", b"\xe2\x82\xac", b"\xff", b"\xed\xa0\x80"]),
    st.integers(0, LARGE_LIMIT),
    st.sampled_from([0, 1, 1, 1, 2, 2]),
    st.sampled_from([True, True, True, False]),
)
large_streams = st.lists(st.one_of(larges, larges, ordinary, control, squeezed, closes), min_size=1, max_size=4)
X = Large(b"x", b"x", 70_000)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(large_streams, st.lists(st.integers(0, 400_000), max_size=8), st.booleans(), st.sampled_from([0, 0, 1, 2]))
@example([X, frame("c"), close_frame()], [5, 9, 13, 60_000], False, 0)
@example([X._replace(sent=60_000), close_frame()], [20_000, 20_000], False, 0)
@example([X._replace(word=b"a"), X, close_frame()], [70_000, 90_000, 100_000], False, 1)
@example([X._replace(strange=b"\xff", at=30_000, sent=40_000)], [10_000, 35_000], False, 0)
@example([X._replace(word=b"e"), X], [30_000, 90_000], True, 2)
def test_they_agree_on_large_frames_cut_anywhere(
    large_agreement: Agreement, stream: list[bytes | Large], cuts: list[int], deflate: bool, share: int
) -> None:
    whole = b"".join(each.made() if isinstance(each, Large) else each for each in stream)
    large_agreement.on(split(whole, cuts), deflate, share)


def test_what_is_compared_is_what_a_client_would_see(agreement: Agreement) -> None:
    stream = frame("x") + frame(b"a binary one", 2) + frame("", PING) + close_frame(1000, "bye")
    told, sent, ended_by, counted = agreement.on(split(stream, [9]))
    assert told == [(b"x", False), (b"a binary one", True), ("ended", 1000, "bye")]
    assert (
        sent.partition(b"\r\n\r\n")[2] == b"\x81\x01x" + b"\x82\x0ca binary one" + b"\x8a\x00" + b"\x88\x05\x03\xe8bye"
    )
    assert ended_by == "the server"
    assert counted == {}


def test_a_disagreement_would_be_seen(agreement: Agreement, monkeypatch: pytest.MonkeyPatch) -> None:
    read = frames.read

    def takes_invalid_text(data: bytes, at: int, limit: int) -> object:
        return read(data.replace(b"\xff", b"?"), at, limit)

    monkeypatch.setattr(frames, "read", takes_invalid_text)
    with pytest.raises(AssertionError):
        agreement.on([frame(b"\xff", TEXT, mask=bytes(4))])


class Both(NamedTuple):
    side: Side
    port: Port

    def agree(self, pieces: list[bytes], deflate: bool, sizes: list[int], records: list[int], alert: bool) -> None:
        plain = self.side.play(pieces, deflate, 0)
        meet = partial(SecureEnd, port=self.port, sizes=sizes, records=records, alert=alert)
        assert self.side.play(pieces, deflate, 0, meet) == plain


@pytest.fixture(scope="module", params=[LIMIT, LARGE_LIMIT])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    defaults = receiving.SHARE, receiving.SHARE_SECONDS
    side = Side(Connection, request.param)
    yield Both(side, Port(certificates.write(tmp_path_factory.mktemp("tls"))))
    side.close()
    receiving.SHARE, receiving.SHARE_SECONDS = defaults


numbers = st.lists(st.integers(1, 200) | st.sampled_from([1, 5, 21, 22, 23, 16384, 65536]), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams, st.lists(st.integers(0, 70_000), max_size=4), numbers, numbers, st.booleans(), st.booleans())
@example(frame("x") + frame("", PING) + frame("a") + close_frame(), [], [1], [1], False, True)
@example(frame("x" * 290) * 200, [], [65536], [16384], False, False)
def test_the_same_bytes_give_the_same_events_over_tls_however_both_are_cut(
    both: Both, stream: bytes, cuts: list[int], sizes: list[int], records: list[int], deflate: bool, alert: bool
) -> None:
    both.agree(split(stream, cuts), deflate, sizes, records, alert)


largest = st.sampled_from([[16384], [16384, 5], [10_000, 1, 40_000], [65536]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(large_streams, st.lists(st.integers(0, 400_000), max_size=4), largest, largest, st.booleans(), st.booleans())
def test_large_frames_do_so_too(
    both: Both,
    stream: list[bytes | Large],
    cuts: list[int],
    sizes: list[int],
    records: list[int],
    deflate: bool,
    alert: bool,
) -> None:
    whole = b"".join(each.made() if isinstance(each, Large) else each for each in stream)
    both.agree(split(whole, cuts), deflate, sizes, records, alert)
