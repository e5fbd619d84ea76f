"""The reactor of ``Server(..., reactor="asyncio")``: an asyncio loop, and time that is real.

The loop runs while a call of the kit does. So a test is a plain function, and its fixtures are: what is asyncio's there
is made in ``server.result(...)``. Rules:

1. Whatever the server does, it does inside the loop, as on ``--reactor asyncio``.
2. A call returns when no filter waits any more and nothing is left to do, or when it has waited for as many seconds as
   `LoopReactor.patience`, for filters that wait for what a later call brings.
3. When the loop has nothing to run it asks its selector to wait. Nothing else of it is looked at.
"""

import asyncio
import contextlib
import selectors
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from filtered_websocket.chain.deferreds import FILTER_TASK
from filtered_websocket.testing.clock import MAX_TURNS, RESTLESS, ClockReactor, StillWaiting
from filtered_websocket.testing.process_time import process_time, put_into

PATIENCE = 5.0
"""Seconds: long for a machine that is busy; no call waits longer than its filters do."""


class _Selector(selectors.DefaultSelector):
    """A selector that notices when its loop has nothing to run."""

    def __init__(self) -> None:
        super().__init__()
        self._at_rest: asyncio.Future[None] | None = None
        self._wait_until = self._end = 0.0

    async def rest(self, wait_until: float, end: float) -> None:
        """Return when the loop has nothing to run.

        :param wait_until: until when something is waited for first, if there is nothing now
        :param end: when to return at the latest: a loop may never rest
        """
        self._wait_until, self._end = wait_until, end
        self._at_rest = asyncio.get_running_loop().create_future()
        await self._at_rest

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._at_rest is None:
            return super().select(timeout)
        events = super().select(0)
        now = monotonic()
        if now < self._end and (events or (timeout is not None and timeout <= 0)):
            return events
        if not events and now < self._wait_until:
            seconds, self._wait_until = self._wait_until - now, 0.0
            return super().select(seconds if timeout is None else min(seconds, timeout))
        self._at_rest.set_result(None)
        self._at_rest = None
        return events


class _Loop(asyncio.SelectorEventLoop):
    """The loop of all servers that are open together, which may be nodes of one cluster.

    :ivar runner: what runs it
    """

    runner: asyncio.Runner

    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)


class LoopReactor(ClockReactor):
    """A reactor on an asyncio loop."""

    patience = PATIENCE

    def __init__(self) -> None:
        super().__init__()
        self._loop: _Loop | None = None

    @property
    def way_on(self) -> str:
        return f"{self.patience:g} s were not enough: server.reactor.patience sets how many a call waits"

    def seconds(self) -> float:
        return monotonic()

    def callFromThread(self, call: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        super().callFromThread(call, *args, **kwargs)
        if self._loop is not None and threading.get_ident() != self.thread:
            self._loop.call_soon_threadsafe(lambda: None)

    def rest(self, move: Callable[[], bool], until: Callable[[], object] | None = None) -> None:
        """Let everything happen that is possible, and wait for it.

        :param until: what is waited for; nothing given: that no filter waits
        """
        if self._loop is None:
            raise RuntimeError("the server is not open: use it in a with statement")
        from twisted.internet import reactor

        # Only now: a reactor that runs in another thread has no loop.
        with self._call(), put_into(reactor, {"_asyncioEventloop": self._loop}):
            self._loop.runner.run(self._rest(self._loop.selector, move, until or self._no_filter_waits))

    def wait(self, move: Callable[[], bool], until: Callable[[], object], seconds: float) -> None:
        end = monotonic() + seconds
        while not until() and monotonic() < end:
            self.rest(move, until)

    def pass_time(self, seconds: float, settle: Callable[[], None]) -> None:
        raise RuntimeError(
            'with reactor="asyncio" time is real, and nobody can advance it: let it pass by '
            f"server.result(asyncio.sleep({seconds:g}))"
        )

    async def _rest(self, selector: _Selector, move: Callable[[], bool], until: Callable[[], object]) -> None:
        end, turns, is_quiet = monotonic() + self.patience, 0, False
        while turns < MAX_TURNS:
            moved = move()
            if self.turn() or moved:
                turns, is_quiet = turns + 1, False
            elif not is_quiet:
                await selector.rest(0, end)
                is_quiet = True
            elif until() or monotonic() >= end:
                return
            else:
                calls: Any = self.getDelayedCalls()
                await selector.rest(min([end, *(call.getTime() for call in calls)]), end)
                turns = 0
        raise StillWaiting(RESTLESS)

    def _no_filter_waits(self) -> bool:
        return not any(task.get_name() == FILTER_TASK for task in asyncio.all_tasks())

    @contextlib.contextmanager
    def in_place_of(self, reactor: Any) -> Iterator[None]:
        """Filters get a loop, and a reactor that lies on it."""
        if asyncio._get_running_loop() is not None:
            raise RuntimeError(
                'Server(..., reactor="asyncio") runs a loop of its own, and here is one that runs: let the test be a '
                "plain function, and await in server.result(...)"
            )
        with super().in_place_of(reactor):
            self._loop = process_time(reactor).shared(_loop())
            try:
                yield
            finally:
                self._loop = None


@contextlib.contextmanager
def _loop() -> Iterator[_Loop]:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, _Loop)
        loop.runner = runner
        yield loop
