import base64
import time
from datetime import datetime
from types import SimpleNamespace

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.philote.auth import Refused, check, token_of
from filtered_websocket.filters.shared.signing_keys import Keys
from filtered_websocket.filters.shared.tokens import issue
from tests.support.philote_tokens import SECRET, base64url, token

KEYS = Keys(SECRET)
LATER, BEFORE = 4_000_000_000, 1_000_000_000


def reason(function, *arguments):
    with pytest.raises(Refused) as refused:
        function(*arguments)
    assert refused.value.status == 401
    assert ("WWW-Authenticate", "Bearer") in refused.value.headers
    return refused.value.reason


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({"authorization": "Bearer T"}, {}),
        ({"authorization": "bearer   T "}, {}),
        ({"authorization": "T"}, {}),
        ({}, {"auth": ["T"]}),
        ({"authorization": ""}, {"auth": ["T", "U"]}),
        ({"authorization": "T"}, {"auth": ["U"]}),
    ],
)
def test_the_token_is_the_headers_else_the_parameters(headers, params):
    assert token_of(SimpleNamespace(headers=headers, params=params)) == "T"


@pytest.mark.parametrize(("headers", "params"), [({}, {}), ({}, {"auth": [""]}), ({"authorization": "Bearer "}, {})])
def test_a_request_without_token_is_told_how_to_bring_one(headers, params):
    assert "?auth=TOKEN" in reason(token_of, SimpleNamespace(headers=headers, params=params))


def test_a_token_says_what_its_bearer_reads_and_writes():
    access = check(token({"read": ["a", "b", "a"], "write": ["b"], "api": True, "exp": LATER}), KEYS)
    assert access == (frozenset("ab"), frozenset("b"), True, LATER, None)


@pytest.mark.parametrize("write", [[], ["b"], ["a", ""], ["a", "b"], None])
def test_what_it_writes_is_its_own(write):
    access = check(token({"read": ["a", "b", ""], "write": write}), KEYS)
    assert access[:2] == (frozenset("ab"), frozenset(write or ()) - {""})


def test_what_is_missing_is_none():
    assert check(token({}), KEYS) == (frozenset(), frozenset(), False, None, None)
    assert check(token({"read": None, "write": None, "api": None}), KEYS) == (
        frozenset(),
        frozenset(),
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"read": "a"},
        {"read": {"a": 1}},
        {"read": ["a", 5]},
        {"write": [None]},
        {"write": True},
        {"api": 1},
        {"api": "true"},
        [],
        5,
        b"{",
        b"\xff",
        b"[" * 20_000,
    ],
    ids=lambda claims: str(claims)[:20],
)
def test_a_token_of_other_types_is_refused(claims):
    reason(check, token(claims), KEYS)


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": BEFORE}, "the token has expired"),
        ({"exp": 0}, "the token has expired"),
        ({"exp": -1}, "the token has expired"),
        ({"nbf": LATER}, "the token is not yet valid"),
        ({"iat": LATER}, "the token is not yet valid"),
        ({"exp": str(int(LATER))}, "the token's exp is to be a number"),
        ({"exp": True}, "the token's exp is to be a number"),
        ({"exp": None}, "the token's exp is to be a number"),
        ({"nbf": []}, "the token's nbf is to be a number"),
        (b'{"exp": 1e999}', "the token's exp is to be a number"),
        (b'{"exp": NaN}', "the token's exp is to be a number"),
        (b'{"exp": ' + b"9" * 400 + b"}", "the token's exp is to be a number"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_dates_are_honoured(claims, says):
    assert reason(check, token(claims), KEYS) == says


def test_other_claims_are_nobodys_business():
    others = {"aud": "x", "iss": 5, "sub": [], "jti": {}, "nbf": BEFORE, "iat": BEFORE}
    assert check(token(others | {"read": ["a"]}), KEYS).read == {"a"}


def test_a_token_that_was_changed_is_refused():
    head, body, signature = token({"read": ["a"]}).split(".")
    other = base64url(b'{"read": ["b"]}')
    assert "signature" in reason(check, f"{head}.{other}.{signature}", KEYS)
    assert "signature" in reason(check, f"{head}.{body}.{base64url(b'x' * 32)}", KEYS)


@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "..", "....", "é.é.é", "\ud800", "\0"])
def test_what_is_no_jwt_is_refused(text):
    assert reason(check, text, KEYS) == "the token is no JWT"


@given(st.text(st.characters(), max_size=50) | st.lists(st.binary(max_size=20), min_size=3, max_size=3).map(
    lambda parts: ".".join(base64.urlsafe_b64encode(part).decode() for part in parts)
))  # fmt: skip
def test_any_text_is_refused_and_not_quoted(text):
    says = reason(check, text, KEYS)
    assert says in ("the token is no JWT", "the token's signature is wrong, or its algorithm is not taken")


NOW = 1_900_000_000.5
DATES = st.sampled_from([NOW - 1, NOW, NOW + 0.25, NOW + 0.5, int(NOW), int(NOW) + 1, int(NOW) - 1, 0, -5, 1e14, -1e14])


@given(st.dictionaries(st.sampled_from(["exp", "nbf", "iat"]), DATES))
def test_dates_are_read_as_pyjwt_reads_them(claims):
    class Now(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(NOW, tz)

    signed = issue(claims, SECRET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jwt.api_jwt.datetime", Now)
        patch.setattr(time, "time", lambda: NOW)
        try:
            jwt.decode(signed, SECRET, ["HS256"])
            expected = None
        except jwt.ExpiredSignatureError:
            expected = "the token has expired"
        except jwt.ImmatureSignatureError:
            expected = "the token is not yet valid"
        if expected is None:
            check(signed, KEYS)
        else:
            assert reason(check, signed, KEYS) == expected
