"""The Engine.IO sessions of one pipeline on this node."""

import re
import secrets
from collections.abc import Callable

from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio.application import Application
from filtered_websocket.filters.engineio.encodings import PACKETS, Encodings
from filtered_websocket.filters.engineio.last_words import LastWords
from filtered_websocket.filters.engineio.node_channels import NodeChannels
from filtered_websocket.filters.engineio.nodes import Answer, Nodes
from filtered_websocket.filters.engineio.options import EngineOptions
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.polling import PollingSession
from filtered_websocket.filters.engineio.polling_total import Total
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.limits.heartbeat import Heartbeat

_log = Logger()

MAX_UPGRADED = 10_000
"""Sessions that are remembered when they have gone on to a WebSocket."""

_SID = re.compile(r"[A-Za-z0-9_-]{30}")


class Engine:
    """
    :param path: where its sessions are served, with a slash at its end
    :param serve: makes the application that runs on a session
    :param encodings: what is sent and published looks so on a WebSocket; `encodings.MESSAGES` if filters are what runs
        on the sessions
    :ivar polling: the polling sessions of this process, by sid
    :ivar named: those of them whose id a filter has chosen, by id
    :ivar upgraded: sids of sessions that polled here and have gone on to a WebSocket, the latest last
    :ivar waiting: all that waits for them
    :ivar last_words: what those that have ended had left to say
    :ivar nodes: the other processes
    :ivar heartbeat: of the sessions that begin now
    """

    def __init__(
        self,
        pipeline: Pipeline,
        path: str,
        options: EngineOptions,
        serve: Callable[[Session], Application],
        encodings: Encodings = PACKETS,
    ) -> None:
        self.heartbeat: Heartbeat
        self.pipeline, self.path, self.options, self.serve = pipeline, path, options, serve
        self.encodings = encodings
        self.polling: dict[str, PollingSession] = {}
        self.named: dict[str, Session] = {}
        self.upgraded: dict[str, None] = {}
        self.waiting = Total(options)
        self.last_words = LastWords(pipeline.server.reactor, self.waiting)
        self._heartbeats: list[Heartbeat] = []
        self._told: tuple[float, float] | None = None
        self.follow()
        if "*" in options.cors:
            _log.warn("UNSAFE: any web page may connect ({pack}_cors holds *)", pack=options.pack)
        self._node = secrets.token_urlsafe(6)
        channels = NodeChannels(pipeline, options.pack, self._node)
        self.nodes = Nodes(
            pipeline,
            channels,
            self.polling,
            self.upgraded,
            self.last_words,
            answer=self.answer,
            are_watched=options.is_strict,
        )

    def follow(self) -> None:
        """Take the options, as they stand now: sessions that have begun keep what they were told."""
        told = self.options.ping_interval, self.options.ping_timeout
        if told != self._told:
            self._told = told
            self.heartbeat = Heartbeat(self.pipeline.server.reactor, *told, _slot(*told))
            self.heartbeat.start()
            self._heartbeats.append(self.heartbeat)

    def new_sid(self) -> str:
        """A sid: the node that has the session, and what nobody can guess."""
        return self._node + secrets.token_urlsafe(16)

    async def answer(self, sid: str, method: str, body: bytes) -> Answer | None:
        """Answer a request of a polling session, wherever the session is; None if there is none."""
        session = self.polling.get(sid)
        if session is not None and method == "GET":
            session.judge()
            session = self.polling.get(sid)
        if session is not None and session.goes_on:
            return None
        if session is None:
            if method == "GET" and (words := self.last_words.take(sid)) is not None:
                return 200, words
            return await self.nodes.ask(sid, method, body) if _SID.fullmatch(sid) else None
        if method == "GET":
            return 200, await session.poll()
        await session.post(body)
        return 200, Payload(b"ok")

    async def id_of(self, sid: str) -> str | None:
        """The id of the client of a polling session, here or elsewhere; None if there is no such session, and "" if a
        WebSocket has it, or is about to."""
        return await self.nodes.id_of(sid) if _SID.fullmatch(sid) else None

    def remember(self, sid: str) -> None:
        """A session that polls goes on to a WebSocket: others for it come too late."""
        self.upgraded[sid] = None
        if len(self.upgraded) > MAX_UPGRADED:
            del self.upgraded[next(iter(self.upgraded))]

    def make_room(self) -> None:
        """End the sessions for which most waits until all that waits is within the limit again."""
        if not self.waiting.is_too_large:
            return
        self.last_words.make_room()
        for session in sorted(self.polling.values(), key=lambda session: session.waits, reverse=True):
            if self.waiting.has_room or not session.waits:
                return
            session.too_slow(f"{self.options.pack}_polling_buffer")

    def stop(self) -> None:
        """Tell the clients that poll to come again, to another node maybe."""
        for session in tuple(self.polling.values()):
            session.close()
        self.nodes.stop()
        self.last_words.stop()
        for heartbeat in self._heartbeats:
            heartbeat.stop()


def _slot(interval: float, timeout: float) -> float:
    """Seconds by which pings are timed: finer where they are short."""
    return 1.0 if min(interval, timeout) >= 5 else 0.05
