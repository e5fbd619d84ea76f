"""The storage object on the model, on the kit's clock: what it is told, and what goes wrong when a test says so."""

import pytest

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import Keep, Record
from filtered_websocket.testing.clock import ClockReactor
from tests.simulation.redis_model.nodes import on_one_clock
from tests.support.backends import Recorder, message

KEEP = Keep(100, 60)


@pytest.fixture
def nodes():
    with on_one_clock() as nodes:
        yield nodes


def test_nodes_meet_on_it_without_time_passing(nodes):
    (a, heard_a), (b, heard_b) = nodes.node(), nodes.node()
    assert nodes.ask(b.subscribe, "room") is None
    position = nodes.ask(a.send, message("room", "hello"), KEEP)
    assert heard_b.payloads == [b"hello"]
    assert nodes.ask(b.since, "room", Position(position.epoch, 0)) == heard_b.publications
    assert nodes.ask(a.join, "room", "ada", "1", "info") is True
    assert nodes.ask(b.members, "room") == {"ada": "info"}
    nodes.ask(b.listen_to_all, "all.")
    nodes.ask(a.publish, "all.[x]", "data")
    assert [item["channel"] for item in heard_b.bus] == [b"all.[x]"]
    assert heard_a.payloads == []
    assert (nodes.clock.seconds(), heard_a.readiness) == (nodes.model.seconds(), [True])


def test_what_has_an_end_ends_by_the_clock(nodes):
    a, _ = nodes.node()
    nodes.ask(a.store, "key", "value", 10, "owner")
    nodes.ask(a.send, message("room", "hello"), Keep(100, 10))
    nodes.advance(9.9)
    assert nodes.ask(a.load, "key") == Record("value", "owner")
    assert len(nodes.ask(a.latest, "room", 0, 10)) == 1
    nodes.advance(0.2)
    assert nodes.ask(a.load, "key") is None
    assert nodes.ask(a.latest, "room", 0, 10) == []
    assert nodes.ask(a.position, "room").offset == 1


def test_away_it_refuses_and_back_nothing_is_lost(nodes):
    (a, _), (b, heard_b) = nodes.node(), nodes.node()
    nodes.ask(b.subscribe, "room")
    first = nodes.ask(a.send, message("room", "1"), KEEP)
    nodes.model.go_away()
    nodes.settle()
    assert not a.ready
    with pytest.raises(StorageAway, match="not done"):
        nodes.ask(a.send, message("room", "2"), KEEP)
    nodes.advance(10)
    assert not a.ready
    nodes.model.come_back()
    nodes.advance(2)
    assert a.ready
    assert nodes.ask(a.send, message("room", "3"), KEEP) == first._replace(offset=2)
    assert (heard_b.payloads, heard_b.gaps) == ([b"1", b"3"], [])


def test_an_answer_that_is_lost_was_done(nodes):
    (a, _), (b, heard_b) = nodes.node(), nodes.node()
    nodes.ask(b.subscribe, "room")
    nodes.model.ways[0].lose_answer(b"EVALSHA")
    with pytest.raises(StorageAway, match="it is unknown whether this was done"):
        nodes.ask(a.send, message("room", "1"), KEEP)
    assert heard_b.payloads == [b"1"]
    nodes.advance(2)
    assert nodes.ask(a.send, message("room", "2"), KEEP).offset == 2


def test_a_subscriber_that_is_cut_off_has_what_it_missed(nodes):
    (a, _), (b, heard_b) = nodes.node(), nodes.node()
    nodes.ask(b.subscribe, "room")
    nodes.ask(a.send, message("room", "0"), KEEP)
    nodes.model.ways[1].cut(subscribers_only=True)
    nodes.settle()
    assert [a.ready, b.ready] == [True, False]
    nodes.ask(a.send, message("room", "1"), KEEP)
    assert heard_b.payloads == [b"0"]
    nodes.advance(2)
    assert (heard_b.payloads, heard_b.gaps) == ([b"0", b"1"], [])


def test_slow_it_answers_later_and_in_order(nodes):
    a, heard = nodes.node()
    nodes.ask(a.subscribe, "room")
    nodes.model.ways[0].slow(0.5)
    answers = nodes.begin(a.send, message("room", "1"), KEEP)
    nodes.advance(0.4)
    assert (answers, heard.payloads) == ([], [])
    nodes.model.ways[0].slow(0)
    assert nodes.begin(a.send, message("room", "2"), KEEP) == []
    nodes.advance(0.2)
    assert heard.payloads == [b"1", b"2"]
    assert answers[0].offset == 1


