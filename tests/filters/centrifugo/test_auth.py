import base64
import time

import pytest

from filtered_websocket.filters.centrifugo.auth import (
    ServerSubscription,
    read_connection,
    read_subscription,
)
from filtered_websocket.filters.centrifugo.codes import Disconnect, Error
from filtered_websocket.filters.centrifugo.overrides import Override
from filtered_websocket.filters.shared.signing_keys import Keys
from filtered_websocket.filters.shared.tokens import issue
from filtered_websocket.filters.shared.verifier import Verifier
from tests.filters.centrifugo.clients import SECRET, later, token

VERIFIER = Verifier(Keys(SECRET))
PAST = 1_000_000_000


def refused(function, *arguments):
    with pytest.raises((Error, Disconnect)) as refusal:
        function(*arguments)
    return refusal.value.code


def base64_of(data):
    return base64.b64encode(data).decode()


def test_a_connection_token_says_who_for_how_long_and_where():
    ends = later()
    found = read_connection(token("u1", exp=ends, info={"a": 1}, channels=["x"], meta=[1]), VERIFIER)
    assert found == ("u1", b'{"a":1}', ends, {"x": ServerSubscription()}, [1])
    for claims in ({}, {"sub": None}):
        assert read_connection(issue(claims, SECRET), VERIFIER) == ("", b"", None, {}, None)


def test_texts_that_no_utf_8_can_hold_are_read_as_go_reads_them():
    for claims in ({"channels": ["x\ud800"]}, {"subs": {"x\ud800": {}}}):
        found = read_connection(token("u\udfff", **claims), VERIFIER)
        assert (found.user, list(found.channels)) == ("u\ufffd", ["x\ufffd"])


def test_subs_count_more_than_channels_and_base64_more_than_json():
    subs = {"a": {"info": 1, "data": {"d": 2}}, "b": {"b64info": base64_of(b"\xff"), "info": 5}}
    subs["c"] = {"override": {"presence": {"value": True}}}
    found = read_connection(token("u", subs=subs, channels=["z"], b64info=base64_of(b"[]"), info=1), VERIFIER)
    assert found.info == b"[]"
    assert found.channels == {
        "a": ServerSubscription(b"1", b'{"d":2}'),
        "b": ServerSubscription(b"\xff"),
        "c": ServerSubscription(override=Override(presence=True)),
    }


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": 5}, 3500), ({"iss": None, "exp": None, "channel": None, "info": None, "b64info": None}, 0),
        ({"subs": {"a": None, "b": {"info": None, "override": None}}}, 0), ({"channel": ""}, 0),
        ({"channel": "x"}, 3500), ({"aud": 5}, 3500), ({"aud": ["a", 5]}, 3500), ({"jti": 5}, 3500),
        ({"exp": PAST}, 109), ({"exp": "5"}, 3500), ({"nbf": 4_000_000_000}, 109), ({"expire_at": PAST}, 110),
        ({"expire_at": "x"}, 3500), ({"iat": 4_000_000_000}, 0),
        ({"expire_at": -1}, 0), ({"channels": "x"}, 3500), ({"channels": [1]}, 3500), ({"subs": []}, 3500),
        ({"subs": {"a": 1}}, 3500), ({"b64info": "?"}, 3500), ({"b64info": 5}, 3500),
        ({"subs": {"a": {"override": 1}}}, 3500),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_with_a_connection_token_has_its_code(claims, code):
    made = issue({"sub": "u", **claims}, SECRET)
    assert (refused(read_connection, made, VERIFIER) if code else read_connection(made, VERIFIER).user) == (code or "u")


def test_expire_at_counts_for_the_connection_and_exp_for_the_token():
    ends = later(50)
    assert read_connection(token(exp=later(), expire_at=ends), VERIFIER).expires == ends
    assert read_connection(token(exp=later(), expire_at=0), VERIFIER).expires is None
    assert refused(read_connection, token(exp=PAST, expire_at=ends), VERIFIER) == 109
    far = read_connection(token(exp=int(1e14)), VERIFIER).expires
    assert far is not None
    assert far <= time.time() + 365 * 86400


@pytest.mark.parametrize("text", ["x", "a.b.c", issue({"sub": "u"}, "another"), ""])
def test_what_is_not_signed_is_refused(text):
    assert refused(read_connection, text, VERIFIER) == 3500
    assert refused(read_subscription, text, VERIFIER, "c", "u", "id") == 103


def test_audience_and_issuer_are_wanted_where_they_are_named():
    verifier = Verifier(Keys(SECRET), "me", "you")
    assert read_connection(token(aud=["x", "me"], iss="you"), verifier).user == "u1"
    assert read_connection(token(aud="me", iss="you"), verifier).user == "u1"
    for claims in ({}, {"aud": "me"}, {"iss": "you"}, {"aud": "x", "iss": "you"}, {"aud": {"me": 1}, "iss": "you"}):
        assert refused(read_connection, token(**claims), verifier) == 3500


def test_a_subscription_token_is_for_one_channel_user_and_client():
    def read(**claims):
        return read_subscription(token(**({"channel": "c"} | claims)), VERIFIER, "c", "u1", "id")

    assert read(info=1, data=2, client="id") == (b"1", b"2", None, Override())
    assert refused(lambda: read(channel="d")) == 3500
    assert refused(lambda: read(client="other")) == 3500
    assert refused(lambda: read(channel="")) == 103
    assert refused(lambda: read(channel=5)) == 103
    assert refused(lambda: read(exp=PAST)) == 109
    assert refused(lambda: read(expire_at=PAST)) == 110
    assert refused(read_subscription, token("u2", channel="c"), VERIFIER, "c", "u1", "id") == 3500
