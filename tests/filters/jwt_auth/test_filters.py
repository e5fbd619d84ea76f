"""jwt_auth in the server: which tokens let a client in, as which user and for how long, in front of every pack."""

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from twisted.logger import formatEvent, globalLogPublisher

from filtered_websocket.filters.base import WebSocketHandshakeFilter, WebSocketMessageFilter
from filtered_websocket.testing import Refused, Server
from tests.support.philote_tokens import SECRET, base64url, token

JWT = "filtered_websocket.filters.jwt_auth"
OTHER = "another secret, and of thirty-two bytes"


class Whose(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(json.dumps([web_socket_instance.user, web_socket_instance.claims]))


def header(text):
    return {"Authorization": f"Bearer {text}"}


def whose(client):
    client.send("?")
    return json.loads(client.received()[0])


def refused(server, text=None, path="/", **more):
    with pytest.raises(Refused) as refusal:
        server.connect(path, header(text) if text is not None else {}, **more)
    return refusal.value


@pytest.fixture
def log():
    lines = []

    def observe(event):
        lines.append(formatEvent(event) or "")

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def test_a_good_token_lets_in_and_names_the_user():
    with Server(JWT, Whose, jwt_secret=SECRET) as server:
        claims = {"sub": "ann", "exp": NOW + 86400, "x": [1]}
        assert whose(server.connect("/", header(token(claims)))) == ["ann", claims]
        without = refused(server)
        assert (without.status, without.reason) == (401, "a token is wanted (header or subprotocol)")
        assert without.headers["www-authenticate"] == "Bearer"
    with Server(JWT, Whose, jwt_secret=SECRET, jwt_user="email") as server:
        assert whose(server.connect("/", header(token({"email": "ann@example.org"}))))[0] == "ann@example.org"
    with Server(JWT, Whose, jwt_secret=SECRET, jwt_user="") as server:
        assert whose(server.connect("/", header(token({"sub": 5})))) == [None, {"sub": 5}]


NOW = int(time.time())
GOOD = {"sub": "ann"}
RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA_JWK = jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
HOSTILE = {
    "empty": "",
    "blank": " ",
    "dots": "...",
    "two parts": "a.b",
    "no JWT": "x" * 30,
    "no ASCII": "s\u00e9same",
    "not signed": token(GOOD, header={"alg": "none"}).rpartition(".")[0] + ".",
    "none, signed": token(GOOD, header={"alg": "none"}),
    "None": token(GOOD, header={"alg": "NoNe"}),
    "another secret": token(GOOD, OTHER),
    "no secret": token(GOOD, ""),
    "RS256 without a key": jwt.encode(GOOD, RSA_KEY, "RS256"),
    "its own key": jwt.encode(GOOD, RSA_KEY, "RS256", {"jwk": RSA_JWK}),
    "a URL of a key": token(GOOD, OTHER, header={"alg": "HS256", "jku": "http://127.0.0.1:1/", "x5u": "file:///"}),
    "critical": token(GOOD, header={"alg": "HS256", "crit": ["x"], "x": 1}),
    "a list for a kid": token(GOOD, header={"alg": "HS256", "kid": ["x"]}),
    "a list for an algorithm": token(GOOD, header={"alg": ["HS256"]}),
    "a number": token(b"5"),
    "a list": token(b"[]"),
    "null": token(b"null"),
    "no JSON": token(b"{"),
    "no UTF-8": token(b'{"sub":"\xff"}'),
    "deep": token(b'{"sub":' + b"[" * 5000),
    "deep, with a kid": token(b"[" * 5000, header={"alg": "HS256", "kid": "a"}),
    "many digits": token(b'{"sub":"a","exp":' + b"9" * 5000 + b"}"),
    "large": token({"sub": "a", "x": "x" * 12_400}),
    "expired": token({**GOOD, "exp": NOW - 5}),
    "ends now": token({**GOOD, "exp": NOW}),
    "not yet": token({**GOOD, "nbf": NOW + 86400}),
    "issued tomorrow": token({**GOOD, "iat": NOW + 86400}),
    **{f"exp {value!r}": token({**GOOD, "exp": value}) for value in ("9999999999", True, [], {}, 1e300, None)},
    "exp NaN": token(b'{"sub":"a","exp":NaN}'),
    "exp 1e999": token(b'{"sub":"a","exp":1e999}'),
    **{f"nbf {value!r}": token({**GOOD, "nbf": value}) for value in ("0", False, [])},
    **{f"sub {value!r}": token({"sub": value}) for value in (None, "", 5, True, ["ann"], {"a": 1}, "\ud800")},
    "no sub": token({}),
    "aud of numbers": token({**GOOD, "aud": [1]}),
    "iss of a list": token({**GOOD, "iss": ["x"]}),
}  # fmt: skip


def test_hostile_tokens_are_refused_in_words_cost_no_failure_and_are_told_nowhere(log):
    with Server(JWT, jwt_secret=SECRET, max_handshake_size=65536) as server:
        for name, text in HOSTILE.items():
            refusal = refused(server, text)
            assert refusal.status == 401, name
            assert "token" in refusal.reason, name
            assert refusal.headers["www-authenticate"].startswith("Bearer"), name
            secret = text[-20:] if len(text) > 20 else "\0"
            assert secret not in refusal.reason + refusal.body.decode() + "".join(log), name
        assert not server.errors
        assert server.connect("/", header(token(GOOD))).is_open
        # What the head cannot hold costs no look at all.
        assert refused(server, "x" * 1_000_000).status == 431


def test_a_large_token_is_not_looked_at():
    with Server(JWT, jwt_secret=SECRET, max_handshake_size=65536) as server:
        assert (
            refused(server, token({"sub": "a", "x": "x" * 12_400})).reason == "the token has more than 16384 characters"
        )


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (RSA_KEY, "RS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        (ed448.Ed448PrivateKey.generate(), "EdDSA"),
    ],
    ids=("RS256", "ES256", "Ed25519", "Ed448"),
)
def test_a_jwks_is_checked_with_and_its_keys_are_nobodys_secrets(tmp_path, private, algorithm):
    kinds = {"RS256": jwt.algorithms.RSAAlgorithm, "ES256": jwt.algorithms.ECAlgorithm}
    public = kinds.get(algorithm, jwt.algorithms.OKPAlgorithm).to_jwk(private.public_key(), as_dict=True)
    path = tmp_path / "jwks.json"
    agreeing = {"kty": "OKP", "crv": "X25519", "x": base64url(b"x" * 32)}
    path.write_text(json.dumps({"keys": [agreeing, public | {"kid": "one"}]}))
    with Server(JWT, jwt_jwks=str(path)) as server:
        for kid in ({}, {"kid": "one"}):
            assert server.connect("/", header(jwt.encode(GOOD, private, algorithm, kid))).is_open
        assert refused(server, jwt.encode(GOOD, private, algorithm, {"kid": "two"})).status == 401
        for secret in ("", path.read_text(), public.get("x", "") or public.get("n", "")):
            assert refused(server, token(GOOD, secret)).status == 401


