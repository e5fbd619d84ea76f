import re

import pytest

from filtered_websocket.filters.shared.signing_keys import Keys
from filtered_websocket.filters.shared.tokens import BadToken
from filtered_websocket.filters.shared.verifier import Verifier
from tests.support.philote_tokens import SECRET, token

KEYS = Keys(SECRET)


def test_a_token_for_us_and_from_them_is_good():
    verifier = Verifier(KEYS, "me", "you", re.compile("^m"), re.compile("u$"))
    for audience in ("me", ["x", "me"]):
        assert verifier.claims(token({"aud": audience, "iss": "you"})) == {"aud": audience, "iss": "you"}
    for claims in ({}, {"aud": None, "iss": None}):
        assert Verifier(KEYS).claims(token(claims)) == claims


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "you"}, "another audience"),
        ({"aud": "", "iss": "you"}, "another audience"),
        ({"aud": ["meme"], "iss": "you"}, "another audience"),
        ({"aud": "me"}, "another issuer's"),
        ({"aud": "me", "iss": "me"}, "another issuer's"),
        ({"aud": {"me": 1}, "iss": "you"}, "aud is to be"),
        ({"aud": ["me", 1], "iss": "you"}, "aud is to be"),
        ({"aud": "me", "iss": ["you"]}, "iss is to be"),
    ],
)
def test_one_for_or_from_another_is_not(claims, says):
    with pytest.raises(BadToken, match=says):
        Verifier(KEYS, "me", "you").claims(token(claims))


def test_a_pattern_that_ends_fits_no_line_end():
    with pytest.raises(BadToken, match="issuer"):
        Verifier(KEYS, issuers=re.compile("^you$")).claims(token({"iss": "you\n"}))
    with pytest.raises(BadToken, match="audience"):
        Verifier(KEYS, audiences=re.compile("^me$")).claims(token({}))
