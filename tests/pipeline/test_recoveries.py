"""Clients that come back to a channel: what they missed, then what is live, once and in order, or why not."""

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.errors import StopChain, StorageAway
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.messages.recovery import Recovery
from filtered_websocket.pipeline.catching_up import CatchingUp
from filtered_websocket.pipeline.names import Names
from filtered_websocket.testing.server import Server
from tests.pipeline.subscribers import Talks, part
from tests.support.ledger.steady import steady
from tests.support.missed import HeldHistory, Numbered
from tests.support.rooms import Consumes, Rooms, consuming, counted, members

KEPT = {"x": {"history": 100}, "few": {"history": 3}}


@pytest.fixture
def server():
    with Server(Rooms, Consumes, channels=KEPT) as server:
        yield server
        part(server)


@pytest.fixture
def news(server):
    return Numbered(server)


def payloads(recovery: Recovery) -> list[str]:
    return [each.payload.decode() for each in recovery.publications]


def test_what_was_missed_comes_first_then_what_is_live(news):
    news.publish(5)
    client, recovery = news.comes_back(news.at(2))
    assert recovery[:3] == (True, "", news.at(5))
    assert payloads(recovery) == news.numbers(3)
    assert client.received() == news.numbers(3)
    news.publish(2)
    assert client.received() == news.numbers(6)


def test_one_that_has_missed_nothing_is_recovered_with_nothing(news):
    news.publish(2)
    client, recovery = news.comes_back(news.at(2))
    assert recovery == (True, "", news.at(2), ())
    assert client.received() == []


def test_a_channel_that_was_never_published_to_has_a_position_that_its_first_publications_keep(news):
    _, recovery = news.comes_back(last=0)
    assert recovery == (False, "", Position(news.at(0).epoch, 0), ())
    news.publish(2)
    client, again = news.comes_back(recovery.position)
    assert again.recovered
    assert client.received() == news.numbers(1)


def test_the_newest_then_live(news):
    news.publish(30)
    client, recovery = news.comes_back(last=20)
    assert recovery[:3] == (False, "", news.at(30))
    assert client.received() == news.numbers(11)
    news.publish()
    assert client.received() == ["31"]


def test_more_of_the_newest_than_there_are(news):
    news.publish(2)
    client, _ = news.comes_back(last=20)
    assert client.received() == ["1", "2"]


@pytest.mark.parametrize(
    ("epoch", "offset", "reason"),
    [("other", 2, "epoch"), ("", 0, "epoch"), ("", 2, "epoch"), (None, 9, "gap"), (None, 1, "trimmed")],
)
def test_what_cannot_be_proven_is_not_recovered(server, epoch, offset, reason):
    few = Numbered(server, "few")
    top = few.publish(5)
    client, recovery = few.comes_back(Position(top.epoch if epoch is None else epoch, offset))
    assert recovery == (False, reason, top, ())
    few.publish()
    assert client.received() == ["6"]


def test_one_that_is_not_recovered_may_have_the_newest(server):
    few = Numbered(server, "few")
    few.publish(5)
    client, recovery = few.comes_back(few.at(1), last=2)
    assert recovery[:2] == (False, "trimmed")
    assert client.received() == ["4", "5"]


def test_one_that_has_missed_too_many():
    with Server(Rooms, channels=KEPT, recovery_publications=10) as server:
        news = Numbered(server)
        news.publish(30)
        client, recovery = news.comes_back(news.at(19))
        assert recovery[:2] == (False, "too many")
        assert client.received() == []
        client, recovery = news.comes_back(news.at(20))
        assert recovery.recovered
        assert client.received() == news.numbers(21)


def test_one_that_has_missed_too_many_bytes():
    with Server(Rooms, channels=KEPT, recovery_bytes=4096) as server:
        news = Numbered(server)
        news.publish(30)
        assert news.comes_back(news.at(22))[1][:2] == (False, "too many")
        assert news.comes_back(news.at(23))[1].recovered
        assert news.comes_back(news.at(22))[1][:2] == (False, "too many")


