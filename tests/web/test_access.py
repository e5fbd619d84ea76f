import base64

import pytest

from filtered_websocket.web.access import has_secret, is_local
from filtered_websocket.web.base import HTTPRequest
from tests.support.http_client import ask
from tests.support.serving import serving


def request(peer: str = "127.0.0.1", host: str = "localhost:9000", direct: bool = True, **headers: str) -> HTTPRequest:
    return HTTPRequest("GET", "/metrics", {"host": host, **headers}, peer=peer, direct=direct)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Bearer s3cret", True),
        ("bearer  s3cret", True),
        ("Bearer s3cre", False),
        ("Bearer ", False),
        ("s3cret", False),
        ("Digest s3cret", False),
        ("Basic " + base64.b64encode(b"anybody:s3cret").decode(), True),
        ("Basic " + base64.b64encode(b"s3cret:").decode(), False),
        ("Basic !", False),
        ("", False),
    ],
)
def test_a_secret_is_shown_as_bearer_or_as_the_password_of_basic(given: str, shown: bool) -> None:
    assert has_secret(request(authorization=given), "s3cret") is shown


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:1", "[::1]", "[::1]:80", "a.localhost:9000"])
def test_a_client_on_this_machine_is_local(peer: str, host: str) -> None:
    assert is_local(request(peer, host))


def test_a_client_elsewhere_or_behind_a_proxy_or_of_a_rebound_name_is_not_local() -> None:
    assert not is_local(request("10.0.0.1"))
    assert not is_local(request("unix"))
    assert not is_local(request(direct=False))
    assert not is_local(request(host="evil.example"))
    assert not is_local(request(host="10.0.0.1:9000"))
    assert not is_local(request(host="127.0.0.1.evil.example:9000"))
    assert not is_local(request(host=""))


@pytest.mark.parametrize("path", ["/metrics", "/dashboard"])
@pytest.mark.parametrize(
    ("trusted", "headers", "status"),
    [
        (0, {}, 200),
        (0, {"Host": "app.localhost:9000"}, 200),
        # Proxies of all kinds on this machine: the socket's peer is a loopback address.
        (0, {"X-Forwarded-For": "203.0.113.7"}, 403),
        (0, {"X-Forwarded-Proto": "https"}, 403),
        (0, {"X-Forwarded-Host": "localhost"}, 403),
        (0, {"X-Forwarded-Port": "443"}, 403),
        (0, {"X-Real-IP": "127.0.0.1"}, 403),
        (0, {"Forwarded": "for=127.0.0.1"}, 403),
        (0, {"Via": "1.1 proxy"}, 403),
        (0, {"Host": "chat.example.com"}, 403),
        (0, {"Host": "10.0.0.1:9000"}, 403),
        (1, {}, 403),
        (1, {"Host": "localhost:9000"}, 403),
        (1, {"X-Forwarded-For": "127.0.0.1"}, 403),
        (1, {"X-Forwarded-For": "127.0.0.1:40000"}, 403),
    ],
)
def test_nobody_is_local_through_a_proxy(path: str, trusted: int, headers: dict[str, str], status: int) -> None:
    with serving(trusted_proxies=trusted) as served:
        assert ask(served.address, "GET", path, headers=headers).status == status
