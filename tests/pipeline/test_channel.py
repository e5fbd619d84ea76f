"""One channel: which of its subscribers are on the fast road, and one that fails."""

import pytest
from twisted.logger import capturedLogs, formatEvent

from filtered_websocket.messages.batch import Batch
from filtered_websocket.pipeline.channel import FEW, Channel


class Client:
    """A subscriber with a socket that takes frames now, or without one."""

    def __init__(self, name, direct=None, channels=("room",), encoding=None):
        self.id, self.direct, self.channels, self.encoding = name, direct, set(channels), encoding
        self.got = []

    def deliver(self, batch, policy):
        self.got.append((batch.channel, list(batch.messages), policy))


class Fails(Client):
    def deliver(self, batch, policy):
        raise RuntimeError("no room in this session")


def sends_of(name):
    def send(data):
        return len(data)

    send.__name__ = name
    return send


def room(*clients):
    channel = Channel("room", "drop-old")
    channel.subscribers = {each.id: each for each in clients}
    return channel


@pytest.mark.parametrize("many", [False, True])
def test_those_with_a_free_socket_are_on_the_fast_road_without_those_that_are_left_out(many):
    a, b, c = Client("a", sends_of("a")), Client("b"), Client("c", sends_of("c"))
    more = [Client(f"more {number}") for number in range(FEW if many else 0)]
    channel = room(a, b, c, *more)
    left = [] if many else ()
    for _ in range(2):
        assert channel.roads(()) == ([a.direct, c.direct], [a, c], [b, *more], ())
        assert channel.roads({"a", "one that has gone"}) == ([c.direct], [c], [b, *more], left)
        assert channel.roads(["b", "c"]) == ([a.direct], [a], more, left)


@pytest.mark.parametrize("many", [False, True])
def test_each_encoding_has_a_road_of_its_own_without_those_that_are_left_out(many):
    one, other = object(), object()
    a, b, c = Client("a", sends_of("a")), Client("b", sends_of("b"), encoding=one), Client("c", sends_of("c"))
    d, e = Client("d", sends_of("d"), encoding=other), Client("e", sends_of("e"), encoding=one)
    channel = room(*([a, b, c, d, e] if many else [a, b, d, e]))
    for _ in range(2):
        sends, _, others, encoded = channel.roads(())
        assert (sends, others) == ([a.direct, c.direct] if many else [a.direct], [])
        assert list(encoded) == [(one, [b.direct, e.direct], [b, e]), (other, [d.direct], [d])]
        sends, _, _, encoded = channel.roads({"a", "e"})
        assert sends == ([c.direct] if many else [])
        assert list(encoded) == [(one, [b.direct], [b]), (other, [d.direct], [d])]


def test_many_subscribers_are_looked_at_once_and_few_each_time():
    many, few = [Client(f"{number}") for number in range(FEW)], [Client(f"{number}") for number in range(FEW - 1)]
    large, small = room(*many), room(*few)
    for channel in (large, small):
        assert channel.roads(())[0] == []
    for each in (*many, *few):
        each.direct = sends_of("a")
    assert [len(channel.roads(())[0]) for channel in (large, small)] == [0, FEW - 1]
    large.arranged = None
    assert len(large.roads(())[0]) == FEW
    assert large.roads(()) is large.roads(())
    assert small.arranged is None


@pytest.mark.parametrize("many", [False, True])
def test_a_channel_is_mixed_while_one_of_its_subscribers_is_in_another_too(many):
    a, b = Client("a"), Client("b", channels=("room", "hall"))
    channel = room(a, b, *[Client(f"more {number}") for number in range(FEW if many else 0)])
    channel.roads(())
    assert channel.mixed
    b.channels.remove("hall")
    channel.arranged = None
    channel.roads(())
    assert not channel.mixed


def test_what_a_subscriber_is_given_comes_with_the_channels_policy_and_one_that_fails_is_logged():
    a, broken = Client("a"), Fails("broken")
    channel = room(a, broken)
    batch = Batch("room", [[(b"hello", False)]])
    with capturedLogs() as log:
        for each in (broken, a):
            channel.deliver(each, batch)
    assert a.got == [("room", [(b"hello", False)], "drop-old")]
    assert len(log) == 1
    assert "subscriber failed" in formatEvent(log[0])
