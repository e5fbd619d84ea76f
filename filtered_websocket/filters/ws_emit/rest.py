"""HTTP of the pack: polling at /socket.io/, and POST /emit."""

from typing import Any

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.handshake import is_at
from filtered_websocket.filters.engineio.options import MAX_PAYLOAD
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.polling_endpoint import PollingEndpoint
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.ws_emit import auth
from filtered_websocket.filters.ws_emit.emit import send
from filtered_websocket.filters.ws_emit.state import PATH, State
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

EMIT = "/emit"


class Polling(PollingEndpoint):
    """The polling transport of Engine.IO."""

    path = f"*{PATH}*"

    @classmethod
    def engine_of(cls, pipeline: Pipeline) -> Engine:
        return State.of(pipeline).engine


class PollingWithoutSlash(Polling):
    """The same, for clients that leave the slash out."""

    path = f"*{PATH.rstrip('/')}"


class EmitEvent(Endpoint):
    """POST /emit: a program sends an event to a room, or to everybody."""

    path = f"*{EMIT}"
    methods = ("POST",)
    max_body = MAX_PAYLOAD

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        return Response(error.status, f"{error.message}\n", error.headers, "text/plain; charset=UTF-8")

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
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
        except Malformed as error:
            raise HTTPError(400, str(error)) from None
        await sent
        return Response(200, "OK\n")


def _emission(body: dict[str, Any]) -> bus.Emit:
    event, room, namespace = body.get("event"), body.get("room"), body.get("namespace")
    if not isinstance(event, str):
        raise Malformed("event: a text is wanted")
    if not isinstance(namespace, str | None):
        raise Malformed("namespace: a text or null is wanted")
    rooms = room if isinstance(room, list) else [] if room is None else [room]
    if not all(isinstance(each, str) for each in rooms):
        raise Malformed("room: a text, a list of texts or null is wanted")
    arguments = () if body.get("data") is None else (body["data"],)
    return bus.Emit(event, arguments, None if room is None else tuple(rooms), (), namespace or "/")