def test_a_channel_without_history(server):
    client = server.connect()
    recovery = server.result(client.connection.subscribe("plain", last=5))
    assert recovery == (False, "no history", None, ())
    server.pipeline().publish("plain", "hello")
    assert client.received() == ["hello"]


def test_the_second_to_come_back_is_served_by_the_tail(server, news):
    news.publish(10)
    asked = []
    latest = server.storage_object.latest
    server.storage_object.latest = lambda *about: asked.append(about) or latest(*about)
    news.comes_back(news.at(3))
    assert len(asked) == 1
    news.publish(3)
    for offset in range(3, 13):
        client, recovery = news.comes_back(news.at(offset))
        assert recovery.recovered
        assert client.received() == news.numbers(offset + 1)
    assert len(asked) == 1


def test_without_tails_everything_comes_from_storage():
    with Server(Rooms, channels=KEPT, recovery_tails=0) as server:
        news = Numbered(server)
        news.comes_back(last=0)
        news.publish(10)
        for offset in range(10):
            client, recovery = news.comes_back(news.at(offset))
            assert recovery.recovered
            assert client.received() == news.numbers(offset + 1)
        assert server.pipeline().hub.tails.get("x").entries.__len__() == 0


def test_in_the_channel_already_it_comes_back_anew(news):
    client, _ = news.comes_back(last=0)
    news.publish(3)
    assert client.received() == news.numbers(1)
    assert news.server.result(client.connection.subscribe("x", news.at(1))).recovered
    assert client.received() == ["2", "3"]
    news.publish()
    assert client.received() == ["4"]


@pytest.fixture
def slow():
    with Server(Rooms, Consumes, storage_object=HeldHistory(), channels=KEPT) as server:
        yield Numbered(server)
        part(server)


def come_back(news, *positions, **how):
    """Clients, and what they are told, in the order in which they are."""
    clients, told = [], []
    for position in positions:
        clients.append(news.server.connect())
        recovery = clients[-1].connection.subscribe("x", position, **how)
        recovery.addBoth(lambda given, client=clients[-1]: told.append((clients.index(client), given)))
    return clients, told


def test_all_that_come_back_meanwhile_share_a_read(slow):
    slow.publish(10)
    clients, told = come_back(slow, *[slow.at(offset) for offset in (5, 7, 3, 9, 10, 4)])
    assert [number for number, _ in told] == [4]
    reads = 0
    while slow.server.storage_object.reads:
        reads += 1
        slow.publish()
        slow.server.storage_object.go_on()
    assert reads == 2
    assert all(given.recovered for _, given in told)
    slow.publish()
    for client, offset in zip(clients, (5, 7, 3, 9, 10, 4), strict=True):
        assert client.received() == slow.numbers(offset + 1)


def test_nothing_of_the_channel_goes_out_before_the_answer(slow):
    slow.publish(10)
    (client,), told = come_back(slow, slow.at(5))
    slow.publish(3)
    slow.server.settle()
    assert (client.received(), told) == ([], [])
    slow.server.storage_object.go_on()
    assert client.received() == slow.numbers(6)


def test_one_that_leaves_before_the_answer(slow):
    slow.publish(3)
    (client, other), told = come_back(slow, slow.at(0), slow.at(0))
    client.connection.unsubscribe("x")
    other.abort()
    assert [given for _, given in told] == [(False, "left", None, ())] * 2
    slow.server.storage_object.go_on()
    assert client.received() == []
    assert slow.server.pipeline().hub.channels == slow.server.pipeline().hub.recovering == {}
    assert client.connection.channels == set()


