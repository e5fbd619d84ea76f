"""Connections that are kept: used again, ended in time, and never used where the server may have ended them."""

import pytest
from twisted.web.client import URI

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.shared.http_client import connections
from filtered_websocket.filters.shared.http_client.client import Client, NotAnswered
from tests.support.http_backend import http_backend, scripted
from tests.support.reactor_thread import call, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def client():
    made = []

    def make(url):
        from twisted.internet import reactor

        made.append(Client(reactor, url, 1000))
        return made[-1]

    yield make
    for each in made:
        call(each.close)


def post(client, count=1):
    """Posts, each begun in the turn in which the one before is answered."""

    async def all_of_them():
        return [(await client.post("/", (), b"{}")).status for _ in range(count)]

    return call(lambda: start(all_of_them()))


def unused(client):
    return call(lambda: len(client._connections.unused))


@pytest.mark.parametrize(
    "last",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\nconnection: CLOSE\r\n\r\n",
        OK + OK,
    ],
    ids=["close", "close among others", "HTTP/1.0", "204", "more than was asked for"],
)
def test_no_request_follows_an_answer_that_is_the_last_on_its_connection(client, last):
    with scripted([last], [OK]) as (url, requests):
        assert post(client(url), 2)[1] == 200
        assert requests.qsize() == 2


def test_an_answer_of_http_1_0_that_says_so_keeps_its_connection(client):
    with scripted([b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\n{}", OK]) as (url, _):
        assert post(client(url), 2) == [200, 200]


def test_a_connection_that_the_server_has_ended_is_not_used_although_the_reactor_has_not_read_it(client):
    with http_backend() as backend:
        asking = client(backend.url)
        post(asking)

        def ended():
            ((kept, _),) = asking._connections.unused
            backend.hang_up()
            while not connections.has_ended(kept):  # within one turn: the reactor reads nothing
                pass
            return start(asking.post("/", (), b"{}"))

        assert call(ended).status == 200
        assert backend.connections == 2


def test_what_the_server_says_unasked_ends_the_connection(client):
    # As servers do that tell of a time that is over, or the second answer of one that is out of step.
    with scripted([OK, True], [OK]) as (url, requests):
        asking = client(url)
        post(asking)
        assert post(asking) == [200]
        assert requests.qsize() == 2


def test_where_a_408_crosses_a_request_it_is_asked_again_on_another_connection(client):
    with scripted([OK, TIMED_OUT], [OK]) as (url, requests):
        assert post(client(url), 2) == [200, 200]
        assert requests.qsize() == 3


def test_a_408_on_each_kept_connection_does_not_ask_for_ever(client):
    with scripted([OK, TIMED_OUT], [TIMED_OUT], [OK]) as (url, requests):
        assert post(client(url), 3) == [200, 408, 200]
        assert requests.qsize() == 4


def test_where_the_end_comes_at_the_same_time_nobody_knows_what_became_of_it(client):
    with scripted([OK, None]) as (url, _):
        asking = client(url)
        post(asking)
        with pytest.raises(NotAnswered, match="ended without an answer"):
            post(asking)


def test_the_one_used_last_is_used_next_and_those_unused_are_ended(client, monkeypatch):
    monkeypatch.setattr(connections, "KEEP_SECONDS", 0.3)
    with http_backend() as backend:
        asking = client(backend.url)

        async def three():
            begun = [start(asking.post("/", (), b"{}")) for _ in range(3)]
            return [await each for each in begun]

        call(lambda: start(three()))
        assert unused(asking) == 3
        newest = call(lambda: asking._connections.unused[-1][0])
        post(asking)
        assert call(lambda: asking._connections.unused[-1][0]) is newest
        until(lambda: not asking._connections.unused)
        assert backend.connections == 3


def test_closed_it_keeps_none(client):
    with http_backend() as backend:
        asking = client(backend.url)
        post(asking)
        call(asking.close)
        assert unused(asking) == 0
        post(asking)
        assert unused(asking) == 0


def test_a_name_without_an_address_is_said():
    from twisted.internet import reactor

    made = connections.Connections(reactor, URI.fromBytes(b"http://127.0.0.1:1/"), 10, private=False)
    with pytest.raises(Exception, match="private"):
        call(lambda: start(made.take()))
