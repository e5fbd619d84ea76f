"""Sessions on other nodes: a request that does not come to the node that has its session is answered all the same.

Nodes talk on the bus, in JSON: each listens to a channel of its own, and all to one that they share.

    ws-emit::node::NODE   {"do": "GET" | "POST" | "has" | "probe" | "unprobe", "sid", "from", "id", "body"}  a request
                          {"do": "cancel", "from", "id"}           its client has gone
                          {"do": "taken", "id"}                    the node lives, and the answer may take its time
                          {"do": "answer", "id", "status", "body", "binary", "from"}     binary: the body is base64
                          {"do": "got", "id", "from"}            the answer has arrived
                          {"do": "estate", "id", "estate"}         null if there is no such session
    ws-emit::nodes        {"do": "take", "sid", "from", "id"}      an upgrade: the session moves to its WebSocket's node

The bus has one order for all who listen. What is emitted before a ``take`` is in the estate; from there on the taker,
who hears his own ``take`` as well, remembers what is emitted. So an upgrade neither loses nor doubles anything.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionLost

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.ws_emit.bus import Emit
from filtered_websocket.filters.ws_emit.engineio import packets, payloads, strict_json
from filtered_websocket.filters.ws_emit.flow_control import Windows
from filtered_websocket.filters.ws_emit.handover import Estate
from filtered_websocket.messages.message import Message

OWN, SHARED = "ws-emit::node::", "ws-emit::nodes"
"""In front of the channels, behind the pipeline's prefix: a session of one pipeline is nobody's in another."""

TAKEN_SECONDS = 3.0
"""How long a node has to say that it lives."""
ANSWER_SECONDS = 55.0
"""How long it then has to answer; a GET waits for a ping at most."""

Answer = tuple[int, payloads.Payload]
"""Status and body."""


class Takeover:
    """A session on its way here.

    :ivar estate: fires with its `Estate`, or None if there is none
    """

    def __init__(self, nodes: "Nodes", estate: Deferred[Estate | None]) -> None:
        self.estate = estate
        self.missed: list[tuple[Emit, tuple[Message, ...]]] = []
        self.begun = False
        self._nodes = nodes

    def finish(self, session: Any) -> None:
        """The session is here: what was emitted while it was under way follows."""
        self._nodes.takeovers.discard(self)
        for emit, messages in self.missed:
            rooms = session.rooms if emit.rooms is None else session.rooms.intersection(emit.rooms)
            if rooms and session.id not in emit.skip:
                session.send(*messages)


class Nodes:
    """
    :param name: this node's
    :param answer: answers a request for a session of this node: ``answer(sid, method, body)``
    :param polling: this node's polling sessions by sid
    """

    def __init__(
        self,
        pipeline: Any,
        name: str,
        polling: dict[str, Any],
        answer: Callable[[str, str, bytes], Awaitable["Answer | None"]],
    ) -> None:
        self._pipeline, self._name, self._polling, self._answer = pipeline, name, polling, answer
        self._storage = pipeline.storage_object
        self._own, self._shared = pipeline.prefix + OWN, pipeline.prefix + SHARED
        self.takeovers: set[Takeover] = set()
        self._ids = count(1)
        self._asked: dict[int, Deferred[Any]] = {}
        self._timers: dict[int, Any] = {}
        self._moving: dict[int, Takeover] = {}
        self._answering: dict[tuple[str, int], Deferred[Any]] = {}
        self._windows = Windows(pipeline.server.reactor.callLater)

    @property
    def channels(self) -> tuple[str, ...]:
        """What this node listens to; alone it has nobody to listen to."""
        return (self._own + self._name, self._shared) if self._storage.shared else ()

    # Asking.

    def ask(self, sid: str, what: str, body: bytes = b"") -> Deferred[Any]:
        """Have the session's node do something.

        :returns: fires with its `Answer`, None if there is no such session, or no such node
        """
        owner = sid[: len(self._name)]
        if sid in self._polling or owner == self._name or not self._storage.shared:
            return succeed(None)
        number, answer = self._new(lambda _: self._tell(self._own + owner, "cancel", id=number, **{"from": self._name}))
        request = {"sid": sid, "from": self._name, "id": number, "body": body.decode("utf-8", "surrogateescape")}
        message = strict_json.dumps({"do": what, **request})

        def send() -> None:
            self._wait(number, TAKEN_SECONDS)
            self._publish(self._own + owner, message).addErrback(self._failed, number)

        self._windows.enter(owner, number, len(message), send)
        return answer

    async def has(self, sid: str) -> bool:
        """Whether there is such a polling session anywhere."""
        return sid in self._polling or await self.ask(sid, "has") is not None

    async def probe(self, sid: str) -> bool:
        """Have the session's client come to its upgrade; False if there is no such session."""
        if sid in self._polling:
            self._polling[sid].probed()
            return True
        return await self.ask(sid, "probe") is not None

    def unprobe(self, sid: str) -> None:
        """It will not come after all."""
        if sid in self._polling:
            self._polling[sid].probed(0)
        else:
            self.ask(sid, "unprobe").addErrback(lambda _: None)

    def take(self, sid: str) -> Takeover:
        """Have a session leave what it is for a WebSocket of this node."""
        if sid in self._polling:
            return Takeover(self, succeed(self._polling[sid].leave()))
        if sid.startswith(self._name) or not self._storage.shared:
            return Takeover(self, succeed(None))
        number, estate = self._new(lambda _: None)
        self._wait(number, TAKEN_SECONDS)
        takeover = self._moving[number] = Takeover(self, estate)
        self.takeovers.add(takeover)
        estate.addBoth(self._moved, number, takeover)
        self._tell(self._shared, "take", sid=sid, id=number, **{"from": self._name}).addErrback(self._failed, number)
        return takeover

    def _moved(self, result: Any, number: int, takeover: Takeover) -> Any:
        del self._moving[number]
        if not isinstance(result, Estate):
            self.takeovers.discard(takeover)
        return result

    def emitted(self, emit: Emit, messages: tuple[Message, ...]) -> None:
        """Something was emitted: sessions on their way here may be meant."""
        for takeover in self.takeovers:
            if takeover.begun:
                takeover.missed.append((emit, messages))

    def _new(self, cancelled: Callable[[Any], object]) -> tuple[int, Deferred[Any]]:
        number = next(self._ids)

        def cancel(answer: Any) -> None:
            self._forget(number)
            cancelled(answer)

        answer: Deferred[Any] = Deferred(cancel)
        self._asked[number] = answer
        return number, answer

    def _wait(self, number: int, seconds: float) -> None:
        if number in self._timers:
            self._timers.pop(number).cancel()
        self._timers[number] = self._pipeline.server.reactor.callLater(seconds, self._timed_out, number)

    def _timed_out(self, number: int) -> None:
        asked = self._forget(number)
        if asked is not None:
            asked.callback(None)

    def _forget(self, number: int) -> Deferred[Any] | None:
        timer = self._timers.pop(number, None)
        if timer is not None and timer.active():
            timer.cancel()
        asked = self._asked.pop(number, None)
        self._windows.leave(number)
        return asked

    def _failed(self, failure: Any, number: int) -> None:
        asked = self._forget(number)
        if asked is not None:
            asked.errback(failure)

    def _tell(self, channel: str, what: str, **values: Any) -> Deferred[Any]:
        return self._publish(channel, strict_json.dumps({"do": what, **values}))

    def _publish(self, channel: str, message: str) -> Deferred[Any]:
        told: Deferred[Any] = self._storage.publish(channel, message)
        return told

    # Being asked, and told.

    def consume(self, data: bytes) -> None:
        """A message on one of the channels."""
        try:
            message = json.loads(data)
            handle = self._HANDLERS[message["do"]]
            handle(self, message)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._pipeline.server.counters.count("dropped", "ws_emit: malformed message of a node", repr(error))

    def _on_request(self, message: dict[str, Any]) -> None:
        key, sid = (message["from"], message["id"]), message["sid"]
        answering = self._answering[key] = start(
            self._do(message["do"], sid, message["body"].encode("utf-8", "surrogateescape"))
        )
        answering.addBoth(self._answered, key)
        if key in self._answering:
            self._tell(self._own + key[0], "taken", id=key[1]).addErrback(lambda _: None)

    async def _do(self, what: str, sid: str, body: bytes) -> Answer | None:
        session = self._polling.get(sid)
        if session is None:
            return None
        if what in ("GET", "POST"):
            return await self._answer(sid, what, body)
        if what != "has":
            session.probed(*(0,) if what == "unprobe" else ())
        return 200, payloads.Payload(b"")

    def _answered(self, result: Any, key: tuple[str, int]) -> None:
        del self._answering[key]
        status, payload = result if isinstance(result, tuple) else (400, None)
        answer = {"do": "answer", "id": key[1], "status": status, "body": None, "from": self._name}
        if payload is not None and payload.binary:
            answer |= {"body": base64.b64encode(payload.body).decode(), "binary": True}
        elif payload is not None:
            answer["body"] = payload.body.decode()
        message = strict_json.dumps(answer)

        def send() -> None:
            self._publish(self._own + key[0], message).addErrback(lambda _: None)

        self._windows.enter(key[0], key, len(message), send)

    def _on_cancel(self, message: dict[str, Any]) -> None:
        answering = self._answering.get((message["from"], message["id"]))
        if answering is not None:
            answering.cancel()

    def _on_taken(self, message: dict[str, Any]) -> None:
        self._windows.leave(message["id"])
        if message["id"] in self._asked:
            self._wait(message["id"], ANSWER_SECONDS)

    def _on_answer(self, message: dict[str, Any]) -> None:
        text, binary = message["body"], bool(message.get("binary"))
        body = (
            None if text is None else payloads.Payload(packets.from_base64(text) if binary else text.encode(), binary)
        )
        self._tell(self._own + message["from"], "got", id=message["id"], **{"from": self._name}).addErrback(
            lambda _: None
        )
        asked = self._forget(message["id"])
        if asked is not None:
            asked.callback(None if body is None else (message["status"], body))

    def _on_got(self, message: dict[str, Any]) -> None:
        self._windows.leave((message["from"], message["id"]))

    def _on_take(self, message: dict[str, Any]) -> None:
        if message["from"] == self._name:
            if message["id"] in self._moving:
                self._moving[message["id"]].begun = True
            return
        if not message["sid"].startswith(self._name):
            return
        session = self._polling.get(message["sid"])
        estate = None if session is None else session.leave().as_json()
        self._tell(self._own + message["from"], "estate", id=message["id"], estate=estate).addErrback(lambda _: None)

    def _on_estate(self, message: dict[str, Any]) -> None:
        estate = message["estate"]
        asked = self._forget(message["id"])
        if asked is not None:
            asked.callback(None if estate is None else Estate.from_json(estate))

    _HANDLERS: dict[str, Callable[["Nodes", dict[str, Any]], None]] = {  # noqa: RUF012 - a table of this class's own
        **dict.fromkeys(("GET", "POST", "has", "probe", "unprobe"), _on_request),
        "cancel": _on_cancel,
        "taken": _on_taken,
        "answer": _on_answer,
        "got": _on_got,
        "take": _on_take,
        "estate": _on_estate,
    }

    def stop(self) -> None:
        """Nobody will answer any more."""
        for number in tuple(self._asked):
            asked = self._forget(number)
            if asked is not None:
                asked.errback(ConnectionLost("the server stops"))
        for answering in tuple(self._answering.values()):
            answering.addErrback(lambda failure: failure.trap(CancelledError) and None)
            answering.cancel()
        self._windows.clear()
