"""A client of an application that comes back: what filters are told, and what it gets."""

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from filtered_websocket.errors import Reject
from filtered_websocket.filters.socketio import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
)
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Nodes, of
from tests.filters.socketio.recovery.pages import Page
from tests.filters.ws_emit.clients import POLLING, Poller

told: list[Any] = []
waits: list[Deferred[None]] = []


class Enter(SocketIOConnectFilter):
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket: Socket, auth: Any) -> Any:
        told.append((socket.id, socket.recovered, sorted(socket.rooms - {socket.id}), dict(socket.data), socket.user))
        if auth.get("token") == "bad":
            raise Reject(401, "expired")
        if auth.get("token") == "later":
            waits.append(Deferred())
            return waits[-1]
        if not socket.recovered:
            socket.join("hall")
            socket.data["name"] = "ann"
            socket.user = "ann"
            socket.emit("welcome")
        return None


class Do(SocketIOEventFilter):
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket: Socket, *arguments: Any) -> Any:
        if socket.event == "join":
            socket.join(*arguments)
        elif socket.event == "leave":
            socket.leave(*arguments)
        elif socket.event == "tell":
            socket.emit("told", *arguments)
        elif socket.event == "go":
            socket.disconnect()
        return "done"


class Left(SocketIODisconnectFilter):
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket: Socket, reason: str) -> None:
        told.append(reason)


FILTERS = (Enter, Do, Left)


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()
    waits.clear()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve(*FILTERS, socketio_recovery=120, socketio_eio3=True)


def send(server: Server, event: str, room: str = "hall", namespace: str = "/") -> None:
    of(server, namespace).to(room).emit(event)
    server.settle()


def counted(server: Server) -> dict[tuple[str, str], int]:
    return dict(server.server.counters.totals)


@pytest.mark.parametrize("namespace", ["/", "/chat"])
def test_it_goes_on_with_its_id_its_rooms_its_data_and_what_it_has_missed(server: Server, namespace: str) -> None:
    page = Page(server, namespace=namespace)
    assert page.taken() == [("welcome",)]
    page.say("join", "side", ack=1)
    assert page.acknowledged == [1]
    before = page.sid, page.pid
    page.drop()
    send(server, "one", namespace=namespace)
    send(server, "two", "side", namespace)
    send(server, "never", "else", namespace)
    of(server, namespace).to(page.sid).emit("three")
    told.clear()
    assert page.back()
    assert (page.sid, page.pid) == before
    assert told == [(page.sid, True, ["hall", "side"], {"name": "ann"}, "ann")]
    assert page.taken() == [("one",), ("two",), ("three",)]
    send(server, "four", "side", namespace)
    page.say("tell", 5)
    assert page.taken() == [("four",), ("told", 5)]
    assert counted(server)["recovered", "socketio"] == 1


def test_namespaces_of_one_connection_come_back_each_by_its_own_pid(server: Server) -> None:
    page = Page(server)
    page.client.send("40/chat,")
    page.sync()
    chat = Page(server, namespace="/chat")
    chat.client, chat.packets = page.client, []
    page.drop()
    send(server, "one")
    assert page.back()
    assert page.taken() == [("welcome",), ("one",)]


def test_a_pid_of_another_namespace_is_none(server: Server) -> None:
    page = Page(server).drop()
    other = Page(server, namespace="/chat", auth={"pid": page.pid})
    assert other.sid != page.sid
    assert counted(server)["not recovered", "socketio: no record"] == 1


def test_what_it_is_sent_alone_carries_an_offset_and_comes_again(server: Server) -> None:
    page = Page(server)
    page.say("tell", "text")
    assert page.taken() == [("welcome",), ("told", "text")]
    kept = page.offset
    page.offset = None
    page.drop()
    page.offset = kept
    send(server, "after")
    assert page.back()
    assert page.taken() == [("after",)]


def test_a_volatile_event_that_ends_in_text_does_not_become_the_offset(server: Server) -> None:
    page = Page(server)
    send(server, "one")
    of(server).volatile.emit("pos", "text")
    socket = next(iter(server.pipeline().socketio.namespaces["/"].sockets.values()))  # type: ignore[attr-defined]
    socket.volatile.emit("mine", "text")
    assert page.taken() == [("welcome",), ("one",), ("pos", "text"), ("mine", "text")]
    page.drop()
    of(server).volatile.emit("lost", "text")
    send(server, "two")
    assert page.back()
    assert page.taken() == [("two",)]


