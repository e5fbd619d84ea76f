import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import formatEvent, globalLogPublisher

from tests.filters.philote.clients import PHILOTE, connect, publish, received, refused, serving
from tests.filters.philote.test_wire import ANYTHING, NAMES
from tests.support.philote_tokens import SECRET, token


def test_a_publication_reaches_the_other_readers_of_the_channel_and_not_its_sender():
    with serving() as server:
        a = connect(server, "ab", "ab")
        b = connect(server, "a")
        c = connect(server, "b")
        publish(a, "a", "1")
        publish(a, "b", "2")
        assert (received(a), received(b), received(c)) == ([], [("a", "1")], [("b", "2")])


def test_the_issuer_is_the_senders_id_whatever_it_says():
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, "a")
        a.send('{"issuer": "me", "channel": "a", "data": "x"}')
        issuer = json.loads(b.received()[0])["issuer"]
        assert UUID(issuer).version == 4
        assert issuer == a.connection.id


def test_the_go_client_writes_its_names_large_and_may_send_binary_frames():
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, "a")
        a.send('{"Channel":"a","Data":"1"}')
        a.send(b'{"Channel":"a","Data":"2"}')
        messages = b.received()
        assert [type(message) for message in messages] == [str, str]
        assert [json.loads(message)["data"] for message in messages] == ["1", "2"]


def test_one_copy_although_the_token_names_the_channel_twice():
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, ["a", "a", "b"])
        publish(a, "a")
        assert received(b) == [("a", "x")]


def test_order_is_kept():
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, "a")
        for number in range(100):
            publish(a, "a", str(number))
        assert [data for _, data in received(b)] == [str(number) for number in range(100)]


@pytest.mark.parametrize(
    "message",
    [
        '{"channel": "b", "data": "x"}',
        '{"data": "x"}',
        '{"channel": "", "data": "x"}',
        '{"channel": null}',
        "null",
        "{}",
    ],
)
def test_what_may_not_be_written_is_dropped_and_the_connection_stays(message):
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, "ab")
        a.send(message)
        publish(a, "a")
        assert received(b) == [("a", "x")]


def test_what_is_no_message_closes_and_what_follows_does_not_count():
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, "a")
        a._protocol.send_text(b'{"channel": "a", "data": 5}')
        a._protocol.send_text(b'{"channel": "a", "data": "x"}')
        a._flush()
        assert (a.close_code, received(b)) == (1003, [])


def test_the_token_may_come_in_the_header_on_any_path():
    with serving() as server:
        mine = token({})
        for header in (mine, f"Bearer {mine}"):
            assert server.connect("/any/path", headers={"Authorization": header}).is_open
        assert server.connect(f"/?auth={mine}", headers={"Authorization": ""}).is_open


def test_a_refused_token_is_401_with_the_reason_as_body():
    with serving() as server:
        answer = refused(server, "/?auth=" + token({}, "another"))
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert b"signature" in answer.body
        assert refused(server).status == 401


def test_tokens_and_secrets_are_in_no_log():
    lines = []
    observe = lambda event: lines.append(str(event) + formatEvent(event))  # noqa: E731
    good, bad = token({"read": ["a"]}), token({}, "another")
    globalLogPublisher.addObserver(observe)
    try:
        with serving() as server:
            server.connect(f"/?auth={good}").abort()
            refused(server, f"/?auth={bad}")
            server.advance(120)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert lines
    assert not any(word in line for line in lines for word in (SECRET, good[-20:], bad[-20:]))


def test_above_the_most_connections_503_and_a_place_that_gets_free_is_taken_at_once():
    with serving(philote_max_connections=2) as server:
        first, _ = connect(server), connect(server)
        assert refused(server, "/?auth=" + token({})).status == 503
        first.close()
        third = connect(server)
        assert refused(server, "/?auth=" + token({})).status == 503
        third.abort()
        assert connect(server).is_open
        assert len(server.pipeline().users) == 2
        assert server.server.counters.totals["refused", "philote_max_connections"] == 2


def test_each_pipeline_has_places_of_its_own():
    other = {"/other": {"filters": [PHILOTE], "philote_max_connections": 1}}
    with serving(philote_max_connections=1, pipelines=other) as server:
        connect(server)
        connect(server, path="/other")
        assert refused(server, "/?auth=" + token({})).status == 503


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost", True),
        ("https://LOCALHOST", True),
        ("http://localhost:81", False),
        ("http://elsewhere", False),
        ("null", False),
    ],
)
def test_check_origin_compares_host_and_port(origin, allowed):
    headers = {"Origin": origin} if origin else None
    with serving(philote_check_origin=True) as server:
        if allowed:
            assert connect(server, headers=headers).is_open
        else:
            assert refused(server, "/?auth=" + token({}), headers=headers).status == 403
    with serving() as server:
        assert connect(server, headers=headers).is_open


def test_no_websocket_is_served_under_api():
    with serving() as server:
        assert refused(server, "/api/info?auth=" + token({"api": True})).status == 404
        assert connect(server, path="/", api=True).is_open


def test_pipelines_may_have_secrets_of_their_own():
    other = {"/other": {"filters": [PHILOTE], "philote_secret": "other"}}
    with serving(pipelines=other) as server:
        assert server.connect("/other?auth=" + token({}, "other")).is_open
        assert refused(server, "/other?auth=" + token({})).status == 401


@given(ANYTHING | st.dictionaries(NAMES, st.sampled_from("ab") | ANYTHING, max_size=4))
def test_any_json_value_is_answered_by_delivery_by_nothing_or_by_a_close(value):
    with serving() as server:
        a, b = connect(server, (), "a"), connect(server, "ab")
        a.send(json.dumps(value))
        assert a.close_code in (None, 1003, 1007)
        assert all(channel == "a" for channel, _ in received(b))
        assert b.is_open


def test_the_user_of_a_connection_is_the_subject_of_its_token():
    with serving() as server:
        assert [connect(server, sub=each).connection.user for each in ("ann", "", 7, None)] == ["ann", None, None, None]
