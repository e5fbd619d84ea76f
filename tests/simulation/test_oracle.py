"""The oracle finds each kind of fault, and none where there is none."""

import pytest

from filtered_websocket.messages.publication import Position
from tests.simulation.oracle import Oracle

NODE = "node 1"


class Story:
    """What happens to two clients of a channel that keeps history, and of two that keep none."""

    def __init__(self) -> None:
        self.oracle = Oracle()
        self.oracle.channel("kept", kept=True)
        self.ann, self.bob = self.oracle.witness("ann"), self.oracle.witness("bob")
        self.offset = 0

    def publish(self, channel="kept", confirmed=True):
        publication = self.oracle.publish(channel)
        if channel == "kept":
            self.offset += 1
        if confirmed:
            self.oracle.confirmed(publication, self.at() if channel == "kept" else None)
        return publication

    def at(self, offset=None, epoch="e"):
        return Position(epoch, self.offset if offset is None else offset)

    def faults(self, members=None):
        self.oracle.rest(members)
        return self.oracle.faults

    def came(self, *names):
        for name in names:
            self.oracle.members_of("room").came(name)

    def told(self, name, *changes):
        for change in changes:
            self.oracle.members_of("room").told(name, change[1:], change[0] == "+")


@pytest.fixture
def story():
    return Story()


def test_what_is_as_promised_is_no_fault(story):
    one = story.publish()
    story.ann.entered("kept", NODE, story.at())
    story.bob.entered("plain", NODE)
    two, alone = story.publish(), story.publish("plain")
    story.ann.got("kept", two.number, story.at())
    story.bob.got("plain", alone.number)
    story.ann.cut()
    three, unknown = story.publish(), story.publish(confirmed=False)
    story.ann.entered("kept", NODE, story.at(2))
    story.ann.got("kept", three.number, story.at(3), live=False)
    story.ann.stands_at("kept", story.at(3))
    story.ann.got("kept", unknown.number, story.at(4))
    story.oracle.history("kept", [(each.number, story.at(at)) for at, each in ((2, two), (3, three), (4, unknown))], 3)
    assert one.position == story.at(1)
    assert not story.faults()


def test_back_over_what_storage_has_lost_alone(story):
    story.ann.entered("kept", NODE, story.at())
    one, two = story.publish(), story.publish()
    story.ann.got("kept", one.number, story.at(1))
    story.ann.got("kept", two.number, story.at(2))
    story.oracle.lost([two])
    story.ann.stands_at("kept", story.at(1))
    assert not story.faults()
    story.ann.stands_at("kept", story.at(0))
    story.ann.stands_at("kept", story.at(1))
    assert "ann is told that it stands at e:0, and stands at e:1" in str(story.faults())


def test_back_where_nothing_is_known_to_be_lost(story):
    story.ann.entered("kept", NODE, story.at(3))
    story.ann.stands_at("kept", story.at(2))
    assert len(story.faults()) == 1


def test_invented(story):
    story.ann.entered("kept", NODE, story.at())
    story.ann.got("kept", 77, story.at(1))
    assert story.faults() == ["ann got 77 of kept, which nobody has published there"]


def test_refused_and_got(story):
    story.ann.entered("plain", NODE)
    publication = story.publish("plain", confirmed=False)
    story.oracle.refused(publication)
    story.ann.got("plain", publication.number)
    assert "was refused" in story.faults()[0]


def test_got_when_it_has_left(story):
    story.ann.entered("plain", NODE)
    story.ann.left("plain")
    story.ann.got("plain", story.publish("plain").number)
    assert "is not in that channel" in story.faults()[0]


def test_let_in_twice(story):
    story.ann.entered("plain", NODE)
    story.ann.entered("plain", NODE)
    assert "twice" in story.faults()[0]


