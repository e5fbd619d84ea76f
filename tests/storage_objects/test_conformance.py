"""What every storage object promises, run against each; parts marked ``declared`` against those that declare it."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import BaseStorageObject, Keep, Record
from tests.support.backends import message
from tests.support.reactor_thread import call, until
from tests.support.storage_child import Child

pytestmark = pytest.mark.on_clusters
KEEP = Keep(100, 60)


def sent(node, channel, *payloads, keep=KEEP):
    """The positions of these, sent in one reactor turn."""

    def send_all():
        return [node.storage.send(message(channel, payload), keep) for payload in payloads]

    return [call(lambda d=d: d) for d in call(send_all)]


def payloads(publications):
    return None if publications is None else [publication.payload.decode() for publication in publications]


# Sets and maps.


def test_it_is_a_storage_object_and_ready_once_started(node):
    assert isinstance(node.storage, BaseStorageObject)
    assert node.storage.ready
    node.wait_ready()


def test_a_set_holds_each_value_once_and_none_when_empty(node):
    assert node.get("group") is None
    assert node.add("group", "ada") is True
    assert node.add("group", "ada") is False
    node.add("group", "bob")
    assert node.get("group") == {"ada", "bob"}
    assert call(lambda: node.storage["group"]) == {"ada", "bob"}
    assert node.remove("group", "ada") is True
    assert node.remove("group", "ada") is False
    node.remove("group", "bob")
    assert node.get("group") is None


def test_what_get_returns_is_the_callers_own(node):
    node.add("group", "ada")
    node.get("group").add("mallory")
    assert node.get("group") == {"ada"}


@pytest.mark.parametrize("value", ["", "007", "1_000", "ä€😀", "a\r\nb\0c", "\ud800", "x" * 100_000])
def test_values_come_back_as_they_were(node, value):
    node.add("set " + value[:9], value)
    assert node.get("set " + value[:9]) == {value}
    node.put("map", value, value)
    assert node.fields("map") == {value: value}


def test_a_map_holds_str_and_bytes_and_gives_str_where_it_can(node):
    assert node.fields("map") == {}
    assert node.put("map", "text", "value") is True
    assert node.put("map", "utf-8", b"value") is True
    assert node.put("map", "binary", b"\xff\x00") is True
    assert node.fields("map") == {"text": "value", "utf-8": "value", "binary": b"\xff\x00"}
    assert node.delete("map", "text") is True
    assert node.delete("map", "text") is False
    assert node.delete("map") is True
    assert node.delete("map") is False
    assert node.fields("map") == {}


def test_put_only_new_is_won_by_exactly_one(node):
    def race():
        return [node.storage.put("owners", "room", f"client {n}", only_new=True) for n in range(10)]

    assert [call(lambda d=d: d) for d in call(race)] == [True] + [False] * 9
    assert node.fields("owners") == {"room": "client 0"}
    assert node.put("owners", "room", "another") is True


def test_sets_and_maps_of_one_name_do_not_meet(node):
    node.add("name", "value")
    node.put("name", "field", "value")
    assert node.get("name") == {"value"}
    assert node.fields("name") == {"field": "value"}


def test_a_wrong_type_is_refused_at_the_call(node):
    for verb in ("add", "remove"):
        with pytest.raises(TypeError):
            call(getattr(node.storage, verb), "key", 7)
    with pytest.raises(TypeError):
        call(node.storage.put, "key", "field", 7)


# Records.


def test_a_record_is_stored_and_loaded_with_its_owner_and_goes_when_its_time_is_over(node):
    assert node.load("pid") is None
    assert node.store("pid", "value", 60, "node 1") is True
    assert node.load("pid") == Record("value", "node 1")
    assert node.store("pid", b"\xff\x00", 0.05) is True
    until(lambda: node.storage.load("pid").addCallback(lambda record: record is None))
    assert node.store("pid", "new", 60, "ä\ud800", only_if=("",)) is True
    assert node.load("pid") == Record("new", "ä\ud800")
    node.add("pid", "a set")
    node.put("pid", "a", "map")
    assert node.load("pid") == Record("new", "ä\ud800")


def test_a_record_is_written_by_whom_the_writer_expects_it_of_only(node):
    assert node.store("pid", "1", 60, "a", only_if=("a", "b")) is False
    assert node.store("pid", "1", 60, "a", only_if=("", "a")) is True
    assert node.store("pid", "2", 60, "b", only_if=("", "b")) is False
    assert node.store("pid", "2", 60, "b", only_if=()) is False
    assert node.store("pid", None, 60, "b", only_if=("b",)) is False
    assert node.load("pid") == Record("1", "a")
    assert node.store("pid", "3", 60, "b", only_if=("a",)) is True
    assert node.store("pid", None, 60, "b", only_if=("b",)) is True
    assert node.load("pid") is None
    assert node.store("pid", None, 60) is True


def test_a_record_is_taken_with_its_value_by_one_after_the_other(node):
    assert node.take("pid", "a") is None
    node.store("pid", b"\xff", 60, "a")

    def race():
        return [node.storage.take("pid", f"taker {n}") for n in range(3)]

    records = [call(lambda d=d: d) for d in call(race)]
    assert records == [Record(b"\xff", "a"), Record(b"\xff", "taker 0"), Record(b"\xff", "taker 1")]
    assert node.load("pid") == Record(b"\xff", "taker 2")
    node.store("brief", "x", 0.2, "a")
    node.take("brief", "b")
    until(lambda: node.storage.load("brief").addCallback(lambda record: record is None))


def test_of_brief_records_and_wrong_ones_nothing_is_kept(node):
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="lives"):
            call(node.storage.store, "pid", "value", seconds)
    for arguments in ((7, "value"), ("pid", 7), ("pid", "value", 60, 7), ("pid", "value", 60, "", "owner")):
        with pytest.raises(TypeError):
            call(node.storage.store, *arguments, *(60,)[len(arguments) - 2 :])
    assert node.load("pid") is None


# Channels and the bus.


def test_a_subscribed_channel_gets_everything_once_in_order(node):
    node.subscribe("news")
    expected = [f"{n}" for n in range(500)]
    sent(node, "news", *expected, keep=None)
    assert node.recorder.wait(500) == [text.encode() for text in expected]
    assert node.recorder.publications[0].channel == "news"
    assert node.recorder.publications[0].position is None


def test_a_publication_arrives_whole(node):
    node.subscribe("news")
    publication = Publication("news", ((b"text", False), (b"\xff\x00", True)), frozenset({"me", "ä"}))
    node.send(publication)
    node.recorder.wait(1)
    assert node.recorder.publications == [publication]


def test_other_channels_and_left_channels_get_nothing(node):
    node.subscribe("a")
    node.subscribe("end")
    node.unsubscribe("a")
    sent(node, "a", "lost", keep=None)
    sent(node, "b", "lost", keep=None)
    sent(node, "end", "end", keep=None)
    assert node.recorder.wait(1) == [b"end"]
    node.subscribe("a")
    sent(node, "a", "back", keep=None)
    assert node.recorder.wait(2) == [b"end", b"back"]


def test_subscribing_and_leaving_in_one_turn_ends_as_the_last_call_says(node):
    def back_and_forth():
        storage = node.storage
        first = storage.subscribe("a")
        first.addErrback(lambda _: None)  # left before it was confirmed
        storage.unsubscribe("a")
        return storage.subscribe("a")

    call(back_and_forth)
    sent(node, "a", "here", keep=None)
    assert node.recorder.wait(1) == [b"here"]


def test_the_bus_is_raw_and_apart_from_channels(node):
    node.listen("global")
    node.subscribe("global")
    node.publish("global", b"\xffraw")
    node.publish("global", "text")
    node.publish("elsewhere", "text")
    node.send(message("global", "publication"))
    node.recorder.wait(1)
    node.recorder.wait_for(lambda: len(node.recorder.bus) == 2)
    assert node.recorder.bus == [
        {"type": "message", "pattern": None, "channel": b"global", "data": data} for data in (b"\xffraw", b"text")
    ]
    assert node.recorder.payloads == [b"publication"]
    node.unlisten("global")
    node.publish("global", "unheard")
    sent(node, "global", "end", keep=None)
    node.recorder.wait(2)
    assert len(node.recorder.bus) == 2


def test_all_names_of_the_bus_that_begin_with_something_are_heard(node):
    node.listen_to_all("so[c]*#")
    for name in ("so[c]*#/#", "so[c]*#", "soc#/#", "so[c]x#", "elsewhere"):
        node.publish(name, b"\xffraw")
    node.listen("last")
    node.publish("last", "end")
    node.recorder.wait_for(lambda: len(node.recorder.bus) == 3)
    assert [(item["type"], item["channel"], item["data"]) for item in node.recorder.bus] == [
        ("pmessage", b"so[c]*#/#", b"\xffraw"),
        ("pmessage", b"so[c]*#", b"\xffraw"),
        ("message", b"last", b"end"),
    ]


def test_a_key_nobody_wrote_reads_as_none(node):
    assert node.read("ws-emit::room_secret::nowhere") is None


# History.


def test_history_gives_positions_and_what_came_after_one(node):
    node.subscribe("room")
    start = node.position("room")
    assert start.offset == 0
    first, second, third = sent(node, "room", "a", "b", "c")
    assert [first.offset, second.offset, third.offset] == [1, 2, 3]
    assert first.epoch == start.epoch
    assert node.position("room") == third
    assert payloads(node.since("room", start)) == ["a", "b", "c"]
    assert payloads(node.since("room", first)) == ["b", "c"]
    assert node.since("room", third) == []
    node.recorder.wait(3)
    assert [publication.position for publication in node.recorder.publications] == [first, second, third]
    assert node.since("room", first)[0] == node.recorder.publications[1]


def test_a_gap_that_cannot_be_proven_closed_is_none(node):
    positions = sent(node, "room", *"abcdef", keep=Keep(3, 60))
    assert payloads(node.since("room", positions[2])) == ["d", "e", "f"]
    assert node.since("room", positions[1]) is None
    assert node.since("room", Position("another", 5)) is None
    assert node.since("room", Position(positions[0].epoch, 7)) is None
    assert node.since("never used", Position("another", 0)) is None


def test_of_what_came_after_a_position_the_oldest_can_be_asked_for(node):
    positions = sent(node, "room", *"abcdef", keep=Keep(4, 60))
    assert payloads(node.since("room", positions[1], 3)) == ["c", "d", "e"]
    assert payloads(node.since("room", positions[1], 4)) == payloads(node.since("room", positions[1], 5)) == [*"cdef"]
    assert payloads(node.since("room", positions[4], 1)) == ["f"]
    assert node.since("room", positions[5], 1) == []
    assert node.since("room", positions[0], 1) is None


def test_no_position_is_one_that_proves_nothing(node):
    sent(node, "room", "a")
    assert node.since("room", Position("", 0)) is None
    assert node.since("never used", Position("", 0)) is None


def test_what_has_a_name_is_sent_once_while_it_is_kept(node):
    node.subscribe("room")

    def send(payload, once, keep=KEEP):
        return node.storage.send(message("room", payload), keep, once=once)

    first, again, other, plain = [
        call(lambda d=d: d)
        for d in call(lambda: [send("a", "1"), send("b", "1"), send("c", "\ud8002"), send("d", None)])
    ]
    assert (first.offset, again, other.offset, plain.offset) == (1, first, 2, 3)
    assert call(send, "e", "\ud8002") == other
    assert call(send, "f", "3", Keep(3, 60)).offset == 4
    assert call(send, "g", "1", Keep(3, 60)).offset == 5  # that of this name is kept no more
    assert call(send, "h", "1").offset == 5
    assert payloads(node.latest("room", 0, 10)) == ["g", "f", "d"]
    assert node.recorder.wait(5) == [b"a", b"c", b"d", b"f", b"g"]
    assert node.send(message("elsewhere", "x"), KEEP, once="1").offset == 1


def test_a_name_is_forgotten_with_what_is_too_old_or_makes_room(backend, node):
    brief = Keep(100, 0.1)
    first = node.send(message("room", "a"), brief, once="1")
    until(lambda: node.storage.latest("room", 0, 1).addCallback(lambda found: not found))
    assert node.send(message("room", "b"), KEEP, once="1").offset == first.offset + 1
    going, coming = backend.near("going"), backend.near("coming")
    one = Keep(100, 60, backend.pool("one", channels=1))
    node.send(message(going, "a"), one, once="1")
    node.send(message(coming, "a"), one, once="1")
    position = node.send(message(going, "b"), one, once="1")
    assert position.offset == 1
    assert node.send(message(going, "c"), one, once="1") == position


def test_latest_is_newest_first_and_pages(node):
    assert node.latest("room", 0, 10) == []
    sent(node, "room", *"abcde", keep=Keep(4, 60))
    assert payloads(node.latest("room", 0, 2)) == ["e", "d"]
    assert payloads(node.latest("room", 2, 10)) == ["c", "b"]
    assert node.latest("room", 4, 10) == []
    assert node.latest("room", 0, 0) == []


def test_what_is_cleared_is_gone_and_where_it_stood_is_known(node):
    assert node.clear("room") is False
    keep = Keep(4, 60)
    first, *_, last = sent(node, "room", *"abc", keep=keep)
    sent(node, "other", "x", keep=keep)
    node.send(Publication("room", ((b"d", False),)), keep, "once")
    assert node.clear("room") is True
    assert node.latest("room", 0, 10) == []
    assert node.position("room") == Position(first.epoch, 4)
    assert node.since("room", Position(first.epoch, 4)) == []
    assert node.since("room", last) is None
    assert payloads(node.latest("other", 0, 10)) == ["x"]
    again = node.send(Publication("room", ((b"e", False),)), keep, "once")
    assert again == Position(first.epoch, 5)
    assert payloads(node.since("room", Position(first.epoch, 4))) == ["e"]
    assert node.clear("room") is True
    assert node.clear("room") is False


def test_publications_expire_by_their_own_age(node):
    keep = Keep(100, 0.2)
    (first,) = sent(node, "room", "old", keep=keep)
    until(lambda: node.storage.latest("room", 0, 1).addCallback(lambda found: not found))
    (second,) = sent(node, "room", "new", keep=keep)
    assert second == Position(first.epoch, 2)
    assert node.since("room", Position(first.epoch, 0)) is None
    assert payloads(node.since("room", first)) in (["new"], None)  # None: a machine too busy to ask within 0.2 s


def test_where_a_history_stood_is_known_as_long_as_its_rule_says(node):
    (first,) = sent(node, "brief", "old", keep=Keep(100, 0.05, meta_seconds=0.1))
    (kept,) = sent(node, "longer", "old", keep=Keep(100, 0.05, meta_seconds=60))
    until(lambda: node.storage.since("brief", first).addCallback(lambda found: found is None))
    assert node.since("longer", kept) == []
    (later,) = sent(node, "longer", "new")
    assert later == Position(kept.epoch, 2)
    (again,) = sent(node, "brief", "new")
    assert (again.offset, again.epoch != first.epoch) == (1, True)


def test_sends_of_one_turn_get_consecutive_positions_in_order(node):
    positions = sent(node, "room", *map(str, range(50)))
    assert [position.offset for position in positions] == list(range(1, 51))
    assert payloads(node.since("room", positions[0])) == [str(n) for n in range(1, 50)]


# Where a subscriber begins.


def test_subscribing_tells_where_the_history_stood(node):
    assert node.subscribe("new") is None
    assert node.subscribe("new") is None
    (first,) = sent(node, "new", "a")
    assert first.offset == 1
    *_, third = sent(node, "room", *"abc")
    assert node.subscribe("room") == third
    (fourth,) = sent(node, "room", "d")
    node.recorder.wait(2)
    assert [publication.position for publication in node.recorder.publications] == [first, fourth]
    assert node.subscribe("room") == fourth
    assert node.subscribe("new") == first
    assert node.recorder.gaps == []


def test_a_history_that_has_begun_without_a_publication_is_a_position_too(node):
    start = node.position("room")
    assert node.subscribe("room") == start
    assert sent(node, "room", "a") == [Position(start.epoch, 1)]
    assert node.recorder.wait(1) == [b"a"]


@pytest.mark.parametrize("number", range(5))
def test_what_is_behind_the_position_comes_and_nothing_else_whatever_is_sent_meanwhile(node, number):
    """Sent before, in and after the turn of the call; then left, and subscribed to once more among sends."""

    def in_one_turn():
        storage, heard = node.storage, []
        for step in range(10):
            storage.send(message("room", str(step)), KEEP)
            if step == 2 + number:
                heard.append(storage.subscribe("room"))
            if step == 7:
                storage.unsubscribe("room")
                heard[0].addErrback(lambda _: None)  # left before it was confirmed
                heard.append(storage.subscribe("room"))
        return heard

    confirmed = call(in_one_turn)[-1]
    position = call(lambda: confirmed)
    before = len(node.recorder.publications)
    last = sent(node, "room", "end")[0]
    node.recorder.wait_for(lambda: node.recorder.publications[-1:] and node.recorder.publications[-1].position == last)
    heard = [publication.position.offset for publication in node.recorder.publications]
    assert heard[before:] == [offset for offset in range(1, 12) if offset > max([position.offset, *heard[:before]])]
    assert [heard.count(offset) for offset in range(position.offset + 1, 12)] == [1] * (11 - position.offset)


def test_a_history_that_was_forgotten_begins_anew_with_a_gap(backend, node):
    keep = Keep(100, 60, backend.pool("one", channels=1))
    room, another = backend.near("room"), backend.near("another")
    node.subscribe(room)
    (old,) = sent(node, room, "old", keep=keep)
    sent(node, another, "x", keep=keep)
    new, newer = sent(node, room, "new", "newer", keep=keep)
    assert node.recorder.wait(3) == [b"old", b"new", b"newer"]
    assert new.epoch != old.epoch
    assert (node.recorder.gaps, node.recorder.stands) == ([room], [Position(new.epoch, 0)])
    assert node.subscribe(room) == newer


# What histories may take together: names that clients invent cost what a limit says.

KIB = 1024
TEN = 10 * KIB + 10 * 600  # bytes: ten publications of a KiB each, and none more


def ten(backend):
    return backend.pool("ten", TEN)


def kilobyte(name):
    return name.ljust(KIB, ".")


def names(publications):
    return [publication.payload.decode().rstrip(".") for publication in publications]


def test_above_its_bytes_a_pool_drops_the_oldest_whichever_channel_they_are_of(backend, node):
    keep = Keep(100, 60, ten(backend))
    old, busy = backend.near("old"), backend.near("busy")
    invented = [backend.near(f"invented {n}") for n in range(5)]
    (first,) = sent(node, old, kilobyte("old 1"), keep=keep)
    sent(node, busy, *[kilobyte(f"busy {n}") for n in range(4)], keep=keep)
    sent(node, old, kilobyte("old 2"), keep=keep)
    assert node.recorder.dropped == []
    for each in invented:
        sent(node, each, kilobyte("x"), keep=keep)
    assert names(node.latest(old, 0, 10)) == ["old 2"]
    assert node.since(old, Position(first.epoch, 0)) is None
    assert names(node.since(old, first)) == ["old 2"]
    assert names(node.latest(busy, 0, 10)) == ["busy 3", "busy 2", "busy 1", "busy 0"]
    assert node.recorder.dropped == [("history_bytes", 1, invented[4])]
    sent(node, busy, kilobyte("busy 4"), keep=keep)
    assert names(node.latest(busy, 0, 10)) == ["busy 4", "busy 3", "busy 2", "busy 1"]


def test_above_its_own_bytes_a_channel_drops_its_oldest_whatever_room_its_pool_has(backend, node):
    ten_kilobytes, other = ten(backend), backend.near("other")
    room = backend.near("room")
    keep = Keep(100, 60, ten_kilobytes, bytes=3 * KIB + 3 * 600)
    (first, *_) = sent(node, room, *[kilobyte(f"room {n}") for n in range(7)], keep=keep)
    assert names(node.latest(room, 0, 10)) == ["room 6", "room 5", "room 4"]
    assert names(node.since(room, first._replace(offset=4))) == ["room 4", "room 5", "room 6"]
    assert node.since(room, first._replace(offset=3)) is None
    sent(node, other, *[kilobyte(f"other {n}") for n in range(7)], keep=Keep(100, 60, ten_kilobytes))
    assert len(node.latest(other, 0, 10)) == 7
    (last,) = sent(node, room, "x" * 5 * KIB, keep=keep)
    assert node.latest(room, 0, 10) == []
    assert node.since(room, last) == []
    sent(node, room, "small", keep=keep)
    assert names(node.latest(room, 0, 10)) == ["small"]
    assert sum(count for _, count, _ in node.recorder.dropped) == 0


def test_what_left_by_count_or_age_or_with_its_pool_takes_no_room(backend, node):
    pool = ten(backend)
    last, brief, room = backend.near("last value"), backend.near("brief"), backend.near("room")
    sent(node, last, *[kilobyte(f"last {n}") for n in range(30)], keep=Keep(1, 60, pool))
    sent(node, brief, *[kilobyte("brief") for n in range(5)], keep=Keep(100, 0.2, pool))
    until(lambda: node.storage.latest(brief, 0, 1).addCallback(lambda found: not found))
    sent(node, room, *[kilobyte(f"room {n}") for n in range(9)], keep=Keep(100, 60, pool))
    assert names(node.latest(last, 0, 10)) == ["last 29"]
    assert len(node.latest(room, 0, 100)) == 9
    sent(node, last, kilobyte("elsewhere"), keep=Keep(1, 60, backend.pool("another", 10 * KIB)))
    sent(node, room, kilobyte("room 9"), keep=Keep(100, 60, pool))
    assert len(node.latest(room, 0, 100)) == 10
    assert node.recorder.dropped == []


def test_a_list_that_ended_by_itself_takes_no_room_though_nobody_read_it(backend, node):
    pool, brief, room = ten(backend), backend.near("brief"), backend.near("room")
    sent(node, room, kilobyte("room 0"), keep=Keep(100, 60, pool))
    sent(node, brief, *[kilobyte("brief") for n in range(8)], keep=Keep(100, 0.2, pool))
    sent(node, "beacon", "x", keep=Keep(1, 0.3, backend.pool("another")))  # lives longer than the others
    until(lambda: node.storage.latest("beacon", 0, 1).addCallback(lambda found: not found))
    for n in range(1, 10):
        sent(node, room, kilobyte(f"room {n}"), keep=Keep(100, 60, pool))
    assert len(node.latest(room, 0, 100)) == 10
    assert node.recorder.dropped == []


def test_pools_do_not_cost_each_other(backend, node):
    a, b = backend.near("a"), backend.near("b")
    sent(node, a, *[kilobyte("a") for n in range(10)], keep=Keep(100, 60, ten(backend)))
    sent(node, b, *[kilobyte("b") for n in range(30)], keep=Keep(100, 60, backend.pool("b", TEN)))
    assert len(node.latest(a, 0, 100)) == len(node.latest(b, 0, 100)) == 10
    assert sum(count for _, count, _ in node.recorder.dropped) == 20


def test_a_publication_larger_than_its_pool_is_delivered_and_not_kept(backend, node):
    node.subscribe("room")
    (first, second) = sent(node, "room", "small", "x" * 30 * KIB, keep=Keep(100, 60, ten(backend)))
    node.recorder.wait(2)
    assert node.latest("room", 0, 10) == []
    assert node.since("room", first) is None
    assert node.since("room", second) == []


def test_above_its_channels_a_pool_drops_the_histories_that_end_soonest(backend, node):
    pool, near = backend.pool("three", channels=3), backend.near
    a, b, ends_first, invented, invented_2 = map(near, ("a", "b", "soon", "invented", "invented 2"))
    keep, soon = Keep(100, 60, pool), Keep(100, 30, pool)
    for channel in (a, b):
        sent(node, channel, channel, keep=keep)
    sent(node, ends_first, "ends first", "twice", keep=soon)
    sent(node, a, "again", keep=keep)
    (new,) = sent(node, invented, "x", keep=keep)
    assert node.latest(ends_first, 0, 10) == []
    assert node.recorder.dropped == [("history_channels", 2, invented)]
    sent(node, invented_2, "x", keep=soon)  # though it ends soonest: it is the one that is written
    assert node.latest(b, 0, 10) == []
    assert payloads(node.latest(a, 0, 10)) == ["again", a]
    assert payloads(node.latest(invented_2, 0, 10)) == ["x"]
    assert node.since(invented, new) == []


def test_histories_without_an_end_go_in_the_order_of_writing_and_behind_those_with_one(backend, node):
    pool = backend.pool("three", channels=3)
    a, b, c, d, ends = map(backend.near, ("a", "b", "c", "d", "ends"))
    keep = Keep(100, 0, pool)
    for channel in (a, b, a):
        sent(node, channel, channel, keep=keep)
    sent(node, ends, "x", keep=Keep(100, 60, pool))
    sent(node, c, "c", keep=keep)
    assert [bool(node.latest(channel, 0, 1)) for channel in (a, b, c, ends)] == [True, True, True, False]
    sent(node, d, "d", keep=keep)
    assert [bool(node.latest(channel, 0, 1)) for channel in (a, b, c, d)] == [True, False, True, True]


def test_asking_where_a_history_stands_costs_no_more_channels_than_there_may_be(backend, node):
    pool = backend.pool("three", channels=3)
    name = backend.near("kept")
    asked = [backend.near(f"asked {n}") for n in range(10)]
    (kept,) = sent(node, name, "x", keep=Keep(100, 60, pool))
    first = node.position(asked[0], pool)
    for each in asked[1:]:
        node.position(each, pool)
    assert node.since(asked[0], first) is None
    assert node.position(name, pool) == kept
    assert node.recorder.dropped == []


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3000), st.sampled_from([1, 3, 50])), max_size=60))
def test_no_pool_is_ever_above_its_limits_nor_drops_more_than_it_must(backend, sends):
    """Against a model: a list of what was sent, of which the newest that fit remain."""
    node = backend.nodes[0] if backend.nodes else backend.node()
    most, channels = 8000, 4
    pool = backend.pool(uuid4().hex, most, channels)
    model = {}
    for number, (name, size, count) in enumerate(sends):
        channel = backend.near(pool.name + name)
        sent(node, channel, "x" * size, keep=Keep(count, 0, pool))
        if channel not in model and len(model) == channels:
            del model[min(model, key=lambda each: model[each][0])]
        _, kept = model.get(channel, (0, []))
        model[channel] = (number, [*kept, (number, size)][-count:])
        cost = 512 + len(channel)
        while sum(size + cost for _, kept in model.values() for _, size in kept) > most:
            full = [each for each in model.values() if each[1]]
            min(full, key=lambda each: each[1][0])[1].pop(0)
    for name in "abcdef":
        _, kept = model.get(backend.near(pool.name + name), (0, []))
        found = [len(each.payload) for each in reversed(node.latest(backend.near(pool.name + name), 0, 100))]
        # Backends count some bytes more or less for an envelope: at the very edge one publication may differ.
        assert found == [size for _, size in kept] or abs(len(found) - len(kept)) == 1


# Presence and the count of subscribers.


def test_a_member_is_present_while_one_holder_holds_it(node):
    assert node.join("room", "ada", "tab 1", "first") is True
    assert node.join("room", "ada", "tab 2", "second") is False
    assert node.join("room", "bob", "tab 3") is True
    assert node.members("room") == {"ada": "second", "bob": ""}
    assert node.join("room", "ada", "tab 1", "third") is False
    assert node.members("room")["ada"] == "third"
    assert node.leave("room", "ada", "tab 1") is False
    assert node.members("room")["ada"] == "second"
    assert node.leave("room", "ada", "tab 1") is False
    assert node.leave("room", "ada", "tab 2") is True
    assert node.leave("room", "ada", "tab 2") is False
    assert node.members("room") == {"bob": ""}
    assert node.members("elsewhere") == {}


def test_one_member_and_how_many_there_are_can_be_asked_for(node):
    assert (node.member("room", "ada"), node.member_count("room")) == (None, 0)
    for number, info in enumerate(("first", "],[", '["],["x","y","z"]', "a],[", 'x],["y', "ä\\\ud800", "")):
        node.join("room", "ada", f"tab {number}", info)
        assert (node.member("room", "ada"), node.members("room")) == (info, {"ada": info})
    node.join("room", "],[", '"],["', "bob's")
    assert node.member("room", "],[") == "bob's"
    assert (node.member("room", "ad"), node.member("elsewhere", "ada")) == (None, None)
    assert (node.member_count("room"), node.member_count("elsewhere")) == (2, 0)
    node.leave("room", "ada", "tab 6")
    assert node.member("room", "ada") == "ä\\\ud800"
    node.leave("room", "],[", '"],["')
    assert (node.member("room", "],["), node.member_count("room")) == (None, 1)


NAMES = st.text('],["\\\\ab\\x7fé', max_size=5)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.booleans(), NAMES, NAMES), min_size=1, max_size=12))
def test_holders_come_and_go_whatever_they_are_called(backend, steps):
    """Against a model: a dict of holders, the newest last."""
    node, room = backend.nodes[0] if backend.nodes else backend.node(), uuid4().hex
    model = {}
    for joins, holder, info in steps:
        had = bool(model)
        held = model.pop(holder, None)
        if joins:
            model[holder] = info
            assert node.join(room, "ada", holder, info) is not had
        else:
            assert node.leave(room, "ada", holder) is (held is not None and not model)
        newest = [*model.values()][-1:]
        assert node.members(room) == ({"ada": newest[0]} if newest else {})
        assert node.member(room, "ada") == (newest[0] if newest else None)


def test_what_several_ask_for_in_one_turn_is_each_ones_own(node):
    (start,) = sent(node, "room", "one", "two", "three")[:1]
    node.join("room", "ada", "1", "info")

    def ask(question, *arguments):
        asked = call(lambda: [question(*arguments) for _ in range(3)])
        first, second, third = [call(lambda d=d: d) for d in asked]
        assert first == second == third
        first.clear()
        return second, third

    for found in ask(node.storage.since, "room", start):
        assert payloads(found) == ["two", "three"]
    for found in ask(node.storage.latest, "room", 0, 2):
        assert payloads(found) == ["three", "two"]
    for found in ask(node.storage.members, "room"):
        assert found == {"ada": "info"}


def test_what_was_written_in_a_turn_is_read_in_it(node):
    (start,) = sent(node, "room", "one")

    def ask():
        storage = node.storage
        answers = []
        for number in range(3):
            answers += [storage.since("room", start), storage.latest("room", 0, 1), storage.members("room")]
            storage.send(message("room", str(number)), KEEP)
            storage.join("room", f"member {number}", "1")
        storage.leave("room", "member 0", "1")
        return [*answers, storage.members("room")]

    found = [call(lambda d=d: d) for d in call(ask)]
    assert [payloads(each) for each in found[:9:3]] == [[], ["0"], ["0", "1"]]
    assert [payloads(each) for each in found[1:9:3]] == [["one"], ["0"], ["1"]]
    assert [len(each) for each in found[2:9:3]] == [0, 1, 2]
    assert found[9].keys() == {"member 1", "member 2"}


def test_a_caller_that_no_longer_waits_for_an_answer_keeps_it_from_no_other(node):
    (start,) = sent(node, "room", "one", "two")[:1]

    def ask():
        answers = [node.storage.since("room", start) for _ in range(3)]
        answers[0].addErrback(lambda _: None).cancel()
        return answers[1:]

    for found in call(ask):
        assert payloads(call(lambda found=found: found)) == ["two"]


def test_the_edges_of_a_tracked_channel_are_told(node):
    assert [node.track("room", count) for count in (0, 1, 5, 5, 0, 0, 2)] == [0, 1, 0, 0, -1, 0, 1]
    assert node.count("room") == 2
    assert node.count("elsewhere") == 0


def test_occupied_lists_tracked_channels_by_prefix(node):
    for channel, count in {"presence-a": 2, "presence-ä": 1, "private-a": 3, "presence-gone": 1}.items():
        node.track(channel, count)
    node.track("presence-gone", 0)
    assert node.occupied("presence-") == {"presence-a": 2, "presence-ä": 1}
    assert node.occupied() == {"presence-a": 2, "presence-ä": 1, "private-a": 3}
    assert node.occupied("nothing") == {}


def test_stopping_twice_is_harmless(node):
    node.stop()
    node.stop()


# What outlives a crash: for backends that declare it.


@pytest.mark.declared("durable")
def test_what_was_confirmed_survives_kill_9_and_nothing_is_half_there(backend):
    with Child(backend.module, "write", backend.settings) as child:
        confirmed = [int(child.line()) for _ in range(300)]
        confirmed += [int(line) for line in child.kill()]
    assert confirmed == list(range(1, len(confirmed) + 1))
    node = backend.node()
    kept = [int(publication.payload) for publication in reversed(node.latest("log", 0, 1_000_000))]
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= len(confirmed)
    assert {str(n) for n in confirmed} <= node.get("set")
    assert {str(n): str(n) for n in confirmed}.items() <= node.fields("map").items()
    (position,) = sent(node, "log", "next")
    assert position.offset == len(kept) + 1


@pytest.mark.declared("durable")
def test_history_sets_and_maps_are_there_after_a_clean_stop(backend):
    node = backend.node()
    first, second = sent(node, "room", "a", "b")
    node.add("set", "value")
    node.put("map", "field", b"\xff")
    node.stop()
    again = backend.node()
    assert payloads(again.since("room", first)) == ["b"]
    assert again.position("room") == second
    assert again.get("set") == {"value"}
    assert again.fields("map") == {"field": b"\xff"}


# What nodes see of each other: for backends that declare it.


@pytest.mark.declared("shared")
def test_all_nodes_get_everything_in_one_order(backend):
    nodes = [backend.node(), backend.node()]
    for node in nodes:
        node.subscribe("room")
    for number in range(50):
        sent(nodes[number % 2], "room", f"{number} kept", keep=KEEP)
        sent(nodes[number % 2], "room", f"{number}", keep=None)
    first, second = (node.recorder.wait(100) for node in nodes)
    assert first == second
    assert len(first) == 100
    assert nodes[0].recorder.publications == nodes[1].recorder.publications


@pytest.mark.declared("shared")
def test_nodes_share_sets_maps_history_presence_and_counts(backend):
    one, other = backend.node(), backend.node()
    one.add("set", "value")
    assert other.get("set") == {"value"}
    assert [one.put("map", "f", "1", only_new=True), other.put("map", "f", "2", only_new=True)] == [True, False]
    (position,) = sent(one, "room", "a")
    assert other.position("room") == position
    sent(other, "room", "b")
    assert payloads(one.since("room", position)) == ["b"]
    assert [one.join("room", "ada", "1", "old"), other.join("room", "ada", "2", "new")] == [True, False]
    assert one.members("room") == {"ada": "new"}
    assert [one.leave("room", "ada", "1"), other.leave("room", "ada", "2")] == [False, True]
    assert [one.track("room", 1), other.track("room", 2), one.count("room")] == [1, 0, 3]
    assert [one.track("room", 0), other.occupied(), other.track("room", 0)] == [0, {"room": 2}, -1]


@pytest.mark.declared("shared")
def test_what_a_killed_node_held_is_swept_once(backend):
    survivors = [backend.node(), backend.node()]
    survivors[0].join("room", "both", "holder 3", "the living one's")
    survivors[0].track("room", 1)
    with Child(backend.module, "hold", backend.settings) as child:
        assert child.line() == "holding"
        assert survivors[1].members("room") == {"ghost": "was here", "both": "the dead one's"}
        assert survivors[1].count("room") == 3
        child.kill()
    told = [node.recorder for node in survivors]
    until(lambda: sum(len(recorder.left) + len(recorder.empty) for recorder in told) >= 2)
    assert survivors[0].members("room") == {"both": "the living one's"}
    assert survivors[0].occupied() == {"room": 1}
    assert told[0].left + told[1].left == [("room", "ghost", "was here")]
    assert told[0].empty + told[1].empty == ["other"]


@pytest.mark.declared("shared")
def test_a_node_that_stops_leaves_nothing_behind(backend):
    stopping, staying = backend.node(), backend.node()
    stopping.join("room", "ada", "1", "info")
    stopping.track("room", 1)
    stopping.stop()
    staying.recorder.wait_for(lambda: staying.recorder.left and staying.recorder.empty)
    assert staying.recorder.left == [("room", "ada", "info")]
    assert staying.recorder.empty == ["room"]
    assert staying.members("room") == {}
    assert staying.occupied() == {}
