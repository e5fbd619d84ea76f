"""What the pack keeps for one pipeline: what it warns of, which tokens it can serve, and when these end."""

import time

import pytest
from twisted.logger import formatEvent, globalLogPublisher

from filtered_websocket.commands.fws_server import banner
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.server import Server
from tests.filters.philote.clients import PHILOTE, connect, publish, received, refused, serving
from tests.support.philote_tokens import SECRET, token


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
    monkeypatch.setattr(
        "filtered_websocket.filters.shared.expiries.time.time", lambda: begin + sum(each.seconds() for each in clock)
    )
    with serving(philote_enforce_expiry=True, ping_interval=0) as server:
        clock.append(server.reactor)
        offset = server.reactor.seconds()
        begin -= offset
        short, long = connect(server, exp=time.time() + 60), connect(server, exp=time.time() + 20_000)
        forever, gone = connect(server), connect(server, exp=time.time() + 60)
        gone.close()
        server.advance(59)
        assert short.is_open
        server.advance(2)
        assert (short.close_code, short.close_reason) == (1008, "the token has expired")
        server.advance(15_000)
        assert long.is_open
        server.advance(5_000)
        assert long.close_code == 1008
        assert forever.is_open


def test_a_token_ends_by_the_wall_clock_also_when_that_is_set_while_it_is_waited_for(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr("filtered_websocket.filters.shared.expiries.time.time", lambda: now[0])
    with serving(philote_enforce_expiry=True, ping_interval=0) as server:
        client = connect(server, exp=now[0] + 7200)
        server.advance(60)
        assert client.is_open
        now[0] += 7201
        server.advance(60)
        assert (client.close_code, client.close_reason) == (1008, "the token has expired")


def test_the_end_of_a_connection_that_has_lost_its_id_lets_no_other_token_live_on(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr("filtered_websocket.filters.shared.expiries.time.time", lambda: now[0])

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