def test_a_second_call_while_one_is_under_way(slow):
    slow.publish(3)
    (client,), told = come_back(slow, slow.at(0))
    with pytest.raises(ValueError, match="already"):
        slow.server.result(client.connection.subscribe("x", slow.at(1)))
    joined = client.connection.subscribe("x")
    slow.server.storage_object.go_on()
    assert slow.server.result(joined) is None
    assert told[0][1].recovered
    assert client.received() == slow.numbers(1)


def test_history_that_is_away(slow):
    slow.publish(3)
    _, told = come_back(slow, slow.at(0))
    slow.server.storage_object.reads.pop().errback(StorageAway("away"))
    assert told[0][1] == (False, "storage away", slow.at(3), ())
    _, told = come_back(slow, slow.at(0))
    slow.server.advance(11)
    assert told[0][1] == (False, "storage away", slow.at(3), ())


def test_history_that_is_away_while_the_newest_are_asked_for(slow):
    slow.publish(3)
    clients, told = come_back(slow, None, last=2)
    slow.server.storage_object.reads.pop().errback(StorageAway("away"))
    assert told[0][1] == (False, "storage away", slow.at(3), ())
    slow.publish()
    assert clients[0].received() == ["4"]


def test_a_storage_object_that_fails_is_logged(slow):
    slow.publish(3)
    _, told = come_back(slow, slow.at(0))
    slow.server.storage_object.reads.pop().errback(RuntimeError("broken"))
    assert told[0][1].reason == "storage away"
    (error,) = slow.server.errors
    assert "broken" in error


def test_a_client_that_has_heard_more_elsewhere_waits_for_its_node(slow):
    top = slow.publish(3)
    _, told = come_back(slow, top)  # the node follows it
    ahead = Position(top.epoch, 5)
    consume, held = slow.server.server.consume, []
    slow.server.storage_object._consumer.consume = held.append
    slow.publish(2)
    (client,), told = come_back(slow, ahead)
    slow.server.storage_object.go_on_to_the_end()
    assert told == []
    for each in held:
        consume(each)
    slow.server.settle()
    assert told[0][1] == (True, "", ahead, ())
    slow.server.storage_object._consumer.consume = consume
    slow.publish()
    assert client.received() == ["6"]


def test_a_node_that_does_not_catch_up(slow):
    top = slow.publish(3)
    come_back(slow, top)
    slow.server.storage_object._consumer.consume = lambda _: None
    slow.publish(2)
    _, told = come_back(slow, Position(top.epoch, 5))
    slow.server.storage_object.go_on_to_the_end()
    slow.server.advance(6)
    assert told[0][1] == (False, "gap", top, ())


def test_a_gap_is_told_to_all_that_rely_on_their_positions(server, news):
    told: list[Position | None] = []
    top = news.publish(3)
    client, _ = news.comes_back(top, insufficient=told.append)
    other, _ = news.comes_back(top)
    plain = server.connect()
    plain.send("+x")
    server.server.gap("x", Position(top.epoch, 7))
    assert told == [Position(top.epoch, 7)]
    assert (other.close_code, plain.close_code, client.close_code) == (1013, None, None)
    server.server.gap("x", Position(top.epoch, 8))
    assert told == [Position(top.epoch, 7), Position(top.epoch, 8)]
    assert counted(server)["not recovered: gap while connected"] == 3


def test_a_hole_that_storage_does_not_tell_of_is_told(server, news):
    top = news.publish(3)
    told: list[Position | None] = []
    client, _ = news.comes_back(top, insufficient=told.append)
    heard = Publication("x", ((b"5", False),), (), Position(top.epoch, 5))
    server.server.consume(heard)
    assert told == [Position(top.epoch, 4)]
    assert client.received() == ["5"]


def test_after_a_gap_of_which_nobody_knows_the_extent(server, news):
    news.publish(3)
    client, _ = news.comes_back(last=0, insufficient=lambda position: None)
    server.server.gap("x", None)
    _, recovery = news.comes_back(news.at(1))
    assert recovery == (True, "", news.at(3), recovery.publications)
    assert payloads(recovery) == ["2", "3"]
    news.publish()
    assert client.received() == ["4"]


