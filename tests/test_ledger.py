"""Each kind of thing that a test may leave behind fails it, and is named."""

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import LoopingCall

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.testing.server import Server
from tests.support.fws_server import Start
from tests.support.ledger.own_process import OwnProcess
from tests.support.ledger.real_server import RealServer
from tests.support.ledger.steady import steady
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call
from tests.support.redis_server import RedisServer
from tests.support.serving import serving


@pytest.fixture
def book() -> OwnProcess:
    made = OwnProcess(lambda what: False)
    made.begin()
    return made


# This process.


def test_a_descriptor_is_named_with_its_addresses(book: OwnProcess) -> None:
    assert book.left() == []
    with socket.create_server(("127.0.0.1", 0)) as server, open(os.devnull, "rb") as file:
        port = server.getsockname()[1]
        names = book.left(deadline=0)
        assert names[0].startswith(f"descriptor {server.fileno()} socket:[")
        assert names[0].endswith(f"at ('127.0.0.1', {port})")
        assert names[1:] == [f"descriptor {file.fileno()} /dev/null"]
    assert book.left() == []


def cat() -> subprocess.Popen[bytes]:
    """One that has begun: before that, the system does not know its command line."""
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"\n")
    assert child.stdout.read(1) == b"\n"
    return child


def test_a_thread_and_a_child_process_are_named_and_waited_for(book: OwnProcess) -> None:
    ends = threading.Event()
    thread = threading.Thread(target=ends.wait, name="left behind", daemon=True)
    thread.start()
    child = cat()
    names = book.left(deadline=0)
    assert f"thread left behind {thread.ident}" in names
    assert f"child process {child.pid} /bin/cat" in names
    child.communicate(timeout=DEADLINE)
    threading.Timer(0.05, ends.set).start()
    assert book.left() == []


def test_what_is_kept_for_others_and_what_comes_once_is_not_the_tests(book: OwnProcess) -> None:
    with book.kept():
        there, here = socket.socketpair()
    with there, here:
        assert book.left() == []
        knows = OwnProcess(lambda what: "/dev/null" in what)
        knows.begin()
        with open(os.devnull, "rb"):
            assert knows.left() == []


def test_what_takes_the_place_of_what_was_there_is_not_the_tests(book: OwnProcess) -> None:
    with cat() as former:
        owned = OwnProcess(lambda what: not what.startswith("child process "))
        owned.begin()
        with cat() as process:
            assert owned.left(deadline=0) == [f"child process {process.pid} /bin/cat"]
            owned.begun_again(former.pid, process.pid)
            assert owned.left(deadline=0) == []


# Servers in memory.


