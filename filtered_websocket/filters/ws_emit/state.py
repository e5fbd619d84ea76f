"""What the pack keeps for one pipeline: `pipeline.ws_emit`, put there by its start filter."""

import re
import secrets
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.ws_emit import bus
from filtered_websocket.filters.ws_emit.polling_backlog import Total
from filtered_websocket.filters.ws_emit.engineio.packets import PING_INTERVAL, PING_TIMEOUT
from filtered_websocket.filters.ws_emit.engineio.payloads import Payload
from filtered_websocket.filters.ws_emit.nodes import Answer, Nodes
from filtered_websocket.filters.ws_emit.polling import PollingSession
from filtered_websocket.limits.heartbeat import Heartbeat

_log = Logger()

_SID = re.compile(r"[A-Za-z0-9_-]{30}")


class State(PackState):
    """
    :ivar polling: the polling sessions of this process, by Engine.IO sid
    :ivar clients: its sessions that are connected to ``/``, by Socket.IO id
    :ivar waiting: all that waits for them
    :ivar nodes: the other processes
    :ivar listening: fires when this node hears what is emitted
    """

    attribute = "ws_emit"

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.polling: dict[str, PollingSession] = {}
        self.clients: dict[str, Any] = {}
        self.waiting = Total(pipeline)
        self.heartbeat = Heartbeat(pipeline.server.reactor, PING_INTERVAL, PING_TIMEOUT)
        self.heartbeat.start()
        if "*" in pipeline.options.ws_emit_cors:
            _log.warn("UNSAFE: any web page may connect (ws_emit_cors holds *)")
        self.node = secrets.token_urlsafe(6)
        self.nodes = Nodes(pipeline, self.node, self.polling, self.answer)
        storage = pipeline.storage_object
        self.listening: Deferred[Any] = gatherResults(
            [storage.listen(channel) for channel in (bus.CHANNEL, *self.nodes.channels)], consumeErrors=True
        )

    def new_sid(self) -> str:
        """An Engine.IO sid: the node that has the session, and what nobody can guess."""
        return self.node + secrets.token_urlsafe(16)

    async def answer(self, sid: str, method: str, body: bytes) -> Answer | None:
        """Answer a request of a polling session, wherever the session is; None if there is none."""
        session = self.polling.get(sid)
        if session is None:
            return await self.nodes.ask(sid, method, body) if _SID.fullmatch(sid) else None
        if method == "GET":
            return 200, await session.poll()
        await session.post(body)
        return 200, Payload(b"ok")

    async def has(self, sid: str) -> bool:
        """Whether there is such a polling session, here or elsewhere."""
        return _SID.fullmatch(sid) is not None and await self.nodes.has(sid)

    def make_room(self) -> None:
        """End the sessions for which most waits until all that waits is within the limit again."""
        if not self.waiting.is_too_large:
            return
        for session in sorted(self.polling.values(), key=lambda session: session.waits, reverse=True):
            if self.waiting.has_room or not session.waits:
                return
            session.too_slow("ws_emit_polling_buffer")

    def stop(self) -> None:
        """Tell the clients that poll to come again, to another node maybe."""
        for session in tuple(self.polling.values()):
            session.close()
        self.nodes.stop()
        self.heartbeat.stop()
