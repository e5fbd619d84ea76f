"""The 101, ours and Autobahn's: the same to the client, whatever comes behind the head."""

from typing import Any

import pytest

from filtered_websocket.connection.answering import Answering
from filtered_websocket.connection.autobahn import LeanProtocol
from filtered_websocket.connection.connection import Connection
from filtered_websocket.connection.decision import PLAIN
from filtered_websocket.errors import Close, Reject
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketHandshakeFilter
from tests.support.raw_client import Frame, close_frame, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, a_turn, echo, on_message, pairing, refused, serving

BEHIND = frame("one") + frame(b"", 9) + frame("x" * 70_000) + close_frame()


class ByAutobahn(WebSocketHandshakeFilter):
    """A header of its own makes the answer Autobahn's."""

    @classmethod
    def filter(cls, connection: Any, request: Any) -> None:
        connection.accept(headers=[("X-Answer", "unusual")])


def test_our_answer_is_autobahns_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []

    def autobahns(connection: Any, asked: Any) -> None:
        connection._wskey, connection.websocket_protocols = asked
        LeanProtocol.succeedHandshake(connection, PLAIN)

    for open_plainly in (Answering.open_plainly, autobahns):
        monkeypatch.setattr(Connection, "open_plainly", open_plainly)
        with serving(on_message(echo)) as served, served.client() as client:
            client.send(head() + BEHIND)
            answers.append(client.body())
            served.until_empty()
    assert answers[0] == answers[1]
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" in answers[0]


def test_the_usual_answer_asks_autobahn_nothing_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeanProtocol, "succeedHandshake", None)
    with serving(on_message(echo), compression=True) as served, served.open() as client:
        client.send("hello")
        assert client.text() == "hello"
        until(lambda: served.users)
        kept = call(lambda: set(vars(next(iter(served.users.values())))))
        assert not kept & {"decision", "openHandshakeTimeoutCall", "_wskey", "websocket_protocols"}


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([("Sec-WebSocket-Protocol", "chat, other")], ("Sec-WebSocket-Protocol", ["other"])),
        ([("Sec-WebSocket-Extensions", "permessage-deflate")], ("X-Answer", [])),
    ],
)
def test_subprotocols_and_extensions_are_answered_as_before(headers: Any, wanted: Any) -> None:
    class Chooses(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, request: Any) -> None:
            if request.protocols:
                connection.accept(protocol="other")

    with serving(Chooses, on_message(echo), compression=True) as served, served.client() as client:
        client.send(head(headers=headers) + frame("hello"))
        response = client.response()
        assert response.status == 101
        assert response.header(wanted[0]) == wanted[1]
        assert (response.header("Sec-WebSocket-Extensions") == []) == ("Protocol" in headers[0][0])


# What comes behind the head in the same packet.


@pytest.mark.parametrize("filters", [(), (ByAutobahn,)], ids=["ours", "autobahns"])
def test_what_is_behind_the_head_is_served_and_its_close_answered(filters: Any) -> None:
    with serving(*filters, on_message(echo)) as served, served.client() as client:
        client.send(head() + BEHIND)
        assert client.response().status == 101
        assert client.text() == "one"
        assert client.receive() == Frame(10, b"")
        assert client.text() == "x" * 70_000
        assert client.closed() == (1000, "")
        served.until_empty()


@pytest.mark.parametrize("raised", [Close(4001, "no"), Reject(403, "no"), RuntimeError("no")])
def test_a_refusal_is_followed_by_nothing_whatever_is_behind_the_head(raised: BaseException) -> None:
    class Refuses(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, connection: Any, request: Any) -> None:
            raise raised

    events = Events()
    with serving(Refuses, *pairing(events), on_message(echo)) as served, served.client() as client:
        client.send(head() + BEHIND)
        response = refused(client)  # its body as long as it says, and then the end
        assert response.status == (500 if isinstance(raised, RuntimeError) else 403)
        served.until_empty()
        assert events.none_is_left()


@pytest.mark.parametrize("filters", [(), (ByAutobahn,)], ids=["ours", "autobahns"])
@pytest.mark.parametrize("how", ["raises", "closes", "waits and raises"])
def test_a_close_in_the_connect_chain_is_followed_by_nothing_whatever_is_behind_the_head(
    filters: Any, how: str
) -> None:
    seen = Events()

    class Closes(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection: Any, data: None) -> Any:
            if how == "closes":
                connection.close(4001, "no")
                return None
            if how == "raises":
                raise Close(4001, "no")
            return cls.later()

        @staticmethod
        async def later() -> None:
            await a_turn()
            raise Close(4001, "no")

    with serving(*filters, Closes, on_message(lambda _, data: seen.tell(data))) as served, served.client() as client:
        client.send(head() + BEHIND)
        assert client.response().status == 101
        assert client.receive() == Frame(8, b"\x0f\xa1no")
        client.ended()  # BEHIND holds the answer to the close
        served.until_empty()
        assert seen.none_is_left()


def test_what_is_behind_the_head_waits_for_the_connect_chain() -> None:
    class Waits(WebSocketConnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await a_turn()
            connection.sendMessage("opened")

    with serving(Waits, on_message(echo)) as served, served.client() as client:
        client.send(head() + frame("one"))
        assert client.response().status == 101
        assert [client.text(), client.text()] == ["opened", "one"]