def test_what_the_consumer_chain_makes_of_it_is_what_comes_back():
    def does(pipeline, publication):
        if publication.payload == b"3":
            return None if publication.replayed else publication.with_payload("three")
        if publication.payload == b"4":
            raise StopChain
        return publication.with_payload(f"{publication.position} {publication.payload.decode()}")

    Consumes.does = staticmethod(does)
    try:
        with consuming(channels=KEPT) as (server, _):
            news = Numbered(server)
            news.publish(5)
            _, recovery = news.comes_back(news.at(1))
            assert recovery.recovered
            assert payloads(recovery) == [f"{news.at(2)} 2", "three", f"{news.at(5)} 5"]
    finally:
        Consumes.does = None


# What is for which client.


def test_one_that_was_excluded_is_excluded_from_what_comes_back(server):
    news = Numbered(server)
    client, _ = news.comes_back(last=0)
    pipeline = server.pipeline()
    pipeline.publish("x", "not for one", exclude=client.connection.id)
    pipeline.publish("x", "for all")
    assert client.received() == ["for all"]
    recovery = server.result(client.connection.subscribe("x", news.at(0)))
    assert payloads(recovery) == client.received() == ["for all"]
    other, recovery = news.comes_back(news.at(0))
    assert payloads(recovery) == other.received() == ["not for one", "for all"]


BOTH = {"a": {"history": 10}, "b": {"history": 10}}


def test_what_was_published_to_several_channels_comes_back_once():
    with Server(Rooms, channels=BOTH) as server:
        a, b = Numbered(server, "a"), Numbered(server, "b")
        starts = {"a": a.at(0), "b": b.at(0)}
        server.pipeline().publish(["a", "b"], "to both")
        server.pipeline().publish("b", "to b")
        client = server.connect()
        told = [client.connection.subscribe(name, starts[name]) for name in "ab"]
        assert all(server.result(each).recovered for each in told)
        assert client.received() == ["to both", "to b"]


def test_or_in_any_order_in_one_step():
    with Server(Rooms, channels=BOTH) as server:
        a, b = Numbered(server, "a"), Numbered(server, "b")
        starts = {"a": a.at(0), "b": b.at(0)}
        server.pipeline().publish(["a", "b"], "to both")
        pack, pipeline, told = Talks(), server.pipeline(), []
        ready = [server.result(pipeline.catch_up(name, pack, starts[name])) for name in "ba"]
        pipeline.join_all(ready, told.extend)
        assert [payloads(each) for each in told] == [[], ["to both"]]
        part(server)


def test_a_channel_beside_that_was_not_come_back_to_has_given_nobody_a_copy():
    with Server(Rooms, channels=BOTH) as server:
        b = Numbered(server, "b")
        start = b.at(0)
        server.pipeline().publish(["a", "b"], "to both")
        client = server.connect()
        client.connection.subscribe("a")
        client.connection.subscribe("b", start)
        assert client.received() == ["to both"]


# Several at once, and the pack's own answer.


def test_the_answer_comes_before_all_that_is_published_in_it(server, news):
    news.publish(3)
    pack, pipeline = Talks(), server.pipeline()

    def answer(recovery):
        pipeline.publish("x", "4")
        pack.heard.append(payloads(recovery))

    recovery = server.result(pipeline.recover("x", pack, news.at(1), answer=answer))
    assert recovery.position == news.at(3)
    server.settle()
    assert pack.heard == [["2", "3"], "4"]


def test_an_answer_that_fails_leaves_nothing_behind(server, news):
    def answer(recovery):
        raise RuntimeError("no answer")

    pack = Talks()
    with pytest.raises(RuntimeError):
        server.result(server.pipeline().recover("x", pack, last=0, answer=answer))
    assert pack.channels == set()
    assert server.pipeline().hub.channels == server.pipeline().hub.recovering == {}
    assert len(server.pipeline().hub.tails) == 0


