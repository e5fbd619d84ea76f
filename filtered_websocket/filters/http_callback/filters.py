"""The filters of http_callback: what is asked when, and what becomes of the answer."""

import json
import math
from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.filters.http_callback.backend import Backend, Headers, Unanswered
from filtered_websocket.filters.http_callback.departures import Departures
from filtered_websocket.filters.http_callback.events import DISCONNECT, HANDSHAKE, MESSAGE, Answer, Question
from filtered_websocket.filters.http_callback.figures import Figures
from filtered_websocket.filters.http_callback.options import OPTIONS
from filtered_websocket.filters.shared.following import made_of
from filtered_websocket.messages.message import came_binary

_log = Logger()

NAMES = [option.name for option in OPTIONS]
REFUSED, UNANSWERED = "http_callback: message refused", "http_callback: message not answered"


class Begin(WebSocketStartFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        server, state = pipeline.server, cls.state
        state["server"] = server
        state["figures"] = Counter()
        backend = backend_of(cls)
        state["departures"] = Departures(
            server.reactor, lambda: backend_of(cls), lambda: int(cls.options.http_callback_waiting), server.counters
        )
        state["shown"] = Figures(pipeline.name or "*", lambda: backend_of(cls), state["departures"])
        server.counters.figures.append(state["shown"].read)

        async def settle() -> None:
            await state["departures"].settle(server.seconds_to_stop)

        state["settle"] = settle
        pipeline.settling.append(settle)
        if cls.options.http_callback_when_away == "pass" and HANDSHAKE in cls.options.http_callback_on:
            _log.warn(
                "UNSAFE: while {backend} is away, all clients are let in (http_callback_when_away pass)",
                backend=backend.name,
            )


class End(WebSocketStopFilter):
    @classmethod
    async def filter(cls, pipeline: Pipeline) -> None:
        state = cls.state
        if "settle" in state:
            # Of a use that a reload has taken out; before the end of the server it is done already.
            await state["departures"].settle(state["server"].seconds_to_stop)
            pipeline.settling.remove(state.pop("settle"))
            state["server"].counters.figures.remove(state["shown"].read)
            backend_of(cls).close()


class Admit(WebSocketHandshakeFilter):
    """A client that the backend lets in."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> "Deferred[Any] | None":
        if HANDSHAKE not in cls.options.http_callback_on:
            return None
        return start(_admit(cls, web_socket_instance))


class Greet(WebSocketConnectFilter):
    """What the backend has for it."""

    @classmethod
    def filter(cls, web_socket_instance: Connection) -> "Deferred[Any] | None":
        answer = vars(web_socket_instance).get("http_callbacks", {}).pop(cls.use, None)
        if answer is None:
            return None
        if answer.payload is not None:
            web_socket_instance.sendMessage(answer.payload, answer.binary)
        return start(_join(web_socket_instance, answer)) if answer.channels else None


class Ask(WebSocketMessageFilter):
    """What becomes of a message."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> "Deferred[Any] | None":
        if MESSAGE not in cls.options.http_callback_on:
            return None
        payload = data.encode() if isinstance(data, str) else bytes(data)
        return start(_ask(cls, web_socket_instance, payload, came_binary(data)))


class Tell(WebSocketDisconnectFilter):
    """That a client has gone."""

    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Connection) -> None:
        if DISCONNECT in cls.options.http_callback_on:
            question, headers = _question(cls, web_socket_instance, DISCONNECT)
            cls.state["departures"].add(question, headers)


def backend_of(use: Any) -> Backend:
    """The backend of a use, by its options as they are now."""

    def make(options: Options, former: Backend | None) -> Backend:
        server = use.state["server"]
        if former is not None:
            former.close()
        return Backend(server.reactor, options, server.counters, use.state["figures"])

    return made_of(use, NAMES, make)


def _question(
    use: Any, connection: Connection, event: str, data: bytes = b"", binary: bool = False
) -> tuple[Question, Headers]:
    options, request = use.options, connection.request
    headers: Headers = []
    if options.http_callback_headers:
        known = request.headers
        names = (name for name in options.http_callback_headers if name in known)
        headers = [(name.title().encode(), known[name].encode("latin-1")) for name in names]
    if (trace := request.traceparent) is not None:
        headers.append((b"traceparent", trace.child().encode()))
    form = backend_of(use).form
    return form.question(event, connection, data, binary, options.http_callback_channel), headers


async def _admit(use: Any, connection: Connection) -> None:
    try:
        answer = await backend_of(use).ask(*_question(use, connection, HANDSHAKE))
    except Unanswered as fault:
        if use.options.http_callback_when_away == "pass":
            return
        seconds = str(max(1, math.ceil(fault.seconds)))
        raise Reject(503, "try again later", {"Retry-After": seconds}) from None
    if answer.status >= 400:
        raise Reject(answer.status, answer.reason, data=answer.value)
    if answer.user is not None:
        connection.user = answer.user
    if answer.payload is not None or answer.channels:
        vars(connection).setdefault("http_callbacks", {})[use.use] = answer


async def _join(connection: Connection, answer: Answer) -> None:
    for joined in [connection.subscribe(channel) for channel in answer.channels]:
        await joined


async def _ask(use: Any, connection: Connection, data: bytes, binary: bool) -> bytearray | None:
    counters = connection.pipeline.server.counters
    try:
        answer = await backend_of(use).ask(*_question(use, connection, MESSAGE, data, binary))
    except Unanswered:
        if use.options.http_callback_when_away == "pass":
            return None
        counters.count("dropped", UNANSWERED)
        _refuse(connection, 503, "try again later")
    if answer.close is not None:
        raise Close(*answer.close)
    if answer.status >= 400:
        counters.count("dropped", REFUSED)
        if answer.payload is not None:
            connection.sendMessage(answer.payload, False)
            raise StopChain
        _refuse(connection, answer.status, answer.reason)
    if answer.status == 204:
        raise StopChain
    return None if answer.payload is None else bytearray(answer.payload)


def _refuse(connection: Connection, status: int, reason: str) -> Any:
    told = {"error": "message refused", "status": status, "reason": reason}
    connection.sendMessage(json.dumps(told), False)
    raise StopChain
