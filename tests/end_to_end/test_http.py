"""The real fws_server over HTTP: admin port, drain, the watchdog's log."""

import http.client
import json
import signal
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.deadlines import joined
from tests.support.fws_server import FwsServer
from tests.support.http_client import Answer, ask, ask_on, connection
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, close_of, head
from tests.support.redis_server import RedisServer

FILTERS = """
    import time
    from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
    from filtered_websocket.web.base import Endpoint

    class Join(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.subscribe("all")

    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            if data == b"slow":
                time.sleep(0.4)
            connection.sendMessage(data)

    class Page(Endpoint):
        path = "/page/*"
        @classmethod
        def handle(cls, pipeline, request):
            return {"page": request.wildcards[0], "pipeline": pipeline.name}
"""
ADMIN = r"health, metrics and publish on http://127\.0\.0\.1:(\d+)"


@pytest.fixture
def start(tmp_path: Any, request: Any) -> Any:
    with ExitStack() as running:

        def begin(*arguments: str) -> FwsServer:
            (tmp_path / "my_filters.py").write_text(dedent(FILTERS))
            return running.enter_context(FwsServer(*arguments, cwd=tmp_path))

        yield begin


def at(server: FwsServer) -> tuple[str, int]:
    return ("127.0.0.1", server.port)


def samples(answer: Answer) -> dict[tuple[str, ...], float]:
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(answer.body.decode())
        for each in family.samples
    }


def test_a_users_endpoint_and_the_servers_own_answer_beside_websockets(start: Any) -> None:
    server = start("-f", "my_filters", "--publish_secret", "s")
    with server.open() as client:
        assert ask(at(server), "GET", "/page/one").json == {"page": "one", "pipeline": ""}
        assert ask(at(server), "GET", "/health/ready").json == {"status": "ok"}
        posted = ask(at(server), "POST", "/publish", {"channel": "all", "data": "hi"}, {"Authorization": "Bearer s"})
        assert posted.status == 200
        frame = client.receive()
        assert frame is not None
        assert frame.payload == b"hi"


def test_paths_that_no_pipeline_serves_are_404_but_the_servers_own_are_there(start: Any, tmp_path: Any) -> None:
    config = {"pipelines": {"/chat/*": ["my_filters"]}}
    (tmp_path / "c.json").write_text(json.dumps(config))
    server = start("-c", "c.json")
    assert ask(at(server), "GET", "/chat/x").status == 426
    assert ask(at(server), "GET", "/page/x").status == 404
    nothing = ask(at(server), "GET", "/x")
    assert (nothing.status, nothing.json) == (404, {"error": "nothing is served here"})
    assert ask(at(server), "GET", "/health/live").status == 200


def test_the_admin_port_has_what_the_public_one_then_has_not(start: Any) -> None:
    server = start("-f", "my_filters", "--admin_port", "0", "--publish_secret", "s")
    admin = ("127.0.0.1", int(server.wait_for(ADMIN).group(1)))
    assert ask(admin, "GET", "/health/ready").json == {"status": "ok"}
    assert ask(admin, "GET", "/page/one").status == 404
    assert ask(at(server), "GET", "/page/one").status == 200
    assert ask(at(server), "GET", "/metrics").status == 404
    with server.open() as client:
        found: dict[tuple[str, ...], float] = {}
        end = time.monotonic() + 15
        while ("fws_filter_sampled_seconds_count", "message", "my_filters.Echo", "*") not in found:
            assert time.monotonic() < end
            client.send("x")
            assert client.receive() is not None
            found = samples(ask(admin, "GET", "/metrics"))
        assert found["fws_filter_sampled_seconds_count", "message", "my_filters.Echo", "*"] >= 1
        assert found["fws_reactor_lag_seconds_count",] > 0
        assert found["process_resident_memory_bytes",] > 1_000_000


def test_a_slow_filter_is_named_in_the_log_and_in_the_metrics(start: Any) -> None:
    server = start("-f", "my_filters", "--filter_time_warn", "0.1")
    with server.open() as client:
        client.send("slow")
        assert client.receive() is not None
        server.wait_for(r"warn\s+held the reactor: my_filters\.Echo\.filter \(0\.\d+ s")
        found = samples(ask(at(server), "GET", "/metrics"))
        assert found["fws_filter_held_reactor_total", "my_filters.Echo.filter"] == 1
        assert found["fws_reactor_lag_seconds_bucket", "+Inf"] > found["fws_reactor_lag_seconds_bucket", "0.1"]