def test_one_that_leaves_in_its_answer_does_not_join(server, news):
    pack, pipeline = Talks(), server.pipeline()
    server.result(pipeline.recover("x", pack, last=0, answer=lambda _: pipeline.unsubscribe("x", pack)))
    news.publish()
    server.settle()
    assert (pack.heard, pack.channels) == ([], set())


def test_several_channels_are_joined_in_one_step():
    with Server(Rooms, channels=BOTH) as server:
        a, b = Numbered(server, "a"), Numbered(server, "b")
        starts = [a.at(0), b.at(0)]
        a.publish(2)
        b.publish(3)
        pack, pipeline = Talks(), server.pipeline()
        ready = [server.result(pipeline.catch_up(*about)) for about in (("a", pack, starts[0]), ("b", pack, starts[1]))]
        a.publish(2)
        answers = []

        def answer(recoveries):
            answers.extend(payloads(each) for each in recoveries)
            pipeline.publish("a", "5")

        pipeline.join_all(ready, answer)
        server.settle()
        assert answers == [["1", "2", "3", "4"], ["1", "2", "3"]]
        assert pack.heard == ["5"]
        assert pack.channels == {"a", "b"}
        part(server)


def test_one_that_has_caught_up_may_go_away(server, news):
    pack, pipeline = Talks(), server.pipeline()
    catching = server.result(pipeline.catch_up("x", pack, last=0))
    catching.cancel()
    catching.cancel()
    told = []
    pipeline.join_all([catching], told.extend)
    assert [each.reason for each in told] == ["left"]
    assert pipeline.hub.recovering == pipeline.hub.channels == {}


def test_what_has_caught_up_and_waits_too_long_has_missed_too_many():
    with Server(Rooms, channels=KEPT, recovery_publications=5) as server:
        news = Numbered(server)
        news.comes_back(last=0)
        news.publish(3)
        pack, pipeline = Talks(), server.pipeline()
        catching = server.result(pipeline.catch_up("x", pack, news.at(0)))
        news.publish(20)
        told = []
        pipeline.join_all([catching], told.extend)
        assert [each[:3] for each in told] == [(False, "too many", news.at(23))]
        part(server)


def test_an_id_that_another_comes_with_takes_the_place(slow):
    slow.publish(3)
    pipeline, one, other = slow.server.pipeline(), Talks(), Talks()
    told = [pipeline.recover("x", each, slow.at(0)) for each in (one, other)]
    slow.server.storage_object.go_on()
    assert [slow.server.result(each).reason for each in told] == ["left", ""]
    assert (one.channels, other.heard) == (set(), ["1", "2", "3"])


@pytest.mark.parametrize(
    ("since", "last"),
    [
        ("1:2", None),
        (None, "3"),
        (None, True),
        (None, -1),
        (Position("e", -1), None),
        (Position("e", 1.5), None),
        (Position("e", True), None),
        (Position(None, 1), None),
    ],
)
def test_what_is_no_position_and_no_number(server, since, last):
    client = server.connect()
    with pytest.raises((TypeError, ValueError)):
        server.result(client.connection.subscribe("x", since, last=last))
    assert client.connection.channels == set()


def test_who_has_asked_for_nothing_is_not_counted_as_one_that_lost_something():
    with Server(Rooms) as server:
        pipeline = server.pipeline()
        for name, how in {"a": {}, "b": {"since": Position("e", 0)}, "c": {"last": 1}}.items():
            catching = server.result(pipeline.catch_up(name, server.connect().connection, **how))
            pipeline.join_all([catching], lambda recoveries: None)
        assert counted(server)["not recovered: no history"] == 2