def test_audience_issuer_and_clocks():
    options = {"jwt_secret": SECRET, "jwt_audience": "chat", "jwt_issuer": "https://id", "jwt_leeway": 300}
    claims = {
        **GOOD,
        "aud": ["x", "chat"],
        "iss": "https://id",
        "exp": int(time.time()) - 5,
        "nbf": int(time.time()) + 5,
    }
    with Server(JWT, **options) as server:
        assert server.connect("/", header(token(claims))).is_open
        assert refused(server, token(claims | {"aud": "x"})).reason == "the token is for another audience"
        assert refused(server, token(claims | {"iss": "x"})).reason == "the token is another issuer's"
        assert refused(server, token(claims | {"exp": NOW - 400})).reason == "the token has expired"


def test_a_subprotocol_that_is_no_token_is_answered():
    good = token(GOOD)
    with Server(JWT, Whose, jwt_secret=SECRET) as server:
        for offered in (["bearer", good], ["chat", "Bearer", good]):
            client = server.connect("/", protocols=offered)
            assert client.protocol == next(each for each in offered if each.lower() == "bearer")
            assert whose(client)[0] == "ann"
        assert refused(server, protocols=["bearer", "x"]).status == 401
        assert refused(server, protocols=[good, "bearer"]).status == 401
        # One that needs none of it hears none.
        assert server.connect("/", header(good), protocols=["chat"]).protocol is None


