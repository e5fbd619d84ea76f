"""Requests and handshakes mean to the server what they mean to h11 and wsproto, or the table says why not."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.agreement import split
from tests.parsers.differences import Difference, explain, ids
from tests.parsers.head_differences import TABLE
from tests.parsers.heads import INCOMPLETE, REFUSED, Ours, Read, parted, steps_of_h11
from tests.parsers.mutations import mutated

METHODS = st.sampled_from(["GET", "GET", "GET", "POST", "OPTIONS", "HEAD", "PUT", "M-SEARCH", "get", "CONNECT"])
TARGETS = st.sampled_from(
    [
        "/",
        "/",
        "/a?b=c",
        "/%2e",
        "//x",
        "*",
        "http://h/p",
        "ws://h?q",
        "?q",
        "h:80",
        "/a#b",
        "/é",
        "/a|b\\",
        "HTTP://u@h/",
    ]
)
VERSIONS = st.sampled_from(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.10"])
FIELDS = st.sampled_from(
    [
        "Connection: close", "Connection: keep-alive", "connection:\tclose, x", "Expect: 100-continue", "Cookie: a=1",
        "Cookie: b=2", "X: ", "X:", "X: a\tb", "X: é\x85", "X-Y_z!: 1", "X : 1", " X: 1", "X: a\x01", "X: \x7f",
        "X\x00: a",
        ": 1", "X", "Host: h", "Host: other", "Content-Length: 0", "Content-Length: 3", "Content-Length: +3",
        "Content-Length: 3, 3", "Content-Length: 0x3", "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 99999",
        "Content-Length: 3\r\nContent-Length: 4", "Content-Length: ", "Transfer-Encoding: chunked", "Origin: http://x",
        "Transfer-Encoding: Chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "TE: trailers",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: ,chunked", "Upgrade: h2c",
        "X: a\r\n folded", "X: \x0b1", "X: \x1c1", "Transfer-Encoding: xchunked", "Content-Length: \uff13",
        "Origin: http://x\r\nOrigin: http://y",
    ]
)  # fmt: skip
HOSTS = st.sampled_from(
    ["Host: h"] * 8 + ["", "host:h:80", "Host: a b", "Host: ", "Host: [::1]", "Host: u@h", "Host: h:x"]
)
UPGRADES = st.lists(
    st.sampled_from(
        [
            "Upgrade: websocket", "Upgrade: websocket", "Upgrade: WebSocket", "Upgrade: h2c, websocket",
            "Connection: Upgrade",
            "Connection: Upgrade", "Connection: keep-alive, upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Version: 8",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", "Sec-WebSocket-Protocol: a, b",
            "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a,,é", "Sec-WebSocket-Extensions: permessage-deflate",
            "Content-Length: 0", "Sec-WebSocket-Version: 13",
        ]
    ),
    max_size=2,
)  # fmt: skip
HANDSHAKE = [
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
]  # fmt: skip
BODIES = st.sampled_from(
    [
        "", "", "abc", "3\r\nabc\r\n0\r\n\r\n", "0\r\n\r\n", "3;x=y\r\nabc\r\n1 ; z\r\nd\r\n0\r\nX: y\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n", "+3\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
        "00000000000000000003\r\nabc\r\n0\r\n\r\n", "0\r\nX\r\n\r\n",
        "0\r\nX: \x01\r\n\r\n", "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n", "3;\x01\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n", "\r\n",
    ]
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    lines = [f"{draw(METHODS)} {draw(TARGETS)} {draw(VERSIONS)}", draw(HOSTS), *draw(st.lists(FIELDS, max_size=3))]
    return ("\r\n".join([each for each in lines if each] + ["", ""]) + draw(BODIES)).encode("latin-1", "replace")


@st.composite
def handshakes(draw: st.DrawFn) -> bytes:
    lines = (
        [each for each in HANDSHAKE if draw(st.integers(0, 9))] + draw(UPGRADES) + draw(st.lists(FIELDS, max_size=1))
    )
    lines = ["GET /chat HTTP/1.1", "Host: h", *draw(st.permutations(lines)), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")


PLAIN = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
TOKENS = st.sampled_from(
    [
        b"",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b",",
        b"\0",
        b"\x0b",
        b"\x7f",
        b"\xff",
        b"0",
        b"a",
        b"\r\n\r\n",
        b";",
        b"/",
    ]
) | st.binary(min_size=1, max_size=2)
STREAMS = mutated(
    st.lists(st.one_of(requests(), requests(), handshakes(), st.just(PLAIN)), min_size=1, max_size=3).map(b"".join),
    TOKENS,
)


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    server = Ours()
    yield server
    server.close()


@settings(derandomize=True, max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STREAMS, st.lists(st.integers(0, 700), max_size=3))
@example(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\nget / HTTP/1.1\r\nHost: h\r\n\r\n", [29])
def test_they_agree_however_the_bytes_come(ours: Ours, stream: bytes, cuts: list[int]) -> None:
    pieces = [each for each in split(stream, cuts) if each]
    explain(parted(ours.steps(pieces), steps_of_h11(stream)), TABLE)


@pytest.mark.parametrize("difference", TABLE, ids=ids(TABLE))
def test_each_difference_is_one(ours: Ours, difference: Difference) -> None:
    assert difference in explain(parted(ours.steps([difference.example]), steps_of_h11(difference.example)), TABLE)


def test_what_is_compared_is_what_a_request_says(ours: Ours) -> None:
    stream = b"POST /a?b HTTP/1.1\r\nHost: h\r\nX: 1\r\nx: 2\r\nContent-Length: 2\r\n\r\nhi" + PLAIN + PLAIN[:9]
    steps = ours.steps([stream])
    assert [made for _, made in steps] == [
        Read("POST", "/a?b", {"host": "h", "x": "1,2", "content-length": "2"}, b"hi"),
        Read("GET", "/", {"host": "h"}),
        INCOMPLETE,
    ]
    assert parted(steps, steps_of_h11(stream)) is None


def test_a_difference_that_is_not_in_the_table_would_be_seen(ours: Ours) -> None:
    steps = ours.steps([PLAIN])
    with pytest.raises(AssertionError, match="nothing in the table explains"):
        explain(parted(steps, [(PLAIN, REFUSED)]), TABLE)
    with pytest.raises(AssertionError, match="nothing in the table explains"):
        explain(parted(steps, steps_of_h11(PLAIN.replace(b"GET", b"PUT"))), TABLE)
