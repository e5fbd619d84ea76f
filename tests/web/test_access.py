import base64

import pytest

from filtered_websocket.web.access import has_secret, is_local
from filtered_websocket.web.base import HTTPRequest


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
@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:1", "[::1]", "[::1]:80", "10.0.0.1:9000"])
def test_a_client_on_this_machine_is_local(peer: str, host: str) -> None:
    assert is_local(request(peer, host))


def test_a_client_elsewhere_or_behind_a_proxy_or_of_a_rebound_name_is_not_local() -> None:
    assert not is_local(request("10.0.0.1"))
    assert not is_local(request("unix"))
    assert not is_local(request(direct=False))
    assert not is_local(request(host="evil.example"))
    assert not is_local(request(host="127.0.0.1.evil.example:9000"))
    assert not is_local(request(host=""))
