"""The server API over HTTP: POST /api/METHOD with a key, and GET /health.

X-API-Key: KEY, Authorization: apikey KEY, or ?api_key=KEY
200 {"result": {...}} | {"error": {"code", "message"}}
with X-Centrifugo-Error-Mode: transport     404, 400, 416, 409 or 500, the error itself
404 no such method, 405 not POST, 401 no such key, 400 no JSON, or not of the types of the request
"""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, DeferredList, FirstError

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import CANCELLED, report
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo.api import METHODS, Responses
from filtered_websocket.filters.centrifugo.api_messages import Batch
from filtered_websocket.filters.centrifugo.codes import INTERNAL, METHOD_NOT_FOUND, Error
from filtered_websocket.filters.centrifugo.json_reader import members, read
from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import ErrorResult
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.wire import Malformed
from filtered_websocket.filters.shared.signatures import equal
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

MOST_COMMANDS = 1000
"""Commands of one batch."""
_STATUS = {102: 404, 104: 404, 107: 400, 108: 400, 112: 416, 113: 409}
_KIND = "application/json"


class Api(Endpoint):
    """All methods of the server API."""

    path = "/api/*"
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")

    @classmethod
    def body_limit(cls, pipeline: Pipeline) -> int:
        return int(pipeline.options.centrifugo_api_max_body)

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        return Response(error.status, error.message, error.headers)

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        method, state = request.wildcards[0], State.of(pipeline)
        if method not in METHODS and method != "batch":
            raise HTTPError(404)
        if request.method != "POST":
            raise HTTPError(405, headers=(("Allow", "POST"),))
        if not _has_key(pipeline, request):
            raise HTTPError(401)
        try:
            if method == "batch":
                return Response(200, await _batch(state, request.body), content_type=_KIND)
            result = await _answer(state, method, request.body)
        except Malformed as malformed:
            raise HTTPError(400, malformed.why) from None
        except Error as error:
            if request.headers.get("x-centrifugo-error-mode") == "transport":
                return Response(_STATUS.get(error.code, 500), _error(error), content_type=_KIND)
            return Response(200, b'{"error":%b}' % _error(error), content_type=_KIND)
        return Response(200, b'{"result":%b}' % result, content_type=_KIND)


def _has_key(pipeline: Pipeline, request: HTTPRequest) -> bool:
    options = pipeline.options
    if options.centrifugo_api_insecure:
        return True
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    shown = (
        request.headers.get("x-api-key"),
        given.strip() if scheme.lower() == "apikey" else None,
        request.argument("api_key"),
    )
    # All are looked at, whichever fits: the time taken says nothing.
    fits = [equal(each, options.centrifugo_api_key) for each in shown]
    return bool(options.centrifugo_api_key) and any(fits)


async def _answer(state: State, method: str, body: bytes) -> bytes:
    """The result of one method, as JSON.

    :raises Malformed: the request is none
    :raises Error: it cannot be done
    """
    message, does = METHODS[method]
    request = read(message, body)
    try:
        return _rendered(await does(state, request))
    except (Error, Malformed):
        raise
    except CANCELLED:
        raise  # nobody waits for the answer any more
    except StorageAway:
        state.pipeline.server.counters.count("refused", "the storage object is away")
        raise Error(INTERNAL) from None
    except Exception as error:
        report(state.pipeline.server.counters, error)
        raise Error(INTERNAL) from None


def _rendered(result: Any) -> bytes:
    if isinstance(result, Responses):
        parts = [
            b'{"error":%b}' % _error(each) if isinstance(each, Error) else b'{"result":%b}' % write(each)
            for each in result
        ]
        return b'{"responses":[%b]}' % b",".join(parts)
    return write(result)


def _error(error: Error) -> bytes:
    return write(ErrorResult(error.code, error.message))


async def _batch(state: State, body: bytes) -> bytes:
    """What several commands come to, in their order; one after the other, unless they are to be begun together."""
    commands = members(body, "commands")
    if len(commands) > MOST_COMMANDS:
        raise Malformed(f"a batch has {MOST_COMMANDS} commands at most")
    if read(Batch, body).parallel:
        begun = [start(_command(state, each)) for each in commands]
        try:
            replies = [reply for _, reply in await DeferredList(begun, fireOnOneErrback=True, consumeErrors=True)]
        except FirstError as first:
            raise first.subFailure.value or CancelledError() from None
    else:
        replies = [await _command(state, each) for each in commands]
    return b'{"replies":[%b]}' % b",".join(replies)


async def _command(state: State, command: Sequence[tuple[str, bytes]]) -> bytes:
    known = [(name, body) for name, body in command if name in METHODS]
    try:
        if not known:
            raise Error(METHOD_NOT_FOUND)
        name, body = known[0]
        return b'{"%b":%b}' % (name.encode(), await _answer(state, name, body))
    except Error as error:
        return b'{"error":%b}' % _error(error)


class Health(Endpoint):
    """The pack is served."""

    path = "/health"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> dict[str, Any]:
        return {}
