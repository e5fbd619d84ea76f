"""emit(), as filters of users have it, and the pack in a pipeline of its own paths."""

import json
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketConsumerFilter, WebSocketMessageFilter
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.ws_emit.emit import emit
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, socket


class Relay(WebSocketMessageFilter):
    """["say", text] goes to everybody else."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        if data.startswith(b'42["say",'):
            text = json.loads(data[2:])[1]
            emit(web_socket_instance.pipeline, "said", text, skip=web_socket_instance.id)
            raise StopChain


def test_a_filter_emits_to_the_others_whatever_their_transport() -> None:
    with Server(Relay, PACK) as server:
        ws, other, polling = socket(server), socket(server), Poller(server)
        ws.send('42["say","hi"]')
        polling.post('42["say","ho"]')
        assert ws.received() == ['42["said","ho"]']
        assert other.received() == ['42["said","hi"]', '42["said","ho"]']
        assert polling.received() == ['42["said","hi"]']


def test_arguments_rooms_and_bytes_are_as_given(server: Server) -> None:
    client = socket(server)
    client.send('42["join",{"room":"a"}]')
    client.sync()
    pipeline = server.pipeline()
    emit(pipeline, "none")
    emit(pipeline, "two", 1, [2], room="a")
    emit(pipeline, "one copy", (1,), room=["a", client.sid])  # type: ignore[attr-defined]
    emit(pipeline, "bytes", {"in": b"\0"}, room=client.sid)  # type: ignore[attr-defined]
    emit(pipeline, "not here", room=["b"])
    emit(pipeline, "nowhere", room=[])
    assert client.received() == [
        '42["none"]',
        '42["two",1,[2]]',
        '42["one copy",[1]]',
        '451-["bytes",{"in":{"_placeholder":true,"num":0}}]',
        b"\0",
    ]
    with pytest.raises(Malformed):
        emit(pipeline, "nan", float("nan"))


class Counting(StorageObject):
    """Counts what is published on the bus."""

    private_bus = True

    def __init__(self, options: object = None) -> None:
        super().__init__(options)
        self.published = 0

    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        self.published += 1
        return super().publish(channel, data)


class Public(Counting):
    """Others may hear what is published."""

    private_bus = False


class Listen(WebSocketConsumerFilter):
    heard: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        cls.heard.append(data)


def test_what_nobody_else_would_hear_is_not_put_on_the_bus() -> None:
    for kind, filters, published in ((Counting, [PACK], 0), (Public, [PACK], 1), (Counting, [Listen, PACK], 1)):
        Listen.heard.clear()
        storage = kind()
        with Server(*filters, storage_object=storage) as server:
            client = socket(server)
            emit(server.pipeline(), "said", "hi")
            assert client.received() == ['42["said","hi"]']
            assert storage.published == published
            assert len(Listen.heard) == (Listen in filters)
    assert json.loads(Listen.heard[0]["data"])["event"] == "said"


def test_a_filter_in_another_pipeline_hears_it_too() -> None:
    Listen.heard.clear()
    with Server(pipelines={"/live/*": [PACK], "/other/*": [Listen]}) as server:
        emit(server.pipeline("/live/"), "said", "hi")
        assert len(Listen.heard) == 1


def test_a_storage_object_of_the_users_that_publishes_in_its_own_way_is_asked() -> None:
    class Own:
        published: ClassVar[list[Any]] = []

        def publish(self, channel: str, data: bytes) -> None:
            self.published.append(channel)

    with Server(PACK, storage_object=Own()) as server:
        emit(server.pipeline(), "said", "hi")
        assert Own.published == ["flask-socketio"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.lists(JSON_VALUES | st.binary(max_size=5) | st.tuples(JSON_VALUES, st.binary(max_size=5)), max_size=3)
ODD = st.sampled_from(
    [float("nan"), float("inf"), {1: 2}, {None: 1.5}, {(1,): 2}, object(), "\ud800", 10**30, b"", None]
)
NAMES = st.sampled_from(["a", "b", ["a", "b"], ["b", "a", "a"], ("a",), [], None, 7, ["a", 7]])


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["e", "\ud800", "", 5, None]), ARGUMENTS | st.lists(ODD, max_size=2), NAMES, st.booleans())
def test_clients_get_the_same_on_either_way(event: Any, arguments: list[Any], room: Any, skip: bool) -> None:
    received = []
    for kind in (Counting, Public):
        with Server(PACK, storage_object=kind()) as server:
            clients = [socket(server) for _ in range(2)]
            for client, rooms in zip(clients, ("a", "ab"), strict=True):
                for each in rooms:
                    client.send(f'42["join",{{"room":"{each}"}}]')
                client.sync()
            try:
                emit(server.pipeline(), event, *arguments, room=room, skip=clients[0].sid if skip else ())  # type: ignore[attr-defined]
                raised = None
            except (ValueError, TypeError) as error:
                raised = type(error)
            server.settle()
            received.append((raised, [client.received() for client in clients], server.server.counters.totals))
    (raised, messages, counted), (also, same, equal) = received
    assert (raised, messages) == (also, same)
    assert counted["dropped", "ws_emit: unreadable on the bus"] == equal["dropped", "ws_emit: unreadable on the bus"]


class AwayStorage(StorageObject):
    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        return fail(StorageAway("not now"))


def test_an_emission_that_fails_and_that_nobody_looks_at_is_counted() -> None:
    with Server(PACK, storage_object=AwayStorage()) as server:
        emit(server.pipeline(), "lost")
        server.settle()
        assert server.server.counters.totals["failed", "emit"] == 1
