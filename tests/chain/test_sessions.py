"""The chains of a session run as those of a connection."""

from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from filtered_websocket.chain.sessions import run_event
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.messages.message import came_binary
from filtered_websocket.testing import Server
from tests.filters.engineio.clients import PACK, Session


class Seen(WebSocketMessageFilter):
    messages: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        cls.messages.append((bytes(data), came_binary(data)))


class Hangs(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        return Deferred()


def test_a_message_is_counted_and_of_its_kind() -> None:
    Seen.messages = []
    with Server(Seen, PACK) as server:
        Session(server).send("abc", b"\1\2")
        assert Seen.messages == [(b"4abc", False), (b"\1\2", True)]
        pipeline = server.pipeline()
        assert (pipeline.messages_in, pipeline.bytes_in) == (2, 6)


def test_a_filter_that_is_awaited_has_its_time_and_may_be_cancelled() -> None:
    with Server(Hangs, PACK, filter_timeout=5) as server:
        Session(server)
        (session,) = server.pipeline().users.values()
        awaited: list[Deferred[Any]] = []
        for ends, message in ((lambda: server.advance(5), "longer than 5 s"), (lambda: awaited[-1].cancel(), "")):
            failed: list[BaseException] = []
            running = Deferred.fromCoroutine(run_event(session, "message", b"x", waits=awaited.append))
            running.addErrback(lambda failure, failed=failed: failed.append(failure.value))
            assert not failed
            ends()
            assert message in str(failed[0])
        assert len(awaited) == 2
