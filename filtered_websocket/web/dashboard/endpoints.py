"""GET /dashboard: the server's live figures as a page, and what that page asks for.

    -> GET /dashboard                           <- the page; its parts are under /dashboard/
    -> GET /dashboard/figures?since=T&log=N     <- JSON: `figures`, samples after T, lines of the log after N
    -> POST /dashboard/watch                    <- JSON: messages of a channel after number N
       {"channel": "news", "pipeline": null, "after": N}
    -> POST /dashboard/publish                  <- as POST /publish

A client that may see the metrics may see the figures (`access.require_admin`). What clients say to each other is
another matter: watching and publishing take the publish secret too, in the header Publish-Secret, because
Authorization may hold the admin's.
"""

import hmac
import math
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import require_admin
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.dashboard.figures import History, figures
from filtered_websocket.web.dashboard.recent_log import RecentLog
from filtered_websocket.web.dashboard.watchers import Watchers
from filtered_websocket.web.interfaces import HTTPServer
from filtered_websocket.web.metrics import round_trip
from filtered_websocket.web.publish import Publish, pipeline_named
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

FOLDER = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FILES = {file.name: TYPES[file.suffix] for file in FOLDER.iterdir() if file.suffix in TYPES}
"""What there is to ask for: no other name is ever looked for."""

HEADERS = (
    ("Cache-Control", "no-store"),
    # Everything of the page comes from this server: a line of the log or a message can bring nothing with it.
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Dashboard:
    """What one server keeps for its dashboard.

    :ivar worker: the number of the worker process that this server is, None where it is the only one
    """

    worker: str | None = None

    def __init__(self, server: HTTPServer) -> None:
        self.history = History(server)
        self.log = RecentLog()
        self.watchers = Watchers(server.reactor)

    def start(self) -> None:
        """Begin to keep samples and lines of the log."""
        self.history.start()
        self.log.start()

    def stop(self) -> None:
        self.history.stop()
        self.log.stop()
        self.watchers.stop()


class Page(Endpoint):
    path = "/dashboard"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Response:
        require_admin(request)
        return _file("index.html")


class Part(Endpoint):
    path = "/dashboard/*"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Response:
        require_admin(request)
        (name,) = request.wildcards
        if not name:
            # The page's parts are named relative to the address without the slash, whatever a proxy puts before it.
            return Response(308, b"", (("Location", "../dashboard"), *HEADERS))
        if name not in FILES:
            raise HTTPError(404, "the dashboard has no such part")
        return _file(name)


def _file(name: str) -> Response:
    return Response(200, (FOLDER / name).read_bytes(), HEADERS, FILES[name])


class Figures(Endpoint):
    path = "/dashboard/figures"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        require_admin(request)
        since, log = _number(request, "since"), _number(request, "log")
        return start(cls._answer(request.server, since, log))

    @classmethod
    async def _answer(cls, server: HTTPServer, since: float, log: float) -> Response:
        answer = figures(server, await round_trip(server))
        answer["samples"] = [sample._asdict() for sample in server.dashboard.history.since(since)]
        answer["log"] = [line._asdict() for line in server.dashboard.log.after(int(log))]
        return Response(200, answer, HEADERS)


def _number(request: HTTPRequest, name: str) -> float:
    try:
        number = float(request.argument(name, "0"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise HTTPError(400, f'"{name}" is a number')
    return number


def _require_both(request: HTTPRequest) -> None:
    """Refuse a client that may not see and say what others do. Raises HTTPError."""
    require_admin(request)
    secret = request.server.options.publish_secret
    if not secret:
        raise HTTPError(404, "watching and publishing are off: the option publish_secret turns them on")
    given = request.headers.get("publish-secret", "")
    if not hmac.compare_digest(given.encode("latin-1"), secret.encode()):
        # 403, not 401: a browser would ask for the admin's secret.
        raise HTTPError(403, "this is not the publish_secret")


class Watch(Endpoint):
    path = "/dashboard/watch"
    methods = ("POST",)

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        _require_both(request)
        body = request.json(dict)
        channel, after = body.get("channel"), body.get("after", 0)
        if not isinstance(channel, str) or not isinstance(after, int):
            raise HTTPError(400, '"channel" is a text, "after" a number')
        return start(cls._answer(request, pipeline_named(request, body.get("pipeline")), channel, after))

    @classmethod
    async def _answer(cls, request: HTTPRequest, pipeline: Pipeline, channel: str, after: int) -> Response:
        watcher = await request.server.dashboard.watchers.of(pipeline, channel)
        seen = [
            {
                "number": each.number,
                "time": each.time,
                "size": each.size,
                "binary": each.binary,
                "text": each.payload.hex(" ") if each.binary else each.payload.decode("utf-8", "replace"),
            }
            for each in watcher.after(after)
        ]
        return Response(200, {"watcher": watcher.id, "last": watcher.last, "messages": seen}, HEADERS)


class PublishHere(Publish):
    """POST /publish, where no pack's endpoint of that path can be in its place."""

    path = "/dashboard/publish"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Any:
        _require_both(request)
        return start(cls._publish(request))


ENDPOINTS: tuple[type[Endpoint], ...] = (Page, Part, Figures, Watch, PublishHere)
