"""The clock of one simulated node, and randomness that a seed decides."""

import contextlib
import importlib
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from filtered_websocket.connection import connection
from filtered_websocket.testing.clock import ClockReactor
from filtered_websocket.testing.process_time import put_into

BEGIN = float(1 << 24)
"""Later than what any module may have noted of the real time; whole, so that each run has the same fractions."""


class NodeClock(ClockReactor):
    """
    :ivar wanted: something is to be done now, that others have asked for
    """

    def __init__(self, now: float) -> None:
        super().__init__()
        self.rightNow = now
        self.wanted = True

    def callFromThread(self, call: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        self.wanted = True
        super().callFromThread(call, *args, **kwargs)

    def rest(self, move: Callable[[], bool], until: Callable[[], object] | None = None) -> None:
        super().rest(move, until)
        self.wanted = False

    @property
    def next_due(self) -> float | None:
        """When this node has something to do next; None: nothing is due."""
        calls = self.getDelayedCalls()
        return calls[0].getTime() if calls else None


TIMED = [importlib.import_module(f"filtered_websocket.{name}") for name in (
    "connection.receiving", "limits.fair_share", "server.slices", "web.receiving",
)]  # fmt: skip
"""What bounds its work by the time that the machine takes for it, which no seed decides."""


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Names that are random elsewhere (ids, epochs, keys of frames) follow from the seed meanwhile."""
    streams: dict[int, random.Random] = {}

    def urandom(size: int) -> bytes:
        # By size: the masks of frames, whose number depends on what is sent in which order, change no names.
        if size not in streams:
            streams[size] = random.Random(f"names {seed} {size}")
        return streams[size].randbytes(size)

    before = random.getstate()
    random.seed(f"random {seed}")
    with contextlib.ExitStack() as stack:
        stack.callback(random.setstate, before)
        stack.enter_context(put_into(os, {"urandom": urandom}))
        # Autobahn begins anew with each server.
        stack.enter_context(put_into(random, {"_urandom": urandom, "seed": lambda *_: None}))
        stack.enter_context(put_into(connection, {"urandom": urandom}))
        for module in TIMED:
            stack.enter_context(put_into(module, {"perf_counter": float}))
        yield
