"""What pages need: themselves, and npm's client beside them."""

from pathlib import Path

from filtered_websocket.filters.base import Pipeline
from filtered_websocket.web.base import Endpoint, HTTPError, HTTPRequest, Response

FOLDER = Path(__file__).parent


def page(name: str) -> Response:
    return Response(200, (FOLDER / name).read_bytes(), content_type="text/html; charset=utf-8")


class Client(Endpoint):
    path = "/socket.io.min.js"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        try:
            script = (FOLDER / "socket.io.min.js").read_bytes()
        except FileNotFoundError:
            raise HTTPError(404, "socket.io.min.js is wanted beside the page: see README.md") from None
        return Response(200, script, content_type="text/javascript; charset=utf-8")
