"""What looks into a channel for the dashboard: subscribers that keep the newest messages until they are asked.

A watcher that nobody asks for a while leaves its channel: nobody tells us that a page has been closed.
"""

import secrets
import time
from collections import deque
from typing import NamedTuple

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.messages.batch import Batch
from filtered_websocket.web.response import HTTPError

KEPT = 100
LONGEST = 2000
"""Bytes shown of one message."""
MAX_WATCHERS = 20
IDLE_SECONDS = 10.0


class Seen(NamedTuple):
    """One message: `number` counts from 1, `time` is in seconds since 1970."""

    number: int
    time: float
    payload: bytes
    binary: bool
    size: int


class Watcher:
    """A subscriber of one channel that sends to nobody (see `chain.subscriber`).

    :ivar last: how many messages have come
    """

    direct = None

    def __init__(self) -> None:
        self.id = f"dashboard {secrets.token_hex(8)}"
        self.channels: set[str] = set()
        self.last = 0
        self.expires: DelayedCall
        self._seen: deque[Seen] = deque(maxlen=KEPT)

    def deliver(self, batch: Batch, policy: str) -> None:
        now = time.time()
        for payload, binary in batch.messages:
            self.last += 1
            self._seen.append(Seen(self.last, now, bytes(payload[:LONGEST]), binary, len(payload)))

    def finish(self, blob: bytes, sent: int) -> None:
        raise AssertionError("there is no socket")

    def after(self, number: int) -> list[Seen]:
        """What came after this message, oldest first, as far as it is kept."""
        return [each for each in self._seen if each.number > number]


class Watchers:
    """The watchers of one server, by pipeline and channel: however many pages look at a channel, it has one."""

    def __init__(self, reactor: Clock) -> None:
        self._reactor = reactor
        self._watchers: dict[tuple[Pipeline, str], Watcher] = {}

    async def of(self, pipeline: Pipeline, channel: str) -> Watcher:
        """The watcher of this channel; it is in the channel when this returns.

        :raises HTTPError: 400, nobody can subscribe to that; 503, there are too many watchers
        """
        watcher = self._watchers.get((pipeline, channel))
        if watcher is None:
            if len(self._watchers) >= MAX_WATCHERS:
                raise HTTPError(503, f"{MAX_WATCHERS} channels are being watched: more are not")
            watcher = self._watchers[pipeline, channel] = Watcher()
            watcher.expires = self._reactor.callLater(IDLE_SECONDS, self._end, pipeline, channel)
            try:
                await pipeline.subscribe(channel, watcher)
            except BaseException as error:
                self._end(pipeline, channel)
                if isinstance(error, ValueError):
                    raise HTTPError(400, str(error)) from None
                raise
        elif watcher.expires.active():
            watcher.expires.reset(IDLE_SECONDS)
        return watcher

    def _end(self, pipeline: Pipeline, channel: str) -> None:
        watcher = self._watchers.pop((pipeline, channel), None)
        if watcher is None:
            return
        if watcher.expires.active():
            watcher.expires.cancel()
        if channel in watcher.channels:
            pipeline.unsubscribe(channel, watcher)

    def stop(self) -> None:
        """Leave every channel."""
        for pipeline, channel in list(self._watchers):
            self._end(pipeline, channel)
