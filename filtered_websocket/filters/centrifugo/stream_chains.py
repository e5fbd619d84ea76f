"""The chains of a client on a stream: those that a WebSocket has, by the pipeline's filters in front of the pack and
behind it. What these let through of one they let through of the other.
"""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.ending import run_to_the_end
from filtered_websocket.chain.observed import Observable
from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.chain.request import Request
from filtered_websocket.chain.sessions import run_event
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway
from filtered_websocket.filters.centrifugo.encodings import Encoding


class StreamChains(Observable):
    """Connect, message and disconnect; handshake filters have been asked (`StreamCarrier.admit`)."""

    encoding: Encoding
    request: Request
    _running: Deferred[Any] | None = None

    async def run(self, event: str, data: Any = None) -> None:
        """Run a chain of the pipeline on this stream; one that fails ends it, as it would end a connection."""
        try:
            await run_event(self, event, data, binary=self.encoding.codec.binary, waits=self._await)
        except BaseException as error:
            self._failed(error)
        finally:
            self._running = None

    def _await(self, running: "Deferred[Any]") -> None:
        self._running = running

    def _failed(self, error: BaseException) -> None:
        counters = self.pipeline.server.counters
        known = (StopChain, Close, Reject, NotAllowed, StorageAway, *(CANCELLED if self.ended else ()))
        meant = outcome(error, known)
        if meant.failed:
            report(counters, error)
        elif meant.counted:
            counters.count("closed", meant.counted, self.request.peer)
        if meant.code is not None:
            self.close(meant.code, meant.reason)

    def _left(self) -> None:
        """The disconnect chain runs; what was awaited is not awaited any more."""
        if self._running is not None:
            self._running.cancel()
        self.pipeline.server.ending(start(self._disconnected()))

    async def _disconnected(self) -> None:
        await run_to_the_end(self, self._failed)

    def close(self, code: int = 3000, reason: str = "") -> None:
        """Tell the client why, and end the response."""
        raise NotImplementedError
