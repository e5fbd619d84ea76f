"""Web hooks, told to a real HTTP server by the real reactor."""

import json
import resource
import socket
import threading
from contextlib import contextmanager

import pytest

from filtered_websocket.filters.shared import public_addresses
from filtered_websocket.filters.shared.webhooks import destinations, posts
from filtered_websocket.filters.shared.webhooks.destinations import MAX_HOOKS, Webhooks, check_hooks, check_url
from filtered_websocket.filters.shared.webhooks.posts import Posts
from filtered_websocket.monitoring.counters import Counters
from tests.support import tls_listener
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call, until
from tests.support.receiver import receiving


@pytest.fixture
def make():
    made = []

    def make(private=True, shared=None):
        from twisted.internet import reactor

        counters = Counters(reactor)
        hooks = Webhooks(reactor, counters, private, shared)
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
    with receiving(*[503] * destinations.ATTEMPTS) as receiver:
        tell(hooks, receiver.url, "lost", "told")
        told = [json.loads(receiver.next()[2]) for _ in range(destinations.ATTEMPTS + 1)]
    assert told == [["lost"]] * destinations.ATTEMPTS + [["told"]]
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

    monkeypatch.setattr(public_addresses, "resolve", resolve)
    monkeypatch.setattr(public_addresses, "TCP4ClientEndpoint", Endpoint)
    monkeypatch.setattr(hooks, "later", lambda seconds, later=hooks.later: later(seconds / 1000))
    tell(hooks, "http://rebound.example/", "x")
    until(lambda: counters.totals)
    assert connected == ["8.8.8.8"]
    assert dropped(counters) == {"web hook: the address is private": 1}


def test_a_destination_that_is_behind_is_bounded(make, monkeypatch):
    monkeypatch.setattr(destinations, "MAX_WAITING", 2)
    hooks, counters = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(5))
        assert [json.loads(receiver.next()[2]) for _ in range(2)] == [[0], [1]]
    assert dropped(counters) == {"web hook: too many wait": 3}


def test_an_answer_that_does_not_end_is_ended_and_holds_one_connection(make, monkeypatch):
    monkeypatch.setattr(posts, "ANSWER_SECONDS", 0.3)
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


@contextmanager
def answering(*parts):
    """A server that answers with the first part and then with the second for ever; gives what it wrote in all."""
    written = [0]

    def serve():
        connection, _ = server.accept()
        with connection:
            connection.settimeout(DEADLINE)
            connection.recv(65536)
            try:
                connection.sendall(parts[0])
                while written[0] < 200 * 1024 * 1024:
                    connection.sendall(parts[1])
                    written[0] += len(parts[1])
            except OSError:
                pass  # what is tested

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", written, thread
        thread.join(DEADLINE)


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ((b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 8000 + b"\r\n"), "TooLarge"),
        ((b"HTTP/1.1 200 OK\r\nX: ", b"x" * 8000), "ResponseFailed"),
        ((b"", b"HTTP/1.1 100 Continue\r\nX: x\r\n\r\n" * 200), "TooLarge"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 8000), None),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1f40\r\n" + b"x" * 8000 + b"\r\n"), None),
    ],
    ids=["head of lines", "head of one line", "heads that come first", "body", "body in chunks"],
)
def test_an_answer_without_an_end_costs_so_many_bytes_whatever_part_has_none(make, monkeypatch, parts, fault):
    monkeypatch.setattr(destinations, "ATTEMPTS", 1)
    hooks, counters = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with answering(*parts) as (url, written, thread):
        tell(hooks, url, "x")
        thread.join(DEADLINE)
    until(lambda: not hooks._apps)
    assert written[0] < 20 * 1024 * 1024, "what buffers of the system hold may be written beside what is read"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024, "KiB"
    assert dropped(counters) == ({f"web hook: {fault}": 1} if fault else {})


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


@pytest.mark.parametrize("names", [["*.internal"], ["127.0.0.1"]])
def test_a_hook_is_not_told_where_a_certificate_s_names_cannot_be_read(make, tmp_path, monkeypatch, names):
    by = tls_listener.authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", by.path)  # what the system trusts
    monkeypatch.setattr(destinations, "ATTEMPTS", 1)
    hooks, counters = make()
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, names)) as listener:
        tell(hooks, f"https://localhost:{listener.port}/", "secret")
        assert listener.outcomes.get(timeout=DEADLINE) == b""
        until(lambda: counters.totals)


def test_a_hook_is_told_by_tls_where_the_certificate_is_right(make, tmp_path, monkeypatch):
    by = tls_listener.authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", by.path)
    hooks, counters = make()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with tls_listener.listening(tls_listener.certificate(tmp_path, by, ["localhost"]), answer) as listener:
        tell(hooks, f"https://localhost:{listener.port}/", "event")
        assert b'["event"]' in listener.outcomes.get(timeout=DEADLINE)
    assert dropped(counters) == {}
