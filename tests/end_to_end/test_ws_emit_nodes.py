"""No sticky sessions: requests of a session that come to any of several nodes, or workers."""

import json
import select
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.fws_server import FwsServer
from tests.support.http_client import Answer, ask
from tests.support.raw_client import head, wait_until
from tests.support.redis_server import RedisServer
from tests.support.round_robin import RoundRobin
from tests.support.socketio_clients import NODE, TRANSPORTS, Client

PACK = ("-f", "filtered_websocket.filters.ws_emit", "--storage", "redis", "--ws_emit_secret", "123", "--ws_emit_eio3")
# Sessions that poll, and whose clients say no more, stay until their ping timeout: longer than the ledger waits.
pytestmark = pytest.mark.leaves("fws_connections{", "fws_channels{")

POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: Any) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: Any, redis: RedisServer) -> Iterator[list[FwsServer]]:
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp("node") for _ in range(2)]
        yield [stack.enter_context(FwsServer(*PACK, "--redis_url", redis.url, cwd=folder)) for folder in folders]


@pytest.fixture
def proxy(nodes: list[FwsServer]) -> Iterator[RoundRobin]:
    with RoundRobin([node.port for node in nodes]) as running:
        yield running


def at(node: FwsServer) -> tuple[str, int]:
    return ("127.0.0.1", node.port)


def emit(port: int, **body: Any) -> Answer:
    return ask(("127.0.0.1", port), "POST", "/emit", {"secret": "123"} | body, {"Content-Type": "application/json"})


def opened(node: FwsServer) -> str:
    """A polling session on a node: its URI."""
    handshake = json.loads(ask(at(node), "GET", POLLING).body[1:])
    return f"{POLLING}&sid={handshake['sid']}"


def text(node: FwsServer, method: str, uri: str, body: str = "") -> str:
    answer = ask(at(node), method, uri, body.encode())
    assert answer.status == 200, answer
    return answer.body.decode()


def test_a_polling_session_is_answered_by_a_node_that_has_it_not(nodes: list[FwsServer]) -> None:
    one, other = nodes
    uri = opened(one)
    assert text(other, "POST", uri, '40\x1e421["join",{"room":"é"}]') == "ok"
    connected, acknowledged = text(other, "GET", uri).split("\x1e")
    assert connected.startswith("40{")
    assert acknowledged == "431[]"
    text(one, "POST", uri, '422["leave",{}]')
    assert text(one, "GET", uri) == "432[]"
    emit(other.port, event="u", room="é", data="😀")
    assert text(other, "GET", uri) == '42["u","\\ud83d\\ude00"]'
    assert ask(at(other), "POST", uri, "4abc").status == 200
    assert ask(at(other), "GET", uri).status == 400


def test_bytes_of_engine_io_3_are_answered_in_binary_frames_by_a_node_that_has_not_the_session(
    nodes: list[FwsServer], redis: RedisServer
) -> None:
    one, other = nodes
    uri = POLLING.replace("EIO=4", "EIO=3")
    handshake = json.loads(ask(at(one), "GET", uri).body.decode().partition(":")[2][1:].partition("2:40")[0])
    uri = f"{uri}&sid={handshake['sid']}"
    event = b'450-7["dance"]'
    assert ask(at(other), "POST", uri, b"\0\1\4\xff" + event).body == b"ok"
    assert text(other, "GET", uri) == "5:437[]"
    data = {"method": "emit", "event": "e", "data": [[{"_placeholder": True, "num": 0}], "Af8="], "binary": True}
    redis.ask("PUBLISH", "flask-socketio", json.dumps(data))
    answer = ask(at(other), "GET", uri)
    assert answer.body == b'\0\3\11\xff451-["e",{"_placeholder":true,"num":0}]\1\3\xff\4\1\xff'
    assert answer.headers["content-type"] == "application/octet-stream"


def test_what_is_wrong_is_refused_by_any_node(nodes: list[FwsServer]) -> None:
    one, other = nodes
    uri = opened(one)
    nobodys = uri[:-22] + "x" * 22
    for node in nodes:
        assert ask(at(node), "GET", nobodys).status == 400
        assert ask(at(node), "GET", f"{POLLING}&sid=x").status == 400
    assert ask(at(other), "POST", uri, b"\xff").status == 400
    assert ask(at(one), "GET", uri).status == 400


