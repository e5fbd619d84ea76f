"""How long the way to a server and back is, measured by pings or by messages that come back."""

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client.connection import Connection
from filtered_websocket.commands.fws_client.protocols.base import Heard

PATIENCE = 5.0
"""Seconds after which a message counts as lost."""


class OwnMessages:
    """Messages that are known again when they come back, by whichever way."""

    def __init__(self) -> None:
        self._marker = ""
        self._back: asyncio.Future[float] | None = None

    def heard(self, heard: Heard) -> None:
        text = heard.text if isinstance(heard.text, str) else heard.text.decode("utf-8", "replace")
        if self._back is not None and not self._back.done() and self._marker in text:
            self._back.set_result(time.perf_counter())

    async def measure(self, connection: Connection, channel: str) -> float:
        """Seconds that a message takes to come back. Raises Ended if it does not."""
        self._marker = f"fws_client latency {uuid.uuid4().hex}"
        self._back = asyncio.get_running_loop().create_future()
        begin = time.perf_counter()
        sent = asyncio.create_task(connection.publish([(channel, self._marker)]))
        try:
            async with asyncio.timeout(PATIENCE):
                back = await self._back
                await sent
        except TimeoutError:
            raise Ended(f"a message has not come back within {PATIENCE:g} s") from None
        finally:
            sent.cancel()
        return back - begin


async def report(
    measure: Callable[[], Awaitable[float]], line: Callable[[str], None], count: int | None, interval: float
) -> None:
    """Measure so many times, or until cancelled, and sum up.

    :param interval: seconds from one to the next
    """
    taken: list[float] = []
    try:
        while count is None or len(taken) < count:
            if taken:
                await asyncio.sleep(interval)
            taken.append(await measure() * 1000)
            line(f"{len(taken)}: {taken[-1]:.3f} ms")
    finally:
        if taken:
            line(
                f"{len(taken)} round trips: least {min(taken):.3f} ms, median {statistics.median(taken):.3f} ms, "
                f"most {max(taken):.3f} ms"
            )
