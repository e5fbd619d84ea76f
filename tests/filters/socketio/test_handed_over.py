"""A client that goes on at another node takes along what it was."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.errors import Close
from filtered_websocket.filters.engineio.handing_over import TAKE_SECONDS
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIODisconnectFilter, SocketIOEventFilter
from filtered_websocket.filters.socketio.acknowledgements import NoAnswer
from filtered_websocket.filters.socketio.values import json_or
from tests.filters.socketio.clients import Chat, Echo, Nodes, client, of, state
from tests.filters.ws_emit.clients import Poller
from tests.filters.ws_emit.clients import socket as opened

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


class Count(SocketIOEventFilter):
    event = "count"
    seen: ClassVar[list[int]] = []

    @classmethod
    def filter(cls, socket: Any, number: int) -> int:  # type: ignore[override]
        cls.seen.append(number)
        return number


def test_what_waited_is_done_at_one_node_alone(nodes: Begin) -> None:
    Wait.waits, Count.seen = [], []
    pair = nodes(Wait, Count)
    client(pair.one)  # which keeps the namespace there
    polling = Poller(pair.one)
    polling.post('421["wait"]', '422["count",2]')
    polling.received()
    ws = upgraded(pair, polling)
    Wait.waits[0].callback("done")
    pair.settle()
    assert Count.seen == [2]
    assert ws.received() == ["432[2]", '431["done"]']


class Late(SocketIOEventFilter):
    """Does what is asked for when its client has gone on to another node."""

    event = "late"
    waits: ClassVar[list[Deferred[Any]]] = []

    @classmethod
    async def filter(cls, socket: Any) -> str:  # type: ignore[override]
        socket.join("early")
        cls.waits.append(Deferred())
        do = await cls.waits[-1]
        do(socket)
        return "done"


def late(pair: Nodes) -> Any:
    """A WebSocket at the second node, whose client a filter of the first one waits for."""
    Late.waits = []
    polling = Poller(pair.one)
    polling.post('421["late"]')
    return upgraded(pair, polling)


def test_a_filter_that_waited_finds_its_client_in_another_node_s_rooms(nodes: Begin) -> None:
    pair = nodes(Late)
    ws = late(pair)

    def do(socket: Any) -> None:
        socket.join("late")
        socket.leave("early")

    Late.waits[0].callback(do)
    pair.settle()
    (moved,) = state(pair.two).namespaces["/"].sockets.values()
    assert moved.rooms == {moved.id, "late"}
    assert ws.received() == ['431["done"]']


@pytest.mark.parametrize("close", [False, True])
def test_a_filter_that_waited_puts_out_its_client_at_another_node(nodes: Begin, close: bool) -> None:
    Went.seen = []
    pair = nodes(Late, Went)
    client(pair.one)
    ws = late(pair)
    Late.waits[0].callback(lambda socket: socket.disconnect(close))
    pair.settle()
    assert Went.seen == [("server namespace disconnect", {}, None)]
    assert ws.received()[0] == "41"
    assert ws.is_open is not close
    ws.abort()
    pair.settle()
    assert len(Went.seen) == 1


def test_a_filter_that_waited_and_raises_close_ends_its_client_at_another_node(nodes: Begin) -> None:
    pair = nodes(Late)
    ws = late(pair)

    def do(socket: Any) -> None:
        raise Close(1000)

    Late.waits[0].callback(do)
    pair.settle()
    assert ws.received() == ["41"]
    assert not ws.is_open


def test_what_is_ordered_while_it_moves_is_done_where_it_arrives(nodes: Begin) -> None:
    Went.seen = []
    pair = nodes(Echo, Chat, Went)
    staying, going = Poller(pair.one), Poller(pair.one)
    websockets = []
    for polling in (staying, going):
        ws = pair.two.connect(polling.uri.replace("polling", "websocket"))
        pair.settle()
        ws.send("2probe")
        pair.settle()
        ws.send("5")
        websockets.append(ws)
    pair.two.settle()
    pair.one.settle()
    assert not state(pair.one).namespaces
    of(pair.one).to(staying.id).sockets_join("a", "b")
    of(pair.one).to(staying.id).sockets_leave("a")
    of(pair.one).to("nobody").disconnect_sockets()
    of(pair.one).except_(staying.id).disconnect_sockets()
    pair.settle()
    (moved,) = state(pair.two).namespaces["/"].sockets.values()
    assert (moved.id, moved.rooms) == (staying.id, {staying.id, "b"})
    assert websockets[1].received() == ["3probe", "41"]
    assert [reason for reason, *_ in Went.seen] == ["server namespace disconnect"]


@pytest.mark.parametrize("alone", [True, False])
def test_one_that_a_node_takes_which_dies_leaves_its_namespaces_in_time(nodes: Begin, alone: bool) -> None:
    Went.seen, Late.waits = [], []
    pair = nodes(Late, Went)
    if not alone:
        client(pair.one)
    polling = Poller(pair.one)
    polling.post('421["late"]')
    (socket,) = [each for each in state(pair.one).namespaces["/"].sockets.values() if each.id == polling.id]
    call = socket.call("asked")
    pair.settle()
    take = {"do": "take", "sid": polling.sid, "from": "a-node", "id": 1}
    pair.one.storage_object.publish("socketio::nodes", json.dumps(take))
    pair.settle()
    assert Went.seen == []
    pair.advance(TAKE_SECONDS)
    assert Went.seen == [("transport close", {}, None)]
    with pytest.raises(NoAnswer):
        pair.one.result(call)
    assert Late.waits[0].called  # by its cancellation
    assert polling.get().status == 400
    pair.advance(TAKE_SECONDS)
    assert len(Went.seen) == 1


def test_one_that_is_put_out_while_it_upgrades_to_another_node_hears_it_there(nodes: Begin) -> None:
    Went.seen = []
    pair = nodes(Echo, Went)
    polling = Poller(pair.one)
    ws = pair.two.connect(polling.uri.replace("polling", "websocket"))
    pair.settle()
    ws.send("2probe")
    pair.settle()
    of(pair.one).disconnect_sockets(close=True)
    pair.settle()
    ws.send("5")
    pair.settle()
    assert ws.received() == ["3probe", "41"]
    assert ws.close_code == 1000
    assert [reason for reason, *_ in Went.seen] == ["server namespace disconnect"]


def test_one_that_a_node_takes_which_dies_can_come_back_as_what_it_was(nodes: Begin) -> None:
    pair = nodes(Echo, socketio_recovery=120)
    polling = Poller(pair.one, connect=False)
    polling.post("40")
    admission = json.loads(polling.received()[0].removeprefix("40"))
    (socket,) = state(pair.one).namespaces["/"].sockets.values()
    socket.join("a")
    socket.emit("first")
    (first,) = polling.received()
    take = {"do": "take", "sid": polling.sid, "from": "a-node", "id": 1}
    pair.one.storage_object.publish("socketio::nodes", json.dumps(take))
    pair.settle()
    of(pair.two).to("a").emit("missed", 2)
    pair.settle()
    pair.advance(TAKE_SECONDS)
    ws = opened(pair.two, connect=False)
    offset = json.loads(first.removeprefix("42"))[-1]
    ws.send("40" + json.dumps({"pid": admission["pid"], "offset": offset}))
    pair.settle()
    again, missed = ws.received()
    assert json.loads(str(again).removeprefix("40"))["sid"] == admission["sid"]
    assert str(missed).startswith('42["missed",2,')
