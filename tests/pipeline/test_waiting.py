"""Order over several channels, whatever happens in between, beside a plain model: a list for each subscriber."""

import random

import pytest

from filtered_websocket.messages import frames
from filtered_websocket.pipeline import hub
from filtered_websocket.pipeline.corks import MAX_CORKED
from filtered_websocket.pipeline.waiting import COMPARED, OFTEN
from tests.pipeline.subscribers import OnSocket, Session, text

CHANNELS = "rstuvwxyz"


class Through(Session):
    """A subscriber that hands on what it gets to a connection that is in no channel itself, as Engine.IO 3 does."""

    def __init__(self, name, connection):
        super().__init__(name)
        self.connection = connection

    def deliver(self, batch, policy):
        self.connection.deliver(batch, policy)

    def reply(self, blob):
        self.connection.hub.settle(self)
        self.connection.reply(blob)

    def received(self):
        return self.connection.received()


class Answers(Session):
    """A subscriber that publishes while it is delivered to."""

    def __init__(self, name, model):
        super().__init__(name)
        self.model = model

    def deliver(self, batch, policy):
        super().deliver(batch, policy)
        model = self.model
        if model.answers and model.rng.random() < 0.3:
            model.answers -= 1
            for channel in model.rng.choices(CHANNELS, k=2):
                model.publish(channel)

    def received(self):
        received, self.messages = [payload for payload, _ in self.messages], []
        return received


class Leaves(Answers):
    """The same, which leaves and joins channels too."""

    def deliver(self, batch, policy):
        super().deliver(batch, policy)
        rng = self.model.rng
        if rng.random() < 0.2:
            self.model.hub.leave(batch.channel, self)
        if rng.random() < 0.4:
            getattr(self.model.hub, rng.choice(["join", "leave", "leave"]))(rng.choice(CHANNELS), self)


class Model:
    """What each subscriber is to get, in order, beside the hub that sends it."""

    def __init__(self, fanout, turn, seed):
        self.hub, self.turn, self.rng = fanout, turn, random.Random(seed)
        self.number, self.answers, self.published = 0, 0, []
        self.wanted, self.got, self.gone = {}, {}, []
        self.everybody = []
        self._publish, fanout.publish = fanout.publish, self._published
        for name in "abcdefgh":
            self.come(name)

    def come(self, name):
        """A subscriber of some kind, which takes the place of an earlier one of its name."""
        kind = name if name in "fgh" else self.rng.choice(["plain"] * 3 + ["slow", "deflating"])
        one = OnSocket(name, window_bits=9 if kind == "deflating" else 0, send_buffer=4096 if kind == "slow" else 0)
        one.hub = self.hub
        if kind == "f":
            one = Through(name, one)
        elif kind in "gh":
            one.close()
            one = (Answers if kind == "g" else Leaves)(name, self)
        self.everybody.append(one)
        self.wanted[one], self.got[one] = [], []

    def payload(self, size=0):
        self.number += 1
        return f"{self.number} {'x' * size}"

    def publish(self, channel, exclude=()):
        first = self.payload(self.rng.choice([0, 0, 0, 300, 3000]))
        self.hub.publish(channel, text(*[first, self.payload()][: self.rng.choice([1, 2])]), exclude)

    def _published(self, channel, messages, exclude=(), kept=None):
        # What is published while something is delivered comes here again when it has been.
        if not self.hub._delivering:
            self.published += [payload for payload, _ in messages]
            for each in self.hub.subscribers(channel):
                if each.id not in exclude:
                    self.wanted[each] += [payload for payload, _ in messages]
        self._publish(channel, messages, exclude)

    def step(self):
        rng, one, channel = self.rng, self.rng.choice(self.everybody), self.rng.choice(CHANNELS)
        act = rng.choice(
            ["publish"] * 12 + ["join"] * 3 + ["leave", "reply", "reply", "write", "settle", "end", "read"]
        )
        if act == "publish":
            names = [each.id for each in self.everybody if rng.random() < 0.2] if rng.random() < 0.5 else ()
            self.publish(channel, names)
        elif act == "join":
            if one.id != "h" or channel != "z":  # so that one of the channels is of fewer
                self.hub.join(channel, one)
        elif act == "leave":
            self.hub.leave(channel, one)
        elif act == "settle":
            self.hub.settle(one)
        elif act == "end":
            self.turn.end()
            if rng.random() < 0.1:
                self.hub.refresh(one)
            if rng.random() < 0.1:
                self.replace(one)
        elif act == "read":
            for each in self.everybody:
                if rng.random() < 0.5:
                    self.read(each)
        elif isinstance(one, (OnSocket, Through)):
            # Whether it comes before or after what is published while this is sent, nobody can tell.
            self.answers = 0
            payload = self.payload().encode()
            self.wanted[one].append(payload)
            if act == "reply":
                one.reply(frames.make(payload, False))
            elif isinstance(one, OnSocket):
                self.hub.settle(one)
                one.uncork()
                one.write(frames.make(payload, False))
            else:
                self.wanted[one].pop()

    def replace(self, one):
        """It ends, as connections do, and another comes in its place: of all that it was in, or of some."""
        self.hub.settle(one)
        if isinstance(one, OnSocket):
            one.uncork()
        for channel in tuple(one.channels):
            if self.rng.random() < 0.7:
                self.hub.leave(channel, one)
        channels = tuple(one.channels)
        self.everybody.remove(one)
        self.gone.append(one)
        self.come(one.id)
        for channel in channels:
            self.hub.join(channel, self.everybody[-1])
        assert not one.channels

    def read(self, one):
        self.got[one] += one.received()

    def check(self):
        for one in self.everybody + self.gone:
            self.read(one)
            got, wanted = self.got[one], self.wanted[one]
            if isinstance(one, Leaves):  # what is under way may miss one that leaves, and reach one that joins
                left = iter(self.published)
                assert all(payload in left for payload in got)
            else:
                assert got == wanted

    def close(self):
        for one in self.everybody + self.gone:
            if isinstance(one, Through):
                one.connection.close()
            elif isinstance(one, OnSocket):
                one.close()


