"""A client that comes back: whether it goes on, with what rooms, and what it gets."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from filtered_websocket.filters.ws_emit import emit
from filtered_websocket.filters.ws_emit.member import EVERYBODY
from filtered_websocket.storage_objects import records
from filtered_websocket.testing.server import Server
from tests.filters.socketio.recovery.pages import Page
from tests.filters.socketio.recovery.servers import Nodes
from tests.filters.ws_emit.clients import PACK, POLLING, Poller

Begin = Callable[..., Server]


@pytest.fixture
def begin() -> Iterator[Begin]:
    with ExitStack() as stack:

        def started(**options: Any) -> Server:
            given = {"ws_emit_recovery": 120, "ws_emit_eio3": True, "ws_emit_secret": "123", **options}
            return stack.enter_context(Server(PACK, **given))

        yield started


@pytest.fixture
def server(begin: Begin) -> Server:
    return begin()


def send(server: Server, event: str, room: Any = "a", **more: Any) -> None:
    emit(server.pipeline(), event, room=room, **more)
    server.settle()


def counted(server: Server) -> dict[tuple[str, str], int]:
    return dict(server.server.counters.totals)


def on_bus(server: Server, **message: Any) -> None:
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    server.settle()


def test_what_was_missed_comes_once_and_in_order_behind_the_answer(server: Server) -> None:
    page = Page(server).join("a")
    assert page.pid is not None
    assert len(page.pid) == 20
    send(server, "one")
    assert page.taken() == [("one",)]
    before = page.sid, page.pid
    page.drop()
    for event in ("two", "three"):
        send(server, event)
    send(server, "elsewhere", "b")
    assert page.back()
    assert (page.sid, page.pid) == before
    assert page.packets[-3].startswith("40")
    assert page.taken() == [("two",), ("three",)]
    send(server, "four")
    assert page.taken() == [("four",)]
    assert counted(server)["recovered", "ws_emit"] == 1
    page.drop()
    send(server, "five")
    assert page.back()
    assert page.taken() == [("five",)]


def test_without_any_event_it_goes_on(server: Server) -> None:
    page = Page(server)
    page.drop()
    send(server, "one", None)
    assert page.offset is None
    assert page.back()
    assert page.taken() == [("one",)]


def test_a_new_session_after_a_failure_gets_nothing_though_it_keeps_its_offset(server: Server) -> None:
    page = Page(server).join("a")
    send(server, "one")
    send(server, "two", None)
    page.drop().pid = "x" * 20
    kept = page.offset
    assert not page.back()
    assert page.taken() == [("one",), ("two",)]
    assert page.offset == kept
    page.drop()
    assert page.back()
    assert page.taken() == []


def test_what_came_before_it_joined_is_not_replayed(server: Server) -> None:
    page = Page(server)
    send(server, "before")
    page.join("a").drop()
    send(server, "after")
    assert page.back()
    assert page.taken() == [("after",)]


def test_one_that_is_idle_goes_on_however_old_its_last_event_is(server: Server) -> None:
    page = Page(server).join("a")
    send(server, "one")
    for _ in range(30):
        server.advance(20)
        page.client.send("3")
        page.sync()
    page.drop()
    server.advance(100)
    assert page.back()
    assert page.taken() == [("one",)]


def test_after_its_time_it_begins_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    page, other = Page(server).drop(), Page(server).drop()
    begun = time.monotonic()
    monkeypatch.setattr(records, "time", SimpleNamespace(monotonic=lambda: begun + 119))
    assert other.back()
    monkeypatch.setattr(records, "time", SimpleNamespace(monotonic=lambda: begun + 122))
    assert not page.back()
    assert counted(server)["not recovered", "ws_emit: no record"] == 1


def test_one_that_is_back_before_the_server_has_noticed_goes_on(server: Server) -> None:
    page = Page(server).join("a")
    former = page.sync().client
    send(server, "missed")  # which the connection that is dead has got
    assert page.back()
    assert page.taken() == [("missed",)]
    send(server, "live")
    assert page.taken() == [("live",)]
    assert former.close_code == 1006
    assert len(server.pipeline().users) == 1
    page.drop()
    assert page.back()


def test_a_client_that_polls_and_has_no_get_under_way_goes_on(server: Server) -> None:
    poller = Poller(server, connect=False)
    poller.post("40")
    answer = json.loads(poller.received()[0][2:])
    poller.post('42["join",{"room":"a"}]')
    send(server, "missed")
    other = Poller(server, connect=False)
    other.post(f"40{json.dumps({'pid': answer['pid']})}")
    connected, missed = other.received()
    assert json.loads(connected[2:]) == answer
    assert missed.startswith('42["missed","')
    assert poller.get().status == 400


def test_the_transport_dies_amid_the_replay_and_nothing_comes_twice(server: Server) -> None:
    page = Page(server).join("a").drop()
    for number in range(5):
        send(server, str(number))
    page.connect()
    replayed = page.taken()
    # It has got two of them.
    offsets = [json.loads(packet[2:])[-1] for packet in page.packets[-5:]]
    page.offset = offsets[1]
    page.drop()
    assert page.back()
    assert replayed[:2] + page.taken() == [(str(number),) for number in range(5)]


def test_close_room_and_leave_room_and_enter_room_are_done_while_it_is_away(server: Server) -> None:
    page = Page(server).join("a").join("b").join("c").drop()
    send(server, "one")
    on_bus(server, method="close_room", room="a")
    send(server, "two")
    on_bus(server, method="leave_room", sid=page.sid, room="b")
    send(server, "three", "b")
    on_bus(server, method="enter_room", sid=page.sid, room="d")
    send(server, "four", "d")
    assert page.back()
    assert page.taken() == [("one",), ("four",)]
    for room in "abcd":
        send(server, room, room)
    assert page.taken() == [("c",), ("d",)]


def test_one_that_was_disconnected_while_it_was_away_begins_anew(server: Server) -> None:
    page = Page(server).drop()
    on_bus(server, method="disconnect", sid=page.sid)
    assert not page.back()
    assert counted(server)["not recovered", "ws_emit: disconnected"] == 1


def test_one_that_has_left_or_was_disconnected_has_no_session_any_more(server: Server) -> None:
    page, other = Page(server), Page(server)
    page.client.send("41")
    on_bus(server, method="disconnect", sid=other.sid)
    for each in (page, other):
        assert not each.drop().back()
    assert counted(server)["not recovered", "ws_emit: no record"] == 2


def test_with_another_secret_it_begins_anew(begin: Begin) -> None:
    server = begin(ws_emit_room_secrets={"s": "old"})
    page, other = Page(server).join("s::a", secret="old"), Page(server).join("a")
    send(server, "hers", "s::a")
    assert page.taken() == [("hers",)]
    for each in (page, other):
        each.drop()
    server.pipeline().options.ws_emit_room_secrets["s"] = "new"
    send(server, "one", "s::a")
    assert not page.back()
    assert page.taken() == []
    assert other.back()
    assert counted(server)["not recovered", "ws_emit: secret"] == 1


def test_with_the_same_secret_it_goes_on_in_its_rooms(begin: Begin) -> None:
    server = begin(ws_emit_room_secrets={"s": "same"})
    page = Page(server).join("s::a", secret="same").drop()
    send(server, "one", "s::a")
    assert page.back()
    assert page.taken() == [("one",)]


@pytest.mark.parametrize(
    ("options", "count", "goes_on"),
    [
        ({"ws_emit_recovery_events": 5}, 5, True),
        ({"ws_emit_recovery_events": 5}, 6, False),
        ({"ws_emit_recovery_bytes": "1k"}, 40, True),
        ({"ws_emit_recovery_bytes": "1k"}, 80, False),
    ],
)
def test_what_is_replayed_has_bounds(begin: Begin, options: Any, count: int, goes_on: bool) -> None:
    server = begin(**options)
    page = Page(server).join("a").drop()
    for number in range(count):
        send(server, str(number))
    assert page.back() is goes_on
    assert len(page.taken()) == (count if goes_on else 0)
    assert counted(server).get(("not recovered", "ws_emit: too many"), 0) == (not goes_on)


def test_the_log_has_bounds(begin: Begin) -> None:
    server = begin(ws_emit_recovery_log="64k")
    page, idle = Page(server).join("a"), Page(server)
    page.drop()
    send(server, "one")
    for number in range(200):
        send(server, str(number), "b")
    idle.drop()
    assert not page.back()
    assert counted(server)["not recovered", "ws_emit: trimmed"] == 1
    assert idle.back()
    assert server.pipeline().ws_emit.recovery.window.bytes <= 64 << 10  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", ["&recovery=0", ""])
def test_clients_that_do_not_know_it_see_nothing_of_it(begin: Begin, query: str) -> None:
    server = begin(ws_emit_recovery_asked=not query)
    page, other = Page(server, query).join("a"), Page(server, "&recovery=1").join("a")
    assert page.pid is None
    emit(server.pipeline(), "e", {"a": b"\0"}, "text", room="a")
    assert page.taken() == []
    assert page.packets[-1] == '451-["e",{"a":{"_placeholder":true,"num":0}},"text"]'
    other.sync()
    assert other.packets[-1].startswith('451-["e",{"a":{"_placeholder":true,"num":0}},"text","')
    page.drop().connect()
    assert not page.recovered


def test_of_rooms_it_enters_one_kind_and_leaves_none(server: Server) -> None:
    pages = [Page(server, query).join("a").join("b") for query in ("", "&recovery=0")]
    emit(server.pipeline(), "e", room=["a", "b"])
    emit(server.pipeline(), "not", room=["a", "b"], skip=[page.sid for page in pages])
    for page in pages:
        assert page.taken() == [("e",)]
    for page in pages:
        page.say("leave", {"room": "a"})
    send(server, "no more")
    for page in pages:
        assert page.taken() == []
        page.drop()
    assert not server.pipeline().hub.channels


def test_clients_of_socketio_2_see_nothing_of_it(server: Server) -> None:
    poller = Poller(server, connect=False, uri="/socket.io/?EIO=3&transport=polling")
    assert "2:40" in poller.greeting
    poller.post('23:42["join",{"room":"a"}]')
    send(server, "e")
    assert poller.get().text == '7:42["e"]'


def test_an_acknowledged_join_is_known_to_whoever_takes_the_session_over(server: Server) -> None:
    page = Page(server).say("join", {"room": "a"}, ack=7)
    assert page.acknowledged == [7]
    page.drop()
    send(server, "e")
    assert page.back()
    assert page.taken() == [("e",)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"pid": 5}, "no pid"),
        ({"pid": "x" * 65}, "no pid"),
        ({"pid": None}, "no pid"),
        ({"pid": ["x"]}, "no pid"),
        ({"pid": "\ud800"}, "no record"),
        ({"pid": "nobody's"}, "no record"),
        ({"pid": "PID", "offset": 5}, "no offset"),
        ({"pid": "PID", "offset": "../x"}, "no offset"),
        ({"pid": "PID", "offset": "abcd" + "z" * 12}, ""),  # of an earlier session
    ],
)
def test_what_is_none_of_a_client_costs_it_its_session_and_nobody_else(server: Server, said: Any, reason: str) -> None:
    page = Page(server).drop()
    pid = page.pid
    page.auth = {key: pid if value == "PID" else value for key, value in said.items()}
    page.connect()
    assert page.client.is_open
    if reason:
        assert page.pid not in (None, pid)
        assert counted(server)["not recovered", f"ws_emit: {reason}"] == 1
    else:
        assert page.pid == pid


def test_an_offset_of_the_future_is_waited_for_and_then_no_offset(server: Server) -> None:
    page = Page(server).join("a")
    send(server, "e")
    page.drop()
    assert page.offset is not None
    page.offset = page.offset[:4] + "zz"
    page.connect()
    assert len([packet for packet in page.packets if packet.startswith("40")]) == 1
    server.advance(0.6)
    page.sync()
    assert not page.recovered
    assert counted(server)["not recovered", "ws_emit: behind"] == 1


def test_two_that_say_one_pid_are_not_one_client(server: Server) -> None:
    page = Page(server).join("a")
    other = Page(server, auth={"pid": page.pid})
    assert other.sid == page.sid
    send(server, "e")
    assert other.taken() == [("e",)]
    assert page.client.close_code == 1006


def test_without_the_option_nothing_is_different() -> None:
    with Server(PACK) as server:
        page = Page(server).join("a")
        send(server, "e")
        assert page.sync().packets == [f'40{{"sid":"{page.sid}"}}', '42["e"]']
        assert server.pipeline().ws_emit.recovery is None  # type: ignore[attr-defined]


def test_filters_may_name_whoever_has_come_back_by_the_id_of_its_connection(server: Server) -> None:
    page = Page(server).join("a").drop()
    assert page.back()
    (connection,) = server.pipeline().users
    assert connection != page.sid
    for name in (page.sid, connection):
        send(server, "skipped", skip=name)
        send(server, "for it alone", name)
    assert page.taken() == [("for it alone",)] * 2
    on_bus(server, method="disconnect", sid=page.sid)
    page.sync()
    assert page.packets[-1] == "41"


def test_no_client_enters_a_channel_that_the_pack_has_for_itself(server: Server) -> None:
    page = Page(server)
    for room in (EVERYBODY, "\0plain a", "\0ws_emit::log"):
        page.join(room)
    assert {*server.pipeline().hub.channels} == {EVERYBODY, page.sid}


@pytest.mark.parametrize("query", ["", "&recovery=0"])
@pytest.mark.parametrize("stays", [True, False])
def test_an_upgrade_neither_loses_nor_doubles_anything_and_goes_on_later(query: str, stays: bool) -> None:
    with ExitStack() as stack:
        nodes = Nodes(stack)
        one, two = nodes.begin(), nodes.begin()
        nodes.settle(1)
        poller = Poller(one, connect=False, uri=f"{POLLING}{query}")
        poller.post("40")
        answer = json.loads(poller.received()[0][2:])
        poller.post('42["join",{"room":"a"}]')
        nodes.settle()
        sent = iter(range(100))

        def meanwhile() -> None:
            emit(two.pipeline(), "n", next(sent), room=["a", answer["sid"]])
            emit(one.pipeline(), "n", next(sent))

        ws = (one if stays else two).connect(poller.uri.replace("polling", "websocket"))
        nodes.settle()
        ws.send("2probe")
        nodes.settle()
        meanwhile()
        ws.send("5")
        meanwhile()
        nodes.settle()
        meanwhile()
        nodes.settle()
        events = [json.loads(packet[2:]) for packet in ws.received() if str(packet).startswith("42")]
        assert [event[1] for event in events] == list(range(6))
        assert {len(event) for event in events} == ({2} if query else {3})
        nodes.say(method="leave_room", sid=answer["sid"], room="a")
        nodes.settle(0.5)
        send(one, "left")
        nodes.settle()
        assert ws.received() == []
        if query:
            return
        ws.abort()
        nodes.settle()
        meanwhile()
        nodes.settle()
        page = Page(one, auth={"pid": answer["pid"], "offset": events[-1][2]})
        nodes.settle()
        assert [event[1] for event in page.taken()] == [6, 7]


def test_what_is_emitted_reaches_servers_of_socketio_on_the_same_bus_that_have_a_log_of_their_own() -> None:
    with ExitStack() as stack:
        nodes = Nodes(stack)
        ours = nodes.begin()
        options = {"storage_object": nodes.storage, "socketio_recovery": 120, "socketio_cors": ["*"]}
        theirs = stack.enter_context(Server("filtered_websocket.filters.socketio", **options))
        nodes.servers.append(theirs)
        nodes.settle(1)
        pages = [Page(ours), Page(theirs)]
        send(ours, "e", None)
        nodes.settle(0.5)
        assert [page.taken() for page in pages] == [[("e",)], [("e",)]]
