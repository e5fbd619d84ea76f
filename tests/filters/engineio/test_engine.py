"""Engine.IO alone: an application that knows no Socket.IO."""

from collections.abc import Iterator
from typing import Any

import pytest

from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.handover import Missed
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.polling import PollingSession
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.testing.server import Server
from filtered_websocket.web.request import HTTPRequest


class Echo:
    """Sends back what it gets, and how many messages there were before."""

    def __init__(self, session: Session) -> None:
        self._session, self._count = session, 0

    def opened(self) -> None:
        self._session.send((b"4welcome", False))

    def receive(self, text: str) -> None:
        if text == "wrong":
            raise Malformed("wrong")
        self._session.send((f"4{self._count} {text}".encode(), False))
        self._count += 1

    def receive_bytes(self, data: bytes | bytearray) -> None:
        self._session.send((bytes(data), True))

    def end(self) -> dict[str, Any]:
        return {"count": self._count}

    def resume(self, state: dict[str, Any]) -> None:
        self._count = state["count"]

    def catch_up(self, missed: Missed) -> None:
        self._session.send(*missed.messages)


class Options:
    pack, eio3, cors, polling_buffer, transports = "a_pack", True, ["*"], 1_000_000, ["polling", "websocket"]
    ping_interval, ping_timeout, max_payload = 2.5, 1.5, 5000
    is_strict, max_packets = True, 100


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def engine(server: Server) -> Iterator[Engine]:
    engine = Engine(server.pipeline(), "/engine.io/", Options(), Echo)
    yield engine
    engine.stop()


def begin(server: Server, engine: Engine) -> PollingSession:
    request = HTTPRequest("GET", "/engine.io/?EIO=4&transport=polling", server=server.server)
    return PollingSession(engine, engine.new_sid(), 4, request)


def test_an_application_is_greeted_gets_messages_and_sends_some(server: Server, engine: Engine) -> None:
    session = begin(server, engine)
    session.open()
    greeting, welcome = server.result(session.poll()).body.split(b"\x1e")
    assert b'"pingTimeout":1500,"pingInterval":2500,"maxPayload":5000' in greeting
    assert welcome == b"4welcome"
    session.receive(b"4hello", False)
    session.receive(b"\1\2", True)
    assert server.result(session.poll()).body == b"40 hello\x1ebAQI="


def test_an_application_can_call_a_message_malformed(server: Server, engine: Engine) -> None:
    session = begin(server, engine)
    session.receive(b"4wrong", False)
    assert session.ended
    assert server.server.counters.totals["closed", "a_pack: malformed packet"] == 1
    assert not engine.polling


def test_the_state_of_an_application_and_what_waits_go_to_the_session_that_takes_over(
    server: Server, engine: Engine
) -> None:
    session, other = begin(server, engine), begin(server, engine)
    session.receive(b"4one", False)
    takeover = engine.nodes.takeovers.take(session.sid)
    handover = server.result(takeover.handover)
    assert (handover.messages, handover.application) == (((b"40 one", False),), {"count": 1})
    other.resume(handover)
    takeover.missed.append(Missed(("room",), ((b"4missed", False),), ()))
    takeover.finish(other)
    other.receive(b"4two", False)
    assert server.result(other.poll()).body == b"40 one\x1e4missed\x1e41 two"