@pytest.mark.parametrize("seed", range(75))
def test_each_subscriber_gets_what_was_published_in_the_order_of_the_publications(fanout, turn, seed, monkeypatch):
    monkeypatch.setattr(hub, "TURN_BYTES", 12_000 if seed % 2 else hub.TURN_BYTES)
    monkeypatch.setattr(hub, "MAX_COLLECTED", 20_000 if seed % 3 else hub.MAX_COLLECTED)
    model = Model(fanout, turn, seed)
    try:
        for _ in range(500):
            model.answers = 3
            model.step()
            for each in model.everybody:
                assert len(getattr(each, "corked", b"")) <= MAX_CORKED + 100
        while turn.calls:
            turn.end()
        model.check()
        assert fanout.corked == []
        assert fanout._collected == 0
        assert not fanout._later
    finally:
        model.close()


def test_a_subscriber_of_several_channels_gets_everything_in_the_order_it_was_published(fanout, turn, subscriber):
    both, x_only = subscriber("both"), subscriber("x only")
    for each in (both, x_only):
        fanout.join("x", each)
    fanout.join("y", both)
    for number in range(20):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    turn.end()
    assert both.received() == [b"%d" % number for number in range(20)]
    assert x_only.received() == [b"%d" % number for number in range(0, 20, 2)]


def test_a_channel_that_waits_is_sent_before_its_subscriber_joins_a_second(fanout, turn, subscriber):
    one = subscriber("one")
    fanout.join("x", one)
    fanout.publish("x", text("1"))
    fanout.join("y", one)
    fanout.publish("y", text("2"))
    fanout.publish("x", text("3"))
    turn.end()
    assert one.received() == [b"1", b"2", b"3"]


def test_one_that_joins_what_waits_for_its_own_delivery_gets_that_before_what_comes_later(fanout, turn, subscriber):
    class Joins(Session):
        def deliver(self, batch, policy):
            super().deliver(batch, policy)
            fanout.join("y", self)

    for number in range(COMPARED + 1):  # so many wait that each one's channels are noted
        subscriber(f"other {number}", f"a {number}", f"b {number}")
        fanout.publish(f"a {number}", text("x"))
    joins = Joins("joins")
    subscriber("both", "s", "y")
    for channel in "sx":
        fanout.join(channel, joins)
    for number, channel in enumerate("syx"):
        fanout.publish(channel, text(f"{number}"))
    fanout.settle(joins)
    turn.end()
    assert [payload for payload, _ in joins.messages] == [b"0", b"1", b"2"]


