import base64
import json

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.shared import tokens
from filtered_websocket.filters.shared.signing_keys import DIGESTS, Keys, sign
from filtered_websocket.filters.shared.tokens import BadToken, date, issue, signed_claims
from tests.support.philote_tokens import SECRET, base64url, token

KEYS = Keys(SECRET)
LATER = 4_000_000_000


def test_what_we_issue_is_taken_here_and_elsewhere():
    assert signed_claims(issue({"read": ["ä"], "exp": int(LATER)}, SECRET, "HS384"), KEYS)["read"] == ["ä"]
    assert signed_claims(issue({"read": ["a"]}, ""), Keys("")) == {"read": ["a"]}
    assert jwt.decode(issue({"read": ["ä"]}, SECRET), SECRET, ["HS256"]) == {"read": ["ä"]}


def test_without_any_key_no_token_is_good():
    for secret in ("", SECRET):
        with pytest.raises(BadToken, match="signature"):
            signed_claims(issue({}, secret), Keys(None))


def test_a_date_that_is_not_there_is_none_and_one_that_is_has_whole_seconds():
    assert date({}, "exp") is None
    assert date({"exp": 5.9}, "exp") == 5


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
    found = tokens._read_usual(text)
    if found is None:
        return
    said, written, signed = tokens._read(text)
    assert found == (said["alg"], f"{header}.{body}".encode(), written, signed)
    assert said.keys() <= {"alg", "typ"}


def test_the_usual_token_is_read_without_pyjwt():
    for claims in ({"read": ["a"], "exp": LATER}, {}, {"read": ["é" * 50]}):
        signed = issue(claims, SECRET)
        _, written, signature = tokens._read(signed)
        assert tokens._read_usual(signed) == ("HS256", signed.rpartition(".")[0].encode(), written, signature)
        assert json.loads(written) == claims


@st.composite
def texts(draw):
    """Tokens of which any part may be wrong, signed or not."""
    signs = f"{draw(segments(HEADERS))}.{draw(segments(BODIES))}"
    secret, algorithm = draw(st.sampled_from([SECRET, "before", "another", ""])), draw(st.sampled_from(list(DIGESTS)))
    signature = base64url(sign(signs.encode(), secret, algorithm))
    ends = [signature] * 6 + [signature + "=", signature[:-1] + "B", signature[1:], signature + ".", "", "!", "\ud800"]
    return (
        draw(st.sampled_from([signs, signs, signs, signs + ".", signs.partition(".")[2], ""]))
        + "."
        + draw(st.sampled_from(ends))
    )


def taken(text, keys):
    try:
        return json.dumps(signed_claims(text, keys))
    except BadToken as bad:
        return str(bad)


@settings(max_examples=150)
@given(texts(), st.sampled_from([KEYS, Keys(""), Keys(None), Keys(SECRET, ("before", 4e9)), Keys("x", ("before", 0))]))
def test_a_token_is_taken_and_refused_as_by_pyjwts_road(text, keys):
    found = taken(text, keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_read_usual", lambda text: None)
        assert found == taken(text, keys)


@given(BODIES, st.sampled_from(["HS256", "HS384"]), st.booleans())
def test_claims_are_read_as_pyjwt_reads_them(body, algorithm, is_named):
    header = {"alg": algorithm, **({"kid": "a"} if is_named else {})}
    text = token(body, algorithm=algorithm, header=header)
    try:
        expected = jwt.decode_complete(text, options={"verify_signature": False})["payload"]
    except jwt.PyJWTError:
        with pytest.raises(BadToken, match="no JWT"):
            signed_claims(text, KEYS)
    else:
        assert json.dumps(signed_claims(text, KEYS)) == json.dumps(expected)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_another_text_of_the_same_bytes_is_no_token(part):
    """The last character of 32 or of 10 bytes has bits that mean nothing."""
    parts = [base64url(b'{"alg": "HS256"}'), base64url(b'{"a": 1234}')]
    parts.append(base64url(sign(".".join(parts).encode(), SECRET, "HS256")))
    assert tokens._read_usual(".".join(parts)) is not None
    assert signed_claims(".".join(parts), KEYS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    parts[part] = parts[part][:-1] + alphabet[alphabet.index(parts[part][-1]) + 1]
    assert tokens._read_usual(".".join(parts)) is None
    with pytest.raises(BadToken, match="the token is no JWT"):
        signed_claims(".".join(parts), KEYS)


@pytest.mark.parametrize("padding", ["=", "==", "\n"])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_part_has_no_padding(part, padding):
    parts = issue({"read": ["a"]}, SECRET).split(".")
    parts[part] += padding
    parts[2] = parts[2] if part == 2 else base64url(sign(".".join(parts[:2]).encode(), SECRET, "HS256"))
    with pytest.raises(BadToken, match="the token is no JWT"):
        signed_claims(".".join(parts), KEYS)