def test_many_large_posts_to_a_node_that_has_not_their_sessions_do_not_cut_it_off(nodes: list[FwsServer]) -> None:
    one, other = nodes
    uris = [opened(one) for _ in range(60)]
    body = f'42["{"x" * 990_000}"]'
    clients = [other.client() for _ in uris]
    for client, uri in zip(clients, uris, strict=True):
        text(one, "POST", uri, "40")
        start = f"POST {uri} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n\r\n"
        client.send(start.encode(), body[:-1].encode())
    for client in clients:
        client.send(body[-1:].encode())
    assert [client.response().status for client in clients] == [200] * 60
    for client in clients:
        client.socket.close()
    for node in nodes:
        assert "It is tried until it works" not in node.log


def test_posts_for_sessions_of_no_node_do_not_hold_up_others(nodes: list[FwsServer]) -> None:
    one, other = nodes
    uri = opened(one)
    path, _, sid = uri.rpartition("sid=")
    body = b'42["' + b"x" * 990_000 + b'"]'
    start = f"POST {path}sid=invented{sid[8:]} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    clients = [other.client() for _ in range(16)]
    for client in clients:
        client.send(start.encode(), body)
    sockets = [client.socket for client in clients]
    assert select.select(sockets, [], [], 10)[0]
    # Four at a time are given up, the first of them now.
    assert text(other, "POST", uri, "40") == "ok"
    assert len(select.select(sockets, [], [], 0)[0]) < 8
    for client in clients:
        client.socket.close()


def test_a_client_that_goes_away_while_another_node_polls_for_it_is_gone(nodes: list[FwsServer]) -> None:
    one, other = nodes
    uri = opened(one)
    text(other, "POST", uri, "40")
    text(other, "GET", uri)
    client = other.client()
    client.send(f"GET {uri} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    text(other, "POST", uri, "3")
    client.reset()
    wait_until(lambda: ask(at(one), "POST", uri, "3").status == 400)


def test_a_session_moves_to_the_node_of_its_websocket(nodes: list[FwsServer]) -> None:
    one, other = nodes
    uri = opened(one)
    text(other, "POST", uri, '40\x1e421["join",{"room":"a"}]')
    text(one, "GET", uri)
    with other.open(uri.replace("polling", "websocket")) as client:
        client.send("2probe")
        assert client.text() == "3probe"
        emit(one.port, event="waits", room="a")
        client.send("5")
        emit(one.port, event="u", room="a", data=1)
        emit(other.port, event="u", data=2)
        received = [client.text() for _ in range(3)]
        assert received == ['42["waits"]', '42["u",1]', '42["u",2]']
        for node in nodes:
            assert ask(at(node), "GET", uri).status == 400
        client.send("41")


def test_a_websocket_for_a_session_of_no_node_is_refused(nodes: list[FwsServer]) -> None:
    uri = opened(nodes[0]).replace("polling", "websocket")
    for wrong in (uri[:-22] + "x" * 22, uri[:-30] + "x" * 30):
        with nodes[1].client() as client:
            client.send(head(wrong))
            assert client.response().status == 400


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("kind", NODE)
def test_stock_clients_behind_a_balancer_lose_and_double_nothing(
    proxy: RoundRobin, nodes: list[FwsServer], kind: str, transports: str
) -> None:
    with Client(kind, f"http://127.0.0.1:{proxy.port}", transports) as client:
        client.wait("connect")
        assert client.ask("join", {"room": "a"}) == []
        for number in range(300):
            emit(nodes[number % 2].port, event="n", room="a", data=number)
        assert [client.event()[1] for _ in range(300)] == [*range(300)]
        if transports != "polling":
            client.wait("upgrade")
        assert client.ask("leave", {"room": "a"}) == []
    assert all(proxy.given.values()) or transports == "websocket"


@pytest.mark.parametrize("transports", TRANSPORTS)
def test_stock_clients_of_four_workers(tmp_path: Path, redis: RedisServer, transports: str) -> None:
    with FwsServer(*PACK, "--redis_url", redis.url, "--workers", "4", cwd=tmp_path) as server, ExitStack() as stack:
        url = f"http://127.0.0.1:{server.port}"
        clients = [stack.enter_context(Client("js-4", url, transports)) for _ in range(4)]
        for client in clients:
            client.wait("connect")
            client.ask("join", {"room": "a"})
        for number in range(100):
            assert emit(server.port, event="n", room="a", data=number).status == 200
        for client in clients:
            assert [client.event()[1] for _ in range(100)] == [*range(100)]