def test_channels_without_a_common_subscriber_still_collect_a_turn(fanout, turn, subscriber):
    one, other = subscriber("one", window_bits=15), subscriber("other", window_bits=15)
    fanout.join("x", one)
    fanout.join("y", other)
    for number in range(4):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    turn.end()
    assert [len(batch.messages) for batch, _ in one.delivered] == [2]
    assert [len(batch.messages) for batch, _ in other.delivered] == [2]


def test_what_shared_channels_hold_at_the_end_of_a_turn_goes_out_in_one_send(fanout, turn, subscriber):
    everybody = [subscriber(f"s{number}", "x", "y", f"alone {number}") for number in range(5)]
    for number in range(20):
        fanout.publish("xy"[number % 2], text(f"{number}"))
        fanout.publish(f"alone {number % 5}", text(f"to one {number}"))
    turn.end()
    assert [len(each.sent) for each in everybody] == [1] * 5
    assert len(everybody[0].received()) == 20 + 4
    assert fanout.deliveries == 5 * 20 + 20
    assert fanout.bytes_out == sum(len(blob) for each in everybody for blob in each.sent)


def test_rooms_whose_members_are_in_other_channels_too_collect_a_turn(fanout, turn, subscriber):
    everybody = [subscriber(f"s{number}", f"room {number % 4}", f"own {number}") for number in range(20)]
    for number in range(40):
        fanout.publish(f"room {number % 4}", text(f"{number}"))
    assert fanout.corked == []
    turn.end()
    assert [len(each.sent) for each in everybody] == [1] * 20
    assert [len(each.received()) for each in everybody] == [10] * 20


def test_where_channels_meet_often_the_last_waits_and_no_other(fanout, turn, subscriber):
    apart = [subscriber(f"apart {number}", f"a {number}", f"b {number}") for number in range(COMPARED + 2)]
    for number in range(len(apart)):
        fanout.publish(f"a {number}", text("early"))
    both = subscriber("both", "x", "y")
    for number in range(OFTEN + 1):
        assert fanout._waiting._channels
        assert not any(each.corked for each in apart)
        fanout.publish("xy"[number % 2], text(f"{number}"))
    assert all(each.corked for each in apart)
    assert fanout._waiting._channels == {}
    fanout.publish("b 0", text("late"))
    fanout.publish("b 0", text("later"))
    fanout.settle(apart[0])
    turn.end()
    assert apart[0].received() == [b"early", b"late", b"later"]
    assert both.received() == [b"%d" % number for number in range(OFTEN + 1)]
    assert [len(each.sent) for each in (*apart, both)] == [1] * (len(apart) + 1)
    for number in range(len(apart)):
        fanout.publish(f"a {number}", text("in the next turn"))
    assert fanout.corked == []
    turn.end()


def test_a_turn_of_one_channel_marks_nobody(fanout, turn, subscriber):
    subscriber("a", "x", "y")
    for _ in range(3):
        fanout.publish("x", text("1"))
    assert fanout._waiting._channels == {}


def test_nothing_is_kept_of_a_turn_that_has_ended(fanout, turn, subscriber):
    one, other = subscriber("a", "x", "y"), subscriber("b", "x")
    for channel in "xyxy":
        fanout.publish(channel, text("1"))
    turn.end()
    for channel in "xy":
        fanout.leave(channel, one)
    fanout.leave("x", other)
    assert (fanout._waiting._channels, fanout._waiting.few) == ({}, [])


def test_a_reply_to_each_publisher_leaves_every_subscriber_one_send_a_turn(fanout, turn, subscriber):
    everybody = [subscriber(f"s{number}", "room") for number in range(10)]
    for each in everybody:
        fanout.publish("room", text(f"of {each.id}"))
        each.reply(frames.make(b"done", False))
    turn.end()
    said = [f"of {each.id}".encode() for each in everybody]
    for number, each in enumerate(everybody):
        assert len(each.sent) == 1
        assert each.received() == [*said[: number + 1], b"done", *said[number + 1 :]]


def test_one_that_has_left_all_its_channels_gets_a_reply_behind_what_was_published_before(fanout, turn, subscriber):
    one, other = subscriber("a", "x", "y"), subscriber("b", "x", "y")
    for number in range(4):
        fanout.publish("xy"[number % 2], text(f"{number}"))
    for channel in "xy":
        fanout.leave(channel, one)
    one.reply(frames.make(b"reply", False))
    turn.end()
    assert one.received() == [b"0", b"1", b"2", b"3", b"reply"]
    assert other.received() == [b"0", b"1", b"2", b"3"]
