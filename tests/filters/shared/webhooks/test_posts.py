"""One post: its address, its answer, its TLS."""

import json
import resource
import socket
import threading
from contextlib import contextmanager

import pytest

from filtered_websocket.filters.shared import public_addresses
from filtered_websocket.filters.shared.webhooks import posts, queue
from tests.support import tls_listener
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import until
from tests.support.receiver import receiving
from tests.support.web_hooks import dropped, tell


def test_events_are_posted_in_their_order_with_their_headers(make):
    hooks, _ = make()
    with receiving() as receiver:
        tell(hooks, receiver.url, *range(3))
        told = [receiver.next() for _ in range(3)]
    assert [json.loads(body) for _, _, body in told] == [[0], [1], [2]]
    path, headers, _ = told[0]
    assert path == "/hook?secret=1"
    assert (headers["content-type"], headers["x-about"]) == ("application/json", "test")


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
    ("parts", "faults"),
    [
        ((b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 8000 + b"\r\n"), {"TooLarge"}),
        # Twisted's limit is one on lines, ours on bytes: which is met first, the size of the read says.
        ((b"HTTP/1.1 200 OK\r\nX: ", b"x" * 8000), {"ResponseFailed", "TooLarge"}),
        ((b"", b"HTTP/1.1 100 Continue\r\nX: x\r\n\r\n" * 200), {"TooLarge"}),
        ((b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 8000), set()),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1f40\r\n" + b"x" * 8000 + b"\r\n"), set()),
    ],
    ids=["head of lines", "head of one line", "heads that come first", "body", "body in chunks"],
)
def test_an_answer_without_an_end_costs_so_many_bytes_whatever_part_has_none(make, monkeypatch, parts, faults):
    monkeypatch.setattr(queue, "ATTEMPTS", 1)
    hooks, counters = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with answering(*parts) as (url, written, thread):
        tell(hooks, url, "x")
        thread.join(DEADLINE)
    until(lambda: not hooks._apps)
    assert written[0] < 20 * 1024 * 1024, "what buffers of the system hold may be written beside what is read"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024, "KiB"
    assert dropped(counters) in ([{f"web hook: {fault}": 1} for fault in faults] or [{}])


@pytest.mark.parametrize("names", [["*.internal"], ["127.0.0.1"]])
def test_a_hook_is_not_told_where_a_certificate_s_names_cannot_be_read(make, tmp_path, monkeypatch, names):
    by = tls_listener.authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", by.path)  # what the system trusts
    monkeypatch.setattr(queue, "ATTEMPTS", 1)
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
