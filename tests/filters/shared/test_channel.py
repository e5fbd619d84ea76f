"""A connection's place in a channel, without a protocol."""

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.shared.channel import Channel, chosen
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo


class Session:
    def __init__(self, connection):
        self.connection, self.options = connection, connection.pipeline.options


class Told(Channel):
    """Other nodes are told when the test says so."""

    def __init__(self, *given):
        super().__init__(*given)
        self.told = []

    async def joined(self):
        self.told.append(("joined", self.key in self.session.connection.channels, Deferred()))
        await self.told[-1][-1]

    async def left(self):
        self.told.append(("left", self.key in self.session.connection.channels, Deferred()))
        await self.told[-1][-1]


@pytest.fixture
def connection():
    with Server(Echo) as server:
        client = server.connect()
        yield client.connection
        client.close()


def tell_all(channel):
    for *_, deferred in channel.told:
        if not deferred.called:
            deferred.callback(None)


def test_a_connection_that_joins_hears_the_channel_and_is_answered_when_all_know(connection):
    channel, answers = Told(Session(connection), "news", "1:news"), []
    start(channel.join()).addCallback(answers.append)
    assert [each[:2] for each in channel.told] == [("joined", True)]
    assert answers == [], "others have not been told yet"
    tell_all(channel)
    assert answers == ["{}"]
    assert connection.channels == {"1:news"}


def test_a_connection_is_answered_when_publications_arrive(connection, monkeypatch):
    subscribed, answers = Deferred(), []
    monkeypatch.setattr(connection.pipeline.storage_object, "subscribe", lambda channel: subscribed)
    start(Channel(Session(connection), "news", "1:news").join()).addCallback(answers.append)
    assert answers == []
    subscribed.callback(None)
    assert answers == ["{}"]


def test_a_connection_that_leaves_hears_no_more_and_has_left_when_all_know(connection):
    channel, ends = Channel(Session(connection), "news", "1:news"), []
    start(channel.join())
    assert connection.channels == {"1:news"}
    told = Told(Session(connection), "news", "1:news")
    start(told.leave()).addCallback(ends.append)
    assert [each[:2] for each in told.told] == [("left", False)]
    assert ends == []
    tell_all(told)
    assert ends == [None]


def test_a_channel_that_cannot_be_told_of_is_joined_by_a_failure(connection):
    channel, failures = Told(Session(connection), "news", "1:news"), []
    start(channel.join()).addErrback(failures.append)
    channel.told[0][-1].errback(ValueError("no"))
    assert failures[0].check(ValueError)


def test_any_client_may_subscribe_where_a_kind_checks_nothing(connection):
    assert Channel(Session(connection), "news", "1:news").check({"channel": "news"}) is None


def test_a_kind_is_chosen_by_the_first_beginning_that_the_name_has():
    class Public(Channel): ...

    class Private(Channel): ...

    class Encrypted(Private): ...

    kinds = (("private-encrypted-", Encrypted), ("private-", Private), ("", Public))
    names = ("private-encrypted-a", "private-a", "a-private-", "", "private")
    assert [chosen(kinds, name) for name in names] == [Encrypted, Private, Public, Public, Public]
