"""What polling and WebSockets begin with: a path, and parameters that must be right."""

from collections.abc import Awaitable, Mapping

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.request import Request
from filtered_websocket.errors import Reject
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.upgrade import Upgrade
from filtered_websocket.filters.engineio.websocket import Carrier, TooLate, UnopenedSession
from filtered_websocket.web.response import HTTPError


def is_at(pipeline: Pipeline, path: str, wanted: str) -> bool:
    """Whether a path is the one wanted; the pipeline of ``/live/*`` has it at ``/live/socket.io/``, say.

    The slash at its end may be missing, as with python-socketio's server.
    """
    named, bare = pipeline.name != "", wanted.rstrip("/")
    return path in (wanted, bare) or path.startswith(wanted) or (named and (wanted in path or path.endswith(bare)))


def protocol_of(params: Mapping[str, list[str]], eio3: bool) -> int:
    """The version of Engine.IO that a request asks for.

    :param eio3: whether version 3 is served
    :raises HTTPError: it asks for none, or one that is not served
    """
    asked = params.get("EIO", [""])[0]
    if asked == "4" or (asked == "3" and eio3):
        return int(asked)
    raise HTTPError(400, '{"code":5,"message":"Unsupported protocol version"}')


def admit(engine: Engine, connection: Carrier, request: Request) -> Awaitable[None] | None:
    """Let a WebSocket begin a session, or take over one that polls.

    :raises Reject: it may not
    """
    pipeline, params = engine.pipeline, request.params
    if not is_at(pipeline, request.path, engine.path):
        raise Reject(404, f"{engine.options.pack} is served at {engine.path}")
    if pipeline.server.refuses_origin(request, engine.options.cors):
        raise Reject(400, "pages of this origin may not connect")
    try:
        protocol = protocol_of(params, engine.options.eio3)
    except HTTPError as error:
        raise Reject(400, "unsupported protocol version") from error
    if params.get("transport") != ["websocket"] or "websocket" not in engine.options.transports:
        raise Reject(400, "transport unknown")
    if request.protocols and connection.chosen_protocol is None:
        # None means anything here, but a browser that hears none of those it offered closes.
        connection.accept(request.protocols[0])
    sid = params.get("sid", [""])[0]
    if sid:
        return _admit_upgrade(engine, connection, sid, protocol)
    connection.encoding = engine.encodings[protocol]
    connection.session = UnopenedSession(engine, engine.new_sid(), protocol, connection)
    return None


async def _admit_upgrade(engine: Engine, connection: Carrier, sid: str, protocol: int) -> None:
    """The session to take over may be on any node."""
    name = await engine.id_of(sid)
    if name is None:
        raise Reject(400, "session ID unknown")
    if not name:
        connection.session = TooLate(connection)
        return
    connection.id, connection.encoding = name, engine.encodings[protocol]
    polling = engine.polling.get(sid)
    if polling is not None and polling.user is not None:
        connection.user = polling.user
    connection.session = Upgrade(engine, sid, connection)
