"""Which head asks for a WebSocket, and what for (RFC 6455, 4.2.1)."""

import pytest

from filtered_websocket.web.head import Head, Refused, parse
from filtered_websocket.web.upgrade import Upgrade, is_asked, read
from tests.support.raw_client import head

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def parsed(raw: bytes) -> Head:
    found = parse(raw)
    assert isinstance(found, Head), found
    return found


def changed(old: bytes, new: bytes) -> Head:
    raw = head()
    assert old in raw
    return parsed(raw.replace(old, new))


def test_a_handshake_has_a_key_and_offers_protocols_in_order() -> None:
    given = parsed(head(headers=[("Sec-WebSocket-Protocol", "b, a,,"), ("sec-websocket-protocol", "C")]))
    assert is_asked(given)
    assert read(given) == Upgrade(KEY, ["b", "a", "C"])
    assert read(parsed(head())) == Upgrade(KEY, [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Upgrade: websocket", b"UPGRADE:\tWebSocket "),
        (b"Upgrade: websocket", b"Upgrade: h2c\r\nUpgrade: ,websocket"),
        (b"Connection: Upgrade", b"connection:keep-alive, upgrade"),
        (b"Connection: Upgrade", b"Connection: keep-alive\r\nConnection: UPGRADE"),
        (b"Connection: Upgrade", b"Connection: Upgrade\r\nContent-Length: 0"),
    ],
)
def test_names_are_of_any_case_and_lists_of_any_lines(old: bytes, new: bytes) -> None:
    given = changed(old, new)
    assert is_asked(given)
    assert isinstance(read(given), Upgrade)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"GET ", b"POST "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Upgrade: websocket\r\n", b""),
        (b"Upgrade: websocket", b"Upgrade: websocket2"),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Connection: Upgrade\r\nContent-Length: 3"),
        (b"Connection: Upgrade", b"Connection: Upgrade\r\nTransfer-Encoding: chunked"),
    ],
)
def test_what_is_no_handshake_is_a_request_as_any_other(old: bytes, new: bytes) -> None:
    assert not is_asked(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Connection: Upgrade\r\n", b""),
        (b"Connection: Upgrade", b"Connection: close"),
        (b"Sec-WebSocket-Key", b"X-Key"),
        (KEY.encode(), b"dGhl"),
        (KEY.encode(), b"dGhlIHNhbXBsZSBub25jZQ="),
        (KEY.encode(), b"dGhlIHNhbXBsZSBub25jZ!=="),
        (b"Sec-WebSocket-Version: 13", b"X: 13"),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 13, 8"),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 013"),
        (b"Connection", b"Sec-WebSocket-Protocol: a, a\r\nConnection"),
    ],
)
def test_a_wrong_handshake_is_refused_with_a_reason(old: bytes, new: bytes) -> None:
    given = changed(old, new)
    assert is_asked(given)
    refused = read(given)
    assert isinstance(refused, Refused)
    assert refused.status == 400
    assert refused.text


def test_a_client_of_another_version_is_told_the_one_that_is_spoken() -> None:
    refused = read(changed(b"Version: 13", b"Version: 8"))
    assert isinstance(refused, Refused)
    assert refused.headers == (("Sec-WebSocket-Version", "13"),)
