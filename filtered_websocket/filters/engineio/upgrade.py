"""A WebSocket that is to take over a polling session, which goes on until then.

-> 2probe  <- 3probe, and the GET that waits is answered with a noop; -> 5, and from then on all goes here
"""

from collections.abc import Awaitable, MutableMapping
from typing import cast

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.chain.speech import greeted
from filtered_websocket.errors import Close
from filtered_websocket.filters.engineio import packets
from filtered_websocket.filters.engineio.arrival import Arrival
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.polling import UPGRADE_SECONDS, PollingSession
from filtered_websocket.filters.engineio.websocket import Carrier, WebSocketSession, send_together
from filtered_websocket.messages.message import Message

PROBED: Message = ((packets.PONG + "probe").encode(), False)


class Upgrade:
    """
    :param sid: of the polling session
    """

    def __init__(self, engine: Engine, sid: str, connection: Carrier) -> None:
        self._engine, self._sid, self._connection = engine, sid, connection
        self._users = cast("MutableMapping[str, object]", engine.pipeline.users)
        self._deadline: DelayedCall | None = None

    def open(self) -> None:
        """The client speaks first, and nothing else looks whether it is still there."""
        reactor = self._engine.pipeline.server.reactor
        self._deadline = reactor.callLater(UPGRADE_SECONDS, self._too_late)
        polling = self._engine.polling.get(self._sid)
        if polling is not None:
            # The id stays that of the polling session: the upgrade may come to nothing.
            self._users[polling.id] = polling

    def _too_late(self) -> None:
        self._connection.close(1002, "an upgrade is wanted here")

    def receive(self, payload: bytes | bytearray, binary: bool) -> Awaitable[None]:
        text = "" if binary else payload.decode("utf-8", "replace")
        if text == packets.PING + "probe":
            return self._probed()
        if text == packets.UPGRADE:
            return self._take_over()
        raise Close(1002, "a probe or an upgrade is wanted here")

    async def _probed(self) -> None:
        if not await self._engine.nodes.probe(self._sid):
            raise Close(1002, "session ID unknown")
        self._connection.send_encoded((PROBED,))

    async def _take_over(self) -> None:
        self._stop_clock()
        connection, polling = self._connection, self._engine.polling.get(self._sid)
        arrival = Arrival(connection)
        try:
            if self._engine.encodings[4] is not None:
                await self._enter_channels(arrival, polling)
            takeover = arrival.takeover = self._engine.nodes.takeovers.take(self._sid)
            handover = await takeover.handover
            if handover is None:
                raise Close(1002, "session ID unknown")
            if handover.ended:
                send_together(connection, handover.protocol, handover.messages)
                raise Close(1000)
        except BaseException:
            arrival.leave()
            raise
        self._users[connection.id] = connection
        session = WebSocketSession(self._engine, handover.sid, handover.protocol, connection)
        connection.session = session
        if polling is not None:
            polling.succeed(connection)
        session.resume(handover)
        takeover.finish(session)
        arrival.complete()
        if polling is None:
            greeted(connection)  # here: filters of this node have not heard of it before

    async def _enter_channels(self, arrival: Arrival, polling: PollingSession | None) -> None:
        if polling is None:
            await arrival.enter(await self._engine.nodes.channels_of(self._sid))
            return
        # It takes the session's place in each, at once: what is published from now on comes behind what that has left.
        for channel in tuple(polling.channels):
            self._connection.subscribe(channel)

    def _stop_clock(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def leave(self) -> None:
        self._stop_clock()
        self._engine.nodes.unprobe(self._sid)
