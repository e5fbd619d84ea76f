"""Which connections are let in: a real port, and clients from several addresses of this machine."""

from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketDataFilter
from filtered_websocket.limits import admission
from tests.support import certificates
from tests.support.raw_client import RawClient, Response, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Served, on_message, serving


def echo(connection: Any, data: bytearray) -> None:
    connection.sendMessage(data)


def told(client: RawClient) -> Response:
    client.send(head())
    response = client.response()
    if response.status != 101:
        client.body()
    return response


def other_address(served: Served) -> RawClient:
    """A client that comes from 127.0.0.2."""
    return RawClient(served.address, source="127.0.0.2")


def accepted(served: Served, count: int) -> None:
    until(lambda: served.server.countConnections == count)


def test_an_address_that_has_its_connections_gets_429_and_others_are_served() -> None:
    with serving(on_message(echo), max_connections_per_address=2) as served:
        first, _ = served.open(), served.open()
        assert told(served.client())[:2] == (429, "Too Many Requests")
        served.until_counted("refused", "max_connections_per_address")
        with other_address(served).open() as other:
            other.send("served")
            assert other.text() == "served"
        accepted(served, 2)
        first.quit()
        accepted(served, 1)
        served.open()


def test_a_connection_that_says_nothing_counts_too() -> None:
    with serving(on_message(echo), max_connections_per_address=1) as served:
        silent = served.client()
        accepted(served, 1)
        assert told(served.client()).status == 429
        silent.socket.close()
        accepted(served, 0)
        served.open()


def test_plain_http_counts_until_it_ends() -> None:
    with serving(on_message(echo), max_connections_per_address=1) as served:
        http = served.client()
        http.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert http.response().status == 200
        assert told(served.client()).status == 429
        http.socket.close()
        until(lambda: not served.server.site.connections)
        served.open()
        assert call(lambda: len(served.server.admission.addresses)) == 1


class Passes(WebSocketDataFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytes) -> None: ...


def test_behind_data_filters_plain_http_counts_too_and_a_refused_client_is_closed_unanswered() -> None:
    with serving(on_message(echo), Passes, max_connections_per_address=1) as served:
        http = served.client()
        http.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert http.response().status == 200
        refused = served.client()
        assert refused.body() == b""
        served.until_counted("refused", "max_connections_per_address")
        http.socket.close()
        until(lambda: len(served.server.admission.addresses) == 0)
        served.open()


def test_behind_a_trusted_proxy_the_clients_address_counts() -> None:
    def via(address: str) -> list[tuple[str, str]]:
        return [("X-Forwarded-For", f"spoofed, {address}")]

    with serving(on_message(echo), max_connections_per_address=1, trusted_proxies=1) as served:
        first = served.open(headers=via("192.0.2.1"))
        served.open(headers=via("192.0.2.2"))
        refused = served.client()
        refused.send(head(headers=via("192.0.2.1")))
        assert refused.response().status == 429
        served.until_counted("refused", "max_connections_per_address")
        first.quit()
        until(lambda: len(served.server.admission.addresses) == 1)
        served.open(headers=via("192.0.2.1"))


def test_more_than_the_accept_rate_get_503_and_when_to_come_again() -> None:
    with serving(on_message(echo), accept_rate=5) as served:
        assert [told(served.client()).status for _ in range(5)] == [101] * 5
        # A machine so busy that each of them takes a fifth of a second would refuse none.
        refused = next(each for each in (told(served.client()) for _ in range(100)) if each.status != 101)
        assert refused[:2] == (503, "Service Unavailable")
        assert refused.header("Retry-After") == ["1"]
        served.until_counted("refused", "accept_rate")
        until(lambda: served.server.admission._bucket._fill(served.server.reactor.seconds()) >= 1)
        served.open()


def test_a_client_with_too_many_connections_does_not_use_up_the_rate() -> None:
    with serving(on_message(echo), accept_rate=2, max_connections_per_address=1) as served:
        served.open()
        assert [told(served.client()).status for _ in range(5)] == [429] * 5
        with other_address(served) as other:
            other.open()


def test_of_a_flood_some_are_told_and_all_others_closed_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_TOLD", 2)
    with serving(on_message(echo), max_connections_per_address=1) as served:
        bystander = served.open()
        told_later = [served.client(), served.client()]
        accepted(served, 3)
        assert [served.client().body() for _ in range(5)] == [b""] * 5
        served.until_counted("refused", "max_connections_per_address", 7)
        assert [told(client).status for client in told_later] == [429, 429]
        accepted(served, 1)
        assert told(served.client()).status == 429
        bystander.send("there?")
        assert bystander.text() == "there?"


def test_a_refused_client_that_says_nothing_is_soon_gone_and_counted_once() -> None:
    with serving(on_message(echo), max_connections_per_address=1, handshake_timeout=60) as served:
        served.open()
        assert served.client().body() == b""
        assert served.counted("refused", "handshake_timeout") == 0
        served.until_counted("refused", "max_connections_per_address")


def test_silent_connections_beyond_the_limit_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_BEYOND", 3)
    with serving(on_message(echo), max_connections=2) as served:
        clients = [served.client() for _ in range(5)]
        accepted(served, 5)
        assert served.client().body() == b""
        served.until_counted("refused", "max_connections")
        for client in clients[:4]:
            client.socket.close()
        accepted(served, 1)
        served.open()


def test_over_tls_a_refused_client_is_told_as_well(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    with serving(on_message(echo), max_connections_per_address=1, key=files.key, cert=files.cert) as served:
        served.open()
        assert told(served.client()).status == 429


def test_without_limits_nothing_is_kept() -> None:
    with serving(on_message(echo)) as served:
        served.open()
        assert call(lambda: len(served.server.admission.addresses)) == 0
