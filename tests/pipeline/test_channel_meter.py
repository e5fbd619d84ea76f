from typing import Any

from filtered_websocket.pipeline import channel_meter
from filtered_websocket.pipeline.channel_meter import IDLE_SECONDS, ChannelMeter
from filtered_websocket.testing.server import Server
from tests.support.rooms import Rooms, members


def test_publications_of_each_channel_are_counted_while_somebody_looks_and_the_hub_is_itself_when_nobody_does() -> None:
    with Server(Rooms) as server:
        hub, publish = server.pipeline().hub, server.pipeline().publish
        meter = ChannelMeter(hub, server.reactor)
        members(server, "a", "b")
        publish("a", "uncounted")
        assert "publish" not in vars(hub)
        meter.look()
        for _ in range(4):
            publish("a", "12345")
        publish("b", ["1", "22"])
        server.advance(2)
        assert meter.rates() == {"a": (2, 10), "b": (0.5, 1.5)}
        server.advance(IDLE_SECONDS - 3)
        meter.look()
        server.advance(IDLE_SECONDS - 1)
        assert "publish" in vars(hub)
        server.advance(2)
        assert "publish" not in vars(hub)
        assert meter.rates() == {}


def test_a_rate_is_one_of_late_not_of_all_the_time() -> None:
    with Server(Rooms) as server:
        meter = ChannelMeter(server.pipeline().hub, server.reactor)
        meter.look()
        members(server, "a").send("a x")
        for _ in range(3):
            server.advance(11)
            meter.look()
        assert meter.rates() == {}
        meter.stop()


def test_what_is_published_while_something_is_delivered_counts_once() -> None:
    with Server(Rooms) as server:
        pipeline = server.pipeline()
        meter = ChannelMeter(pipeline.hub, server.reactor)

        class Answers:
            id, direct, channels = "answers", None, set[str]()

            def deliver(self, batch: Any, policy: str) -> None:
                if batch.channel == "a":
                    pipeline.hub.publish("b", ((b"late", False),))

        pipeline.subscribe("a", Answers())  # type: ignore[arg-type]
        meter.look()
        pipeline.publish("a", "x")
        server.advance(1)
        assert meter.rates() == {"a": (1, 1), "b": (1, 4)}, "the hub is told of b, which nobody is in"
        meter.stop()
        pipeline.unsubscribe("a", next(iter(pipeline.hub.subscribers("a"))))


def test_only_so_many_channels_are_told_apart(monkeypatch: Any) -> None:
    monkeypatch.setattr(channel_meter, "MAX_CHANNELS", 3)
    with Server(Rooms) as server:
        meter = ChannelMeter(server.pipeline().hub, server.reactor)
        meter.look()
        members(server, *[f"c{number}" for number in range(10)])
        for number in range(10):
            server.pipeline().publish(f"c{number}", "x")
        server.advance(1)
        assert len(meter.rates()) == 3
        meter.stop()
