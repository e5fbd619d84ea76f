"""jwt_auth with real servers and clients: a browser's subprotocols, keys that rotate, tokens that end."""

import json
import signal
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.fws_server import Start
from tests.support.websocket_client import connect

JWT = "filtered_websocket.filters.jwt_auth"
WHOSE = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Whose(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(web_socket_instance.user)
"""


def signed(key, kid, **claims):
    return jwt.encode({"sub": "ann", **claims}, key, "EdDSA", {"kid": kid})


def until_it_ends(url, key):
    """A client whose token ends soon, but, however busy the machine is, not before it is in."""
    for seconds in (2, 4, 8, 16, 32):
        token = signed(key, "two", exp=int(time.time()) + seconds)
        try:
            return connect(url, additional_headers={"Authorization": f"Bearer {token}"})
        except InvalidStatus:
            continue
    pytest.fail("a handshake took half a minute")


def test_tokens_of_a_jwks_that_rotates_let_in_until_they_end(fws_server: Start, tmp_path) -> None:
    keys = {name: Ed25519PrivateKey.generate() for name in ("one", "two")}
    jwks = tmp_path / "jwks.json"

    def publish(*names):
        entries = [
            jwt.algorithms.OKPAlgorithm.to_jwk(keys[name].public_key(), as_dict=True) | {"kid": name} for name in names
        ]
        jwks.write_text(json.dumps({"keys": entries}))

    publish("one")
    server = fws_server("-f", JWT, "my_filters", "--jwt_jwks", str(jwks), "--jwt_enforce_expiry", module=WHOSE)
    url = f"ws://127.0.0.1:{server.port}"
    one, two = (signed(keys[name], name) for name in keys)
    # As a page does: new WebSocket(url, ["bearer", token]).
    with connect(url, subprotocols=["bearer", one]) as page:
        assert page.subprotocol == "bearer"
        page.send("?")
        assert page.recv(timeout=30) == "ann"
        with pytest.raises(InvalidStatus) as refusal:
            connect(url, additional_headers={"Authorization": f"Bearer {two}"})
        assert refusal.value.response.status_code == 401
        assert b"signature is wrong" in refusal.value.response.body
        publish("two")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        with until_it_ends(url, keys["two"]) as other:
            with pytest.raises(ConnectionClosed):
                other.recv(timeout=60)
            assert (other.close_code, other.close_reason) == (1008, "the token has expired")
        with pytest.raises(InvalidStatus):
            connect(url, subprotocols=["bearer", one])
        page.send("?")
        assert page.recv(timeout=30) == "ann"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    for secret in (one, two):
        assert secret.rpartition(".")[2] not in server.log