def test_a_filter_that_chooses_in_vain_does_not_log_what_was_offered(log):
    class Choose(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.accept("chat")

    good = token(GOOD)
    with Server(JWT, Choose, jwt_secret=SECRET) as server:
        assert refused(server, protocols=["bearer", good]).status == 500
        assert "does not offer" in server.errors[0]
        assert good[-20:] not in "".join([*log, *server.errors])
        server.errors.clear()


def test_uses_with_keys_of_their_own_compose():
    uses = [
        {"filter": JWT, "jwt_secret": SECRET, "jwt_from": "query", "jwt_user": ""},
        {"filter": JWT, "jwt_secret": OTHER, "jwt_from": "header"},
    ]
    with Server(pipelines={"*": {"filters": uses}}) as server:
        door, own = f"/?token={token({})}", token({"sub": "bob"}, OTHER)
        assert server.connect(door, header(own)).connection.user == "bob"
        assert refused(server, own).status == 401
        assert refused(server, path=door).status == 401
        assert refused(server, token({"sub": "bob"}), door).status == 401


# Open connections.


@pytest.fixture
def wall(monkeypatch):
    """A wall clock that goes with the server's own, once it has one, and may be set."""
    begin, clocks = time.time(), []
    monkeypatch.setattr(time, "time", lambda: begin + sum(each() for each in clocks))
    return clocks


def test_a_connection_ends_with_its_token_by_option_alone(wall):
    with Server(JWT, jwt_secret=SECRET, ping_interval=0) as server:
        client = server.connect("/", header(token({**GOOD, "exp": int(time.time()) + 60})))
        server.advance(3600)
        assert client.is_open
    first = {"filter": JWT, "jwt_secret": SECRET, "jwt_enforce_expiry": True, "jwt_from": "query", "jwt_leeway": 10}
    second = {"filter": JWT, "jwt_secret": OTHER, "jwt_enforce_expiry": True}
    with Server(pipelines={"*": {"filters": [first, second]}}, ping_interval=0) as server:
        begin = server.reactor.seconds()
        wall.append(lambda: server.reactor.seconds() - begin)

        def client(early, late):
            return server.connect(f"/?token={token(GOOD | early)}", header(token(GOOD | late, OTHER)))

        soon, later = {"exp": int(time.time()) + 101}, {"exp": int(time.time()) + 1000}
        one, other, gone, lasting = client(soon, later), client(later, soon), client(soon, soon), client({}, {})
        gone.close()
        server.advance(90)
        assert one.is_open
        assert other.is_open
        server.advance(12)
        assert one.is_open
        assert (other.close_code, other.close_reason) == (1008, "the token has expired")
        server.advance(10)
        assert one.close_code == 1008
        server.advance(5000)
        assert lasting.is_open


# In front of the packs.


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_sessions_of_socketio_need_a_token_and_end_with_it(wall, transport):
    options = {"jwt_secret": SECRET, "jwt_from": "query header subprotocol", "jwt_enforce_expiry": True}
    with Server(JWT, "filtered_websocket.filters.socketio", ping_interval=0, **options) as server:
        begin = server.reactor.seconds()
        wall.append(lambda: server.reactor.seconds() - begin)
        good = token({**GOOD, "exp": int(time.time()) + 100})
        client = server.socketio(path=f"/socket.io/?token={good}", transport=transport)
        assert client.is_connected
        (session,) = server.pipeline().users.values()
        assert (session.user, session.claims["sub"]) == ("ann", "ann")
        # Whatever the headers of a GET say, what polls has no subprotocol.
        offered = {"Sec-WebSocket-Protocol": f"bearer, {good}"}
        if transport == "polling":
            assert server.socketio(headers=offered, transport=transport).is_connected
        with pytest.raises(Refused, match="401"):
            server.socketio(transport=transport)
        server.advance(101)
        assert client.is_over
        assert not server.pipeline().users
        assert not server.errors
