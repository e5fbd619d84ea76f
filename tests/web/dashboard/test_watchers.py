"""Channels that the dashboard watches."""

import json
from typing import Any

from filtered_websocket.web.dashboard.watchers import KEPT, MAX_WATCHERS
from tests.support.dashboard_servers import SECRET, Join, Spread, post
from tests.support.raw_client import frame
from tests.support.reactor_thread import call, until
from tests.support.serving import Served, serving


def watched(served: Served, channel: str = "all", after: int = 0) -> Any:
    answer = post(served, "watch", {"channel": channel, "after": after})
    assert answer.status == 200, answer
    return answer.json


def test_a_watcher_sees_what_subscribers_get_in_numbered_messages() -> None:
    with serving(Join, Spread, publish_secret=SECRET) as served, served.open() as client:
        until(lambda: len(served.users) == 1)
        begun = watched(served)
        assert (begun["last"], begun["messages"]) == (0, [])
        client.send("<b>hé</b>", frame(b"\xff\x00"))
        assert client.text() == "<b>hé</b>"
        assert client.receive() is not None
        found = watched(served)
        first, second = found["messages"]
        assert (first["number"], first["text"], first["binary"], first["size"]) == (1, "<b>hé</b>", False, 10)
        assert (second["text"], second["binary"]) == ("ff 00", True)
        assert watched(served, after=1)["messages"] == [second]
        assert found["watcher"] == begun["watcher"]
        assert post(served, "publish", {"channel": "all", "data": {"any": "JSON"}}).json == {"channels": 1}
        assert client.receive() is not None
        assert json.loads(watched(served, after=2)["messages"][0]["text"]) == {"any": "JSON"}


def test_a_watcher_keeps_the_newest_messages_only_and_the_beginning_of_long_ones() -> None:
    with serving(publish_secret=SECRET) as served:
        watched(served)
        pipeline = served.server.pipelines[0]
        call(pipeline.publish, "all", [str(number) for number in range(2 * KEPT)])
        call(pipeline.publish, "all", "é" * 100_000)
        until(lambda: pipeline.hub.publications == 2)
        found = watched(served)
        assert (found["last"], len(found["messages"])) == (2 * KEPT + 1, KEPT)
        assert found["messages"][0]["text"] == str(KEPT + 1)
        assert (found["messages"][-1]["size"], len(found["messages"][-1]["text"])) == (200_000, 1000)


def test_a_channel_that_nobody_watches_any_more_is_left() -> None:
    with serving(publish_secret=SECRET) as served:
        hub = served.server.pipelines[0].hub
        first = watched(served)["watcher"]
        assert set(call(lambda: dict(hub.channels))) == {"all"}

        def pass_time() -> None:
            (watcher,) = served.server.dashboard.watchers._watchers.values()
            watcher.expires.reset(0)

        call(pass_time)
        until(lambda: not hub.channels)
        assert watched(served)["watcher"] != first
        call(served.server.dashboard.stop)
        assert call(lambda: dict(hub.channels)) == {}


def test_no_more_than_a_few_channels_are_watched_and_only_such_as_there_can_be() -> None:
    with serving(publish_secret=SECRET) as served:
        for body in ({"channel": "x" * 300}, {"channel": 1}, {"channel": "a", "after": "b"}, {}, []):
            assert post(served, "watch", body).status == 400
        assert post(served, "watch", {"channel": "a", "pipeline": "/none"}).status == 404
        for number in range(MAX_WATCHERS):
            watched(served, f"channel {number}")
        assert post(served, "watch", {"channel": "one more"}).status == 503
        watched(served, "channel 0")
