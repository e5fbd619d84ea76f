"""A backend that is asked by HTTP: the real server, real backends, clients that do what they like."""

import base64
import json
import signal
import threading
import urllib.request
from pathlib import Path

import pytest

from filtered_websocket.filters.shared.signatures import sign
from tests.support.fws_server import FwsServer, Start
from tests.support.http_backend import HTTPBackend, http_backend
from tests.support.ports import free_port
from tests.support.raw_client import BINARY, DEADLINE, Response, frame, head, wait_until

CALLBACK = "filtered_websocket.filters.http_callback"
SAYS = """
    from filtered_websocket.filters.base import WebSocketMessageFilter
    from filtered_websocket.messages.message import came_binary

    class Says(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            kind = "binary" if came_binary(data) else "text"
            channels = sorted(web_socket_instance.channels)
            web_socket_instance.sendMessage(f"{kind} {bytes(data)!r} {web_socket_instance.user} {channels}")
"""


def refused(server: FwsServer, path: str = "/", *headers: tuple[str, str]) -> Response:
    with server.client() as client:
        client.send(head(path, headers))
        return client.response()


def metrics(server: FwsServer) -> str:
    address = f"http://127.0.0.1:{server.port}/metrics"
    with urllib.request.urlopen(address, timeout=DEADLINE) as answer:
        return str(answer.read().decode())


def test_a_backend_lets_clients_in_names_them_and_decides_about_their_messages(fws_server: Start) -> None:
    with http_backend() as backend:

        def answer(asked):
            body = asked.body
            if body["event"] == "handshake":
                if "c=1" not in asked.headers.get("cookie", ""):
                    return 200, {"status": 401, "reason": "log in"}
                return 200, {"user": "ann", "data": "welcome", "channels": ["news", "more"]}
            return {
                "up": (200, {"data": "UP"}), "json": (200, {"data": {"a": 1}}), "as it is": (200, {}),
                "drop": (204, b""), "also": (200, {"status": 204}), "no": (200, {"status": 403, "reason": "so"}),
                "told": (422, {"data": {"why": "so"}}), "AP8=": (200, {"data": "AQI="}), "broken": (200, b"?"),
            }.get(body.get("data"), (200, {}))  # fmt: skip

        backend.answer = answer
        server = fws_server(
            "-f", CALLBACK, "my_filters", "--http_callback_url", backend.url + "/a?b=c", "--http_callback_headers",
            "cookie", "x-forwarded-for", "--http_callback_secret", "shared", module=SAYS,
        )  # fmt: skip
        response = refused(server, "/")
        assert (response.status, response.reason) == (401, "log in")
        assert backend.next().body["user"] is None
        client = server.open("/chat?d=e", [("Cookie", "c=1"), ("Authorization", "secret"), ("X-Forwarded-For", "::5")])
        assert client.text() == "welcome"
        asked = backend.next()
        assert asked.path == "/a?b=c"
        assert asked.headers["x-http-callback-signature"] == sign("shared", asked.raw)
        assert "authorization" not in asked.headers
        assert (asked.headers["cookie"], asked.headers["x-forwarded-for"]) == ("c=1", "::5")
        assert (asked.body["path"], asked.body["query"], asked.body["peer"]) == ("/chat", "d=e", "127.0.0.1")
        client.send("up", "json", "drop", "also", "as it is", "no", "told", "broken", frame(b"\0\xff", BINARY))
        channels = "ann ['more', 'news']"
        assert client.text() == f"text b'UP' {channels}"
        assert client.text() == f"text b'{{\"a\":1}}' {channels}"
        assert client.text() == f"text b'as it is' {channels}"
        assert json.loads(client.text()) == {"error": "message refused", "status": 403, "reason": "so"}
        assert json.loads(client.text()) == {"why": "so"}
        assert json.loads(client.text()) == {"error": "message refused", "status": 503, "reason": "try again later"}
        assert client.text() == f"binary b'\\x01\\x02' {channels}"
        client.quit()
        told = [backend.next() for _ in range(10)]
        assert base64.b64decode(told[8].body["data"]) == b"\0\xff"
        gone = told[9].body
        assert (gone["event"], gone["user"], gone["code"]) == ("disconnect", "ann", 1000)
        assert {each.body["connection"] for each in told} == {asked.body["connection"]}
        assert backend.connections == 1
        counted = metrics(server)
        of = f'backend="127.0.0.1:{backend.server_port}",event="message",pipeline="*"'
        for name, count in (("asked", 9), ("refused", 2), ("failed", 1)):
            assert f"fws_http_callback_{name}_total{{{of}}} {count}.0" in counted
        assert 'fws_failed_total{reason="http_callback: message not answered"} 1.0' in counted
        server.wait_for("failed: http_callback: message not answered .*no good answer: no JSON")


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"), (200, b""), (200, {"status": 302}), (302, {"user": "eve"}), (500, {"user": "eve"}),
        (404, {"user": "eve"}), (200, {"user": 1}), (200, b"x" * 5000), (200, {"data": "\ud800"}),
    ],
)  # fmt: skip
def test_nobody_is_let_in_by_what_is_no_answer(shared_server, answer):
    server, backend = shared_server
    backend.answer = lambda _: answer
    response = refused(server)
    assert (response.status, response.header("Retry-After")) == (503, ["1"])
    backend.answer = lambda _: (200, {})
    server.open().quit()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    with (
        http_backend() as backend,
        FwsServer(
            "-f", CALLBACK, "--http_callback_url", backend.url, "--http_callback_on", "handshake",
            "--http_callback_max_answer", "4k", "--http_callback_failures", "0", "--http_callback_timeout", "1",
            cwd=tmp_path_factory.mktemp("callback"),
        ) as server,
    ):  # fmt: skip
        yield server, backend


