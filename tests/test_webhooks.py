"""Web hooks, told to a real HTTP server by the real reactor."""

import json
import socket

import pytest

from filtered_websocket import webhooks
from filtered_websocket.counters import Counters
from filtered_websocket.webhooks import Webhooks, check_url, is_public
from tests.end_to_end.raw_client import DEADLINE
from tests.end_to_end.receiver import receiving
from tests.reactor_thread import call, until


@pytest.fixture
def make():
    made = []

    def make(private=True):
        from twisted.internet import reactor

        counters = Counters(reactor)
        hooks = Webhooks(reactor, counters, private)
        made.append((hooks, counters))
        return hooks, counters

    yield make
    for hooks, counters in made:
        call(lambda hooks=hooks, counters=counters: (hooks.stop(), counters.stop()))


def render(events):
    return json.dumps(events).encode(), (("Content-Type", "application/json"), ("X-About", "test"))


def tell(hooks, url, *events, **how):
    call(lambda: [hooks.tell(url, event, render, **how) for event in events] and None)


def dropped(counters):
    return {reason: count for (what, reason), count in call(lambda: dict(counters.totals)).items() if what == "dropped"}


def test_events_are_posted_in_their_order_with_their_headers(make):
    hooks, _ = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(3))
        told = [receiver.next() for _ in range(3)]
    assert [json.loads(body) for _, _, body in told] == [[0], [1], [2]]
    path, headers, _ = told[0]
    assert path == "/hook?secret=1"
    assert (headers["content-type"], headers["x-about"]) == ("application/json", "test")


def test_what_happens_together_is_told_together_if_that_may_be(make):
    hooks, _ = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(5), most=3)
        assert [json.loads(receiver.next()[2]) for _ in range(2)] == [[0, 1, 2], [3, 4]]


def test_a_failure_is_tried_again_and_what_follows_waits(make, monkeypatch):
    hooks, counters = make()
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 100))
    with receiving(500, 404, 302) as receiver:
        tell(hooks, receiver.url, "a", "b")
        assert [json.loads(receiver.next()[2]) for _ in range(5)] == [["a"], ["a"], ["a"], ["a"], ["b"]]
        assert dropped(counters) == {}


def test_who_never_answers_well_is_given_up_and_counted(make, monkeypatch):
    hooks, counters = make()
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 1000))
    with receiving(*[503] * webhooks.ATTEMPTS) as receiver:
        tell(hooks, receiver.url, "lost", "told")
        told = [json.loads(receiver.next()[2]) for _ in range(webhooks.ATTEMPTS + 1)]
    assert told == [["lost"]] * webhooks.ATTEMPTS + [["told"]]
    assert dropped(counters) == {"web hook: status 5xx": 1}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"])
def test_private_addresses_are_refused_however_they_are_written(make, host):
    hooks, counters = make(private=False)
    with receiving() as receiver:
        tell(hooks, f"http://{host}:{receiver.server_port}/", "x")
        until(lambda: counters.totals)
        assert receiver.requests.empty()
    assert dropped(counters) == {"web hook: the address is private": 1}


def test_a_name_is_resolved_once_and_the_address_that_was_looked_at_is_used(make, monkeypatch):
    """A name that is public when it is looked at, and private when it is connected to."""
    hooks, counters = make(private=False)
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    asked, connected = [], []

    def resolve(reactor, host):
        from twisted.internet.defer import succeed

        asked.append(host)
        return succeed(answers[len(asked) - 1])

    class Endpoint:
        def __init__(self, reactor, host, port, timeout):
            connected.append(host)

        def connect(self, factory):
            from twisted.internet.defer import fail

            return fail(ConnectionRefusedError("no network in tests"))

    monkeypatch.setattr(webhooks, "resolve", resolve)
    monkeypatch.setattr(webhooks, "TCP4ClientEndpoint", Endpoint)
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 1000))
    tell(hooks, "http://rebound.example/", "x")
    until(lambda: counters.totals)
    assert connected == ["8.8.8.8"]
    assert dropped(counters) == {"web hook: the address is private": 1}


def test_a_destination_that_is_behind_is_bounded(make, monkeypatch):
    monkeypatch.setattr(webhooks, "MAX_WAITING", 2)
    hooks, counters = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(5))
        assert [json.loads(receiver.next()[2]) for _ in range(2)] == [[0], [1]]
    assert dropped(counters) == {"web hook: too many wait": 3}


def test_an_answer_that_does_not_end_is_ended_and_holds_one_connection(make, monkeypatch):
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.3)
    hooks, counters = make()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        tell(hooks, f"http://127.0.0.1:{server.getsockname()[1]}/", "first", "second")
        for event in ("first", "second"):
            connection, _ = server.accept()
            with connection:
                connection.settimeout(DEADLINE)
                asked = b""
                while event.encode() not in asked:
                    asked += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
                assert connection.recv(1) == b""
    assert dropped(counters) == {}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
        "2002:7f00:1::", "ff02::1", "::7f00:1", "::ffff:0:7f00:1", "64:ff9b:1::a00:1", "fec0::1", "nonsense",
    ],
)  # fmt: skip
def test_these_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_these_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        None, 1, "", "ftp://a/", "http://", "//a/b", "http://user:pass@host/", "http://a b/", "http://host:0/",
        "http://host:99999/", "http://é.example/", "http://host/\r\nX: y", "file:///etc/passwd", "http://[::1/",
    ],
)  # fmt: skip
def test_these_are_no_urls_of_hooks(url):
    with pytest.raises(ValueError, match="a web hook's URL is wanted"):
        check_url(url)


def test_a_url_of_a_hook_is_taken_as_it_is():
    assert check_url("https://example.com:8443/hook?key=1") == "https://example.com:8443/hook?key=1"
