"""The real fws_server with clients that people use: npm's socket.io-client 4, 3, 2, PyPI's python-socketio 5 and 4."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.fws_server import FwsServer
from tests.support.http_client import Answer, ask
from tests.support.socketio_clients import NODE, PYTHON, TRANSPORTS, Client

Connect = Callable[..., Client]
KINDS = [*NODE, *PYTHON]


@pytest.fixture(scope="module")
def server(tmp_path_factory: Any) -> Iterator[FwsServer]:
    options = [
        "--ws_emit_secret",
        "123",
        "--ws_emit_eio3",
        "--ws_emit_cors",
        "*",
        "--ws_emit_room_secrets",
        '{"private": "pass"}',
    ]
    folder = tmp_path_factory.mktemp("server")
    with FwsServer("-f", "filtered_websocket.filters.ws_emit", *options, cwd=folder) as running:
        yield running


@pytest.fixture
def connect(server: FwsServer) -> Iterator[Connect]:
    with ExitStack() as stack:

        def begin(kind: str, transports: str = "default") -> Client:
            return stack.enter_context(Client(kind, f"http://127.0.0.1:{server.port}", transports))

        yield begin


def emit(server: FwsServer, **body: Any) -> Answer:
    return ask(
        ("127.0.0.1", server.port), "POST", "/emit", {"secret": "123"} | body, {"Content-Type": "application/json"}
    )


def in_order(kind: str, received: list[int]) -> list[int]:
    """python-socketio's client hands each event to a thread of its own, so its order says nothing of ours."""
    return sorted(received) if kind in PYTHON else received


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stock_client_joins_gets_what_is_emitted_and_leaves(
    server: FwsServer, connect: Connect, kind: str, transports: str
) -> None:
    client = connect(kind, transports)
    connected = client.wait("connect")
    if transports != "polling":
        client.wait("upgrade")
    assert client.ask("join", {"room": "time"}) == []
    assert client.ask("join", {"room": "private::a", "secret": "pass"}) == []
    assert client.ask("join", {"room": "private::b", "secret": "wrong"}) == []
    assert emit(server, event="update", room="time", data={"time": 111111}).body == b"OK\n"
    emit(server, event="update", room="private::b", data="not for it")
    emit(server, event="update", room="private::a", data=[1, "é😀", None])
    emit(server, event="update", room=connected["id"])
    emit(server, event="update", data=False)
    events = [client.event() for _ in range(4)]
    sent = [("update", {"time": 111111}), ("update", [1, "é😀", None]), ("update",), ("update", False)]
    if kind in PYTHON:
        events.sort(key=sent.index)  # in_order tells why
    assert events == sent
    assert client.ask("leave", {"room": "time"}) == []
    emit(server, event="update", room="time", data="it has left")
    emit(server, event="last")
    assert client.event() == ("last",)


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_quick_emits_of_a_page_are_all_obeyed_in_order(
    server: FwsServer, connect: Connect, kind: str, transports: str
) -> None:
    client = connect(kind, transports)
    client.wait("connect")
    for number in range(100):
        client.emit("join", {"room": f"room {number}"})
    client.emit("dance", {"bytes": [1, 2, 3]}, "é")
    assert client.ask("leave", {"room": "room 50"}) == []
    for number in range(100):
        emit(server, event="n", room=f"room {number}", data=number)
    emit(server, event="n", data=1000)
    received = [client.event()[1] for _ in range(100)]
    assert in_order(kind, received) == [*(number for number in range(100) if number != 50), 1000]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_reordered_while_a_client_upgrades(server: FwsServer, connect: Connect, kind: str) -> None:
    client = connect(kind)
    sid = client.wait("connect")["id"]
    count = 0
    for count in range(1, 400):
        emit(server, event="n", room=sid, data=count)
        if any(line["is"] == "upgrade" for line in [*client._seen, *client._lines.queue]) and count > 100:
            break
    if kind not in PYTHON:  # which has upgraded before it says that it is connected
        client.wait("upgrade")
    assert in_order(kind, [client.event()[1] for _ in range(count)]) == [*range(1, count + 1)]


@pytest.mark.parametrize("kind", NODE)
def test_a_page_of_a_namespace_that_there_is_not_is_told_so(server: FwsServer, kind: str) -> None:
    with Client(kind, f"http://127.0.0.1:{server.port}/other") as client:
        assert "Unable to connect" in client.wait("error")["message"]


def test_clients_of_socket_io_2_are_refused_without_the_option(fws_server: Any) -> None:
    plain = fws_server("-f", "filtered_websocket.filters.ws_emit")
    with Client("js-2", f"http://127.0.0.1:{plain.port}") as client:
        assert client.wait("error")
