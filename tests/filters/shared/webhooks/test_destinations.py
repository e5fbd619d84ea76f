"""What an app may have waiting and under way."""

import json
import socket

import pytest

from filtered_websocket.filters.shared.webhooks import destinations
from filtered_websocket.filters.shared.webhooks.posts import Posts
from filtered_websocket.filters.shared.webhooks.urls import MAX_HOOKS, check_hooks
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call, until
from tests.support.receiver import receiving
from tests.support.web_hooks import dropped, render


class Holding:
    """A server that takes requests and answers none until it is let; counts how many there are at one time."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.server.settimeout(DEADLINE)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/"

    def take(self, count):
        taken = [self.server.accept()[0] for _ in range(count)]
        for connection in taken:
            connection.settimeout(DEADLINE)
            asked = b""
            while not asked.endswith(b'["x"]'):
                asked += connection.recv(65536)
        return taken

    def none_more(self):
        self.server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            self.server.accept()
        self.server.settimeout(DEADLINE)

    @staticmethod
    def answer(taken):
        for connection in taken:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.close()


def test_posts_under_way_are_bounded_for_each_app_and_in_all(make, monkeypatch):
    monkeypatch.setattr(destinations, "MAX_POSTS_OF_APP", 3)
    hooks, counters = make(shared=Posts(5))
    holding = Holding()
    with holding.server:
        for app in ("a", "b"):
            call(lambda app=app: hooks.tell([f"{holding.url}{app}{n}" for n in range(10)], "x", render, app))
        under_way = holding.take(5)
        holding.none_more()
        holding.answer(under_way)
        for _ in range(15):
            holding.answer(holding.take(1))
        until(lambda: not hooks._apps)
    assert dropped(counters) == {}


def test_an_app_that_is_stuck_leaves_room_for_the_others(make, monkeypatch):
    monkeypatch.setattr(destinations, "MAX_POSTS_OF_APP", 3)
    hooks, _ = make()
    holding = Holding()
    with holding.server, receiving() as receiver:
        call(lambda: hooks.tell([f"{holding.url}{n}" for n in range(10)], "x", render, "stuck"))
        under_way = holding.take(3)
        holding.none_more()
        call(lambda: hooks.tell(receiver.url, "y", render, "other"))
        assert json.loads(receiver.next().body) == ["y"]
        holding.answer(under_way)


def test_hooks_of_an_app_are_bounded_however_they_came_to_be_there(make):
    urls = [f"http://127.0.0.1:1/{n}" for n in range(MAX_HOOKS + 1)]
    with pytest.raises(ValueError, match=f"{MAX_HOOKS} web hooks"):
        check_hooks(urls)
    assert check_hooks([*urls[:5], urls[0]]) == tuple(urls[:5])
    hooks, counters = make()
    call(lambda: hooks.tell(urls, "x", render, "app"))
    assert dropped(counters) == {"web hook: too many hooks": 1}


def test_what_waits_is_bounded_in_bytes_for_each_app_and_in_all(make, monkeypatch):
    monkeypatch.setattr(destinations, "MAX_WAITING_BYTES", 30)
    monkeypatch.setattr(destinations, "MAX_WAITING_IN_ALL", 50)
    hooks, counters = make()
    with receiving() as receiver:
        # Two URLs wait for the same bytes: they count once.
        urls = [receiver.url, f"{receiver.url}&also"]
        call(lambda: [hooks.tell(urls, n, render, app, size=10) for app in ("a", "b") for n in range(4)] and None)
        assert dropped(counters) == {"web hook: too much waits": 3}
        assert sorted(receiver.next().body for _ in range(10)) == sorted([b"[0]", b"[1]", b"[2]", b"[0]", b"[1]"] * 2)
        until(lambda: not hooks._apps)
        assert call(lambda: hooks.posts.waiting) == 0
        call(lambda: hooks.tell(urls, "again", render, "a", size=30))
        assert {receiver.next().body for _ in range(2)} == {b'["again"]'}
