"""So many messages per second of one user, over all connections that the user has in this process.

A user is what a handshake filter, or a pack, has named `connection.user`; connections without one are not counted. What
is too fast waits, and nothing more of that connection is read meanwhile. Nothing is lost, unless so many connections of
one user wait that a message would have to for ``filter_timeout``: its connection is closed with 1008.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from filtered_websocket.config import Option, integer
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.limits.rates import Bucket

BURST_SECONDS = 5
"""So many seconds' worth may come at once."""
KEPT = 10_000
"""Users of which is known how much they have left, before those that have all are forgotten."""

RATE = Option(
    "max_rate_per_user", integer(1, 1_000_000), 10, "messages per second of one user; more of them wait",
    scope="use", limits=True,
)  # fmt: skip
OPTIONS = (RATE,)
ASKS = "everything"


class Pace(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> "Deferred[None] | None":
        user = web_socket_instance.user
        if user is None:
            return None
        server = web_socket_instance.pipeline.server
        now, rate = server.reactor.seconds(), cls.options.max_rate_per_user
        buckets: dict[str, Bucket] = cls.state.setdefault("buckets", {})
        bucket = buckets.get(user)
        if bucket is None or bucket.rate != rate:
            if len(buckets) >= KEPT:
                cls.state["buckets"] = buckets = {name: each for name, each in buckets.items() if not each.is_full(now)}
            bucket = buckets[user] = Bucket(rate, rate * BURST_SECONDS, now)
        if bucket.spend(1, now):
            return None
        debt = bucket.debt(now)
        if debt >= web_socket_instance.pipeline.options.filter_timeout:
            # To wait longer would be a failure of this filter: 1011, and a traceback for each message.
            bucket.spend(-1, now)
            server.counters.count("closed", "max_rate_per_user", user)
            raise Close(1008, "max_rate_per_user")
        server.counters.count("slowed", "max_rate_per_user", user)
        return deferLater(server.reactor, debt)
