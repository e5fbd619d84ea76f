"""Tokens mean to us what they mean to joserfc, or the table says why not; what is checked after it is each pack's."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt

from filtered_websocket.filters.shared.signing_keys import DIGESTS
from filtered_websocket.filters.shared.tokens import issue
from tests.parsers import tokens
from tests.parsers.differences import Difference, explain, ids
from tests.parsers.mutations import mutated
from tests.parsers.tokens import ALGORITHMS, SECRET, TABLE, made, parted, read, read_by_joserfc, signer

VALUES = st.sampled_from(["a", "é", "😀", 5, -1, 4_000_000_000, 1.5, True, None, [], ["a", "b"], {"x": {}}])
CLAIMS = st.dictionaries(st.sampled_from(["sub", "read", "write", "channel", "info", "é"]), VALUES, max_size=3)


@settings(derandomize=True, max_examples=40)
@given(CLAIMS, st.sampled_from(ALGORITHMS))
def test_what_each_issues_the_other_takes(claims: dict[str, Any], algorithm: str) -> None:
    assert read(jwt.encode({"alg": algorithm}, claims, signer(algorithm), ALGORITHMS)) == claims
    if algorithm in DIGESTS:
        assert read_by_joserfc(issue(claims, SECRET, algorithm)) == claims


HEADERS = st.sampled_from(
    [
        {"alg": "HS256", "typ": "JWT"}, {"alg": "HS256"}, {"alg": "HS384"}, {"alg": "none"}, {"alg": "RS256"}, {}, [],
        {"alg": None}, {"alg": ["HS256"]}, {"alg": "HS256", "kid": "1"}, {"alg": "HS256", "kid": 5}, {"alg": "hs256"},
        {"alg": "HS256", "typ": 5}, {"alg": "HS256", "crit": ["x"]}, {"alg": "HS256", "b64": False}, "HS256",
        {"alg": "HS256", "b64": True, "crit": ["b64"]}, {"alg": "HS256", "x": "é"}, {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "HS256", "cty": "JWT"}, {"alg": "ES256"}, {"alg": "HS256", "jku": "http://x"},
    ]
).map(lambda header: json.dumps(header).encode())  # fmt: skip
BODIES = CLAIMS.map(lambda claims: json.dumps(claims).encode()) | st.sampled_from(
    [
        b"{}", b"[]", b'"x"', b"", b"5", b'{"exp":NaN}', b'{"a":1,"a":2}', b'{"a":1e999}', '{"a":"é"}'.encode("utf-16"),
        b'{"a":"\xff"}', b"\xef\xbb\xbf{}", b' {"a":1}\n', b'{"exp":1}', b'{"nbf":9e9}', b'{"aud":5}',
        b'{"a":"\\ud800"}',
    ]
)  # fmt: skip
BYTES = st.sampled_from([b"", b"=", b".", b"A", b"-", b"\n", b" ", "é".encode()])
TOKENS = mutated(st.builds(made, HEADERS, BODIES).map(str.encode), BYTES).map(
    lambda token: token.decode("utf-8", "replace")
)


@settings(derandomize=True, max_examples=400)
@given(TOKENS)
def test_they_agree_on_what_is_nearly_right(token: str) -> None:
    explain(parted(token), TABLE)


@pytest.mark.parametrize("difference", TABLE, ids=ids(TABLE))
def test_each_difference_is_one(difference: Difference) -> None:
    assert explain(parted(difference.example), TABLE) == [difference]


def test_a_difference_that_is_not_in_the_table_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    token = made(b'{"alg":"HS256"}', b'{"sub":"ann"}')
    assert read(token) == {"sub": "ann"}
    assert read(token[:-1]) is read(token + "A") is None
    assert parted(token) is None
    monkeypatch.setattr(tokens, "read", lambda token: {"sub": "bob"})
    with pytest.raises(AssertionError, match="nothing in the table explains"):
        explain(parted(token), TABLE)
