"""What programs on Node want, done for the clients here."""

import json
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.socketio import SocketIOServerFilter, redis_emitter
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import PACK, Chat, Nodes, client, enter, socket_of, start
from tests.filters.ws_emit.clients import socket as opened

Serve = Callable[..., Server]
KEY: dict[str, Any] = {"socketio_node_channel": "key"}
UNREADABLE = ("dropped", "socketio: unreadable on the bus")


def emit(server: Server, *data: Any, namespace: str = "/chat", room: str = "", **options: Any) -> None:
    """As the emitter does it."""
    packet = {"type": 2, "data": data, "nsp": namespace}
    message = ["emitter", packet, {"rooms": [room] if room else [], "except": [], "flags": {}} | options]
    publish(server, f"key#{namespace}#" + (f"{room}#" if room else ""), msgpack.packb(message))


def ask(server: Server, namespace: str = "/chat", **members: Any) -> None:
    publish(server, f"key-request#{namespace}#", json.dumps(members).encode())


def publish(server: Server, channel: str, data: bytes) -> None:
    server.result(server.storage_object.publish(channel, data))


def test_events_go_to_a_namespace_or_to_rooms_without_those_that_are_excepted(serve: Serve) -> None:
    server = serve(Chat, **KEY)
    one, two, root = client(server, "/chat"), client(server, "/chat"), client(server)
    socket_of(server, one, "/chat").join("a", "b")
    socket_of(server, two, "/chat").join("b")
    emit(server, "all", b"x")
    emit(server, "a", room="a")
    emit(server, "once", rooms=["a", "b"])
    emit(server, "without", **{"except": ["a"]})
    emit(server, "volatile", flags={"volatile": True})
    emit(server, "root", namespace="/")
    binary = ['451-/chat,["all",{"_placeholder":true,"num":0}]', b"x"]
    assert one.received() == [*binary, '42/chat,["a"]', '42/chat,["once"]', '42/chat,["volatile"]']
    assert two.received() == [*binary, '42/chat,["once"]', '42/chat,["without"]', '42/chat,["volatile"]']
    assert root.received() == ['42["root"]']


def test_clients_enter_and_leave_rooms_and_are_disconnected(serve: Serve) -> None:
    server = serve(Chat, **KEY, socketio_max_rooms=2)
    one, two = client(server, "/chat"), client(server, "/chat")
    enter(two, "/")
    ask(server, type=2, opts={"rooms": [socket_of(server, one, "/chat").id], "except": []}, rooms=["a", "b"])
    ask(server, type=2, opts={"rooms": ["a"]}, rooms=["c"])
    assert server.server.counters.totals["refused", "socketio_max_rooms"] == 1
    ask(server, type=3, opts={}, rooms=["b"])
    assert "b" not in socket_of(server, one, "/chat").rooms
    ask(server, type=4, opts={"rooms": ["a"]}, close=False)
    assert one.received() == ["41/chat,"]
    assert one.is_open
    ask(server, type=4, opts={}, close=True)
    assert not two.is_open


def test_filters_for_servers_get_what_it_emits_to_servers(serve: Serve) -> None:
    heard = []

    class Hear(SocketIOServerFilter):
        event = "news"
        namespace = "/chat"

        @classmethod
        def filter(cls, namespace: Any, *arguments: Any) -> None:
            heard.append((namespace.name, arguments))

    class Fail(SocketIOServerFilter):
        event = "fail"
        namespace = "/chat"

        @classmethod
        def filter(cls, namespace: Any) -> None:  # type: ignore[override]
            raise ValueError("a fault")

    server = serve(Chat, Hear, Fail, **KEY)
    ask(server, uid="emitter", type=6, data=["news", 1, [2]])
    ask(server, uid="emitter", type=6, data=["other"])
    ask(server, namespace="/nowhere", uid="emitter", type=6, data=["news"])
    assert heard == [("/chat", (1, [2]))]
    ask(server, uid="emitter", type=6, data=["fail"])
    assert server.errors[0].splitlines()[-1] == "ValueError: a fault"
    assert server.server.counters.totals["dropped", "socketio: a question of a node"] == 1


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        ("key#/chat#", b"\xc1"),
        ("key#/chat#", msgpack.packb(["u", {"type": 2, "data": ["disconnect"], "nsp": "/chat"}, {}])),
        ("key#/chat#", msgpack.packb(["u", {"type": 2, "data": ["e", float("nan")], "nsp": "/chat"}, {}])),
        ("key-request#/chat#", b"5"),
    ],
)
def test_what_cannot_be_read_is_counted(serve: Serve, channel: str, data: bytes) -> None:
    server = serve(Chat, **KEY)
    made = client(server, "/chat")
    publish(server, channel, data)
    emit(server, "after")
    assert made.received() == ['42/chat,["after"]']
    assert server.server.counters.totals[UNREADABLE] == 1


@pytest.mark.parametrize("channel", ["key-request#chat#", "key-request#/chat,a#", "key-request#", "key-request#/none#"])
def test_requests_for_no_namespace_do_nothing(serve: Serve, channel: str) -> None:
    server = serve(Chat, **KEY)
    made = client(server, "/chat")
    publish(server, channel, b'{"type":4,"opts":{},"close":true}')
    emit(server, "e", namespace="/chat,a")
    assert made.is_open
    assert made.received() == []


def test_it_is_heard_by_the_option_alone_and_a_reload_may_bring_another(serve: Serve) -> None:
    server = serve(Chat)
    made = client(server, "/chat")
    emit(server, "no")
    pipeline = server.pipeline()
    pipeline.options = pipeline.options.overridden({name: (value, "test") for name, value in KEY.items()})
    client(server)
    emit(server, "yes")
    assert made.received() == ['42/chat,["yes"]']
    pipeline.options = pipeline.options.overridden({"socketio_node_channel": ("", "test")})
    emit(server, "no more")
    assert made.received() == []


def test_every_node_does_it_for_its_own_clients(nodes: Callable[..., Nodes]) -> None:
    pair = nodes(Chat, **KEY)
    clients = [client(pair.one, "/chat"), client(pair.two, "/chat")]
    emit(pair.one, "e")
    pair.settle()
    assert [each.received() for each in clients] == [['42/chat,["e"]']] * 2


def test_it_is_for_the_pipeline_that_is_named() -> None:
    pipelines = {"/a/*": [PACK], "/b/*": [PACK]}
    with Server(pipelines=pipelines, socketio_pipeline="/b/*", socketio_cors=["*"], **KEY) as server:
        clients = [opened(server, uri=f"{name}/socket.io/?EIO=4&transport=websocket") for name in ("/a", "/b")]
        emit(server, "e", namespace="/")
        assert [each.received() for each in clients] == [[], ['42["e"]']]


def test_the_option_wants_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_emitter, "can_read", False)
    with pytest.raises(ConfigError, match=r"socketio_node_channel.*pip install 'filtered_websocket\[node\]'"):
        start(**KEY)
    start(socketio_node_channel="").__exit__(None, None, None)
