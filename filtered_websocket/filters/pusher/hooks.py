"""What an app's web hooks are sent."""

import json
import time
from typing import Any

from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.shared.webhooks.posts import Request
from filtered_websocket.filters.shared.webhooks.queue import Render

MOST = 50
"""Events that one request tells of."""


def renderer(app: App) -> Render:
    """Makes the requests of an app: signed with its secret, and each attempt's age told by ``time_ms``."""

    def render(events: list[Any]) -> Request:
        body = json.dumps({"time_ms": int(time.time() * 1000), "events": events}, separators=(",", ":"))
        return body.encode(), (
            ("Content-Type", "application/json"),
            ("X-Pusher-Key", app.key),
            ("X-Pusher-Signature", sign(app.secret, body)),
        )

    return render
