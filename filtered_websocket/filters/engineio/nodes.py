"""Sessions on other nodes: a request that comes to another node than that of its session is answered all the same.

Nodes talk on the bus, in JSON. Each listens to a channel of its own, and all to one that they share (`takeovers`).

    ws-emit::node::NODE   {"do": "GET" | "POST" | "id" | "channels" | "probe" | "unprobe",
                           "sid", "from", "id", "body"}            a request
                          {"do": "cancel", "from", "id"}           its client has gone
                          {"do": "taken", "id"}                    the node lives, and the answer may take its time
                          {"do": "answer", "id", "status", "body", "binary", "from"}     binary: the body is base64
                          {"do": "got", "id", "from"}              the answer has arrived
"""

import base64
import json
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio import packets, strict_json
from filtered_websocket.filters.engineio.flow_control import Windows
from filtered_websocket.filters.engineio.handing_over import HandingOver
from filtered_websocket.filters.engineio.last_words import LastWords
from filtered_websocket.filters.engineio.node_channels import NodeChannels
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.pending_requests import PendingRequests
from filtered_websocket.filters.engineio.polling import PollingSession
from filtered_websocket.filters.engineio.takeovers import Takeovers

TAKEN_SECONDS = 3.0
"""How long a node has to say that it lives."""
ANSWER_SECONDS = 55.0
"""How long it then has to answer; a GET waits for a ping at most."""

Answer = tuple[int, Payload]
"""Status and body."""


def said(data: Any) -> tuple[str, bytes] | None:
    """The channel and the bytes of a raw message on the bus; None for what a consumer filter gets besides."""
    if not isinstance(data, dict):
        return None
    channel, message = data.get("channel"), data.get("data")
    if not isinstance(channel, bytes) or not isinstance(message, (bytes, bytearray)):
        return None
    return channel.decode("utf-8", "replace"), bytes(message)


