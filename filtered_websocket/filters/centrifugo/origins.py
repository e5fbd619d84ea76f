"""Endpoints that pages of other origins may use: those that `allowed_origins` names, as with WebSockets."""

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response


class FromPages(Endpoint):
    cors_credentials = True

    @classmethod
    def cors_of(cls, pipeline: Pipeline) -> list[str]:
        origins: list[str] = pipeline.options.allowed_origins
        return origins

    @classmethod
    def check_origin(cls, pipeline: Pipeline, request: HTTPRequest) -> None:
        """
        :raises HTTPError: 403, pages of this origin may not use it
        """
        if pipeline.server.refuses_origin(request, pipeline.options.allowed_origins):
            raise HTTPError(403, "pages of this origin may not connect")

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        return Response(error.status, error.message, error.headers)
