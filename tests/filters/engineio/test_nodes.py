"""Sessions on other nodes: two servers in memory on one storage object."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.engineio.flow_control import LIMIT
from filtered_websocket.filters.engineio.nodes import ANSWER_SECONDS, TAKEN_SECONDS, Nodes, said
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Exchange, Poller, ask, emit
from tests.support.shared_memory import SharedMemory


class Pair:
    """Two nodes.

    :ivar client: a session of the first one
    """

    def __init__(self, one: Server, two: Server) -> None:
        self.one, self.two = one, two
        self.client = Poller(one)

    @property
    def nodes(self) -> tuple[Nodes, Nodes]:
        one, two = (server.pipeline().ws_emit.engine.nodes for server in (self.one, self.two))
        return one, two

    def settle(self) -> None:
        for _ in range(3):
            self.one.settle()
            self.two.settle()

    def advance(self, seconds: float) -> None:
        for server in (self.one, self.two):
            server.advance(seconds)
        self.settle()

    def by_the_other(self, method: str, body: str = "", uri: str = "") -> Exchange:
        """A request that comes to the second node."""
        exchange = ask(self.two, method, uri or self.client.uri, body)
        self.settle()
        return exchange

    def malformed(self) -> int:
        return int(self.one.server.counters.totals["dropped", "ws_emit: malformed message of a node"])


@pytest.fixture
def pair() -> Iterator[Pair]:
    storage = SharedMemory()
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(Server(PACK, storage_object=storage, ws_emit_secret="1", ws_emit_eio3=True))
            for _ in range(2)
        )
        yield Pair(one, two)


def test_a_request_is_answered_by_the_node_that_has_not_its_session(pair: Pair) -> None:
    post = pair.by_the_other("POST", '421["join",{"room":"a"}]')
    assert post.text == "ok"
    assert pair.client.received() == ["431[]"]
    get = pair.by_the_other("GET")
    assert get.waits
    emit(pair.one, event="e", room="a", secret="1")
    pair.settle()
    assert (get.status, get.text) == (200, '42["e"]')


def test_bytes_are_bytes_behind_another_node(pair: Pair) -> None:
    old = Poller(pair.one, connect=False, uri="/socket.io/?EIO=3&transport=polling")
    data = {"method": "emit", "event": "e", "data": [[{"_placeholder": True, "num": 0}], "AP8="], "binary": True}
    pair.one.result(pair.one.storage_object.publish("flask-socketio", json.dumps(data)))
    here = pair.by_the_other("GET", uri=old.uri)
    assert here.response.body.endswith(b"\4\x00\xff")
    assert here.headers.get("Content-Type", "application/octet-stream") == "application/octet-stream"


def test_what_is_wrong_is_refused_as_at_home(pair: Pair) -> None:
    assert json.loads(pair.by_the_other("GET", uri=pair.client.uri[:-4]).text)["code"] == 1
    assert pair.by_the_other("POST", "x").status == 200
    assert pair.by_the_other("GET").status == pair.client.get().status == 400, "a wrong packet ends the session"


def test_a_session_of_no_node_is_unknown_after_a_moment(pair: Pair) -> None:
    sid = pair.client.sid
    get = pair.by_the_other("GET", uri=pair.client.uri.replace(sid, sid.swapcase()))
    assert get.waits
    pair.advance(TAKEN_SECONDS)
    assert json.loads(get.text) == {"code": 1, "message": "Session ID unknown"}


def test_a_node_that_lives_may_take_its_time_but_not_for_ever(pair: Pair) -> None:
    one, two = pair.nodes
    never: Deferred[Any] = Deferred()
    one._answer = lambda *_: never
    get = pair.by_the_other("GET")
    pair.two.advance(TAKEN_SECONDS + 1)
    assert get.waits
    pair.two.advance(ANSWER_SECONDS)
    assert get.status == 400
    assert not two._requests._answers


def test_requests_that_wait_at_the_other_node_keep_no_further_ones_from_it(pair: Pair) -> None:
    one, _ = pair.nodes
    bodies: list[int] = []

    def answer(sid: str, method: str, body: bytes) -> Deferred[Any]:
        bodies.append(len(body))
        return Deferred()

    one._answer = answer
    sizes = [LIMIT // 5 + 1] * 6
    for size in sizes:
        pair.by_the_other("POST", "x" * size)
    assert bodies == sizes


def test_a_client_that_goes_away_while_another_node_polls_for_it_is_gone(pair: Pair) -> None:
    get = pair.by_the_other("GET")
    assert get.waits
    polling = pair.one.pipeline().ws_emit.engine.polling  # type: ignore[attr-defined]
    assert pair.client.sid in polling
    get.go_away()
    pair.settle()
    assert pair.client.sid not in polling


def test_which_client_has_a_session_can_be_asked_of_any_node(pair: Pair) -> None:
    for server, node in zip((pair.one, pair.two), pair.nodes, strict=True):
        assert server.result(node.id_of(pair.client.sid)) == pair.client.id
        assert server.result(node.id_of(pair.client.sid[:-1])) is None


def test_the_channels_of_a_session_can_be_asked_of_any_node(pair: Pair) -> None:
    for server, node in zip((pair.one, pair.two), pair.nodes, strict=True):
        assert set(server.result(node.channels_of(pair.client.sid))) >= {pair.client.id}
        assert server.result(node.channels_of(pair.client.sid[:-1])) == []
    # Another node has asked because the client has gone on to it.
    assert pair.client.get().status == 400


def test_a_probe_makes_the_client_come_to_its_upgrade_on_any_node(pair: Pair) -> None:
    _, two = pair.nodes
    get = pair.client.get()
    assert get.waits
    assert pair.two.result(two.probe(pair.client.sid))
    pair.settle()
    assert get.text == "6"
    two.unprobe(pair.client.sid)
    pair.settle()
    assert pair.client.get().waits


@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"[]", b"null", b"{}", b'{"do": "x"}', b'{"do": []}', b'{"do": "GET"}', b'{"do": "answer", "id": 1}'],
)
def test_a_message_that_no_node_writes_is_counted_and_does_no_harm(pair: Pair, message: bytes) -> None:
    pair.nodes[0].consume(message)
    assert pair.malformed() == 1
    assert pair.by_the_other("POST", '42["x"]').text == "ok"


def test_answers_to_what_nobody_asked_do_no_harm(pair: Pair) -> None:
    for message in (
        {"do": "answer", "id": 99, "status": 200, "body": "x", "from": "nobody"},
        {"do": "taken", "id": 99},
        {"do": "got", "id": 99, "from": "nobody"},
        {"do": "cancel", "id": 99, "from": "nobody"},
        {"do": "handover", "id": 99, "handover": None},
    ):
        pair.nodes[0].consume(json.dumps(message).encode())
    assert pair.malformed() == 0


def test_at_the_end_what_waits_for_another_node_is_told_to_try_again_and_is_no_failure(pair: Pair) -> None:
    get = pair.by_the_other("GET")
    pair.nodes[1].stop()
    pair.settle()
    assert get.status == 503
    assert pair.two.errors == []


def test_at_the_end_what_another_node_waits_for_is_given_up(pair: Pair) -> None:
    get = pair.by_the_other("GET")
    pair.nodes[0].stop()
    pair.settle()
    assert get.status == 400
    assert pair.one.errors == pair.two.errors == []


def test_a_raw_message_is_told_from_what_else_a_consumer_filter_gets():
    assert said({"channel": b"a\xff", "data": bytearray(b"x")}) == ("a\ufffd", b"x")
    for other in (None, "text", {}, {"channel": b"a"}, {"channel": "a", "data": b"x"}, {"channel": b"a", "data": 5}):
        assert said(other) is None
