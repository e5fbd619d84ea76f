"""Channels, subscribers and the fan-out, over real sockets."""

import gc
import tracemalloc

import pytest
from twisted.logger import capturedLogs, formatEvent

from filtered_websocket.messages import frames
from filtered_websocket.messages.batch import Batch
from filtered_websocket.pipeline import hub
from filtered_websocket.pipeline.channel import HEAD
from filtered_websocket.pipeline.hub import Hub
from tests.pipeline.subscribers import Session, Turn, text

# Members.


def test_joining_and_leaving_tell_of_the_first_and_the_last(fanout, subscriber):
    a, b = subscriber("a"), subscriber("b")
    assert fanout.join("room", a)
    assert not fanout.join("room", b)
    assert not fanout.join("room", b)
    assert {each.id for each in fanout.subscribers("room")} == {"a", "b"}
    assert (a.channels, b.channels) == ({"room"}, {"room"})
    assert not fanout.leave("room", a)
    assert not fanout.leave("room", a)
    assert fanout.leave("room", b)
    assert fanout.channels == {}
    assert a.channels == b.channels == set()
    assert list(fanout.subscribers("room")) == []
    assert not fanout.leave("nowhere", a)


def test_a_channel_may_have_the_policy_of_another(turn, subscriber):
    fanout = Hub(turn, lambda channel: f"as {channel}")
    fanout.join("second", subscriber("a"), like="first")
    fanout.join("third", subscriber("b"))
    assert [fanout.channels[name].policy for name in ("second", "third")] == ["as first", "as third"]


def test_joining_twice_is_one_copy(fanout, turn, subscriber):
    a = subscriber("a", "room", "room")
    fanout.publish("room", text("x"))
    turn.end()
    assert a.received() == [b"x"]


def test_a_subscriber_with_anothers_id_takes_its_place_and_the_other_cannot_take_it_back(fanout, turn, subscriber):
    former = subscriber("a", "room")
    newer = subscriber("a", "room")
    assert former.channels == set()
    assert not fanout.leave("room", former)
    fanout.publish("room", text("x"))
    turn.end()
    assert (former.received(), newer.received()) == ([], [b"x"])
    assert fanout.leave("room", newer)


# A turn.


def test_what_one_turn_publishes_goes_out_in_one_send_per_subscriber(fanout, turn, subscriber):
    subscribers = [subscriber(name, "room") for name in "abc"]
    fanout.publish("room", text("1"))
    fanout.publish("room", text("2", "3"))
    fanout.publish("room", ((b"\xff", True),))
    assert [each.received() for each in subscribers] == [[], [], []]
    sent = [each.sent for each in subscribers]
    turn.end()
    counted = [blob for blobs in sent for blob in blobs]
    assert counted == [b"\x81\x011\x81\x012\x81\x013\x82\x01\xff"] * 3
    assert [each.received() for each in subscribers] == [[b"1", b"2", b"3", b"\xff"]] * 3
    assert (fanout.publications, fanout.deliveries) == (3, 12)
    assert fanout.bytes_out == 3 * len(counted[0])


def test_a_turn_asks_for_its_end_once_and_only_when_there_is_something(fanout, turn, subscriber):
    fanout.publish("nobody", text("x"))
    assert turn.calls == []
    subscriber("a", "one", "two")
    for channel in ("one", "two", "one"):
        fanout.publish(channel, text("x"))
    assert len(turn.calls) == 1
    turn.end()
    assert fanout.dirty == []
    fanout.publish("one", text("y"))
    assert len(turn.calls) == 1


