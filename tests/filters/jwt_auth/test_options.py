import time

import pytest

from filtered_websocket.config.option import Option
from filtered_websocket.filters.jwt_auth import OPTIONS
from filtered_websocket.testing import Server
from tests.support.philote_tokens import SECRET

JWT = "filtered_websocket.filters.jwt_auth"


def option(name: str) -> Option:
    return next(each for each in OPTIONS if each.name == name)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "a key is wanted: jwt_secret, jwt_public_key or jwt_jwks"),
        ({"jwt_secret": SECRET, "jwt_previous_secret": "x"}, "go together"),
        ({"jwt_secret": SECRET, "jwt_previous_secret_until": time.time()}, "go together"),
        ({"jwt_secret": SECRET, "jwt_jwks": "/nowhere/jwks.json"}, "a JWKS file with a public key is wanted"),
        ({"jwt_secret": SECRET, "jwt_from": "headers"}, "some of header, query, cookie, subprotocol are wanted"),
    ],
)
def test_what_cannot_be_is_refused_in_words(options, says):
    with pytest.raises(Exception, match=says), Server(JWT, **options):
        pass


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("jwt_from", ["header", "header query", ["cookie"]], ["", [], "header header", "body"]),
        ("jwt_cookie", ["a", "__Host-a"], ["", "a b", "a=b", "a;b", "é", "x" * 65]),
        ("jwt_user", ["", "sub", "https://example.org/id"], ["a b", "a\n", "é", "x" * 101]),
    ],
)
def test_what_options_take(name, good, bad):
    for value in good:
        option(name).parse(value)
    for value in bad:
        with pytest.raises(ValueError, match="wanted"):
            option(name).parse(value)


def test_secrets_are_never_shown():
    assert {each.name for each in OPTIONS if each.secret} == {"jwt_secret", "jwt_previous_secret"}
    assert {each.scope for each in OPTIONS} == {"use"}
