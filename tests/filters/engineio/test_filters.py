"""The pack alone: plain filters and its sessions, by each transport."""

from typing import Any, ClassVar

import pytest

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import (
    Position,
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.messages.message import in_binary_message
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import KINDS, PACK, POLLING, WEBSOCKET, Session
from tests.filters.ws_emit.clients import ask
from tests.support.missed import HeldHistory, Numbered
from tests.support.shared_memory import SharedMemory

BROADCAST = "filtered_websocket.filters.broadcast_messages"
kinds = pytest.mark.parametrize("kind", KINDS)


class Door(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        if "wrong" in data.params:
            raise Reject(401, "wrong")
        web_socket_instance.accept(headers={"X-Door": "open"})
        if "name" in data.params:
            web_socket_instance.id = data.params["name"][0]


class Came(WebSocketConnectFilter):
    lives: ClassVar[list[tuple[str, bool]]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> Any:
        web_socket_instance.name = "mine"
        web_socket_instance.token = "a token"
        cls.lives.append(("came", web_socket_instance.id in web_socket_instance.users))
        web_socket_instance.sendMessage("welcome")
        return web_socket_instance.subscribe("news")


class Went(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        Came.lives.append(("went", web_socket_instance.id in web_socket_instance.users))


class Say(WebSocketMessageFilter):
    seen: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        cls.seen.append((bytes(data), in_binary_message.get(), web_socket_instance.name, web_socket_instance.token))
        if data == b"news":
            web_socket_instance.pipeline.publish("news", [b"published", "as text"])
        else:
            web_socket_instance.sendMessage(data)


class Raw(WebSocketMessageFilter):
    """A filter before the pack."""

    seen: ClassVar[list[bytes]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        cls.seen.append(bytes(data))


class Bus(WebSocketConsumerFilter):
    seen: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        cls.seen.append(data)


@pytest.fixture(autouse=True)
def _anew() -> None:
    for each in (Came.lives, Say.seen, Raw.seen, Bus.seen):
        each.clear()


@pytest.mark.parametrize("receiver", KINDS)
@kinds
def test_what_one_client_sends_is_broadcast_to_the_others(kind: str, receiver: str) -> None:
    with Server(PACK, BROADCAST) as server:
        one, other = Session(server, kind), Session(server, receiver)
        one.send("hello", b"\1\2")
        assert other.received() == ["4hello", b"\1\2"]
        other.send("back")
        assert one.received() == ["4back"]


@kinds
def test_plain_filters_greet_answer_and_publish_by_every_transport(kind: str) -> None:
    with Server(PACK, Came, Say) as server:
        client = Session(server, "polling" if kind == "upgraded" else kind)
        assert client.received() == ["4welcome"]
        if kind == "upgraded":
            client.upgrade()
        client.send("echo", b"\1\2", "news")
        assert client.received() == ["4echo", b"\1\2", "4published", "4as text"]
        assert Say.seen == [
            (b"echo", False, "mine", "a token"), (b"\1\2", True, "mine", "a token"), (b"news", False, "mine", "a token")
        ]  # fmt: skip


@kinds
def test_a_session_is_one_connection_however_it_is_carried(kind: str) -> None:
    with Server(PACK, Came, Went) as server:
        client = Session(server, "polling" if kind == "upgraded" else kind)
        client.received()
        if kind == "upgraded":
            client.upgrade()
        assert Came.lives == [("came", True)]
        assert len(server.pipeline().users) == 1
        client.leave()
        server.settle()
        assert Came.lives == [("came", True), ("went", False)]
        assert not server.pipeline().users
        assert not server.pipeline().hub.channels


def test_an_upgrade_that_comes_to_nothing_is_no_connection() -> None:
    with Server(PACK, Came, Went, Say) as server:
        client = Session(server)
        client.received()
        assert client.poller is not None
        websocket = client.poller.websocket()
        websocket.send("2probe")
        websocket.abort()
        server.settle()
        client.send("still here")
        assert client.received() == ["4still here"]
        assert Came.lives == [("came", True)]


def test_another_websocket_for_an_upgraded_session_is_let_in_and_closed() -> None:
    # As engine.io's server does: the test suite of the protocol wants no error.
    storage = SharedMemory()
    with Server(PACK, Came, Went, storage_object=storage) as server, Server(PACK, storage_object=storage) as other:
        client = Session(server, "upgraded")
        assert client.poller is not None
        for node in (server, other):
            late = node.connect(client.poller.uri.replace("polling", "websocket"))
            for _ in range(3):
                server.settle()
                other.settle()
            assert late.close_code == 1000
        assert client.websocket.is_open  # type: ignore[union-attr]
        assert Came.lives == [("came", True)]
        client.leave()
        server.settle()
        with pytest.raises(Refused):
            client.poller.websocket()


def test_who_still_holds_the_session_that_polled_reaches_the_client_after_its_upgrade() -> None:
    with Server(PACK, Came) as server:
        client = Session(server)
        client.received()
        (held,) = server.pipeline().users.values()
        client.upgrade()
        held.sendMessage("to you")
        held.subscribe("more")
        server.pipeline().publish("more", "more")
        assert client.received() == ["4to you", "4more"]
        held.unsubscribe("more")
        held.loseConnection()
        server.settle()
        assert not client.websocket.is_open  # type: ignore[union-attr]


def test_filters_before_the_pack_see_packets() -> None:
    with Server(Raw, PACK, Came, Say) as server:
        client = Session(server, "websocket")
        client.send("hello")
        client.websocket.send("bAQI=")  # type: ignore[union-attr]
        assert Raw.seen == [b"4hello", b"bAQI="]
        assert [message for message, *_ in Say.seen] == [b"hello", b"\1\2"]
        assert [binary for _, binary, *_ in Say.seen] == [False, True]
        assert client.received() == ["4welcome", "4hello", b"\1\2"]
        assert in_binary_message.get() is False


def test_the_handshake_chain_decides_for_clients_that_poll_too() -> None:
    with Server(PACK, Door, Came, Went) as server:
        refused = ask(server, "GET", f"{POLLING}&wrong=1")
        assert (refused.status, refused.text) == (401, "wrong")
        with pytest.raises(Refused) as error:
            server.connect(f"{WEBSOCKET}&wrong=1")
        assert error.value.status == 401
        assert not Came.lives
        assert not server.pipeline().engineio.engine.polling  # type: ignore[attr-defined]
        assert ask(server, "GET", POLLING).headers["X-Door"] == "open"


def test_a_handshake_filter_chooses_the_id_which_an_upgrade_keeps() -> None:
    with Server(PACK, Door, Came, Say) as server:
        client = Session(server, "polling", "&name=ann")
        assert list(server.pipeline().users) == ["ann"]
        client.received()
        client.upgrade()
        assert list(server.pipeline().users) == ["ann"]
        client.send("hello")
        assert client.received() == ["4hello"]


def test_a_later_session_of_the_same_id_takes_the_place_of_the_first() -> None:
    with Server(PACK, Door, Came, Went) as server:
        first = Session(server, "polling", "&name=ann")
        second = Session(server, "websocket", "&name=ann")
        third = Session(server, "polling", "&name=ann")
        server.settle()
        assert not second.websocket.is_open  # type: ignore[union-attr]
        assert third.received()[-1] == "4welcome"
        assert first.poller.get().text == "1"  # type: ignore[union-attr]
        assert first.poller.get().status == 400  # type: ignore[union-attr]
        assert list(server.pipeline().users) == ["ann"]


def test_clients_of_engine_io_3_have_their_own_frames() -> None:
    with Server(PACK, Came, Say, engineio_eio3=True) as server:
        client = server.connect(WEBSOCKET.replace("EIO=4", "EIO=3"))
        client.send("4hello")
        client.send(b"\4\1\2")
        client.send("2")
        assert client.received()[1:] == ["4welcome", "4hello", b"\4\1\2", "3"]
        client.send("4news")
        assert client.received() == ["4published", "4as text"]


def test_what_nodes_say_to_each_other_other_filters_do_not_hear() -> None:
    storage = SharedMemory()
    with Server(PACK, Bus, storage_object=storage) as server:
        nodes = server.pipeline().engineio.engine.nodes  # type: ignore[attr-defined]
        server.result(storage.listen("global"))
        for channel in (*nodes.heard, "global"):
            server.result(storage.publish(channel, '{"do":"got","from":"x","id":1}'))
        assert [each["channel"] for each in Bus.seen] == [b"global"]


class Back(WebSocketMessageFilter):
    """``EPOCH:OFFSET`` comes back to the channel, ``leave`` leaves it."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        if data == b"leave":
            web_socket_instance.unsubscribe("x")
        else:
            web_socket_instance.subscribe("x", Position.read(data.decode()))


KEPT = {"x": {"history": 10}}


@kinds
def test_a_client_that_comes_back_is_given_what_it_missed_by_every_transport(kind: str) -> None:
    with Server(PACK, Back, channels=KEPT) as server:
        news = Numbered(server)
        news.publish(3)
        client = Session(server, kind)
        client.send(news.at(1))
        assert client.received() == ["42", "43"]
        news.publish()
        assert client.received() == ["44"]
        client.send("leave")
        news.publish()
        assert client.received() == []


def test_a_session_that_is_upgraded_while_it_comes_back_is_given_all_once() -> None:
    with Server(PACK, Back, storage_object=HeldHistory(), channels=KEPT) as server:
        news = Numbered(server)
        news.publish(3)
        client = Session(server)
        client.send(news.at(1))
        client.upgrade()
        news.publish()
        server.storage_object.go_on()  # type: ignore[attr-defined]
        news.publish()
        assert client.received() == ["42", "43", "44", "45"]
        client.leave()
        server.settle()
        assert not server.pipeline().hub.channels


def test_a_gap_ends_a_session_that_relies_on_its_position() -> None:
    with Server(PACK, Back, channels=KEPT) as server:
        news = Numbered(server)
        client, other = Session(server), Session(server)
        client.send(news.at(0))
        other.send(news.at(0))
        other.upgrade()
        server.server.gap("x", Position(news.at(0).epoch, 5))
        server.settle()
        assert not server.pipeline().users
