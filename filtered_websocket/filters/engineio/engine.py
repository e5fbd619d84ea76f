"""The Engine.IO sessions of one pipeline on this node."""

import re
import secrets
from collections.abc import Callable

from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio.nodes import Answer, Nodes
from filtered_websocket.filters.engineio.options import EngineOptions
from filtered_websocket.filters.engineio.packets import PING_INTERVAL, PING_TIMEOUT
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.polling import PollingSession
from filtered_websocket.filters.engineio.polling_total import Total
from filtered_websocket.filters.engineio.session import Application, Session
from filtered_websocket.limits.heartbeat import Heartbeat

_log = Logger()

_SID = re.compile(r"[A-Za-z0-9_-]{30}")


class Engine:
    """
    :param path: where its sessions are served, with a slash at its end
    :param serve: makes the application that runs on a session
    :ivar polling: the polling sessions of this process, by sid
    :ivar waiting: all that waits for them
    :ivar nodes: the other processes
    """

    def __init__(
        self, pipeline: Pipeline, path: str, options: EngineOptions, serve: Callable[[Session], Application]
    ) -> None:
        self.pipeline, self.path, self.options, self.serve = pipeline, path, options, serve
        self.polling: dict[str, PollingSession] = {}
        self.waiting = Total(options)
        self.heartbeat = Heartbeat(pipeline.server.reactor, PING_INTERVAL, PING_TIMEOUT)
        self.heartbeat.start()
        if "*" in options.cors:
            _log.warn("UNSAFE: any web page may connect (ws_emit_cors holds *)")
        self._node = secrets.token_urlsafe(6)
        self.nodes = Nodes(pipeline, self._node, self.polling, self.answer)

    def new_sid(self) -> str:
        """A sid: the node that has the session, and what nobody can guess."""
        return self._node + secrets.token_urlsafe(16)

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
