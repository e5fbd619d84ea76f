"""The one parser of heads: against a reading of RFC 9112 of this file's own, and through a real server's sockets, where
handshakes and plain HTTP must be refused and read alike."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.web.base import Endpoint, HTTPRequest
from filtered_websocket.web.head import (
    MAX_HEADERS,
    Head,
    Refused,
    body_length,
    end_of,
    is_forwarded,
    parse,
    path_of,
    path_of_line,
    words,
)
from tests.support.http_client import read_answer
from tests.support.raw_client import head as handshake
from tests.support.reactor_thread import call
from tests.support.serving import serving

LIMIT = 16 * 1024


def read(*lines: str, first: str = "GET / HTTP/1.1") -> Head | Refused:
    return parse("\r\n".join([first, *lines, "", ""]).encode("latin-1"))


def good(*lines: str, first: str = "GET / HTTP/1.1") -> Head:
    found = read(*lines, first=first)
    assert isinstance(found, Head), found
    return found


# What is a head: the reading of this file. Slow, byte by byte, and written from the grammar of RFC 9110 and 9112.


TCHAR = set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
FIELD_BYTES = set(b"\t ") | set(range(0x21, 0x7F)) | set(range(0x80, 0x100))


def fields_of(raw: bytes) -> list[tuple[str, str]] | None:
    """Names and values of a head, None if it breaks the grammar anywhere."""
    if not raw.endswith(b"\r\n\r\n"):
        return None
    first, *lines = raw[:-4].split(b"\r\n")
    parts = first.split(b" ")
    if len(parts) != 3 or not parts[0] or not set(parts[0]) <= TCHAR or parts[2] not in (b"HTTP/1.0", b"HTTP/1.1"):
        return None
    if not parts[1] or not set(parts[1]) <= FIELD_BYTES - set(b"\t #"):
        return None
    found = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or not set(name) <= TCHAR or not set(value) <= FIELD_BYTES:
            return None
        found.append((name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")))
    return found


_pieces = st.sampled_from(
    [
        b"GET", b"POST", b" ", b"/", b"/a?b", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\r", b"\n", b"\t", b"\x85", b"\x0b",
        b"\x1c", b"\x00", b"\x7f", b"\xff", b"Host: h", b"Host", b":", b"X-Forwarded-For: 1.2.3.4", b"a", b"#", b"(",
    ]
)  # fmt: skip
_almost = st.lists(_pieces, max_size=12).map(
    lambda pieces: b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(pieces) + b"\r\n\r\n"
)


@given(st.one_of(_almost, st.lists(_pieces, max_size=16).map(b"".join), st.binary(max_size=60)))
@example(b"GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: x\x85X-Forwarded-For: 203.0.113.66\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n")
def test_what_is_taken_is_what_the_grammar_has_and_says_what_stands_there(raw: bytes) -> None:
    found, wanted = parse(raw), fields_of(raw)
    if wanted is None:
        assert isinstance(found, Refused)
    elif isinstance(found, Head):
        assert list(found.headers) == list(dict.fromkeys(name for name, _ in wanted))
        for name, value in found.headers.items():
            assert value == ("; " if name == "cookie" else ",").join(one for other, one in wanted if other == name)
    else:
        # What only the meaning of a header or of the target forbids.
        hosts = [value for name, value in wanted if name == "host"]
        target = raw.split(b" ")[1]
        assert (
            len(hosts) != 1 or not re.fullmatch(r"[^ /?#@\\\[\]\t:]*(:\d*)?", hosts[0]) or not target.startswith(b"/")
        )


@given(st.lists(_pieces, max_size=16).map(b"".join), st.lists(st.integers(0, 80), max_size=5))
def test_where_a_head_ends_does_not_depend_on_how_it_came(data: bytes, cuts: list[int]) -> None:
    whole, searched = end_of(data, LIMIT), 0
    for cut in sorted(cuts):
        size = end_of(data[:cut], LIMIT, searched)
        if size:
            # Nothing that comes later makes a head of what is none.
            assert size == whole or isinstance(size, Refused)
            return
        searched = len(data[:cut])
    assert end_of(data, LIMIT, searched) == whole


def test_a_head_has_a_size_and_is_refused_while_it_grows_beyond_it() -> None:
    assert end_of(b"x" * 10 + b"\r\n\r\nmore", 10) == 14
    assert isinstance(end_of(b"x" * 11 + b"\r\n\r\n", 10), Refused)
    assert end_of(b"x" * 13, 10) == 0
    assert isinstance(end_of(b"x" * 14, 10), Refused)


def test_a_head_has_so_many_headers() -> None:
    assert isinstance(read("Host: h", *["A: b"] * (MAX_HEADERS - 1)), Head)
    refused = read("Host: h", *["A: b"] * MAX_HEADERS)
    assert isinstance(refused, Refused)
    assert refused.status == 431


# What it says.


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Accept", "Via"]
)
def test_a_header_that_comes_several_times_is_one_list(name: str) -> None:
    assert good("Host: h", f"{name}: a, b", "X: y", f"{name.upper()}:c ").headers[name.lower()] == "a, b,c"


def test_cookies_of_several_lines_are_joined_as_cookies_are() -> None:
    assert good("Host: h", "Cookie: a=1", "cookie: b=2; c=3").headers["cookie"] == "a=1; b=2; c=3"


def test_bytes_above_ascii_stay_as_they_are() -> None:
    assert good("Host: h", "X: a\x85b\xa0\xff").headers["x"] == "a\x85b\xa0\xff"


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("/chat?a=1", "/chat?a=1", "there"),
        ("ws://example.com/chat?a=1", "/chat?a=1", "example.com"),
        ("http://Example.com:80/echo", "/echo", "Example.com:80"),
        ("WSS://[::1]:9000?x", "/?x", "[::1]:9000"),
        ("https://h", "/", "h"),
        ("//twice", "//twice", "there"),
        ("?x=1", "/?x=1", "there"),
    ],
)
def test_a_target_with_an_authority_is_that_of_its_path_and_the_authority_is_the_host(
    target: str, path: str, host: str
) -> None:
    found = good("Host: there", first=f"GET {target} HTTP/1.1")
    assert (found.target, found.headers["host"]) == (path, host)
    assert path_of_line(found.raw) == path_of(path)


@pytest.mark.parametrize(
    "target",
    ["chat", "*", "ftp://h/", "http://", "http:///x", "http://a@b/", "http://[::1", "h:80", "/a#b", "http:/x"],
)
def test_a_target_that_is_neither_path_nor_url_is_none(target: str) -> None:
    assert isinstance(read("Host: h", first=f"GET {target} HTTP/1.1"), Refused)
    assert path_of_line(f"GET {target} HTTP/1.1\r\n".encode()) is None


def test_only_options_may_ask_for_the_whole_server() -> None:
    assert good("Host: h", first="OPTIONS * HTTP/1.1").target == "*"


@pytest.mark.parametrize(
    "host", ["", "h", "h:80", "h:", "[::1]", "[fe80::1%25eth0]:1", "a_b.c", "\xff\xfe", "1.2.3.4:5"]
)
def test_a_host_may_be_a_name_or_an_address_with_a_port(host: str) -> None:
    assert good(f"Host: {host}").headers["host"] == host


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "h:x", "h:1:2", "[::1", "::1", "a?b", "a\\b"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert isinstance(read(f"Host: {host}"), Refused)


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ([], 0),
        (["Content-Length: 7"], 7),
        (["Transfer-Encoding: chunked"], None),
        (["Transfer-Encoding: Chunked"], None),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], 400),
        (["Transfer-Encoding: identity"], 400),
        (["Transfer-Encoding: gzip, chunked"], 400),
        (["Transfer-Encoding: chunked, chunked"], 400),
        (["Transfer-Encoding:"], 400),
        (["Transfer-Encoding: \x0bchunked"], 400),
        (["Transfer-Encoding: chunked", "Content-Length: 7"], 400),
        (["Content-Length: 7", "Content-Length: 7"], 400),
        (["Content-Length: 7, 7"], 400),
        (["Content-Length: +7"], 400),
        (["Content-Length: 7 7"], 400),
        (["Content-Length: \xb2"], 400),
        (["Content-Length: " + "9" * 5000], 400),
        (["Content-Length:"], 400),
    ],
)
def test_a_body_has_one_length_or_the_request_is_refused(lines: list[str], length: int | None) -> None:
    found = read("Host: h", *lines)
    given = found if isinstance(found, Refused) else body_length(found)
    assert (given.status if isinstance(given, Refused) else given) == length


def test_a_body_in_chunks_needs_http_1_1() -> None:
    assert isinstance(body_length(good("Transfer-Encoding: chunked", first="POST / HTTP/1.0")), Refused)


def test_words_of_a_list() -> None:
    assert words({"upgrade": "h2c,, WebSocket\t"}, "upgrade") == ["h2c", "websocket"]
    assert words({}, "upgrade") == []


@pytest.mark.parametrize(
    "name", ["Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-New"]
)
def test_whatever_header_tells_of_a_proxy_tells_of_one(name: str) -> None:
    assert is_forwarded(good("Host: h", f"{name}: x").headers)
    assert not is_forwarded(good("Host: h", "X-Other: x").headers)


# Through a real server: one parser for the handshake and for plain HTTP.


def _told(request: Any) -> str:
    return f"{request.path} {request.params} {request.host} {request.peer} {request.headers.get('x')}"


class Tell(WebSocketMessageFilter):
    """What the request was that opened the connection."""

    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        request = connection.request
        connection.sendMessage(
            f"{request.path} {request.params} {request.host} {request.peer} {request.headers.get('x')}"
        )


class TellHTTP(Endpoint):
    path = "/chat"

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return _told(request)


def told(served: Any, sent: bytes, websocket: bool) -> str:
    """What the server has understood of the same head, as a handshake and as a request."""
    with served.client() as client:
        if websocket:
            client.send(sent)
            assert client.response().status == 101
            client.send("tell")
            return str(client.text())
        client.send(sent.replace(b"Upgrade: websocket\r\n", b""))
        answer = read_answer(client)
        assert answer.status == 200
        return answer.body.decode("utf-8")


WRONG = {
    "a bare LF in a header": (b"\r\nUpgrade", b"\nX: y\r\nUpgrade"),
    "a bare CR in a header": (b"\r\nUpgrade", b"\r\nX: a\rb\r\nUpgrade"),
    "bare LFs only": (b"\r\n", b"\n"),
    "a folded line": (b"\r\nUpgrade", b"\r\nX: a\r\n b\r\nUpgrade"),
    "a folded first line": (b"\r\nHost", b"\r\n X: y\r\nHost"),
    "a space before the colon": (b"Host:", b"Host :"),
    "a name that is no token": (b"\r\nUpgrade", b"\r\nX(Y): z\r\nUpgrade"),
    "a name above ASCII": (b"\r\nUpgrade", b"\r\nX\xe9: z\r\nUpgrade"),
    "an empty name": (b"\r\nUpgrade", b"\r\n: z\r\nUpgrade"),
    "no colon": (b"\r\nUpgrade", b"\r\nno header\r\nUpgrade"),
    "no host": (b"Host: localhost\r\n", b""),
    "two hosts": (b"\r\nUpgrade", b"\r\nhost: localhost\r\nUpgrade"),
    "a host that is none": (b"localhost", b"local/host"),
    "two spaces in the request line": (b" HTTP", b"  HTTP"),
    "a tab in the request line": (b" HTTP", b"\tHTTP"),
    "a fragment": (b"/chat", b"/chat#there"),
    "HTTP/2.0": (b"HTTP/1.1", b"HTTP/2.0"),
    "http/1.1": (b"HTTP/1.1", b"http/1.1"),
    "a target that is no path": (b"/chat", b"chat"),
    **{
        f"the control character {byte:#04x}": (b"\r\nUpgrade", b"\r\nX: a%cX-Forwarded-For: 6.6.6.6\r\nUpgrade" % byte)
        for byte in [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F]
    },
}


@pytest.mark.parametrize("websocket", [True, False], ids=["handshake", "HTTP"])
@pytest.mark.parametrize("what", WRONG)
def test_a_head_that_two_parsers_could_read_differently_is_400_for_both(what: str, websocket: bool) -> None:
    sent = handshake("/chat").replace(*WRONG[what])
    with serving(Tell, TellHTTP) as served, served.client() as client:
        client.send(sent if websocket else sent.replace(b"Upgrade: websocket\r\n", b"X-Upgrade: no\r\n"))
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        client.ended()
        served.until_empty()


@pytest.mark.parametrize("websocket", [True, False], ids=["handshake", "HTTP"])
@pytest.mark.parametrize("separator", [b"\x85", b"\xa0", b"\xe2\x80\xa8", b"\t"])
def test_what_ends_a_line_elsewhere_is_text_in_a_header(separator: bytes, websocket: bool) -> None:
    # The smallest input of issue 16's first row: str.splitlines() sees a second header there.
    value = b"x%bX-Forwarded-For: 203.0.113.66" % separator
    sent = handshake("/chat").replace(b"\r\nUpgrade", b"\r\nX: %b\r\nX-Forwarded-For: 192.0.2.1\r\nUpgrade" % value)
    with serving(Tell, TellHTTP, trusted_proxies=1) as served:
        expected = f"/chat {{}} localhost 192.0.2.1 {value.decode('latin-1')}"
        assert told(served, sent, websocket) == expected


@pytest.mark.parametrize("websocket", [True, False], ids=["handshake", "HTTP"])
def test_a_client_cannot_choose_its_address_by_what_some_parsers_take_for_a_line(websocket: bool) -> None:
    sent = handshake("/chat").replace(
        b"\r\nUpgrade", b"\r\nUser-Agent: x\x85X-Forwarded-For: 203.0.113.66\r\nX-Forwarded-For: 192.0.2.1\r\nUpgrade"
    )
    with serving(Tell, TellHTTP, trusted_proxies=1, max_connections_per_address=1) as served:
        if websocket:
            with served.client() as first, served.client() as second:
                first.send(sent)
                assert first.response().status == 101
                second.send(sent.replace(b"203.0.113.66", b"203.0.113.67"))
                assert second.response().status == 429
        else:
            assert " 192.0.2.1 " in told(served, sent, websocket)


@pytest.mark.parametrize("websocket", [True, False], ids=["handshake", "HTTP"])
def test_a_url_as_target_is_its_path_and_its_host_for_handshake_and_http(websocket: bool) -> None:
    with serving(Tell, TellHTTP) as served:
        sent = handshake("ws://example.com:81/chat?a=1", host="other")
        assert told(served, sent, websocket) == "/chat {'a': ['1']} example.com:81 127.0.0.1 None"


def test_headers_that_come_twice_are_lists_in_the_handshake_too() -> None:
    extensions = [("Sec-WebSocket-Extensions", "x-unknown"), ("Sec-WebSocket-Extensions", "permessage-deflate")]
    with serving(Tell, compression=True) as served, served.client() as client:
        client.send(handshake("/", [*extensions, ("X", "1"), ("X", "2")]))
        response = client.response()
        assert response.status == 101
        assert response.header("Sec-WebSocket-Extensions")[0].startswith("permessage-deflate")
        connection = served.connection()
        assert call(lambda: connection.request.headers["x"]) == "1,2"