def test_one_that_is_left_out_of_what_it_says_itself_goes_on_however_old_its_last_event_is(server: Server) -> None:
    page, other = Page(server), Page(server)
    sockets = server.pipeline().socketio.namespaces["/"].sockets.values()  # type: ignore[attr-defined]
    socket = next(each for each in sockets if each.id == page.sid)
    page.taken()
    for number in range(30):
        socket.to("hall").emit("said", number)
        server.advance(20)
        for each in (page, other):
            each.client.send("3")
            each.sync()
    assert len(other.taken()) == 31
    page.drop()
    assert page.back()
    assert page.taken() == []


def test_a_connect_filter_may_refuse_whoever_comes_back_and_later_let_it_in(server: Server) -> None:
    page = Page(server).drop()
    send(server, "one")
    page.auth = {"token": "bad"}
    page.connect()
    assert page.packets[-1] == '44{"message":"expired"}'
    page.drop().auth = {}
    assert page.back()
    assert page.taken() == [("welcome",), ("one",)]


def test_what_is_emitted_while_a_connect_filter_thinks_comes_once(server: Server) -> None:
    page = Page(server).drop()
    send(server, "one")
    page.auth = {"token": "later"}
    page.connect()
    send(server, "two")
    of(server).to(page.sid).sockets_join("side")
    send(server, "three", "side")
    assert page.taken() == [("welcome",)]
    waits[0].callback(None)
    assert page.taken() == [("one",), ("two",), ("three",)]
    assert page.recovered
    send(server, "four", "side")
    assert page.taken() == [("four",)]


def test_one_that_is_put_out_while_a_connect_filter_thinks_begins_anew(server: Server) -> None:
    page = Page(server).drop()
    before = page.sid
    page.auth = {"token": "later"}
    page.connect()
    of(server).to(page.sid).disconnect_sockets()
    told.clear()
    waits[0].callback(None)
    server.settle()
    waits[1].callback(None)
    page.sync()
    assert not page.recovered
    assert page.sid != before
    assert [each[1] for each in told] == [False]
    assert counted(server)["not recovered", "socketio: disconnected"] == 1


@pytest.mark.parametrize("how", ["go", "41", "disconnect_sockets", "away"])
def test_after_a_final_end_there_is_no_session(server: Server, how: str) -> None:
    page = Page(server)
    if how == "go":
        page.say("go")
    elif how == "41":
        page.client.send("41")
    elif how == "away":
        page.drop()
    if how in ("disconnect_sockets", "away"):
        of(server).to(page.sid).disconnect_sockets()
    page.drop()
    assert not page.back()


def test_rooms_that_others_change_while_it_is_away_are_changed(server: Server) -> None:
    page = Page(server)
    page.taken()
    page.drop()
    of(server).to("hall").sockets_join("side")
    send(server, "one", "side")
    of(server).to("side").sockets_leave("hall", "side")
    send(server, "two")
    send(server, "three", "side")
    told.clear()
    assert page.back()
    assert told[0][2] == []
    assert page.taken() == [("one",)]


def test_half_open_the_former_connection_leaves_first_and_without_a_word(server: Server) -> None:
    page = Page(server)
    former = page.sync().client
    send(server, "missed")
    told.clear()
    assert page.back()
    assert told[0] == "transport close"
    assert told[1][:2] == (page.sid, True)
    assert page.taken() == [("welcome",), ("missed",)]
    assert former.close_code == 1006
    assert len(server.pipeline().socketio.namespaces["/"].sockets) == 1  # type: ignore[attr-defined]


def test_it_works_more_than_once_though_former_connections_time_out(server: Server) -> None:
    """socketio/socket.io#4880: there the ping timeout of the first connection takes the session of the second."""
    page = Page(server)
    for turn in range(3):
        page.sync()
        assert page.back()
        for _ in range(4):
            server.advance(20)
            page.client.send("3")
            page.sync()
        send(server, f"event {turn}")
        assert page.taken()[-1] == (f"event {turn}",)


