"""A client that goes on at another node takes along what it was."""

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIODisconnectFilter, SocketIOEventFilter
from filtered_websocket.filters.socketio.handed_over import json_or
from tests.filters.socketio.clients import Chat, Echo, Nodes, state
from tests.filters.ws_emit.clients import Poller

Begin = Callable[..., Nodes]


class Wait(SocketIOEventFilter):
    event = "wait"
    waits: ClassVar[list[Deferred[str]]] = []

    @classmethod
    async def filter(cls, socket: Any) -> str:  # type: ignore[override]
        socket.emit("begun")
        cls.waits.append(Deferred())
        return await cls.waits[-1]


class Went(SocketIODisconnectFilter):
    seen: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, socket: Any, reason: str) -> None:
        cls.seen.append((reason, dict(socket.data), socket.user))


def upgraded(pair: Nodes, polling: Poller) -> Any:
    """A WebSocket at the other node that has taken over."""
    ws = pair.two.connect(polling.uri.replace("polling", "websocket"))
    pair.settle()
    ws.send("2probe")
    pair.settle()
    assert ws.received() == ["3probe"]
    ws.send("5")
    pair.settle()
    return ws


def test_rooms_data_and_what_is_under_way_go_along(nodes: Begin) -> None:
    Wait.waits, Went.seen = [], []
    pair = nodes(Echo, Chat, Wait, Went)
    polling = Poller(pair.one)
    polling.post("40/chat,")
    polling.received()
    (socket,) = state(pair.one).namespaces["/"].sockets.values()
    socket.join("a")
    socket.data["n"], socket.user = 1, "ann"
    call = socket.call("asked")
    polling.post('421["wait"]', '422["echo",2]', '451-3["echo",{"_placeholder":true,"num":0}]')
    asked, begun = polling.received()
    assert begun == '42["begun"]'
    ws = upgraded(pair, polling)
    # What waited is done there, and the packet that was begun can be ended.
    assert ws.received() == ["432[2]"]
    ws.send(b"x")
    assert ws.received() == ['461-3[{"_placeholder":true,"num":0}]', b"x"]
    # What was being handled is acknowledged from where it was begun, and so is heard what is acknowledged there.
    Wait.waits[0].callback("done")
    pair.settle()
    assert ws.received() == ['431["done"]']
    ws.send(asked.replace("42", "43", 1).replace('["asked"]', '["heard"]'))
    pair.settle()
    assert pair.one.result(call) == ["heard"]
    (moved,) = state(pair.two).namespaces["/"].sockets.values()
    assert (moved.id, moved.rooms, moved.data, moved.user) == (socket.id, {socket.id, "a"}, {"n": 1}, "ann")
    assert not state(pair.one).namespaces
    assert Went.seen == []
    ws.close()
    pair.advance(5)
    assert Went.seen == [("transport close", {"n": 1}, "ann")]
    assert not state(pair.two).namespaces


def test_what_comes_behind_an_upgrade_is_too_late_on_any_node(nodes: Begin) -> None:
    pair = nodes(Echo)
    polling = Poller(pair.one)
    ws = pair.two.connect(polling.uri.replace("polling", "websocket"))
    pair.settle()
    ws.send("2probe")
    pair.settle()
    get = polling.get()
    ws.send("5")
    pair.settle()
    assert get.status == 400
    assert polling.get().status == 400
    for node in (pair.one, pair.two):
        second = node.connect(polling.uri.replace("polling", "websocket"))
        pair.settle()
        assert second.close_code == 1000
    ws.send('421["echo"]')
    assert ws.received() == ["3probe", "431[]"]


def test_what_is_emitted_to_it_while_it_moves_is_neither_lost_nor_doubled(nodes: Begin) -> None:
    pair = nodes(Echo)
    polling = Poller(pair.one)
    ws = pair.two.connect(polling.uri.replace("polling", "websocket"))
    pair.settle()
    ws.send("2probe")
    pair.settle()
    (socket,) = state(pair.one).namespaces["/"].sockets.values()
    for number in range(3):
        socket.emit("before", number)
    ws.send("5")
    socket.emit("meanwhile")
    pair.settle()
    socket.emit("after")
    pair.settle()
    received = [packet for packet in ws.received() if packet != "3probe"]
    assert received == ['42["before",0]', '42["before",1]', '42["before",2]', '42["meanwhile"]', '42["after"]']


class Door(SocketIOConnectFilter):
    waits: ClassVar[list[Deferred[None]]] = []

    @classmethod
    async def filter(cls, socket: Any, auth: Any) -> None:
        cls.waits.append(Deferred())
        await cls.waits[-1]


def test_one_that_is_yet_to_be_let_in_is_asked_again_there_and_answered_once(nodes: Begin) -> None:
    Door.waits = []
    pair = nodes(Door)
    polling = Poller(pair.one, connect=False)
    polling.post("40")
    ws = upgraded(pair, polling)
    assert len(Door.waits) == 2
    for wait in reversed(Door.waits):
        wait.callback(None)
        pair.settle()
    (answer,) = ws.received()
    (socket,) = state(pair.two).namespaces["/"].sockets.values()
    assert answer == f'40{{"sid":"{socket.id}"}}'
    assert not state(pair.one).namespaces


def test_what_json_cannot_hold_stays_and_is_counted(nodes: Begin) -> None:
    pair = nodes(Echo)
    pack = state(pair.one)
    assert json_or({"a": 1}, {}, pack) == {"a": 1}
    assert json_or({"a": object()}, {}, pack) == {}
    assert pair.one.server.counters.totals["dropped", "socketio: data of a client that JSON cannot hold"] == 1
