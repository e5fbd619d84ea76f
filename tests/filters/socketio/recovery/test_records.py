"""Records of sessions in storage: written when rooms change, every minute, and in the end; by their owner alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.socketio.recovery.record import Record
from filtered_websocket.filters.socketio.recovery.records import WRITE_SECONDS
from filtered_websocket.filters.ws_emit import emit
from filtered_websocket.testing.server import Server
from tests.filters.socketio.recovery.pages import Page
from tests.filters.socketio.recovery.servers import Nodes, recovery_of


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with ExitStack() as stack:
        made = Nodes(stack)
        made.begin()
        made.settle(1)
        yield made


@pytest.fixture
def server(nodes: Nodes) -> Server:
    return nodes.servers[0]


def copy_of(page: Page) -> tuple[Record, str]:
    assert page.pid is not None
    records = recovery_of(page.server).records
    found = page.server.result(page.server.storage_object.load(records.key(page.pid)))
    return Record.decode(found.value), found.owner


def test_a_copy_says_who_it_is_and_where_and_not_by_what_it_is_known(server: Server, nodes: Nodes) -> None:
    page = Page(server).join("a")
    record, owner = copy_of(page)
    assert record.sid == page.sid
    assert set(record.rooms) == {"\0everybody", page.sid, "a"}
    assert owner == recovery_of(server).records.node
    assert page.pid is not None
    assert page.pid not in repr(nodes.storage.__dict__)


def test_it_is_written_once_a_turn_and_every_minute(server: Server, nodes: Nodes) -> None:
    page = Page(server)
    written: list[Any] = []
    store = nodes.storage.store

    def counting(*arguments: Any, **more: Any) -> Any:
        written.append(arguments)
        return store(*arguments, **more)

    nodes.storage.store = counting  # type: ignore[method-assign]
    socket = server.pipeline().ws_emit.namespace.sockets[page.sid]  # type: ignore[attr-defined]
    for room in "abc":
        socket.join(room)
    page.sync()
    assert len(written) == 1
    for _ in range(8):
        server.advance(20)
        page.client.send("3")
        page.sync()
    assert len(written) == 1 + 160 // WRITE_SECONDS


def test_an_acknowledgement_waits_for_it(server: Server, nodes: Nodes) -> None:
    page = Page(server)
    answers: list[Deferred[bool]] = []

    def late(*_: Any, **__: Any) -> Any:
        answers.append(Deferred())
        return answers[-1]

    nodes.storage.store = late  # type: ignore[method-assign]
    page.say("join", {"room": "a"}, ack=1)
    assert page.acknowledged == []
    answers[0].callback(True)
    assert page.sync().acknowledged == [1]
    page.say("leave", {"room": "a"}, ack=2)
    answers[1].errback(StorageAway("away"))
    assert page.sync().acknowledged == [1, 2]
    assert server.server.counters.totals["dropped", "ws_emit: record, while the storage object is away"] == 1
    answers.clear()
    nodes.storage.store = type(nodes.storage).store.__get__(nodes.storage)  # type: ignore[method-assign]
    server.advance(1)
    assert "a" not in copy_of(page)[0].rooms


def test_a_session_that_another_node_owns_is_lost(server: Server, nodes: Nodes) -> None:
    page = Page(server)
    assert page.pid is not None
    key = recovery_of(server).records.key(page.pid)
    server.result(nodes.storage.take(key, "another"))
    page.join("a")
    assert page.client.close_code == 1006
    assert copy_of(page)[1] == "another"


def test_while_storage_is_away_it_is_waited_for_and_then_nobody_goes_on(server: Server, nodes: Nodes) -> None:
    page, other = Page(server).drop(), Page(server).drop()
    nodes.storage.take = lambda *_: fail(StorageAway("away"))  # type: ignore[method-assign]
    other.connect()
    server.advance(5)
    assert not [packet for packet in other.packets if packet.startswith("40")][1:]
    del nodes.storage.take
    server.advance(1)
    assert other.sync().recovered
    nodes.storage.take = lambda *_: fail(StorageAway("away"))  # type: ignore[method-assign]
    page.connect()
    for _ in range(12):
        server.advance(1)
    page.sync()
    assert not page.recovered
    assert server.server.counters.totals["not recovered", "ws_emit: storage away"] == 1


def test_what_could_not_be_written_in_the_end_is_written_later_and_known_here(server: Server, nodes: Nodes) -> None:
    page, gone, moved = Page(server).join("a"), Page(server), Page(server).join("a")
    before = copy_of(page)[0].at
    store = nodes.storage.store
    nodes.storage.store = lambda *_, **__: fail(StorageAway("away"))  # type: ignore[method-assign]
    emit(server.pipeline(), "e", room="a")
    page.drop()
    gone.client.send("41")
    moved.drop()
    gone.sync()
    assert copy_of(page)[0].at == before
    assert page.back()
    assert page.taken() == [("e",)]
    server.result(nodes.storage.take(recovery_of(server).records.key(str(moved.pid)), "another"))
    nodes.storage.store = store  # type: ignore[method-assign]
    server.advance(1)
    assert copy_of(page)[0].at > before
    assert copy_of(moved)[1] == "another"
    gone.drop()
    assert not gone.back()


def test_one_that_has_left_while_storage_was_away_does_not_go_on_when_it_is_back(server: Server, nodes: Nodes) -> None:
    gone = Page(server)
    store = nodes.storage.store
    nodes.storage.store = lambda *_, **__: fail(StorageAway("away"))  # type: ignore[method-assign]
    gone.client.send("41")
    gone.sync()
    nodes.storage.store = store  # type: ignore[method-assign]
    gone.drop()  # before what was not written is written
    assert not gone.back()


def test_what_could_not_be_written_is_remembered_for_as_long_as_it_matters(server: Server, nodes: Nodes) -> None:
    nodes.storage.store = lambda *_, **__: fail(StorageAway("away"))  # type: ignore[method-assign]
    copies = recovery_of(server).records._copies
    Page(server).drop()
    for _ in range(20):
        server.advance(5)
    Page(server).drop()
    assert len(copies._undone) == 2
    for _ in range(20):
        server.advance(5)
    assert len(copies._undone) == 1
    for _ in range(20):
        server.advance(5)
    assert len(copies._undone) == len(copies._again) == 0


def test_of_two_connections_that_say_one_pid_at_once_one_has_the_session(server: Server, nodes: Nodes) -> None:
    page = Page(server).drop()
    answers: list[Deferred[Any]] = []
    take = nodes.storage.take

    def late(*arguments: Any) -> Any:
        answers.append(take(*arguments))
        answers.append(Deferred())
        return answers[-1]

    nodes.storage.take = late  # type: ignore[method-assign]
    one, other = Page(server, auth={"pid": page.pid}), Page(server, auth={"pid": page.pid})
    for answer, held in ((answers[0], answers[1]), (answers[2], answers[3])):
        held.callback(server.result(answer))
        server.settle()
    assert one.sync().client.close_code == 1006
    assert other.sync().sid == page.sid
    assert len(server.pipeline().ws_emit.namespace.sockets) == 1  # type: ignore[attr-defined]


def test_a_record_that_is_none_is_refused(server: Server, nodes: Nodes) -> None:
    page = Page(server).drop()
    assert page.pid is not None
    key = recovery_of(server).records.key(page.pid)
    server.result(nodes.storage.store(key, "{}", 60, recovery_of(server).records.node))
    assert not page.back()
    assert server.server.counters.totals["not recovered", "ws_emit: malformed"] == 1


def test_the_end_of_the_server_waits_until_it_is_written() -> None:
    with ExitStack() as stack:
        nodes = Nodes(stack)
        server = nodes.begin()
        nodes.settle(1)
        page = Page(server).join("a")
        answers: list[Deferred[bool]] = []

        def late(*_: Any, **__: Any) -> Any:
            answers.append(Deferred())
            return answers[-1]

        nodes.storage.store = late  # type: ignore[method-assign]
        over = server.server.stop()
        server.advance(0.1)
        assert page.client.close_code is not None
        assert len(answers) == 1
        assert not over.called
        answers[0].callback(True)
        server.advance(1)
        assert over.called


@pytest.mark.parametrize("ends", [False, True])
def test_who_waits_for_a_copy_and_goes_keeps_nobody_else_waiting(server: Server, nodes: Nodes, ends: bool) -> None:
    page = Page(server)
    records = recovery_of(server).records
    (kept,) = records._live.values()
    records.changed(kept)
    gone, stays = records.settled(kept), records.settled(kept)
    assert gone is not None
    assert stays is not None
    gone.addErrback(lambda failure: None)
    gone.cancel()
    if ends:
        records.hand_over(kept)
    page.sync()
    assert stays.called