def test_frozen_it_takes_connections_and_thawed_it_does_what_lay_there(nodes):
    a, heard = nodes.node()
    nodes.model.freeze()
    answers = nodes.begin(a.add, "set", "value")
    nodes.advance(2)
    assert (a.ready, answers) == (True, [])
    nodes.model.thaw()
    nodes.settle()
    assert answers == [True]
    nodes.model.freeze()
    nodes.advance(10)
    assert not a.ready
    nodes.model.thaw()
    nodes.advance(5)
    assert heard.readiness == [True, False, True]


@pytest.mark.parametrize("cut", [True, False])
def test_another_in_its_place_lacks_the_last_writes_and_nodes_notice(nodes, cut):
    a, heard = nodes.node()
    nodes.ask(a.subscribe, "room")
    for number in range(1, 6):
        last = nodes.ask(a.send, message("room", f"{number}"), KEEP)
    nodes.model.fail_over(lost=2, cut=cut)
    nodes.advance(3)
    new = nodes.ask(a.send, message("room", "new"), KEEP)
    assert (new.offset, new.epoch == last.epoch) == (4, False)
    assert [one.payload for one in nodes.ask(a.since, "room", last)] == [b"new"]
    assert heard.payloads == [b"1", b"2", b"3", b"4", b"5", b"new"]
    nodes.model.fail_over(lost=None)
    nodes.advance(3)
    assert nodes.ask(a.latest, "room", 0, 10) == []
    assert heard.gaps == ["room"]


def test_its_clock_can_be_set_back(nodes):
    (a, _), (_, heard_b) = nodes.node(), nodes.node()
    nodes.ask(a.join, "room", "ada", "1", "info")
    nodes.advance(10)
    for seconds in (-3600, 7200):
        nodes.model.set_clock(seconds)
        nodes.advance(10)
    assert nodes.ask(a.members, "room") == {"ada": "info"}
    assert heard_b.left == []


@pytest.mark.parametrize("cut", [True, False])
def test_joins_and_leaves_that_a_failover_has_lost_are_told_again(nodes, cut):
    (a, heard), (b, _) = nodes.node(), nodes.node()
    nodes.ask(a.join, "room", "gone", "1", "info")
    nodes.ask(a.track, "room", 1)
    nodes.ask(a.track, "left", 1)
    assert nodes.ask(a.leave, "room", "gone", "1") is True
    assert nodes.ask(a.join, "room", "there", "2", "info") is True
    nodes.ask(a.track, "room", 2)
    nodes.ask(a.track, "left", 0)
    nodes.model.fail_over(lost=4, cut=cut)
    nodes.advance(3)
    assert nodes.ask(b.members, "room") == {"there": "info"}
    assert nodes.ask(b.occupied) == {"room": 2}
    assert (heard.left, heard.empty) == ([("room", "gone", "info")], ["left"])


def test_what_was_on_its_way_when_a_channel_was_left_is_not_heard_when_it_is_subscribed_to_again(nodes):
    (a, _), (b, heard) = nodes.node(), nodes.node()
    nodes.ask(b.subscribe, "room")
    nodes.model.ways[1].slow(1)
    nodes.ask(a.send, message("room", "before"))
    nodes.begin(b.unsubscribe, "room")
    nodes.ask(a.send, message("room", "between"))
    again = nodes.begin(b.subscribe, "room")
    nodes.ask(a.send, message("room", "behind"))
    nodes.advance(5)
    assert (again, heard.payloads) == ([None], [b"behind"])


def test_one_that_stops_while_it_greets_leaves_no_timer(nodes):
    way = nodes.model.way(nodes.clock)
    storage = nodes.model.storage(way)
    nodes.model.freeze()
    assert nodes.begin(storage.start, Recorder()) == []
    stopped = nodes.begin(storage.stop)
    assert len(stopped) == 1
    assert not nodes.clock.getDelayedCalls()