@pytest.mark.parametrize("since", [0, 1])
def test_a_double(story, since):
    story.ann.entered("kept", NODE, story.at())
    publication = story.publish()
    story.ann.got("kept", publication.number, story.at())
    story.ann.cut()
    story.ann.entered("kept", NODE, story.at(since))
    story.ann.got("kept", publication.number, story.at())
    faults = story.faults()
    assert bool(faults) == bool(since), faults
    assert all("again" in each for each in faults)


def test_a_double_without_history(story):
    story.ann.entered("plain", NODE)
    publication = story.publish("plain")
    story.ann.got("plain", publication.number)
    story.ann.got("plain", publication.number)
    assert "twice" in story.faults()[0]


def test_a_hole(story):
    story.ann.entered("kept", NODE, story.at())
    story.publish()
    story.ann.got("kept", story.publish().number, story.at())
    assert "a hole" in story.faults()[0]


def test_recovered_without_what_was_missed(story):
    story.ann.entered("kept", NODE, story.at())
    story.publish()
    story.ann.stands_at("kept", story.at())
    assert "has not got" in story.faults()[0]


def test_a_hole_between_two_epochs(story):
    story.ann.entered("kept", NODE, story.at())
    story.publish()
    late = story.oracle.publish("kept")
    story.ann.got("kept", late.number, story.at(2, "f"))
    assert "without" in story.faults()[0]


def test_what_stands_in_two_epochs_may_come_in_the_later_one(story):
    story.ann.entered("kept", NODE, story.at())
    story.bob.entered("kept", NODE, story.at())
    one, two = story.publish(), story.publish()
    for number, publication in enumerate((one, two), 1):
        story.bob.got("kept", publication.number, story.at(number))
    story.ann.cut()
    story.ann.entered("kept", NODE, story.at(0))
    story.ann.got("kept", one.number, story.at(1, "f"))
    story.ann.got("kept", two.number, story.at(2, "f"))
    assert not story.faults()


@pytest.mark.parametrize("lost", [False, True])
def test_what_storage_has_lost_needs_nobody_get(story, lost):
    story.ann.entered("kept", NODE, story.at())
    gone = story.publish()
    if lost:
        story.oracle.lost([gone])
    late = story.oracle.publish("kept")
    story.ann.got("kept", late.number, story.at(1, "f"))
    assert bool(story.faults()) is not lost


def test_never_got(story):
    story.ann.entered("kept", NODE, story.at())
    story.publish()
    assert "never got" in story.faults()[0]


def test_confirmed_without_a_position_and_never_got(story):
    story.ann.entered("kept", NODE, story.at())
    story.oracle.confirmed(story.oracle.publish("kept"))
    assert "never got" in story.faults()[0]


@pytest.mark.parametrize("counted", [False, True])
def test_a_loss_is_counted(story, counted):
    story.ann.entered("plain", NODE)
    story.publish("plain")
    if counted:
        story.oracle.counted(NODE, 1)
    assert bool(story.faults()) is not counted


def test_out_of_order(story):
    story.ann.entered("plain", NODE)
    one, two = story.publish("plain"), story.publish("plain")
    story.ann.got("plain", two.number)
    story.ann.got("plain", one.number)
    assert "begun later" in story.faults()[0]


@pytest.mark.parametrize("disturbed", [False, True])
def test_out_of_order_over_two_channels(story, disturbed):
    story.ann.entered("plain", NODE)
    story.ann.entered("other", NODE)
    one, two = story.publish("plain"), story.publish("other")
    if disturbed:
        story.oracle.disturb()
    story.ann.got("other", two.number)
    story.ann.got("plain", one.number)
    assert bool(story.faults()) is not disturbed


def test_two_orders(story):
    story.ann.entered("kept", NODE, story.at())
    story.bob.entered("kept", NODE, story.at())
    one, two = (story.oracle.publish("kept") for _ in range(2))
    story.ann.got("kept", one.number, story.at(1))
    story.bob.got("kept", two.number, story.at(1))
    assert "stand both" in story.faults()[0]


