import json
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import formatEvent, globalLogPublisher

from filtered_websocket.commands.fws_server import banner
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.philote.test_wire import ANYTHING, NAMES
from tests.support.philote_tokens import SECRET, token

PHILOTE = "filtered_websocket.filters.philote"


def serving(**options):
    return Server(PHILOTE, philote_secret=SECRET, **options)


def connect(server, read=(), write=(), path="/", headers=None, **claims):
    mine = token({"read": list(read), "write": list(write), **claims})
    return server.connect(f"{path}?auth={mine}", headers=headers)


def publish(client, channel, data="x"):
    client.send(json.dumps({"channel": channel, "data": data}))


def received(client):
    return [(message["channel"], message["data"]) for message in map(json.loads, client.received())]


def refused(server, *arguments, **keywords):
    with pytest.raises(Refused) as raised:
        server.connect(*arguments, **keywords)
    return raised.value


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


def test_an_empty_secret_works_and_is_warned_of():
    lines = []
    observe = lambda event: lines.append(formatEvent(event))  # noqa: E731
    globalLogPublisher.addObserver(observe)
    try:
        with Server(PHILOTE) as server:
            assert server.connect("/?auth=" + token({}, "")).is_open
        with Server(PHILOTE, philote_secret="short", philote_check_origin=True):
            pass
        quiet = len(lines)
        with serving(philote_check_origin=True):
            pass
    finally:
        globalLogPublisher.removeObserver(observe)
    assert [line[:30] for line in lines[:quiet] if "UNSAFE" in line] == [
        "UNSAFE: anybody can make token",
        "UNSAFE: any web page may conne",
        "UNSAFE: the key of tokens can ",
    ]
    assert not any("UNSAFE" in line for line in lines[quiet:])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, ["UNSAFE: any web page may connect to * (philote_check_origin is off)"]),
        ({"philote_check_origin": True}, []),
        ({"pipelines": {"*": {"filters": [PHILOTE], "allowed_origins": ["https://example.org"]}}}, []),
    ],
)
def test_it_is_said_once_when_any_page_may_connect_and_only_then(options, says):
    lines = []
    observe = lambda event: lines.append(formatEvent(event))  # noqa: E731
    globalLogPublisher.addObserver(observe)
    try:
        with Server(*([] if "pipelines" in options else [PHILOTE]), philote_secret=SECRET, **options) as server:
            lines += banner.unsafe(server.server)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert [line for line in lines if "UNSAFE" in line] == says


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


def test_a_token_that_cannot_be_joined_is_refused_before_the_connection():
    with serving() as server:
        assert b"too long" in refused(server, "/?auth=" + token({"read": ["x" * 256]})).body
    with serving(max_channels=2) as server:
        assert b"more than 2 channels" in refused(server, "/?auth=" + token({"read": ["a", "b", "c"]})).body
        assert connect(server, ["a", "b", "", "a"]).is_open


def test_an_expired_token_ends_no_connection_by_default():
    with serving() as server:
        client = connect(server, exp=int(time.time()) + 60)
        server.advance(3600)
        assert client.is_open


def test_an_expired_token_ends_its_connection_by_option(monkeypatch):
    begin, clock = time.time(), []
    monkeypatch.setattr("filtered_websocket.filters.philote.state.time.time", lambda: begin + clock[0].seconds())
    with serving(philote_enforce_expiry=True, ping_interval=0) as server:
        clock.append(server.reactor)
        offset = server.reactor.seconds()
        begin -= offset
        short, long = connect(server, exp=time.time() + 60), connect(server, exp=time.time() + 200_000)
        forever, gone = connect(server), connect(server, exp=time.time() + 60)
        gone.close()
        server.advance(59)
        assert short.is_open
        server.advance(2)
        assert (short.close_code, short.close_reason) == (1008, "the token has expired")
        server.advance(150_000)
        assert long.is_open
        server.advance(50_000)
        assert long.close_code == 1008
        assert forever.is_open


def test_a_token_ends_by_the_wall_clock_also_when_that_is_set_while_it_is_waited_for(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr("filtered_websocket.filters.philote.state.time.time", lambda: now[0])
    with serving(philote_enforce_expiry=True, ping_interval=0) as server:
        client = connect(server, exp=now[0] + 7200)
        server.advance(60)
        assert client.is_open
        now[0] += 7201
        server.advance(60)
        assert (client.close_code, client.close_reason) == (1008, "the token has expired")


def test_the_end_of_a_connection_that_has_lost_its_id_lets_no_other_token_live_on(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr("filtered_websocket.filters.philote.state.time.time", lambda: now[0])

    class Same(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.id = "ann"

    with Server(PHILOTE, Same, philote_secret=SECRET, philote_enforce_expiry=True, ping_interval=0) as server:
        former = connect(server, exp=now[0] + 7200)
        later = connect(server, exp=now[0] + 7200)
        assert former.close_code == 1008
        now[0] += 7201
        server.advance(60)
        assert (later.close_code, later.close_reason) == (1008, "the token has expired")


def test_wildcards_by_option():
    with serving(philote_wildcards=True) as server:
        a = connect(server, (), ["chat/*"])
        every, room, pattern, other = (connect(server, [name]) for name in ("*", "chat/1", "chat/*", "news/*"))
        both = connect(server, ["chat/1", "chat/*", "*"])
        publish(a, "chat/1", "1")
        publish(a, "news/1", "2")
        publish(a, "x" * 300, "3")
        for client in (every, room, pattern, both):
            assert received(client) == [("chat/1", "1")]
        assert received(other) == []
        assert b"a star stands alone" in refused(server, "/?auth=" + token({"read": ["chat*"]})).body


def test_without_wildcards_a_star_is_a_character():
    with serving() as server:
        a, b = connect(server, (), ["a/*"]), connect(server, ["a/*", "a/1"])
        publish(a, "a/1")
        publish(a, "a/*")
        assert received(b) == [("a/*", "x")]


def test_a_previous_secret_wants_its_end():
    with pytest.raises(ConfigError, match="go together"), serving(philote_previous_secret="old"):
        pass
    until = int(time.time()) + 100
    with serving(philote_previous_secret="old", philote_previous_secret_until=until) as server:
        assert server.connect("/?auth=" + token({}, "old")).is_open


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