class Nodes:
    """
    :param channels: of this node
    :param polling: this node's polling sessions by sid
    :param upgraded: the sids of those that it has had
    :param last_words: of those that have ended
    :param answer: answers a request for a session of this node: ``answer(sid, method, body)``
    :param are_watched: whether a session that another node takes ends here if it does not arrive there
    """

    def __init__(
        self,
        pipeline: Pipeline,
        channels: NodeChannels,
        polling: Mapping[str, PollingSession],
        upgraded: Container[str],
        last_words: LastWords,
        *,
        answer: Callable[[str, str, bytes], Awaitable[Answer | None]],
        are_watched: bool,
    ) -> None:
        self._polling, self._upgraded, self._answer = polling, upgraded, answer
        self._counters, self._channels = pipeline.server.counters, channels
        self._windows = Windows(pipeline.server.reactor.callLater)
        self._requests = PendingRequests(pipeline.server.reactor, self._windows.leave)
        self._answering: dict[tuple[str, int], Deferred[Any]] = {}
        self._given = HandingOver(channels, pipeline.server.reactor, self._counters, are_watched)
        self.takeovers = Takeovers(channels, polling, last_words, self._requests, self._given)
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            **dict.fromkeys(("GET", "POST", "id", "channels", "probe", "unprobe"), self._on_request),
            "cancel": self._on_cancel,
            "taken": self._on_taken,
            "answer": self._on_answer,
            "got": self._on_got,
            "take": self.takeovers.on_take,
            "handover": self.takeovers.on_handover,
            "arrived": self._given.on_arrived,
            "agreed": self._given.on_agreed,
        }

    @property
    def heard(self) -> tuple[str, ...]:
        """The channels that this node listens to."""
        return self._channels.heard

    # Asking.

    def ask(self, sid: str, what: str, body: bytes = b"") -> Deferred[Answer | None]:
        """Have the session's node do something.

        :returns: fires with its answer, None if there is no such session, or no such node
        """
        channels, owner = self._channels, self._channels.owner(sid)
        if sid in self._polling or owner == channels.name or not channels.are_shared:
            return succeed(None)
        number, answer = self._requests.new(
            lambda number: channels.tell(owner, "cancel", id=number, **{"from": channels.name})
        )
        request = {"sid": sid, "from": channels.name, "id": number, "body": body.decode("utf-8", "surrogateescape")}
        message = strict_json.dumps({"do": what, **request})

        def send() -> None:
            self._requests.expect(number, TAKEN_SECONDS)
            channels.send(owner, message).addErrback(self._requests.fail, number)

        self._windows.enter(owner, number, len(message), send)
        return answer

    async def id_of(self, sid: str) -> str | None:
        """The id of the client of a polling session anywhere; None if there is none, "" if another WebSocket has it."""
        if sid in self._polling or sid in self._upgraded:
            return self._polling[sid].open_id if sid in self._polling else ""
        answer = await self.ask(sid, "id")
        return None if answer is None else answer[1].body.decode()

    async def channels_of(self, sid: str) -> list[str]:
        """The channels that a polling session is in, which goes on to a WebSocket now."""
        if sid in self._polling:
            return list(self._polling[sid].channels)
        answer = await self.ask(sid, "channels")
        channels: list[str] = [] if answer is None else json.loads(answer[1].body)
        return channels

    async def probe(self, sid: str) -> bool:
        """Have the session's client come to its upgrade; False if there is no such session."""
        if sid in self._polling:
            self._polling[sid].probed()
            return True
        return await self.ask(sid, "probe") is not None

    def unprobe(self, sid: str) -> None:
        """The upgrade comes to nothing."""
        if sid in self._polling:
            self._polling[sid].unprobed()
        else:
            self.ask(sid, "unprobe").addErrback(lambda _: None)

    # Being asked, and told.

    def consume(self, data: bytes) -> None:
        """Handle a message on one of the channels."""
        try:
            message = json.loads(data)
            self._handlers[message["do"]](message)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._counters.count("dropped", f"{self._channels.pack}: malformed message of a node", repr(error))

    def _on_request(self, message: dict[str, Any]) -> None:
        key, sid = (message["from"], message["id"]), message["sid"]
        answering = self._answering[key] = start(
            self._do(message["do"], sid, message["body"].encode("utf-8", "surrogateescape"))
        )
        answering.addBoth(self._answered, key)
        if key in self._answering:
            self._channels.tell(key[0], "taken", id=key[1]).addErrback(lambda _: None)

    async def _do(self, what: str, sid: str, body: bytes) -> Answer | None:
        if what in ("GET", "POST"):
            return await self._answer(sid, what, body)
        session = self._polling.get(sid)
        if session is None:
            return (200, Payload(b"")) if what == "id" and sid in self._upgraded else None
        if what == "id":
            return 200, Payload(session.open_id.encode())
        if what == "channels":
            session.go_on()
            return 200, Payload(strict_json.dumps(list(session.channels)).encode())
        if what == "probe":
            session.probed()
        elif what == "unprobe":
            session.unprobed()
        return 200, Payload(b"")

    def _answered(self, result: object, key: tuple[str, int]) -> None:
        del self._answering[key]
        status, payload = result if isinstance(result, tuple) else (400, None)
        answer = {"do": "answer", "id": key[1], "status": status, "body": None, "from": self._channels.name}
        if payload is not None and payload.binary:
            answer |= {"body": base64.b64encode(payload.body).decode(), "binary": True}
        elif payload is not None:
            answer["body"] = payload.body.decode()
        message = strict_json.dumps(answer)

        def send() -> None:
            self._channels.send(key[0], message).addErrback(lambda _: None)

        self._windows.enter(key[0], key, len(message), send)

    def _on_cancel(self, message: dict[str, Any]) -> None:
        answering = self._answering.get((message["from"], message["id"]))
        if answering is not None:
            answering.cancel()

    def _on_taken(self, message: dict[str, Any]) -> None:
        self._windows.leave(message["id"])
        if message["id"] in self._requests:
            self._requests.expect(message["id"], ANSWER_SECONDS)

    def _on_answer(self, message: dict[str, Any]) -> None:
        number, text, binary = message["id"], message["body"], bool(message.get("binary"))
        body = None if text is None else Payload(packets.from_base64(text) if binary else text.encode(), binary)
        got = self._channels.tell(message["from"], "got", id=number, **{"from": self._channels.name})
        got.addErrback(lambda _: None)
        self._requests.answer(number, None if body is None else (message["status"], body))

    def _on_got(self, message: dict[str, Any]) -> None:
        self._windows.leave((message["from"], message["id"]))

    def stop(self) -> None:
        """Nobody will answer any more."""
        self._requests.stop()
        for answering in tuple(self._answering.values()):
            answering.addErrback(lambda failure: failure.trap(CancelledError) and None)
            answering.cancel()
        self._windows.clear()
        self._given.stop()
