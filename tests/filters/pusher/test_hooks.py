"""What an app's web hooks are sent."""

import json
import time

from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.hooks import renderer
from filtered_websocket.filters.shared.signatures import sign


def test_a_request_tells_events_and_its_time_and_is_signed_as_a_whole():
    app = App("1001", "app-key", "app-secret")
    events = [{"name": "channel_occupied", "channel": "é"}, {"name": "channel_vacated", "channel": "b"}]
    body, headers = renderer(app)(events)
    told = json.loads(body)
    assert told.keys() == {"time_ms", "events"}
    assert told["events"] == events
    assert abs(told["time_ms"] / 1000 - time.time()) < 60
    assert dict(headers) == {
        "Content-Type": "application/json",
        "X-Pusher-Key": "app-key",
        "X-Pusher-Signature": sign("app-secret", body.decode()),
    }


def test_each_attempt_tells_its_own_time(monkeypatch):
    render = renderer(App("1001", "app-key", "app-secret"))
    times = []
    for now in (1.0, 2.5):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        times.append(json.loads(render([])[0])["time_ms"])
    assert times == [1000, 2500]
