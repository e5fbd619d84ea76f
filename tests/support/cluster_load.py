"""Publications without a pause on many channels, half of them with history: whether what was said of each is true."""

import time
from collections import defaultdict
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import LoopingCall

from filtered_websocket.storage_objects.base import StorageAway
from tests.support.backends import Node, message
from tests.support.reactor_thread import DEADLINE, call, until
from tests.support.redis_nodes import KEEP

EVERY = 0.02
"""Seconds between two rounds, each a publication on every channel."""


class Load:
    """
    :param writer: what publishes
    :param readers: what is subscribed to all channels
    :param channels: how many
    :ivar paused: for each round, seconds until all of it was answered
    """

    def __init__(self, writer: Node, readers: list[Node], channels: int = 40) -> None:
        self.writer, self.readers = writer, readers
        self.kept = [f"kept {number}" for number in range(channels // 2)]
        self.fleeting = [f"fleeting {number}" for number in range(channels // 2)]
        self.confirmed: dict[str, list[int]] = defaultdict(list)
        self.not_done: dict[str, list[int]] = defaultdict(list)
        self.unknown: dict[str, list[int]] = defaultdict(list)
        self.answered_at: dict[str, float] = {}
        self._number = self._open = 0
        for reader in readers:
            for channel in self.kept + self.fleeting:
                reader.subscribe(channel)
        self._loop = LoopingCall(self._round)
        self._loop.clock = reactor

    def __enter__(self) -> "Load":
        call(lambda: self._loop.start(EVERY) and None)
        return self

    def __exit__(self, *_: object) -> None:
        call(lambda: self._loop.stop())
        until(lambda: self._open == 0)

    @property
    def rounds(self) -> int:
        return self._number

    def _round(self) -> None:
        number = self._number
        self._number += 1
        for channel in self.kept + self.fleeting:
            self._open += 1
            keep = KEEP if channel in self.kept else None
            sent = self.writer.storage.send(message(channel, str(number)), keep)
            sent.addCallbacks(self._done, self._failed, (channel, number), None, (channel, number))

    def _done(self, _: object, channel: str, number: int) -> None:
        self._open -= 1
        self.confirmed[channel].append(number)
        self.answered_at[channel] = time.monotonic()

    def _failed(self, failure: Any, channel: str, number: int) -> None:
        self._open -= 1
        failure.trap(StorageAway)
        text = failure.getErrorMessage()
        (self.unknown if "unknown" in text else self.not_done)[channel].append(number)

    def confirm_all(self) -> float:
        """Wait until a publication of from now on is confirmed on every channel; when the last was."""
        start = self._number
        until(lambda: all(found and found[-1] >= start for found in map(self._last, self.kept + self.fleeting)))
        return max(self.answered_at.values())

    def _last(self, channel: str) -> list[int]:
        return self.confirmed[channel][-1:]

    def check(self, since: int = 0) -> None:
        """When it is over: every reader has had what was confirmed, once and in order, and nothing that was not done;
        on channels without history it was told of what it may have missed.

        :param since: Redis itself may have lost what it confirmed in rounds before this one
        """
        for reader in self.readers:
            for channel in self.kept:
                wanted = {number for number in self.confirmed[channel] if number >= since}
                reader.recorder.wait_for(lambda c=channel, w=wanted, r=reader: w <= set(heard(r, c)), DEADLINE)
        for reader in self.readers:
            for channel in self.kept + self.fleeting:
                found = heard(reader, channel)
                missing = {number for number in self.confirmed[channel] if number >= since} - set(found)
                assert not set(found) & set(self.not_done[channel]), (channel, "what was not done is heard")
                if channel in self.kept:
                    known = [number for number in found if number not in self.unknown[channel]]
                    assert known == sorted(set(known)), (channel, found)
                    assert len(found) == len(set(found)), (channel, found)
                    assert not missing
                    assert channel not in reader.recorder.gaps
                else:
                    assert len(found) == len(set(found)), (channel, found)
                    assert not missing or channel in reader.recorder.gaps, (channel, missing)


def heard(reader: Node, channel: str) -> list[int]:
    """The numbers that a reader has had on a channel, in its order."""
    return [int(each.payload) for each in list(reader.recorder.publications) if each.channel == channel]
