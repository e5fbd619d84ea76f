"""One connection's session, without a protocol."""

from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.shared.session import Session as ChannelSession


class Fault(Exception):
    pass


class Session(ChannelSession):
    attribute = "of_a_test"
    fault = Fault

    def __init__(self, connection):
        super().__init__(connection)
        self.answer, self.refused = None, []

    def obey(self, payload):
        if payload == b"bad":
            raise Fault("at once")
        return self.answer

    def refuse(self, error):
        self.refused.append(str(error))


class Channel:
    def __init__(self, error=None):
        self.error, self.left = error, 0

    async def leave(self):
        self.left += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def session():
    server = SimpleNamespace(reactor=Clock(), owed=[])
    server.owe = server.owed.append
    return Session(SimpleNamespace(pipeline=SimpleNamespace(server=server)))


def test_a_session_is_its_connections_once_it_has_begun(session):
    assert Session.of(session.connection) is None
    session.begin()
    assert Session.of(session.connection) is session


def test_what_may_not_be_done_is_told_at_once_or_when_its_step_fails(session):
    assert session.receive(b"bad") is None
    session.answer = Deferred()
    step = session.receive(b"good")
    session.answer.errback(Fault("later"))
    assert session.refused == ["at once", "later"]
    assert step.result is None


def test_other_failures_of_a_step_go_on(session):
    session.answer, failed = Deferred(), []
    session.receive(b"good").addErrback(failed.append)
    session.answer.errback(StorageAway("away"))
    assert failed[0].check(StorageAway)
    assert session.refused == []


def test_a_second_has_as_many_events_as_the_rate_says_and_a_reload_begins_anew(session):
    clock = session.connection.pipeline.server.reactor
    assert [session.spend(2) for _ in range(3)] == [True, True, False]
    clock.advance(0.5)
    assert [session.spend(2) for _ in range(2)] == [True, False]
    assert [session.spend(3) for _ in range(4)] == [True, True, True, False]
    assert all(session.spend(0) for _ in range(9))


def test_an_end_leaves_all_channels_and_the_servers_end_waits_for_it(session):
    good, away = Channel(), Channel(StorageAway("away"))
    session.channels = {"a": good, "b": away}
    over = []
    session.end().addCallback(over.append)
    assert (good.left, away.left, session.channels, over) == (1, 1, {}, [None])
    assert len(session.connection.pipeline.server.owed) == 1


def test_an_end_tells_of_what_failed_otherwise(session):
    session.channels, failed = {"a": Channel(ValueError("a fault of ours"))}, []
    session.end().addErrback(failed.append)
    assert failed[0].check(ValueError)


def test_an_end_waits_for_the_step_under_way(session):
    step, channel = Deferred(), Channel()

    async def join():
        await step
        session.channels["a"] = channel

    session.steps.take(join())
    over = []
    session.end().addCallback(over.append)
    assert over == []
    step.callback(None)
    assert (channel.left, over) == (1, [None])