def test_clients_without_recovery_share_rooms_and_see_nothing_of_it(server: Server) -> None:
    page, plain = Page(server), Page(server, "&recovery=0")
    for each in (page, plain):
        each.taken()
        each.packets.clear()
    of(server).to("hall").emit("e", "text")
    of(server).except_(page.sid).emit("f", b"\0")
    plain.say("tell", "text")
    of(server).volatile.emit("v", "text")
    assert len(plain.taken()) == 3
    assert plain.packets == [
        '42["e","text"]',
        '451-["f",{"_placeholder":true,"num":0}]',
        '42["told","text"]',
        '42["v","text"]',
    ]
    assert page.taken() == [("e", "text"), ("v", "text")]
    assert len(server.result(of(server).fetch_sockets())) == 2
    of(server).to("hall").disconnect_sockets()
    for each in (page, plain):
        each.sync()
        assert each.packets[-1] == "41"
    assert not server.pipeline().hub.channels


def test_data_that_json_cannot_hold_stays_behind(server: Server) -> None:
    page = Page(server)
    (socket,) = server.pipeline().socketio.namespaces["/"].sockets.values()  # type: ignore[attr-defined]
    socket.data["file"] = object()
    page.drop()
    assert page.back()
    assert told[-1][3] == {}
    assert counted(server)["dropped", "socketio: data of a client that JSON cannot hold"] == 1


def test_no_more_rooms_than_the_option_says_come_back(serve: Callable[..., Server]) -> None:
    server = serve(*FILTERS, socketio_recovery=120, socketio_max_rooms=2)
    page = Page(server).drop()
    of(server).to(page.sid).sockets_join("a", "b", "c")
    told.clear()
    assert page.back()
    assert told[0][2] == ["a", "hall"]


def test_without_the_option_nothing_is_different(serve: Callable[..., Server]) -> None:
    server = serve(*FILTERS)
    page = Page(server)
    page.say("tell", "text")
    assert page.packets == [f'40{{"sid":"{page.sid}"}}', '42["welcome"]', '42["told","text"]']


# The official tests of the server (packages/socket.io/test/connection-state-recovery.ts), by their names; its adapter
# and its option `skipMiddlewares` are not here: connect filters always judge.


def came(server: Server) -> tuple[str, str, str]:
    """A client that polls, gets an event, and ends its session with a packet 1: sid, pid and offset."""
    poller = Poller(server, connect=False)
    poller.post("40")
    handshake = json.loads(poller.received()[0][2:])
    of(server).emit("hello")
    *_, (_, offset) = (json.loads(packet[2:]) for packet in poller.received())
    poller.post("1")
    return handshake["sid"], handshake["pid"], offset


def test_should_restore_session_and_missed_packets(server: Server) -> None:
    sid, pid, offset = came(server)
    of(server).emit("hello1")
    of(server).to("hall").emit("hello2")
    of(server).to(sid).emit("hello3")
    poller = Poller(server, connect=False)
    poller.post(f"40{json.dumps({'pid': pid, 'offset': offset})}")
    connected, *events = poller.received()
    assert json.loads(connected[2:]) == {"sid": sid, "pid": pid}
    assert [json.loads(packet[2:])[0] for packet in events] == ["hello1", "hello2", "hello3"]


def test_should_restore_rooms_and_data_attributes(server: Server) -> None:
    sid, pid, offset = came(server)
    poller = Poller(server, connect=False)
    poller.post(f"40{json.dumps({'pid': pid, 'offset': offset})}")
    poller.received()
    (socket,) = server.pipeline().socketio.namespaces["/"].sockets.values()  # type: ignore[attr-defined]
    assert (socket.id, socket.recovered, socket.rooms, socket.data) == (sid, True, {sid, "hall"}, {"name": "ann"})


def test_should_fail_to_restore_an_unknown_session(server: Server) -> None:
    poller = Poller(server, connect=False)
    poller.post('40{"pid":"foo","offset":"bar"}')
    handshake = json.loads(poller.received()[0][2:])
    assert handshake["sid"] != "foo"
    assert handshake["pid"] != "bar"


def test_should_be_disabled_by_default(serve: Callable[..., Server]) -> None:
    server = serve(*FILTERS)
    poller = Poller(server, connect=False)
    poller.post('40{"pid":"foo","offset":"bar"}')
    assert "pid" not in json.loads(poller.received()[0][2:])


# Two nodes, on one storage in memory.


@pytest.fixture
def two(nodes: Callable[..., Nodes]) -> Nodes:
    made = nodes(*FILTERS, socketio_recovery=120)
    made.settle()
    made.advance(1)
    return made


