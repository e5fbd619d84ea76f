"""Where clients are, behind trusted proxies or without: address, TLS, and the page that a request comes from."""

from typing import Any

import pytest

from tests.support.raw_client import head
from tests.support.serving import logged, on_message, refused, serving


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (None, "example.com", 101),
        ("http://localhost:8000", "127.0.0.1:9000", 101),
        ("http://evil.example", "example.com", 403),
        ("http://evil.example", "localhost", 403),
        ("null", "localhost", 403),
        ("http://example.com.evil.example", "example.com", 403),
    ],
)
def test_by_default_a_page_of_the_same_host_may_connect(origin: str | None, host: str, status: int) -> None:
    with serving() as served, served.client() as client:
        client.send(head("/", [("Origin", origin)] if origin else [], host))
        assert client.response().status == status
        assert served.counted("refused", "origin") == (status == 403)


FORWARDED = ("X-Forwarded-For", "203.0.113.7")


@pytest.mark.parametrize(
    ("options", "headers", "status"),
    [
        # The page's name is one that its own name server has turned to 127.0.0.1.
        ({}, [], 403),
        ({"allowed_origins": ["same-host", "http://page.example:9000"]}, [], 101),
        ({"allowed_origins": ["http://*.example:9000"]}, [], 101),
        ({"allowed_origins": ["*"]}, [], 101),
        ({"allowed_origins": ["http://other.example:9000", "same-host"]}, [], 403),
        # A proxy on this machine: it says so, or the option does.
        ({}, [FORWARDED], 101),
        ({}, [("Via", "1.1 proxy")], 101),
        ({"trusted_proxies": 1}, [FORWARDED], 101),
        ({"trusted_proxies": 1}, [], 101),
    ],
)
def test_a_page_of_a_name_rebound_to_this_machine_must_be_named(
    options: dict[str, Any], headers: list[tuple[str, str]], status: int
) -> None:
    with serving(**options) as served, served.client() as client, logged() as lines:
        client.send(head("/", [("Origin", "http://page.example:9000"), *headers], "page.example:9000"))
        assert client.response().status == status
        assert served.counted("refused", "origin") == (status == 403)
        if status == 403:
            told = "".join(lines)
            assert "allowed_origins" in told
            assert "trusted_proxies" in told


def test_a_client_that_is_no_browser_may_connect_to_loopback_by_any_name() -> None:
    with serving() as served:
        served.client().open(host="page.example:9000").quit()


def test_a_page_of_the_same_host_may_connect_through_a_proxy() -> None:
    for origin in ("http://example.com:9000", "https://example.com:9000"):
        with serving() as served, served.client() as client:
            client.send(head("/", [("Origin", origin), FORWARDED], "example.com:9000"))
            assert client.response().status == 101


def test_origins_that_are_allowed_may_connect() -> None:
    with serving(allowed_origins=["https://*.example.com", "null"]) as served:
        for origin, status in [("https://a.example.com", 101), ("null", 101), ("http://localhost", 403)]:
            with served.client() as client:
                client.send(head("/", [("Origin", origin)]))
                assert client.response().status == status


def _peer(connection: Any, data: bytearray) -> None:
    connection.sendMessage(connection.request.peer)


@pytest.mark.parametrize(
    ("trusted", "forwarded", "peer"),
    [
        (0, "1.2.3.4", "127.0.0.1"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (2, "1.2.3.4", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "192.0.2.2:40000", "192.0.2.2"),
        (1, "[2001:db8::1]:40000", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.2", "192.0.2.2"),
        (2, "192.0.2.2:40000, 10.0.0.1:80", "192.0.2.2"),
    ],
)
def test_the_peer_is_the_one_that_trusted_proxies_name_and_none_further_away(
    trusted: int, forwarded: str, peer: str
) -> None:
    headers = [("X-Forwarded-For", forwarded)]
    with serving(on_message(_peer), trusted_proxies=trusted) as served, served.open("/", headers) as client:
        client.send("who?")
        assert client.text() == peer


def test_the_port_that_a_proxy_writes_makes_no_other_client() -> None:
    first, second = ([("X-Forwarded-For", f"192.0.2.2:{port}")] for port in (40000, 40001))
    with serving(trusted_proxies=1, max_connections_per_address=1) as served, served.open("/", first):
        client = served.client()
        client.send(head("/", second))
        assert refused(client).status == 429


@pytest.mark.parametrize(("trusted", "status"), [(1, 101), (0, 403)])
def test_behind_a_trusted_proxy_the_origin_is_compared_with_the_host_the_client_asked_for(
    trusted: int, status: int
) -> None:
    headers = [("Origin", "https://example.com"), ("X-Forwarded-Host", "example.com"), ("X-Forwarded-Proto", "https")]
    with serving(trusted_proxies=trusted) as served, served.client() as client:
        client.send(head("/", headers, host="10.0.0.7:9000"))
        assert client.response().status == status