def test_channels_that_are_come_back_to_count_for_the_limit():
    with Server(Rooms, storage_object=HeldHistory(), channels={"*": {"history": 5}}, max_channels=2) as server:
        client = server.connect()
        for name in ("a", "b"):
            Numbered(server, name).publish(2)
            client.connection.subscribe(name, Position("e", 0))
        with pytest.raises(ValueError, match="max_channels"):
            server.result(client.connection.subscribe("c", Position("e", 0)))
        assert counted(server)["refused: max_channels"] == 1


def test_a_named_pipeline_and_its_own_names():
    with Server(pipelines={"/x": {"filters": [Rooms], "channels": KEPT}}) as server:
        pipeline, client = server.pipeline("/x"), server.connect("/x")
        for number in range(3):
            pipeline.publish("x", str(number))
        position = server.result(pipeline.storage_object.position("x"))
        recovery = server.result(client.connection.subscribe("x", position._replace(offset=1)))
        assert [each.channel for each in recovery.publications] == ["x", "x"]
        assert client.received() == ["1", "2"]


def test_what_found_no_room_before_slow_filters_is_told(monkeypatch):
    monkeypatch.setattr("filtered_websocket.pipeline.consumer.MAX_WAITING_ITEMS", 1)
    waits = Deferred()
    Consumes.does = staticmethod(lambda pipeline, publication: waits)
    try:
        with consuming(channels=KEPT) as (server, _):
            told = []
            client = server.connect()
            client.connection.subscribe("x", last=0, insufficient=told.append)
            for number in range(4):
                server.pipeline().publish("x", str(number))
            assert told == []
            waits.callback(None)
            server.settle()
            assert [position.offset for position in told] == [4]
            assert client.received() == ["0", "1"]
    finally:
        Consumes.does = None


def test_one_that_comes_back_anew_while_it_is_given_something(server, news):
    """As a listener of a client that subscribes again, from the position of what it is just given."""
    news.publish(2)
    pipeline = server.pipeline()

    class Again(Talks):
        def deliver(self, batch, policy):
            super().deliver(batch, policy)
            if len(self.heard) < 6:
                pipeline.recover("x", self, news.at(int(self.heard[-1])))

    pack = Again()
    pipeline.recover("x", pack, news.at(0))
    for _ in range(4):
        news.publish(2)
        server.settle()
    assert pack.heard == news.numbers(1)


def test_one_that_has_missed_nothing_of_a_quiet_channel_comes_back_however_often_and_late():
    with Server(Rooms, channels={"x": {"history": 5, "history_seconds": 10}}) as server:
        news = Numbered(server)
        top = news.publish(3)
        for _ in range(5):
            client, recovery = news.comes_back(top)
            assert recovery == (True, "", top, ())
            client.abort()
            server.advance(60)
        assert news.comes_back(news.at(2))[1].reason == "trimmed"


def test_what_was_read_is_read_again_while_history_keeps_it():
    kept = {"x": {"history": 100, "history_seconds": 60}}
    with Server(Rooms, channels=kept) as first:
        storage = first.storage_object
        news = Numbered(first)
        news.publish(5)
        at = news.at(2)
        client, recovery = news.comes_back(at)
        assert recovery.recovered
        tail = first.pipeline().hub.tails.get("x")
        for entry in tail.entries:
            entry.at -= 59.5  # read more than a second ago
        reads = []
        latest = storage.latest
        storage.latest = lambda *about: reads.append(about) or latest(*about)
        client, recovery = news.comes_back(at)
        assert (recovery.recovered, recovery.reason, client.received()) == (True, "", news.numbers(3))
        assert len(reads) == 1