def test_a_late_backend_lets_nobody_in_and_holds_nobody_else(shared_server):
    server, backend = shared_server
    gate = threading.Event()

    def answer(asked):
        if asked.body["path"] == "/slow":
            gate.wait(DEADLINE)
        return 200, {}

    backend.answer = answer
    with server.client() as slow:
        slow.send(head("/slow"))
        for _ in range(5):
            server.open().quit()
        assert slow.response().status == 503
    gate.set()


def test_messages_of_a_client_are_asked_for_in_order_one_at_a_time_and_others_do_not_wait(fws_server: Start) -> None:
    with http_backend() as backend:
        gate = threading.Event()

        def answer(asked):
            if asked.body["data"] == "0":
                gate.wait(DEADLINE)
            return 200, {}

        backend.answer = answer
        server = fws_server(
            "-f", CALLBACK, "my_filters", "--http_callback_url", backend.url, "--http_callback_on", "message",
            module=SAYS,
        )  # fmt: skip
        slow, other = server.open(), server.open()
        slow.send(*map(str, range(20)))
        assert backend.next().body["data"] == "0"
        other.send("x")
        assert other.text() == "text b'x' None []"
        assert backend.next().body["data"] == "x"
        assert backend.asked.empty()
        gate.set()
        assert [slow.text() for _ in range(20)] == [f"text b'{each}' None []" for each in range(20)]


def test_a_client_that_goes_ends_its_question_and_the_backend_is_told(fws_server: Start) -> None:
    with http_backend() as backend:
        gate, seen = threading.Event(), threading.Event()

        def answer(asked):
            if asked.body["event"] == "message":
                seen.set()
                gate.wait(DEADLINE)
            return 200, {}

        backend.answer = answer
        server = fws_server("-f", CALLBACK, "--http_callback_url", backend.url, "--http_callback_connections", "1")
        client = server.open()
        client.send("hello")
        assert seen.wait(DEADLINE)
        client.socket.close()
        events = [backend.next().body["event"] for _ in range(3)]
        assert events == ["handshake", "message", "disconnect"]
        server.open().quit()
        gate.set()
        wait_until(lambda: "_under_way{" in (text := metrics(server)) and ',pipeline="*"} 0.0' in text)


def test_a_backend_that_is_away_is_left_in_peace_and_found_again(fws_server: Start) -> None:
    port = free_port()
    server = fws_server(
        "-f", CALLBACK, "my_filters", "--http_callback_url", f"http://127.0.0.1:{port}",
        "--http_callback_failures", "2", "--http_callback_pause", "0.5", "--http_callback_on", "handshake",
        "disconnect", module=SAYS,
    )  # fmt: skip
    for _ in range(4):
        assert refused(server).status == 503
    server.wait_for("http_callback: 127.0.0.1:[0-9]+ fails .*: it is not asked for")
    assert "fws_http_callback_breaker_open{" in metrics(server)
    with http_backend(port) as backend:
        wait_until(lambda: refused(server).status == 101)
        server.wait_for("http_callback: .* answers again")
        assert server.log.count("it is not asked for") == 1
        assert backend.next().body["event"] == "handshake"


def test_at_its_end_the_server_tells_of_all_that_were_there(fws_server: Start) -> None:
    with http_backend() as backend:
        server = fws_server(
            "-f", CALLBACK, "--http_callback_url", backend.url, "--http_callback_on", "disconnect",
            "--stop_seconds", "30", "--http_callback_timeout", "20",
        )  # fmt: skip
        clients = [server.open() for _ in range(30)]
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        told = [backend.next().body for _ in clients]
        assert len({each["connection"] for each in told}) == 30
        assert {each["event"] for each in told} == {"disconnect"}
    server = fws_server(
        "-f", CALLBACK, "--http_callback_url", f"http://127.0.0.1:{free_port()}", "--http_callback_on", "disconnect",
        "--stop_seconds", "1",
    )  # fmt: skip
    clients = [server.open() for _ in range(3)]
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "dropped: http_callback: disconnect not told, 3 (the server stopped)" in server.log


