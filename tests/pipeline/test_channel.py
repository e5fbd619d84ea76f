"""One channel: which of its subscribers are on the fast road, and one that fails."""

from twisted.logger import capturedLogs, formatEvent

from filtered_websocket.messages.batch import Batch
from filtered_websocket.pipeline.channel import Channel


class Client:
    """A subscriber with a socket that takes frames now, or without one."""

    def __init__(self, name, direct=None, channels=("room",)):
        self.id, self.direct, self.channels = name, direct, set(channels)
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


def test_those_with_a_free_socket_are_on_the_fast_road_and_each_has_its_place():
    a, b, c = Client("a", sends_of("a")), Client("b"), Client("c", sends_of("c"))
    channel = room(a, b, c)
    assert channel.arrange() == [a.direct, c.direct]
    assert (channel.sends, channel.owners, channel.others) == ([a.direct, c.direct], [a, c], [b])
    assert channel.places == {"a": 0, "c": 1}
    assert [channel.owners[channel.places[each]].id for each in channel.places] == ["a", "c"]


def test_a_channel_is_arranged_anew_from_what_is_true_now():
    a, b = Client("a", sends_of("a")), Client("b")
    channel = room(a, b)
    channel.arrange()
    a.direct, b.direct = None, sends_of("b")
    assert channel.arrange() == [b.direct]
    assert (channel.owners, channel.others, channel.places) == ([b], [a], {"b": 0})
    channel.subscribers.clear()
    assert channel.arrange() == []
    assert channel.others == []


def test_a_channel_is_mixed_while_one_of_its_subscribers_is_in_another_too():
    a, b = Client("a"), Client("b", channels=("room", "hall"))
    channel = room(a, b)
    channel.arrange()
    assert channel.mixed
    b.channels.remove("hall")
    channel.arrange()
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
