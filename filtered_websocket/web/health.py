"""Is the process alive, and should it get clients?"""

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import Response

NEVER_STORE = (("Cache-Control", "no-store"),)


class Live(Endpoint):
    """Any answer says that the reactor turns. Restart a server that does not answer."""

    path = "/health/live"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Response:
        return Response(200, {"status": "ok"}, NEVER_STORE)


class Ready(Endpoint):
    """503 while clients should go elsewhere: before the start, while draining, while the storage object is away."""

    path = "/health/ready"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Response:
        reason = request.server.unready
        if reason:
            return Response(503, {"status": "unavailable", "reason": reason}, NEVER_STORE)
        return Response(200, {"status": "ok"}, NEVER_STORE)
