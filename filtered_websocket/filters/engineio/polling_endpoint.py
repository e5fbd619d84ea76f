"""The polling transport of Engine.IO, as HTTP has it."""

import json

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.handshake import is_at, protocol_of
from filtered_websocket.filters.engineio.kept_request import kept
from filtered_websocket.filters.engineio.polling import PollingSession
from filtered_websocket.filters.engineio.posting import Refused
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

_TEXT = "text/plain; charset=UTF-8"
_CODES = {0: "Transport unknown", 1: "Session ID unknown", 2: "Bad handshake method", 3: "Bad request", 4: "Forbidden"}
"""What an Engine.IO server answers with beside 400."""


def _refusal(code: int) -> HTTPError:
    return HTTPError(400, json.dumps({"code": code, "message": _CODES[code]}, separators=(",", ":")))


class PollingEndpoint(Endpoint):
    """What answers at the path of an engine. A pack's own endpoint says which engine, and where."""

    methods = ("GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
    cors_credentials = True
    long_poll = ("GET",)

    @classmethod
    def engine_of(cls, pipeline: Pipeline) -> Engine:
        """The engine whose sessions are served here."""
        raise NotImplementedError

    @classmethod
    def body_limit(cls, pipeline: Pipeline) -> int:
        return cls.engine_of(pipeline).options.max_payload

    @classmethod
    def cors_of(cls, pipeline: Pipeline) -> list[str]:
        return cls.engine_of(pipeline).options.cors

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        kind = "application/json" if error.message.startswith("{") else _TEXT
        return Response(error.status, error.message, error.headers, kind)

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        engine = cls.engine_of(pipeline)
        if not is_at(pipeline, request.path, engine.path):
            raise HTTPError(404, f"{engine.options.pack} is served at {engine.path}")
        if pipeline.server.refuses_origin(request, engine.options.cors):
            raise _refusal(4)
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return cls.preflight(request)
        protocol = protocol_of(request.params, engine.options.eio3)
        sid = request.argument("sid")
        headers: tuple[tuple[str, str], ...] = ()
        if request.argument("transport") != "polling" or "polling" not in engine.options.transports:
            raise _refusal(0)
        if method not in ("GET", "POST") or (sid is None and method == "POST"):
            raise _refusal(2)
        try:
            if sid is not None:
                answer = await engine.answer(sid, method, request.body)
            else:
                session = await cls.open(engine, request, protocol)
                headers = session.headers
                if session.ended:
                    # A connect filter has ended it: of that the GET that comes next is told.
                    words = engine.last_words.take(session.sid)
                    answer = None if words is None else (200, words)
                else:
                    answer = 200, await session.poll()
        except Refused:
            raise _refusal(3) from None
        if answer is None:
            raise _refusal(1)
        status, payload = answer
        kind = None if payload.binary else _TEXT
        return Response(status, payload.body, (("Cache-Control", "no-store"), *headers), kind)

    @classmethod
    def preflight(cls, request: HTTPRequest) -> Response:
        """The answer to OPTIONS; which page may read the others, its headers say as theirs do."""
        headers = [("Access-Control-Allow-Methods", "OPTIONS, GET, POST")]
        asked = request.headers.get("access-control-request-headers")
        if asked:
            headers.append(("Access-Control-Allow-Headers", asked))
        return Response(200, b"", headers, _TEXT)

    @classmethod
    async def open(cls, engine: Engine, request: HTTPRequest, protocol: int) -> PollingSession:
        """Begin a session."""
        sid = engine.new_sid()
        refusal = engine.pipeline.server.admission.enter_session(sid, request.peer)
        if refusal is not None:
            raise HTTPError(refusal.status, refusal.text, refusal.headers)
        request.body = b""  # filters may look at the rest
        session = PollingSession(engine, sid, protocol, request)
        engine.pipeline.server.session_arrives(session)
        await session.begin()
        session.request = kept(request)
        return session