class Open(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> Any:
        return connection.subscribe("room")


class Slow(WebSocketMessageFilter):
    """What comes, is answered when storage has been asked."""

    @classmethod
    async def filter(cls, connection: Any, data: bytearray) -> None:
        await connection.storage_object.get("room")
        connection.sendMessage(data)


class Does(WebSocketMessageFilter):
    """What the test says."""

    does: Callable[[Any], object]

    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        Does.does(connection)


def leave(does: Callable[[Any], object]) -> None:
    """Do something on a connection of a server that then ends."""
    Does.does = does
    with Server(Open, Does) as server:
        server.connect().send("now")


def test_a_server_in_memory_leaves_nothing_of_itself() -> None:
    Does.does = lambda connection: connection.publish("room", "hi")
    with Server(Open, Does) as server:
        server.connect().send("hi")


def plants() -> dict[str, tuple[Callable[[Any], object], str]]:
    """Something of each kind that may be left, and how it is named."""
    kept: list[Any] = []

    def deferred(connection: Any) -> None:
        storage = connection.storage_object
        storage._is_away = True
        kept.append(storage.wait_ready())
        storage._is_away = False

    def connection(counted: Any) -> None:
        counted.factory.countConnections += 1

    return {
        "timer": (lambda it: it.pipeline.server.reactor.callLater(500, print), "a timer that is due in "),
        "looping call": (_loop, "a timer that is due in "),
        "deferred": (deferred, "a Deferred that nobody fires, of "),
        "user": (lambda it: it.pipeline.users.__setitem__("ghost", it), "a user: ghost "),
        "channel": (lambda it: it.pipeline.hub.join("lost", _Ghost()), "a channel of the hub: lost with 1 "),
        "subscription": (lambda it: it.storage_object.subscribe("lost"), "the storage object is subscribed to lost"),
        "lease": (lambda it: it.storage_object.join("room", "ann", "h"), "the storage object holds a member of room"),
        "count": (lambda it: it.storage_object.track("room", 3), "the storage object counts 3 subscribers of room"),
        "connection": (connection, "connections are counted still: 1"),
        "debt": (lambda it: it.pipeline.server._owed.add("a step"), "in the server's owed: 'a step'"),
    }


def test_what_a_server_on_a_port_of_this_process_leaves_is_named() -> None:
    with (
        pytest.raises(AssertionError, match=r"^the server has left:\na channel of the hub: lost with 1 "),
        serving() as it,
    ):
        call(it.server.pipelines[0].hub.join, "lost", _Ghost())


class _Ghost:
    """A subscriber that never leaves."""

    id, direct = "ghost", None

    def __init__(self) -> None:
        self.channels: set[str] = set()


def _loop(connection: Any) -> None:
    loop = LoopingCall(print)
    loop.clock = connection.pipeline.server.reactor
    loop.start(50, now=False)


@pytest.mark.parametrize("kind", sorted(plants()))
def test_what_a_server_in_memory_leaves_is_named(kind: str) -> None:
    does, named = plants()[kind]
    with pytest.raises(AssertionError, match=r"^the server has left:") as error:
        leave(does)
    told = str(error.value).splitlines()[1:]
    assert any(each.startswith(named) for each in told), told


# Real servers.

KEEPS = """
    from filtered_websocket.filters.base import WebSocketMessageFilter

    kept = []

    class Keep(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            if data == b"file":
                kept.append(open(__file__))
            elif data == b"channel":
                ghost = type("Ghost", (), {"id": "ghost", "direct": None, "channels": set()})()
                connection.pipeline.hub.join("lost", ghost)
            connection.sendMessage(data)
"""


def test_what_a_real_server_keeps_is_named(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", module=KEEPS)
    book = RealServer(server.process.pid, server.port)
    assert book.left(deadline=0) == []
    with server.open() as client:
        for each in ("file", "channel"):
            client.send(each)
            assert client.text() == each
        port = client.socket.getsockname()[1]
        names = book.left(deadline=0)
        client.quit()
    assert any(each.startswith("1 descriptors more than at its begin: ") for each in names), names
    assert any(f"a socket of a client: port {server.port}, its client's port {port}" in each for each in names), names
    assert {'fws_connections{pipeline="*"} is 1', 'fws_channels{pipeline="*"} is 1'} <= set(names)
    server.signal(9)
    server.wait()


def test_a_process_that_outlives_its_server_is_named(fws_server: Start, redis_server: RedisServer) -> None:
    server = fws_server("--workers", "2", "--storage", "redis", "--redis_url", redis_server.url)
    book = RealServer(server.process.pid, None)
    family = book.family()
    assert len(family) >= 2
    assert len(book.outlived(family, deadline=0)) == len(family)
    server.signal()
    server.wait()
    assert book.outlived(family) == []


# Memory.


def test_what_is_kept_a_thousand_times_is_told() -> None:
    kept: list[object] = []
    steady(lambda: [object()])
    with pytest.raises(AssertionError, match=r"^(9\d\d|1\d\d\d) blocks of memory are kept of 1000 times"):
        steady(lambda: kept.append(object()))


def test_a_thousand_clients_that_come_speak_and_go_leave_no_memory_taken() -> None:
    Does.does = lambda connection: connection.publish("room", "hi")
    with Server(Open, Does) as server:

        def visit() -> None:
            client = server.connect()
            client.send("hi")
            assert client.received() == ["hi"]
            client.close()

        steady(visit)


def test_a_thousand_messages_that_are_waited_for_leave_no_memory_taken() -> None:
    with Server(Slow) as server:
        client = server.connect()

        def ask() -> None:
            client.send("hi")
            assert client.received() == ["hi"]

        steady(ask)