def test_a_turn_is_bounded(fanout, turn, subscriber):
    a = subscriber("a", "room")
    half = "x" * (hub.TURN_BYTES // 2 - HEAD)
    fanout.publish("room", text(half))
    fanout.publish("room", text(half))
    assert not a.raw
    assert fanout.channels["room"].pending
    fanout.publish("room", text("y"))
    assert not fanout.channels["room"].pending
    fanout.publish("room", text("z"))
    assert [len(each) for each in a.received()] == [len(half), len(half), 1]
    turn.end()
    assert a.received() == [b"z"]


def test_what_is_published_while_a_turn_ends_goes_out_in_the_next(fanout, turn, subscriber):
    a = subscriber("a", "room")

    class Answers(Session):
        def deliver(self, batch, policy):
            if batch.messages == text("question"):
                fanout.publish("room", text("answer"))

    fanout.join("room", Answers("b"))
    fanout.publish("room", text("question"))
    turn.end()
    assert a.received() == [b"question"]
    assert len(turn.calls) == 1
    turn.end()
    assert a.received() == [b"answer"]


# Order.


def test_what_was_published_before_a_join_or_a_leave_is_for_those_that_were_members_then(fanout, turn, subscriber):
    a, b = subscriber("a", "room", "hall"), subscriber("b", "hall")
    fanout.publish("room", text("before"))
    late = subscriber("late", "room")
    fanout.publish("room", text("between"))
    fanout.publish("hall", text("hall"))
    fanout.leave("room", late)
    fanout.publish("room", text("after"))
    assert [each.received() for each in (a, b, late)] == [[], [], []]
    turn.end()
    assert a.received() == [b"before", b"between", b"hall", b"after"]
    assert (b.received(), late.received()) == ([b"hall"], [b"between"])
    assert [len(each.sent) for each in (a, b, late)] == [1, 1, 1]


def test_a_subscriber_that_is_settled_holds_what_its_channels_held(fanout, turn, subscriber):
    a, b = subscriber("a", "room"), subscriber("b", "room", "hall")
    fanout.publish("room", text("1"))
    fanout.publish("hall", text("2"))
    fanout.settle(b)
    b.uncork()
    assert (a.received(), b.received()) == ([], [b"1", b"2"])
    fanout.publish("room", text("3"))
    fanout.settle(a)
    a.uncork()
    assert a.received() == [b"1", b"3"]
    turn.end()
    assert (a.received(), b.received()) == ([], [b"3"])


def test_a_storm_of_joins_that_are_all_told_of_is_one_send_for_each_member(fanout, turn, subscriber):
    everybody = [subscriber(f"s{number}") for number in range(20)]
    for each in everybody:
        fanout.join("room", each)
        fanout.publish("room", text(f"{each.id} joined"))
    turn.end()
    assert [len(each.sent) for each in everybody] == [1] * 20
    assert [len(each.received()) for each in everybody] == [20 - number for number in range(20)]


# Exclusion.


def test_the_excluded_get_the_turn_without_what_excludes_them(fanout, turn, subscriber):
    plain = {name: subscriber(name, "room") for name in "abcd"}
    deflating = subscriber("z", "room", window_bits=15)
    fanout.publish("room", text("to all"))
    fanout.publish("room", text("not a"), {"a"})
    fanout.publish("room", text("not b, not z"), frozenset({"b", "z", "one that has gone"}))
    fanout.publish("room", text("to all again"))
    turn.end()
    everything = [b"to all", b"not a", b"not b, not z", b"to all again"]
    assert plain["a"].received() == [b"to all", b"not b, not z", b"to all again"]
    assert plain["b"].received() == [b"to all", b"not a", b"to all again"]
    assert plain["c"].received() == plain["d"].received() == everything
    assert [message for batch, _ in deflating.delivered for message in batch.messages] == list(
        text("to all", "not a", "to all again")
    )
    assert fanout.deliveries == 3 + 3 + 4 + 4 + 3


@pytest.mark.parametrize("exclude", [{"b"}, ["b", "b"], ("b", "nobody", "b"), frozenset({"b"})])
def test_a_single_publication_leaves_out_exactly_its_excluded(fanout, turn, subscriber, exclude):
    everybody = {name: subscriber(name, "room") for name in "abc"}
    for _ in range(2):  # the second time the arrangement is the one of before
        fanout.publish("room", text("x"), exclude)
        turn.end()
        assert {name: each.received() for name, each in everybody.items()} == {"a": [b"x"], "b": [], "c": [b"x"]}
    assert fanout.deliveries == 4
    fanout.publish("room", text("y"))
    turn.end()
    assert [each.received() for each in everybody.values()] == [[b"y"]] * 3


def test_excluding_everybody_sends_nothing(fanout, turn, subscriber):
    a, b = subscriber("a", "room"), subscriber("b", "room", window_bits=15)
    fanout.publish("room", text("x"), {"a", "b"})
    turn.end()
    assert (a.received(), b.delivered, fanout.deliveries) == ([], [], 0)


class Named(tuple):
    """The excluded ids, and how often they were looked at."""

    looks = 0

    def __iter__(self):
        Named.looks += 1
        return super().__iter__()

    def __contains__(self, name):
        Named.looks += 1
        return super().__contains__(name)


@pytest.mark.parametrize("window_bits", [0, 9])
def test_where_each_publisher_excludes_itself_the_work_grows_with_the_publications(
    fanout, turn, subscriber, window_bits, monkeypatch
):
    made, make, make_deflated = [], frames.make, frames.make_deflated
    monkeypatch.setattr(frames, "make", lambda *args: made.append(args) or make(*args))
    monkeypatch.setattr(frames, "make_deflated", lambda *args: made.append(args) or make_deflated(*args))
    everybody = {f"s{number}": subscriber(f"s{number}", "room", window_bits=window_bits) for number in range(60)}
    monkeypatch.setattr(Named, "looks", 0)
    for name in everybody:
        fanout.publish("room", text(name), Named([name]))
    turn.end()
    assert (Named.looks, len(made)) == (60, 60)
    for name, each in everybody.items():
        assert [payload.decode() for payload in each.received()] == [other for other in everybody if other != name]
    assert fanout.deliveries == 60 * 59
    if not window_bits:
        assert fanout.bytes_out == 59 * sum(len(make(name.encode(), False)) for name in everybody)


# The other road.


def test_a_deflated_batch_is_made_once_per_window_however_many_take_it(fanout, turn, subscriber, monkeypatch):
    made, original = [], frames.make_deflated
    monkeypatch.setattr(frames, "make_deflated", lambda *args: (made.append(args), original(*args))[1])
    for number in range(6):
        subscriber(f"s{number}", "room", window_bits=9 if number % 2 else 15)
    plain = subscriber("plain", "room")
    fanout.publish("room", text("one", "two"))
    turn.end()
    assert sorted(made) == sorted([(word, False, bits) for word in (b"one", b"two") for bits in (9, 15)])
    assert plain.received() == [b"one", b"two"]


def test_a_batch_encodes_nothing_that_nobody_asks_for():
    batch = Batch("room", (text("x"),))
    assert (batch._plain, batch._deflated) == (None, None)
    assert batch.plain is batch.plain
    assert batch.deflated(15) is batch.deflated(15)
    assert batch.deflated(9) is not batch.deflated(15)


def test_a_subscriber_need_be_no_connection(turn, subscriber):
    fanout = Hub(turn, policy=lambda channel: f"policy of {channel}")
    session = Session("s")
    fanout.join("room", session)
    fanout.publish("room", ((b"x", False), (b"\xff", True)))
    fanout.publish("room", text("not for s"), {"s"})
    turn.end()
    assert session.messages == [(b"x", False), (b"\xff", True)]
    assert session.policies == {("room", "policy of room")}


def test_a_subscriber_that_fails_keeps_no_other_from_its_copy_and_is_logged(fanout, turn, subscriber):
    class Fails(Session):
        def deliver(self, batch, policy):
            raise RuntimeError("no room in this session")

    session, a = Session("z"), subscriber("a", "room", "hall")
    for each in (Fails("f"), session):
        fanout.join("room", each)
    with capturedLogs() as log:
        fanout.publish("room", text("x"))
        fanout.publish("room", text("y"), {"f"})
        fanout.publish("hall", text("h"))
        turn.end()
    assert session.messages == list(text("x", "y"))
    assert a.received() == [b"x", b"y", b"h"]
    assert len(log) == 1
    assert "no room in this session" in str(log[0]["log_failure"])
    assert "subscriber failed" in formatEvent(log[0])
    fanout.publish("room", text("next"))
    with capturedLogs():
        turn.end()
    assert a.received() == [b"next"]


def test_a_subscriber_may_leave_while_it_is_delivered_to(fanout, turn, subscriber):
    class Leaves(Session):
        def deliver(self, batch, policy):
            super().deliver(batch, policy)
            fanout.leave(batch.channel, self)

    one, two, a = Leaves("one"), Leaves("two"), subscriber("a", "room")
    fanout.join("room", one)
    fanout.join("room", two)
    fanout.publish("room", text("x"))
    fanout.publish("room", text("y"), {"one", "two"})
    turn.end()
    assert one.messages == two.messages == list(text("x"))
    assert a.received() == [b"x", b"y"]
    assert [each.id for each in fanout.subscribers("room")] == ["a"]


def test_a_channel_that_is_left_by_its_last_subscriber_under_a_join_is_joined_all_the_same(fanout, turn, subscriber):
    class Leaves(Session):
        def deliver(self, batch, policy):
            fanout.leave(batch.channel, self)

    fanout.join("room", Leaves("one"))
    fanout.publish("room", text("x"))
    a = subscriber("a")
    assert fanout.join("room", a)
    fanout.publish("room", text("y"))
    turn.end()
    assert a.received() == [b"y"]


def test_what_is_collected_while_a_turn_ends_goes_out_with_it(fanout, turn, subscriber):
    class Expels(Session):
        def deliver(self, batch, policy):
            fanout.leave("other", expelled)

    expelled, stays = subscriber("a", "other"), subscriber("b", "other")
    fanout.join("room", Expels("c"))
    fanout.publish("room", text("go"))
    fanout.publish("other", text("last"))
    turn.end()
    assert (expelled.received(), stays.received()) == ([b"last"], [b"last"])


def test_what_leaves_the_fast_road_is_seen_after_refresh_and_comes_back(fanout, turn, subscriber):
    a = subscriber("a", "room")
    fanout.publish("room", text("1"))
    turn.end()
    assert a.delivered == []
    a.window_bits = 15
    fanout.refresh(a)
    fanout.publish("room", text("2"))
    turn.end()
    assert len(a.delivered) == 1
    a.window_bits = 0
    fanout.refresh(a)
    fanout.publish("room", text("3"))
    turn.end()
    assert len(a.delivered) == 1
    assert len(a.received()) == 3


# Many channels.


def test_a_channel_of_one_subscriber_takes_little_memory():
    class Forgets(Session):
        def deliver(self, batch, policy):
            pass

    def memory(channels):
        turn = Turn()
        gc.collect()
        tracemalloc.start()
        try:
            hub = Hub(turn)
            for number in range(channels):
                if number % 100 == 0:
                    session = Forgets(f"s{number}")
                hub.join(f"channel {number}", session)
            for number in range(channels):
                hub.publish(f"channel {number}", text("x"))
            turn.end()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    each = (memory(20_000) - memory(10_000)) / 10_000
    assert each < 500, f"{each:.0f} bytes for each channel, with its name and its place in a set"


def test_a_subscriber_of_many_channels_is_settled_without_a_look_at_them(fanout, turn, subscriber):
    class Channels(dict):
        looks = 0

        def get(self, name):
            Channels.looks += 1
            return super().get(name)

    one, other = subscriber("a"), subscriber("b", "c1", "c2")
    for number in range(1000):
        fanout.join(f"c{number}", one)
    fanout.channels = Channels(fanout.channels)
    for number in range(3):
        fanout.publish(f"c{number}", text(f"{number}"))
    Channels.looks = 0
    fanout.settle(one)
    fanout.settle(other)
    assert Channels.looks == 0
    one.uncork()
    assert one.received() == [b"0", b"1", b"2"]