def test_placed_before_what_was_confirmed_before_it(story):
    story.offset = 1
    first = story.publish()
    late = story.oracle.publish("kept")
    story.oracle.confirmed(late, story.at(1))
    assert first.position == story.at(2)
    assert "was confirmed before it was begun" in story.faults()[0]


def test_confirmed_and_not_in_the_history(story):
    one, two = story.publish(), story.publish()
    story.oracle.history("kept", [(one.number, story.at(1))], 5)
    assert str(two) in story.faults()[0]


def test_a_history_longer_than_its_limit(story):
    found = [(story.publish().number, story.at()) for _ in range(3)]
    story.oracle.history("kept", found, 2)
    assert story.faults() == ["history of kept is 2, and there are 3"]


def test_one_join_and_one_leave(story):
    story.came("ann")
    story.oracle.members_of("room").watch("ann", NODE)
    story.came("bob")
    story.told("ann", "+bob")
    story.oracle.members_of("room").went("bob")
    story.told("ann", "-bob")
    assert not story.faults({"room": {"ann"}})


@pytest.mark.parametrize(
    ("changes", "stays", "fault"),
    [
        (["+bob", "+bob"], True, "join of bob in room twice"),
        (["+bob"], False, "was not told that bob has left"),
        ([], True, "was not told that bob is in"),
        (["+bob", "-bob"], True, "has left room, and it has not"),
    ],
)
def test_what_is_told_wrong_of_members(story, changes, stays, fault):
    story.oracle.members_of("room").watch("ann", NODE)
    story.came("bob")
    story.told("ann", *changes)
    if not stays:
        story.oracle.members_of("room").went("bob")
    assert fault in story.faults()[0]


def test_presence_is_exact(story):
    story.came("ann", "bob")
    assert story.faults({"room": {"ann", "eve"}, "hall": {"joe"}}) == [
        "eve is listed in room, and is gone",
        "bob is in room, and is not listed",
        "joe is listed in hall, and is gone",
    ]


def test_limits_and_what_is_left(story):
    story.oracle.within("max_connections", 3, 3)
    story.oracle.nothing_left(NODE, {"channels": {}, "timers": []})
    assert not story.faults()
    story.oracle.within("max_connections", 4, 3)
    story.oracle.nothing_left(NODE, {"channels": {"x": 1}, "timers": []})
    assert story.faults() == ["max_connections is 3, and there are 4", "left of node 1: channels {'x': 1}"]


def test_one_that_has_come_back_is_owed_also_what_nobody_says_where_it_stands(story):
    story.ann.entered("kept", NODE, story.at())
    away = story.oracle.tick()
    story.ann.left("kept")
    missed = story.oracle.publish("kept")
    story.oracle.confirmed(missed)
    story.ann.entered("kept", NODE, story.at(0), away)
    assert story.faults() == [f"ann never got {missed}, and no loss was counted at {NODE}"]


@pytest.mark.parametrize("one_order", [True, False])
def test_the_order_of_one_sender_over_channels_is_promised_where_all_go_one_road(one_order):
    oracle = Oracle(one_order)
    oracle.channel("kept", kept=True)
    ann = oracle.witness("ann")
    for channel in ("kept", "plain"):
        ann.entered(channel, NODE, Position("e", 0) if channel == "kept" else None)
    first, second = oracle.publish("kept", "bob"), oracle.publish("plain", "bob")
    ann.got("plain", second.number)
    ann.got("kept", first.number, Position("e", 1))
    assert bool(oracle.faults) is one_order


def test_how_many_may_stand_behind_a_position(story):
    for _ in range(3):
        story.publish()
    here = story.oracle.tick()
    unknown, refused = story.publish(confirmed=False), story.oracle.publish("kept")
    story.oracle.refused(refused)
    assert unknown.confirmed is None
    assert story.oracle.channel("kept").may_stand_behind(story.at(1), here) == 3
