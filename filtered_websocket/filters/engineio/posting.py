"""What a client that polls sends: its POSTs, one at a time, through the message chain."""

from twisted.internet.defer import DeferredLock
from twisted.internet.task import deferLater

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.engineio import packets, payloads
from filtered_websocket.filters.engineio.filtered_session import FilteredSession
from filtered_websocket.filters.engineio.session import PROTOCOL_ERROR, Engine
from filtered_websocket.limits.pace import Pace
from filtered_websocket.web.request import HTTPRequest

AT_ONCE = 100
"""Messages of one POST that are obeyed before others have their turn."""


class Refused(Exception):  # noqa: N818 - what it is
    """Polling that no client of the protocol does; the session, if there was one, has ended."""


class PostingSession(FilteredSession):
    """The way in."""

    def __init__(self, engine: Engine, sid: str, protocol: int, request: HTTPRequest) -> None:
        super().__init__(engine, sid, protocol, request)
        self._reactor = self.pipeline.server.reactor
        self._posting = DeferredLock()
        self._pace = Pace(self.pipeline.options, self._now())

    def _now(self) -> float:
        return float(self._reactor.seconds())

    async def post(self, body: bytes) -> None:
        """Run the messages of a POST through the chain, in order.

        :raises Refused: it is no payload, which ends the session
        """
        # Begun in its turn only: a client may go away while its POST waits for others.
        await self._posting.run(lambda: start(self._obey(body)))

    async def _obey(self, body: bytes) -> None:
        options = self.engine.options
        try:
            for count, (data, binary) in enumerate(payloads.decode_payload(body, self.protocol)):
                if count >= options.max_packets:
                    self.pipeline.server.counters.count("closed", f"{options.pack}_max_packets", self.request.peer)
                    raise packets.Malformed(f"more than {options.max_packets} packets")
                if count % AT_ONCE == AT_ONCE - 1:
                    await deferLater(self._reactor, 0)
                if not self.ended:
                    await self._keep_pace(len(data))
                if self.ended:
                    return
                await self.run("message", bytearray(data), binary)
        except packets.Malformed as error:
            self.close(PROTOCOL_ERROR, "parse error")
            raise Refused(str(error)) from None

    async def _keep_pace(self, size: int) -> None:
        limit, debt = self._pace.spend(size, self._now())
        if limit:
            counters, peer = self.pipeline.server.counters, self.request.peer
            counters.count("closed" if self._pace.closes else "slowed", limit, peer)
            if self._pace.closes:
                self.close()
            else:
                await deferLater(self._reactor, debt)
