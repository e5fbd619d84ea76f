"""A session that another node takes ends once, whatever happens to that node or to its WebSocket."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketDisconnectFilter
from filtered_websocket.filters.engineio.handing_over import TAKE_SECONDS, HandingOver
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, WEBSOCKET, Session
from tests.support.shared_memory import SharedMemory


class Come(WebSocketConnectFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Any, data: None) -> None:
        await web_socket_instance.subscribe("a")


class Went(WebSocketDisconnectFilter):
    seen: ClassVar[list[str]] = []

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        cls.seen.append(web_socket_instance.id)


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    Went.seen = []
    storage = SharedMemory()
    with (
        Server(PACK, Come, Went, storage_object=storage) as one,
        Server(PACK, Come, Went, storage_object=storage) as two,
    ):
        yield one, two


def settle(*servers: Server) -> None:
    for _ in range(4):
        for server in servers:
            server.settle()


def probed(pair: tuple[Server, Server]) -> tuple[Session, Any]:
    """A session of the first node, and a WebSocket of the second that is about to take over."""
    one, two = pair
    client = Session(one)
    settle(*pair)
    assert client.poller is not None
    websocket = two.connect(f"{WEBSOCKET}&sid={client.poller.sid}")
    settle(*pair)
    websocket.send("2probe")
    settle(*pair)
    return client, websocket


def counted(server: Server) -> int:
    return server.server.counters.totals["closed", "engineio: upgrade to another node"]


def test_one_that_arrives_goes_on(pair: tuple[Server, Server]) -> None:
    _, websocket = probed(pair)
    websocket.send("5")
    settle(*pair)
    for server in pair:
        server.advance(3 * TAKE_SECONDS)
    assert websocket.is_open
    assert Went.seen == []
    websocket.close()
    settle(*pair)
    assert len(Went.seen) == 1


def take(one: Server, client: Session) -> None:
    """As a node does that then says no more, for it has died, or what a test says."""
    assert client.poller is not None
    tell(one, "nodes", do="take", sid=client.poller.sid, id=1, **{"from": "a-node"})
    one.settle()


def tell(server: Server, to: str, **message: Any) -> None:
    server.storage_object.publish(f"engineio::{to}", json.dumps(message))
    settle(server)


def name(server: Server) -> str:
    return str(server.pipeline().engineio.engine.nodes._channels.name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("arrived", [True, False])
def test_one_that_is_wanted_no_more_ends_at_once(pair: tuple[Server, Server], arrived: bool) -> None:
    one, _ = pair
    client, _ = probed(pair)
    take(one, client)
    assert Went.seen == []
    tell(one, f"node::{name(one)}", do="arrived", id=1, here=arrived, **{"from": "a-node"})
    one.advance(2 * TAKE_SECONDS)
    assert len(Went.seen) == counted(one) == (0 if arrived else 1)


def test_one_that_a_node_takes_which_dies_ends_in_time(pair: tuple[Server, Server]) -> None:
    one, _ = pair
    client, _ = probed(pair)
    assert client.poller is not None
    take(one, client)
    assert Went.seen == []
    one.advance(TAKE_SECONDS)
    assert len(Went.seen) == 1
    assert counted(one) == 1
    assert client.poller.get().status == 400


class Owner:
    """A node, written out: it has one session, which moves to a real node."""

    NAME = "owner-00"
    SID = NAME + 22 * "x"

    def __init__(self, server: Server, storage: SharedMemory) -> None:
        self.server = server
        self.heard: list[Any] = []
        storage.listen(f"engineio::node::{self.NAME}")
        storage.consumers.append(self)  # type: ignore[arg-type]
        self.websocket = server.connect(f"{WEBSOCKET}&sid={self.SID}")
        self.answer("id", "a-client")
        self.websocket.send("5")
        self.answer("channels", "[]")

    def consume(self, publication: Any) -> None: ...

    def consume_bus(self, item: Any) -> None:
        self.heard.append(json.loads(item["data"]))

    def of(self, what: str) -> dict[str, Any]:
        settle(self.server)
        (message,) = [each for each in self.heard if each["do"] == what]
        return dict(message)

    def say(self, what: str, **message: Any) -> None:
        tell(self.server, f"node::{name(self.server)}", do=what, **message, **{"from": self.NAME})

    def answer(self, what: str, body: str) -> None:
        self.say("answer", id=self.of(what)["id"], status=200, body=body)

    def hand_over(self) -> None:
        left = {"sid": self.SID, "protocol": 4, "messages": [["4left", False]], "application": {}}
        self.say("handover", id=self.of("take")["id"], handover=left)


@pytest.fixture
def owner() -> Iterator[Owner]:
    Went.seen = []
    storage = SharedMemory()
    with Server(PACK, Come, Went, storage_object=storage) as server:
        yield Owner(server, storage)


@pytest.mark.parametrize("yours", [True, False])
def test_one_that_has_arrived_is_this_node_s_if_it_has_not_ended_where_it_was(owner: Owner, yours: bool) -> None:
    owner.hand_over()
    arrived = owner.of("arrived")
    assert arrived["here"] is True
    assert owner.websocket.received() == ["4left"]
    owner.say("agreed", id=arrived["id"], yours=yours)
    assert owner.websocket.is_open is yours
    if yours:
        owner.websocket.close()
    else:
        assert owner.websocket.close_code == 1001
    assert len(Went.seen) == (1 if yours else 0)
    assert not owner.server.pipeline().users


def test_one_whose_websocket_has_gone_is_wanted_no_more(owner: Owner) -> None:
    owner.of("take")
    owner.websocket.abort()
    owner.hand_over()
    assert owner.of("arrived")["here"] is False
    assert Went.seen == []


class Channels:
    """One node's, on a bus that may be away: what it has said.

    A real bus that is away for this one message alone is not to be had.
    """

    pack, name, is_away = "engineio", "here", False

    def __init__(self) -> None:
        self.told: list[Any] = []

    def owner(self, sid: str) -> str:
        return sid[:5]

    def tell(self, node: str, what: str, **values: Any) -> Deferred[None]:
        if self.is_away:
            return fail(StorageAway("away"))
        self.told.append((node, what, values))
        return succeed(None)


class Taken:
    """A session that has come."""

    sid, ended, is_superseded = "there-1", False, False

    def superseded(self) -> None:
        self.is_superseded = True


def test_while_the_bus_is_away_an_arrival_is_said_again_until_it_is_heard() -> None:
    channels, clock, session = Channels(), Clock(), Taken()
    given = HandingOver(channels, clock, Counters(clock), is_watched=True)  # type: ignore[arg-type]
    channels.is_away = True
    given.taken(7, session)  # type: ignore[arg-type]
    clock.advance(TAKE_SECONDS)
    channels.is_away = False
    clock.advance(TAKE_SECONDS)
    assert channels.told == [("there", "arrived", {"id": 7, "here": True, "from": "here"})]
    given.on_agreed({"id": 7, "yours": False})
    assert session.is_superseded
    clock.advance(TAKE_SECONDS)
    assert len(channels.told) == 1
    assert not clock.getDelayedCalls()


def test_a_node_that_never_agrees_has_died_and_the_session_stays() -> None:
    channels, clock, session = Channels(), Clock(), Taken()
    given = HandingOver(channels, clock, Counters(clock), is_watched=True)  # type: ignore[arg-type]
    given.taken(7, session)  # type: ignore[arg-type]
    clock.advance(TAKE_SECONDS)
    given.on_agreed({"id": 7, "yours": False})
    assert not session.is_superseded
    given.taken(8, session)  # type: ignore[arg-type]
    given.stop()
    assert not clock.getDelayedCalls()