def test_what_found_no_room_is_missing_in_its_place_though_another_epoch_follows(monkeypatch):
    monkeypatch.setattr("filtered_websocket.pipeline.consumer.MAX_WAITING_ITEMS", 1)
    waits = [Deferred(), Deferred()]
    left = list(waits)
    Consumes.does = staticmethod(lambda pipeline, publication: left.pop(0) if left else None)
    try:
        with consuming(channels=KEPT) as (server, _):
            told = []
            client = server.connect()
            client.connection.subscribe("x", last=0, insufficient=told.append)

            def arrive(epoch, offset):
                publication = Publication("x", ((f"{epoch}{offset}".encode(), False),), (), Position(epoch, offset))
                server.pipeline().consume(publication)

            for offset in (1, 2, 3):
                arrive("e", offset)
            waits[0].callback(None)
            server.settle()
            arrive("f", 4)  # storage has proven that nothing is missing between the two: but here it is
            waits[1].callback(None)
            server.settle()
            assert told == [Position("e", 3)]
            assert client.received() == ["e1", "e2", "f4"]
    finally:
        Consumes.does = None


def test_a_rule_that_is_gone_proves_nothing(server, news):
    stays = members(server, "x")
    top = news.publish(3)
    pipeline = server.pipeline()
    pipeline.names = Names(pipeline.options.overridden({"channels": ({}, "test")}), "", server.server)
    pipeline.publish("x", "kept nowhere")
    assert stays.received()[-1] == "kept nowhere"
    _, recovery = news.comes_back(top)
    assert recovery == (False, "no history", None, ())


def test_one_whose_id_another_has_come_with_takes_no_gap_from_it(server, news):
    told: list[Position | None] = []
    former, _ = news.comes_back(last=0)
    later = server.connect()
    own_id, later.connection._id = later.connection.id, former.connection.id
    server.result(later.connection.subscribe("x", last=0, insufficient=told.append))
    former.connection.unsubscribe("x")
    server.server.gap("x", Position(news.at(0).epoch, 7))
    assert [position.offset for position in told] == [7]
    later.connection.unsubscribe("x")
    assert not server.pipeline().recoveries.relied_on
    later.connection._id = own_id


def test_many_that_wait_for_one_read_are_looked_at_once_each(slow, monkeypatch):
    slow.publish(10)
    looked = []
    monkeypatch.setattr(CatchingUp, "next", lambda *about, _next=CatchingUp.next: looked.append(0) or _next(*about))
    answers: list[Recovery] = []
    for client in [slow.server.connect() for _ in range(100)]:
        client.connection.subscribe("x", slow.at(3)).addCallback(answers.append)
    assert len(looked) < 500
    slow.server.storage_object.go_on_to_the_end()
    assert [each.recovered for each in answers] == [True] * 100


@pytest.mark.parametrize("is_live", [False, True])
def test_what_a_consumer_filter_has_failed_on_is_not_recovered_and_what_it_drops_is(server, news, is_live):
    def does(_pipeline, publication):
        if publication.payload == b"3":
            raise StopChain
        if publication.payload == b"5":
            raise StorageAway("no database")

    if is_live:
        members(server, "x")
        Consumes.does = staticmethod(does)
    try:
        news.publish(8)
        Consumes.does = staticmethod(does)
        for _ in range(2):
            client, recovery = news.comes_back(news.at(4), last=2)
            assert recovery == (False, "gap", news.at(8), recovery.publications)
            assert client.received() == ["7", "8"]
            client, recovery = news.comes_back(news.at(5))
            assert recovery.recovered
            assert client.received() == ["6", "7", "8"]
        client, _ = news.comes_back(last=8)
        assert client.received() == ["1", "2", "4", "6", "7", "8"]
    finally:
        Consumes.does = None
    assert len(server.errors) == counted(server)["dropped: a consumer filter failed"] == 1


def test_a_thousand_clients_that_come_back_leave_no_memory_taken():
    with Server(Rooms, channels=KEPT, recovery_publications=10) as server:
        news = Numbered(server, "few")
        at = news.publish()

        def visit():
            nonlocal at
            client, _ = news.comes_back(at)
            at = news.publish()
            client.abort()
            client, recovery = news.comes_back(at._replace(offset=at.offset - 1))
            assert recovery.recovered
            assert client.received() == [str(news.published)]
            client.close()

        steady(visit)
