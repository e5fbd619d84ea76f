import base64
import json
from datetime import datetime

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.philote import auth
from filtered_websocket.filters.philote.auth import Refused, check, issue, token_of
from filtered_websocket.filters.philote.signing_keys import Keys, sign
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
    assert token_of(headers, params) == "T"


@pytest.mark.parametrize(("headers", "params"), [({}, {}), ({}, {"auth": [""]}), ({"authorization": "Bearer "}, {})])
def test_a_request_without_token_is_told_how_to_bring_one(headers, params):
    assert "?auth=TOKEN" in reason(token_of, headers, params)


def test_a_token_says_what_its_bearer_reads_and_writes():
    access = check(token({"read": ["a", "b", "a"], "write": ["b"], "api": True, "exp": LATER}), KEYS)
    assert access == (frozenset("ab"), frozenset("b"), True, LATER)


def test_what_is_missing_is_none():
    assert check(token({}), KEYS) == (frozenset(), frozenset(), False, None)
    assert check(token({"read": None, "write": None, "api": None}), KEYS) == (frozenset(), frozenset(), False, None)


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


def test_what_we_issue_is_taken_here_and_elsewhere():
    assert check(issue({"read": ["ä"], "exp": int(LATER)}, SECRET, "HS384"), KEYS).read == {"ä"}
    assert check(issue({"read": ["a"]}, ""), Keys("")).read == {"a"}
    assert jwt.decode(issue({"read": ["ä"]}, SECRET), SECRET, ["HS256"]) == {"read": ["ä"]}


# Most tokens are read without PyJWT, and no differently.

HEADERS = st.sampled_from(
    [
        {"alg": "HS256", "typ": "JWT"}, {"alg": "HS384"}, {"alg": "none"}, {"alg": "RS256"}, {"alg": ["HS256"]}, {}, [],
        {"alg": "HS256", "kid": "1"}, {"alg": "HS256", "crit": ["x"]}, {"alg": "HS256", "b64": False}, {"typ": "JWT"},
        {"alg": "HS256", "typ": 5},
    ]
).map(lambda header: json.dumps(header).encode())  # fmt: skip
BODIES = st.binary(max_size=8) | st.sampled_from(
    [b"{}", b"[]", b'{"read":["a"]}', b'{"exp":NaN}', b'{"a":1,"a":2}', '{"a":"é"}'.encode("utf-16"), b'{"a":"\xff"}']
)


@st.composite
def segments(draw, data):
    text = base64.urlsafe_b64encode(draw(data)).decode()
    usual = text.rstrip("=")
    return draw(
        st.sampled_from([usual] * 8 + [text, usual + "=", usual[:-1] + "B", text + "A", text + "!", "é" + text])
    )


@settings(max_examples=500)
@given(segments(HEADERS), segments(BODIES), segments(st.binary(max_size=40)))
def test_what_is_read_without_pyjwt_is_read_as_pyjwt_reads_it(header, body, signature):
    text = f"{header}.{body}.{signature}"
    found = auth._read_usual(text)
    if found is None:
        return
    said, claims, signed = auth._read(text)
    assert found == ({"alg": said["alg"]}, claims, signed)
    assert said.keys() <= {"alg", "typ"}


def test_the_usual_token_is_read_without_pyjwt():
    for claims in ({"read": ["a"], "exp": LATER}, {}, {"read": ["é" * 50]}):
        signed = issue(claims, SECRET)
        assert auth._read_usual(signed) == ({"alg": "HS256"}, claims, auth._read(signed)[2])


@pytest.mark.parametrize("part", [0, 1, 2])
def test_another_text_of_the_same_bytes_is_no_token(part):
    """The last character of 32 or of 10 bytes has bits that mean nothing."""
    parts = [base64url(b'{"alg": "HS256"}'), base64url(b'{"a": 1234}')]
    parts.append(base64url(sign(".".join(parts).encode(), SECRET, "HS256")))
    assert auth._read_usual(".".join(parts)) is not None
    assert check(".".join(parts), KEYS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    parts[part] = parts[part][:-1] + alphabet[alphabet.index(parts[part][-1]) + 1]
    assert auth._read_usual(".".join(parts)) is None
    assert reason(check, ".".join(parts), KEYS) == "the token is no JWT"


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
        patch.setattr(auth.time, "time", lambda: NOW)
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
