"""What a filter gets of a connection: what else is there, its id, and in which order it sends."""

from typing import Any
from uuid import RFC_4122, UUID

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.connection.connection import Connection
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from tests.support.raw_client import BINARY, CLOSE, PING, PONG, TEXT, Frame, close_frame, frame
from tests.support.reactor_thread import until
from tests.support.serving import Events, a_turn, is_waiting, on_message, serving


def test_the_kind_of_a_message_survives_an_await_and_holds_for_all_receivers() -> None:
    async def to_all(connection: Any, data: bytearray) -> None:
        await a_turn()
        for user in connection.users.values():
            user.sendMessage(bytes(data))

    with serving(on_message(to_all)) as served, served.open() as one, served.open() as other:
        one.send(frame(b"binary"))
        assert other.receive() == Frame(BINARY, b"binary")
        one.send("text")
        assert other.receive() == Frame(TEXT, b"text")


def test_what_is_no_message_is_refused_where_it_is_sent() -> None:
    events = Events()

    def send_wrong(connection: Any, data: bytearray) -> None:
        try:
            connection.sendMessage({"a": 1})
        except TypeError as error:
            events.tell(str(error))

    with serving(on_message(send_wrong)) as served, served.open() as client:
        client.send("go")
        assert "not dict: encode it first" in events.next()


def test_replies_keep_their_order_when_another_connection_goes_on_in_the_middle_of_them() -> None:
    waiting: list[Deferred[None]] = []

    def filter_(connection: Any, data: bytearray) -> Any:
        if data == b"wait":
            waiting.append(Deferred())
            return waiting[0]
        if data == b"release":
            connection.subscribe("news")
            connection.sendMessage("before")
            waiting[0].callback(None)
            connection.publish("news", "published")
        connection.sendMessage(data)
        return None

    with serving(on_message(filter_)) as served, served.open() as one, served.open() as other:
        other.send("wait", "a", "b", "c")
        until(is_waiting, served)
        one.send("first", "release", "last")
        assert [one.text() for _ in range(5)] == ["first", "before", "published", "release", "last"]
        assert [other.text() for _ in range(3)] == ["a", "b", "c"]


def test_a_pong_does_not_overtake_what_was_published_before_it() -> None:
    def publish(connection: Any, data: bytearray) -> None:
        connection.subscribe("news")
        connection.publish("news", data)

    with serving(on_message(publish)) as served, served.open() as client:
        client.send("one", frame(b"", PING), "two", close_frame())
        assert [each.opcode for each in client.frames()] == [TEXT, PONG, TEXT, CLOSE]


def test_users_may_be_iterated_over_several_turns_while_clients_come_and_go() -> None:
    events = Events()

    async def visit(connection: Any, data: bytearray) -> None:
        seen = 0
        for _ in connection.users.items():
            await a_turn()
            seen += 1
            events.tell("visited")
        connection.sendMessage(str(seen))

    with serving(on_message(visit)) as served, served.open() as client:
        others = [served.open() for _ in range(5)]
        client.send("go")
        events.next()
        for other in others[:3]:
            other.quit()
        late = served.open()
        assert client.text() == "6"
        for other in [late, *others[3:]]:
            other.quit()


@pytest.mark.parametrize(
    ("ident", "error"),
    [(7, TypeError), (None, TypeError), (b"ann", TypeError), ("", ValueError), ("a" * 256, ValueError),
     ("a\nb", ValueError), ("\ud800", ValueError)],
)  # fmt: skip
def test_what_can_be_no_id_is_refused_where_it_is_given(ident: Any, error: type[Exception]) -> None:
    events = Events()

    class Gives(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, request: Any) -> None:
            try:
                connection.id = ident
            except error as wrong:
                events.tell(str(wrong))

    with serving(Gives) as served, served.open():
        assert "id" in events.next()


def test_an_id_may_not_change_while_a_connection_is_open() -> None:
    events = Events()

    def rename(connection: Any, data: bytearray) -> None:
        try:
            connection.id = "other"
        except ValueError as error:
            events.tell(str(error))

    with serving(on_message(rename)) as served, served.open() as client:
        client.send("go")
        assert "handshake filter" in events.next()


def test_ids_are_random_uuids_of_version_4() -> None:
    made = {Connection().id for _ in range(200)}
    assert len(made) == 200
    assert {str(UUID(each)) for each in made} == made
    assert {(UUID(each).version, UUID(each).variant) for each in made} == {(4, RFC_4122)}


def test_a_user_is_named_by_text_or_by_nothing() -> None:
    class Name(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, data: Any) -> None:
            assert connection.user is None
            for wrong in (7, b"ann", ["ann"]):
                with pytest.raises(TypeError, match="a user is named by a str"):
                    connection.user = wrong
            connection.user = "ann <b>\x1b[31m\n"

    with serving(Name) as served, served.open():
        until(lambda: [each.user for each in served.users.values()] == ["ann <b>\x1b[31m\n"])