def test_it_goes_on_at_another_node(two: Nodes) -> None:
    page = Page(two.one)
    page.say("join", "side", ack=3)
    two.settle()
    page.sync()
    assert page.acknowledged == [3]
    page.drop()
    of(two.two).to("side").emit("one")
    two.settle()
    assert page.back(two.two)
    assert page.taken() == [("welcome",), ("one",)]
    of(two.one).to("side").emit("two")
    two.settle()
    assert page.taken() == [("two",)]
    page.drop()
    assert page.back(two.one)


def test_half_open_at_another_node_the_former_one_lets_go(two: Nodes) -> None:
    page = Page(two.one)
    former = page.sync().client
    of(two.two).emit("missed")
    two.settle()
    told.clear()
    assert page.back(two.two)
    two.settle()
    assert "transport close" in told
    assert page.taken() == [("welcome",), ("missed",)]
    assert former.close_code == 1006
    assert not two.one.pipeline().socketio.namespaces  # type: ignore[attr-defined]
    # What the former node writes no more is as the new one says.
    two.advance(1)
    page.drop()
    assert page.back(two.one)


# An upgrade, to the other node and on the same one.


def upgraded(two: Nodes, poller: Poller, node: Server, meanwhile: Callable[[], object]) -> Any:
    """A WebSocket at a node that takes over, and something done before and while it does."""
    ws = node.connect(poller.uri.replace("polling", "websocket"))
    two.settle()
    ws.send("2probe")
    two.settle()
    assert ws.received() == ["3probe"]
    meanwhile()
    ws.send("5")
    meanwhile()
    two.settle()
    meanwhile()
    two.settle()
    return ws


@pytest.mark.parametrize("query", ["", "&recovery=0"])
@pytest.mark.parametrize("stays", [True, False])
def test_an_upgrade_neither_loses_nor_doubles_anything_and_goes_on_later(two: Nodes, query: str, stays: bool) -> None:
    poller = Poller(two.one, connect=False, uri=f"{POLLING}{query}")
    poller.post("40")
    two.settle()
    answer = json.loads(poller.received()[0][2:])
    assert ("pid" in answer) == (not query)
    two.settle()
    poller.post('42["join","side"]')
    two.settle()
    sent = iter(range(100))

    def meanwhile() -> None:
        of(two.two).to("side", "hall").emit("n", next(sent))
        of(two.one).to(answer["sid"]).emit("n", next(sent))

    node = two.one if stays else two.two
    ws = upgraded(two, poller, node, meanwhile)
    events = [json.loads(packet[2:]) for packet in ws.received() if packet.startswith("42")]
    events = [event for event in events if event[0] == "n"]
    assert [event[1] for event in events] == list(range(6))
    assert {len(event) for event in events} == ({2} if query else {3})
    of(two.two).to(answer["sid"]).sockets_leave("hall")
    two.settle()
    meanwhile()
    two.settle()
    assert len([packet for packet in ws.received() if packet.startswith('42["n",')]) == 2
    if query:
        return
    ws.abort()
    two.settle()
    meanwhile()
    two.settle()
    page = Page(two.one, auth={"pid": answer["pid"], "offset": events[-1][2]})
    two.settle()
    assert page.sid == answer["sid"]
    assert [event[1] for event in page.taken() if event[0] == "n"] == [6, 7, 8, 9]


def test_a_client_that_has_come_back_may_upgrade(two: Nodes) -> None:
    page = Page(two.one).drop()
    two.settle()
    poller = Poller(two.one, connect=False)
    poller.post(f"40{json.dumps({'pid': page.pid})}")
    two.settle()
    assert json.loads(poller.received()[0][2:])["sid"] == page.sid
    ws = upgraded(two, poller, two.two, lambda: of(two.one).to(page.sid).emit("n"))
    assert len([packet for packet in ws.received() if packet.startswith('42["n",')]) == 3


def test_one_that_goes_while_an_acknowledgement_waits_for_storage_is_no_failure(nodes: Callable[..., Nodes]) -> None:
    server = nodes(*FILTERS, socketio_recovery=120).one
    page = Page(server)
    storage, answers = server.storage_object, list[Deferred[bool]]()

    def late(*_: Any, **__: Any) -> Any:
        answers.append(Deferred())
        return answers[-1]

    storage.store = late  # type: ignore[method-assign]
    with capturedLogs() as logged:
        page.say("join", "side", ack=1)
        assert answers
        page.client.abort()
        gc.collect()
        for answer in answers:
            answer.callback(True)
        gc.collect()
    assert page.acknowledged == []
    assert not [event for event in logged if event.get("log_failure") is not None]
