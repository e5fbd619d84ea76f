"""Polling at /socket.io/, and POST /emit."""

import json
from typing import Any

from filtered_websocket.filters.ws_emit import auth, bus
from filtered_websocket.filters.ws_emit.emit import send
from filtered_websocket.filters.ws_emit.engineio import packets, payloads
from filtered_websocket.filters.ws_emit.handover import Estate
from filtered_websocket.filters.ws_emit.handshake import EMIT, PATH, is_at, protocol_of
from filtered_websocket.filters.ws_emit.polling import PollingSession, Refused
from filtered_websocket.filters.ws_emit.kept_request import kept
from filtered_websocket.filters.ws_emit.state import State
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

_TEXT = "text/plain; charset=UTF-8"
_CODES = {0: "Transport unknown", 1: "Session ID unknown", 2: "Bad handshake method", 3: "Bad request", 4: "Forbidden"}
"""What an Engine.IO server answers with beside 400."""


def _refusal(code: int) -> HTTPError:
    return HTTPError(400, json.dumps({"code": code, "message": _CODES[code]}, separators=(",", ":")))


class Polling(Endpoint):
    """The polling transport of Engine.IO."""

    path = f"*{PATH}*"
    methods = ("GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
    cors_credentials = True
    max_body = packets.MAX_PAYLOAD
    long_poll = ("GET",)

    @classmethod
    def cors_of(cls, pipeline: Any) -> Any:
        return pipeline.options.ws_emit_cors

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        kind = "application/json" if error.message.startswith("{") else _TEXT
        return Response(error.status, error.message, error.headers, kind)

    @classmethod
    async def handle(cls, pipeline: Any, request: HTTPRequest) -> Response:
        if not is_at(pipeline, request.path, PATH):
            raise HTTPError(404, f"Socket.IO is served at {PATH}")
        if not pipeline.server.origin_allowed(request, pipeline.options.ws_emit_cors):
            raise _refusal(4)
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return cls.preflight(request)
        protocol = protocol_of(pipeline, request.params)
        sid = request.argument("sid")
        if request.argument("transport") != "polling":
            raise _refusal(0)
        if method not in ("GET", "POST") or (sid is None and method == "POST"):
            raise _refusal(2)
        try:
            if sid is not None:
                answer = await State.of(pipeline).answer(sid, method, request.body)
            else:
                answer = 200, await cls.open(pipeline, request, protocol)
        except Refused:
            raise _refusal(3) from None
        if answer is None:
            raise _refusal(1)
        status, payload = answer
        kind = None if payload.binary else _TEXT
        return Response(status, payload.body, (("Cache-Control", "no-store"),), kind)

    @classmethod
    def preflight(cls, request: HTTPRequest) -> Response:
        """The answer to OPTIONS; which page may read the others, its headers say as theirs do."""
        headers = [("Access-Control-Allow-Methods", "OPTIONS, GET, POST")]
        asked = request.headers.get("access-control-request-headers")
        if asked:
            headers.append(("Access-Control-Allow-Headers", asked))
        return Response(200, b"", headers, _TEXT)

    @classmethod
    async def open(cls, pipeline: Any, request: HTTPRequest, protocol: int) -> payloads.Payload:
        """Begin a session: the body of the answer."""
        sid = State.of(pipeline).new_sid()
        refusal = pipeline.server.admission.enter_session(sid, request.peer)
        if refusal is not None:
            raise HTTPError(refusal.status, refusal.text, refusal.headers)
        request.body = b""  # nobody reads it, and filters may look at the rest
        session = PollingSession(pipeline, Estate(sid, protocol), request)
        await session.run("connect")
        session.request = kept(request)
        return await session.poll()


class PollingWithoutSlash(Polling):
    """The same, for clients that leave the slash out."""

    path = f"*{PATH.rstrip('/')}"


class EmitEvent(Endpoint):
    """POST /emit: a program sends an event to a room, or to everybody."""

    path = f"*{EMIT}"
    methods = ("POST",)
    max_body = packets.MAX_PAYLOAD

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        return Response(error.status, f"{error.message}\n", error.headers, _TEXT)

    @classmethod
    async def handle(cls, pipeline: Any, request: HTTPRequest) -> Response:
        secret = pipeline.options.ws_emit_secret
        if not is_at(pipeline, request.path, EMIT):
            raise HTTPError(404, f"events are posted to {EMIT}")
        if not secret:
            raise HTTPError(404, "there is no /emit without ws_emit_secret")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPError(415, "Content-Type: application/json is wanted")
        body = request.json(dict)
        if not auth.same(secret, body.get("secret")):
            raise HTTPError(403, "the secret is wrong")
        try:
            sent = send(pipeline, _emission(body))
        except packets.Malformed as error:
            raise HTTPError(400, str(error)) from None
        await sent
        return Response(200, "OK\n")


def _emission(body: dict[str, Any]) -> bus.Emit:
    event, room, namespace = body.get("event"), body.get("room"), body.get("namespace")
    if not isinstance(event, str):
        raise packets.Malformed("event: a text is wanted")
    if not isinstance(namespace, str | None):
        raise packets.Malformed("namespace: a text or null is wanted")
    rooms = room if isinstance(room, list) else [] if room is None else [room]
    if not all(isinstance(each, str) for each in rooms):
        raise packets.Malformed("room: a text, a list of texts or null is wanted")
    arguments = () if body.get("data") is None else (body["data"],)
    return bus.Emit(event, arguments, None if room is None else tuple(rooms), (), namespace or "/")