@pytest.mark.quiet
def test_sigterm_ends_all_within_two_seconds_with_1001(start: Any) -> None:
    server = start("-f", "my_filters")
    clients = [server.open() for _ in range(20)]
    resting: http.client.HTTPConnection = connection(at(server))
    assert ask_on(resting, "GET", "/health/live").status == 200
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    for client in clients:
        closing = client.receive()
        assert closing is not None
        assert close_of(closing) == (1001, "server is stopping")
        client.socket.close()
    assert server.wait() == 0
    assert time.monotonic() - begin < 2.5
    resting.close()


@pytest.mark.quiet
def test_silent_clients_do_not_keep_a_server_from_ending(start: Any) -> None:
    server = start("-f", "my_filters")
    client = server.open()
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert time.monotonic() - begin < 3
    client.socket.close()


def test_draining_is_not_ready_then_refuses_then_closes_over_a_time(start: Any) -> None:
    server = start("-f", "my_filters", "--drain_delay", "2", "--drain_seconds", "1", "--ping_interval", "0")
    clients = [server.open() for _ in range(10)]
    watching = connection(at(server))
    assert ask_on(watching, "GET", "/health/ready").status == 200
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    server.wait_for("draining in 2 s")
    drained = ask_on(watching, "GET", "/health/ready")
    assert (drained.status, drained.json["reason"]) == (503, "draining")
    # Still served meanwhile, also a client that has not heard of it.
    with server.open() as late:
        late.send("x")
        frame = late.receive()
        assert frame is not None
        assert frame.payload == b"x"
        ends: list[float] = []

        def wait(client: Any) -> None:
            closing = client.receive()
            assert close_of(closing)[0] == 1001
            ends.append(time.monotonic() - begin)
            client.socket.close()

        threads = [threading.Thread(target=wait, args=(each,)) for each in clients]
        for thread in threads:
            thread.start()
        closing = late.receive()
        assert closing is not None
        assert close_of(closing)[0] == 1001
    for thread in threads:
        joined(thread)
    assert len(ends) == 10
    assert min(ends) > 1.8
    assert max(ends) - min(ends) > 0.4
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(at(server), 5)
    assert server.wait() == 0
    watching.close()


def test_what_was_published_before_the_end_arrives_before_the_close(start: Any) -> None:
    server = start("-f", "my_filters", "--publish_secret", "s")
    with server.open() as client:
        for number in range(100):
            body = {"channel": "all", "data": f"{number} " + "x" * 5000}
            assert ask(at(server), "POST", "/publish", body, {"Authorization": "Bearer s"}).status == 200
        server.signal(signal.SIGTERM)
        numbers = []
        while (frame := client.receive()) is not None and frame.opcode != 8:
            numbers.append(int(frame.payload.split()[0]))
        assert numbers == list(range(100))
        assert frame is not None
        assert close_of(frame)[0] == 1001


def test_while_it_starts_health_is_answered_handshakes_wait_and_the_rest_is_told_to_come_again(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis", tcp=True)
    redis.kill()
    (tmp_path / "my_filters.py").write_text(dedent(FILTERS))
    address = ("127.0.0.1", free_port())
    words = ("-f", "my_filters", "--host", address[0], "-p", str(address[1]))
    words += ("--storage", "redis", "--redis_host", "127.0.0.1", "--redis_port", str(redis.port))
    with FwsServer(*words, cwd=tmp_path, listens=False) as server:
        server.wait_for("It is tried until it works")
        live, ready = ask(address, "GET", "/health/live"), ask(address, "GET", "/health/ready")
        assert (live.status, live.json) == (200, {"status": "ok"})
        assert (ready.status, ready.json) == (503, {"status": "unavailable", "reason": "starting"})
        assert ready.headers["connection"] == "close"
        for path in ("/page/one", "/metrics", "/"):
            refused = ask(address, "GET", path)
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert refused.json == {"error": "the server is starting"}
        with RawClient(address) as client, RawClient(address) as silent:
            client.send(head())
            assert ask(address, "GET", "/health/ready").status == 503
            assert "listening on" not in server.log
            redis.start()
            assert client.response().status == 101
            client.send("waited")
            assert client.text() == "waited"
            server.wait_for("listening on")
            # A client that came early and spoke late is served too.
            silent.open().send("late")
            assert silent.text() == "late"
        assert ask(address, "GET", "/health/ready").status == 200
        assert ask(address, "GET", "/page/one").status == 200
        with RawClient(address) as client:
            client.open().send("served")
            assert client.text() == "served"
    redis.kill()
