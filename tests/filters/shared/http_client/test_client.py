"""One request and its answer: real sockets, and servers that say what they like."""

import pytest
from twisted.internet.defer import CancelledError, succeed

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.shared import public_addresses
from filtered_websocket.filters.shared.http_client.bounded import TooLarge
from filtered_websocket.filters.shared.http_client.client import Answer, Client, NotAnswered, NotSent
from tests.support import tls_listener
from tests.support.http_backend import http_backend, scripted
from tests.support.ports import free_port
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def client():
    made = []

    def make(url, longest=1000):
        from twisted.internet import reactor

        made.append(Client(reactor, url, longest))
        return made[-1]

    yield make
    for each in made:
        call(each.close)


def post(client, body=b"asked", path="/", headers=()):
    return call(lambda: start(client.post(path, headers, body)))


def test_a_request_is_sent_as_it_is_told_and_answered(client):
    with http_backend() as backend:
        backend.answer = lambda _: (403, {"why": "so"})
        asking = client(backend.url)
        assert post(asking, b'{"a": 1}', "/b?c=d", [(b"X-About", b"test")]) == Answer(403, b'{"why": "so"}')
        asked = backend.next()
    assert (asked.path, asked.body, asked.headers["x-about"]) == ("/b?c=d", {"a": 1}, "test")
    assert asked.headers["host"] == backend.url.removeprefix("http://")


def test_a_line_end_in_a_header_begins_no_other(client):
    with http_backend() as backend:
        post(client(backend.url), b"{}", "/", [(b"X-About", b"a\r\nX-Admin: yes")])
        headers = backend.next().headers
    assert "x-admin" not in headers


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\n{}",
    ],
)
def test_answers_in_other_forms(client, answer):
    with scripted([answer]) as (url, _):
        assert post(client(url)) == Answer(200, b"{}")


def test_an_answer_that_ends_with_its_connection(client):
    with scripted([b"HTTP/1.0 200 OK\r\n\r\n{}", False]) as (url, _):
        assert post(client(url)).body == b"{}"
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"
    with scripted([cut, False]) as (url, _), pytest.raises(NotAnswered):
        post(client(url))


def test_what_was_not_sent_and_what_was_not_answered_are_told_apart(client):
    with pytest.raises(NotSent, match="refused"):
        post(client(f"http://127.0.0.1:{free_port()}"))
    with scripted([None]) as (url, _), pytest.raises(NotAnswered, match="ended without an answer"):
        post(client(url))
    for odd in (
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ):
        with scripted([odd]) as (url, _), pytest.raises(NotAnswered):
            post(client(url))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 500,
    ],
)
def test_an_answer_is_bounded_head_and_body(client, answer):
    with scripted([answer]) as (url, _), pytest.raises(TooLarge):
        post(client(url))


def test_each_answer_on_a_connection_may_be_as_long(client):
    with http_backend() as backend:
        backend.answer = lambda _: (200, b"x" * 600)
        asking = client(backend.url)
        for _ in range(5):
            assert len(post(asking, b"{}").body) == 600
        assert backend.connections == 1


def test_a_request_that_is_cancelled_ends_its_connection(client):
    with scripted([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"], [b""]) as (url, requests):
        asking = client(url)
        for _ in range(2):  # within the body, and before the head
            asked = call(lambda: [start(asking.post("/", (), b"x"))])[0]
            requests.get(timeout=DEADLINE)
            call(asked.cancel)
            with pytest.raises(CancelledError):
                call(lambda asked=asked: asked)
        assert call(lambda: asking._connections.unused) == []


def test_one_that_is_cancelled_while_it_connects_has_not_failed(client):
    def cancelled():
        asked = start(client("http://127.0.0.1:1").post("/", (), b"x"))
        asked.cancel()
        return asked

    with pytest.raises(CancelledError):
        call(cancelled)


def test_nothing_is_sent_to_a_server_whose_certificate_is_another_s(client, tmp_path, monkeypatch):
    by = tls_listener.authority(tmp_path)
    for names, trusted in ((["other.example"], True), (["localhost"], False)):
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", by.path)
        else:
            monkeypatch.delenv("SSL_CERT_FILE")
        with tls_listener.listening(tls_listener.certificate(tmp_path, by, names)) as listener:
            with pytest.raises(NotSent, match="not trusted"):
                post(client(f"https://localhost:{listener.port}"), b"secret")
            assert listener.outcomes.get(timeout=DEADLINE) == b""


def test_a_name_with_an_address_that_nobody_listens_at_has_others(client, monkeypatch):
    monkeypatch.setattr(public_addresses, "resolve", lambda *_: succeed(["127.0.0.9", "127.0.0.1"]))
    with http_backend() as backend:
        assert post(client(f"http://name.example:{backend.server_port}"), b"{}").status == 200