def test_two_uses_ask_two_backends_and_a_reload_another(fws_server: Start, tmp_path: Path) -> None:
    config = tmp_path / "fws.json"

    def write(first: HTTPBackend, second: HTTPBackend) -> None:
        uses = [
            {"filter": CALLBACK, "http_callback_url": first.url, "http_callback_on": "handshake"},
            {"filter": CALLBACK, "http_callback_url": second.url, "http_callback_on": "handshake message"},
        ]
        config.write_text(json.dumps({"filters": [*uses, "my_filters"]}))

    with http_backend() as first, http_backend() as second, http_backend() as third:
        first.answer = lambda _: (200, {"user": "ann", "data": "of the first", "channels": ["a"]})
        second.answer = lambda asked: (200, {"data": "of the second"} if asked.body["event"] == "handshake" else {})
        third.answer = lambda _: (200, {"data": "of the third"})
        write(first, second)
        server = fws_server("-c", "fws.json", module=SAYS)
        client = server.open()
        assert [client.text(), client.text()] == ["of the first", "of the second"]
        assert second.next().body["user"] == "ann"
        client.send("x")
        assert client.text() == "text b'x' ann ['a']"
        write(first, third)
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        client.send("x")
        assert client.text() == "text b'of the third' ann ['a']"
        assert server.open().text() == "of the first"
        assert second.asked.qsize() == 1


def test_a_backend_of_centrifugo_s_is_asked_in_its_form(fws_server: Start) -> None:
    with http_backend() as backend:

        def answer(asked):
            if asked.path == "/centrifugo/connect":
                return 200, {"result": {"user": "56", "data": {"hello": 1}, "channels": ["news"]}}
            if asked.body.get("data") == {"input": "no"}:
                return 200, {"error": {"code": 103, "message": "not here"}}
            if asked.body.get("data") == {"input": "ban"}:
                return 200, {"disconnect": {"code": 4501, "reason": "banned"}}
            return 200, {"result": {"data": asked.body["data"] | {"by": asked.body["user"]}}}

        backend.answer = answer
        server = fws_server(
            "-f", CALLBACK, "my_filters", "--http_callback_url", backend.url + "/centrifugo/{event}",
            "--http_callback_form", "centrifugo", "--http_callback_on", "handshake", "message",
            "--http_callback_channel", "chat:index", module=SAYS,
        )  # fmt: skip
        client = server.open()
        assert client.text() == '{"hello":1}'
        client.send('{"input":"hello"}', '{"input":"no"}', '{"input":"ban"}')
        assert client.text() == 'text b\'{"input":"hello","by":"56"}\' 56 [\'news\']'
        assert json.loads(client.text()) == {"error": "message refused", "status": 403, "reason": "not here"}
        assert client.closed() == (4501, "banned")
        assert backend.next().body["encoding"] == "json"
        assert backend.next().body["channel"] == "chat:index"


def test_what_cannot_be_asked_is_said_at_the_start(fws_server: Start) -> None:
    for given, says in (
        ([], "http_callback_url: the backend's URL is wanted"),
        (["--http_callback_url", "backend:8000"], "--http_callback_url: a URL is wanted"),
        (["--http_callback_url", "http://b/", "--http_callback_on", "open"], "--http_callback_on: some of handshake"),
        (["--http_callback_url", "http://b/", "--http_callback_form", "centrifugo"], "have no disconnect"),
    ):
        server = fws_server("-f", CALLBACK, *given, listens=False)
        assert server.wait() == 1
        assert says in server.log
        assert "Traceback" not in server.log


def test_with_pass_clients_and_messages_pass_while_the_backend_is_away(fws_server: Start) -> None:
    server = fws_server(
        "-f", CALLBACK, "my_filters", "--http_callback_url", f"http://127.0.0.1:{free_port()}",
        "--http_callback_when_away", "pass", "--http_callback_on", "handshake", "message", module=SAYS,
    )  # fmt: skip
    server.wait_for("UNSAFE: while .* is away, all clients are let in")
    client = server.open()
    client.send("x")
    assert client.text() == "text b'x' None []"


def test_a_session_that_polls_is_asked_for_as_any_client(fws_server: Start) -> None:
    with http_backend() as backend:
        backend.answer = lambda asked: (200, {"status": 403, "reason": "so"} if asked.body.get("data") == "no" else {})
        server = fws_server(
            "-f", "filtered_websocket.filters.engineio", CALLBACK, "my_filters", "--http_callback_url", backend.url,
            module=SAYS,
        )  # fmt: skip
        address = f"http://127.0.0.1:{server.port}/engine.io/?EIO=4&transport=polling"

        def poll(path: str = "", data: bytes | None = None) -> str:
            with urllib.request.urlopen(address + path, data, DEADLINE) as answer:
                return str(answer.read().decode())

        session = "&sid=" + json.loads(poll()[1:])["sid"]
        assert poll(session, b"4no\x1e4yes") == "ok"
        told = poll(session)
        assert '"status": 403' in told
        assert [backend.next().body["event"] for _ in range(3)] == ["handshake", "message", "message"]
        assert poll(session, b"1") == "ok"