def test_a_join_whose_answer_comes_when_its_node_has_been_swept_is_told_once(nodes):
    from twisted.internet import reactor

    b, heard = nodes.node()
    frozen, recorder = ClockReactor(), Recorder()
    frozen.rightNow = nodes.clock.rightNow
    with frozen.in_place_of(reactor):
        way, joined = nodes.model.way(frozen), []
        a = nodes.model.storage(way, lease_seconds=6.0)
        frozen.callFromThread(a.start, recorder)
        frozen.rest(lambda: False)
        way.slow(0.2)
        frozen.callFromThread(lambda: a.join("room", "ada", "1", "info").addBoth(joined.append))
        frozen.rest(lambda: False)
        nodes.advance(20)
        assert (heard.left, joined) == ([("room", "ada", "info")], [])
        way.slow(0)
        frozen.rightNow = nodes.clock.rightNow
        for _ in range(10):
            frozen.rest(lambda: False)
            nodes.advance(0.5)
            frozen.rightNow = nodes.clock.rightNow
        assert (joined, recorder.returned) == ([True], [])
        assert nodes.ask(b.members, "room") == {"ada": "info"}
        frozen.callFromThread(a.stop)
        frozen.pass_time(2, lambda: frozen.rest(lambda: False))


def test_a_leave_whose_answer_is_lost_is_told_when_all_is_well(nodes):
    (a, heard), (b, heard_b) = nodes.node(), nodes.node()
    for member in ("ada", "bob"):
        nodes.ask(a.join, "room", member, "1", member)
    nodes.ask(b.join, "room", "bob", "2", "bob")
    nodes.ask(a.track, "room", 1)
    for gone in (
        lambda: a.leave("room", "ada", "1"),
        lambda: a.leave("room", "bob", "1"),
        lambda: a.track("room", 0),
    ):
        nodes.model.ways[0].lose_answer(b"EVALSHA")
        with pytest.raises(StorageAway, match="unknown"):
            nodes.ask(gone)
        nodes.advance(2)
    assert (heard.left, heard.empty) == ([("room", "ada", "ada")], ["room"])
    assert (heard_b.left, heard_b.empty) == ([], [])
    assert nodes.ask(b.members, "room") == {"bob": "bob"}


@pytest.mark.parametrize("is_done", [True, False])
def test_one_that_joins_again_before_its_leave_was_told_has_left_first(nodes, is_done):
    (a, heard), (b, heard_b) = nodes.node(), nodes.node()
    way, joined, told_before = nodes.model.ways[0], [], []
    nodes.ask(a.join, "room", "ada", "1", "old")
    position = nodes.ask(a.send, message("kept", "1"), KEEP)
    nodes.ask(a.subscribe, "kept")
    if is_done:
        way.lose_answer(b"EVALSHA")
    else:
        way.go_away()
        nodes.settle()
    with pytest.raises(StorageAway):
        nodes.ask(a.leave, "room", "ada", "1")
    assert nodes.ask(b.send, message("kept", "2"), KEEP).offset == position.offset + 1
    way.come_back()
    way.slow(0.05)  # it is open, and has yet to see what it missed of the channel, before it makes good
    while not joined:
        nodes.advance(0.01)
        if a._shards.first().open:
            told_before += heard.left
            nodes.clock.callFromThread(lambda: a.join("room", "ada", "1", "new").addBoth(joined.append))
            nodes.advance(0.2)
    assert (joined, told_before) == ([True], [])
    way.slow(0)
    nodes.advance(5)
    assert (heard.left, heard.returned, heard_b.left) == ([("room", "ada", "old")], [], [])
    assert nodes.ask(b.members, "room") == {"ada": "new"}
    assert nodes.ask(a.leave, "room", "ada", "1") is True
    assert len(heard.left) == 1


def test_leaves_that_were_missed_are_told_though_storage_goes_away_again_meanwhile(nodes):
    (a, heard), _ = nodes.node(), nodes.node()
    members = [f"{number}" for number in range(300)]
    for member in members:
        nodes.ask(a.join, "room", member, "1", "")
    nodes.model.ways[0].go_away()
    nodes.settle()
    for member in members:
        with pytest.raises(StorageAway):
            nodes.ask(a.leave, "room", member, "1")
    nodes.model.ways[0].come_back()
    nodes.model.ways[0].slow(0.05)
    while not heard.left:  # a part of them was told
        nodes.advance(0.05)
    assert len(heard.left) < 300
    nodes.model.ways[0].cut()
    nodes.advance(5)
    assert sorted(member for _, member, _ in heard.left) == sorted(members)
