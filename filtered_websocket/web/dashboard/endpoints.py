"""GET /dashboard: the server's live figures as a page, and what that page asks for.

    -> GET /dashboard                           <- the page; its parts are under /dashboard/
    -> GET /dashboard/figures?since=JSON        <- JSON: of each process `figures`, its newest samples and lines of its
       {"PROCESS": [T, N]}                         log: of one that is named those after time T and number N
    -> /dashboard/connections, channels, trace  <- as without /dashboard
    -> POST /dashboard/watch                    <- JSON: messages of a channel after number N
       {"channel": "news", "pipeline": null, "after": N}
    -> POST /dashboard/publish                  <- as POST /publish

A client that may see the metrics may see the figures (`access.require_admin`). What clients say to each other is
another matter: watching and publishing take the publish secret too, in the header Publish-Secret, because
Authorization may hold the admin's.
"""

import hmac
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import require_admin, require_steering
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.dashboard.figures import History, figures
from filtered_websocket.web.dashboard.recent_log import RecentLog
from filtered_websocket.web.dashboard.watchers import Watchers
from filtered_websocket.web.interfaces import HTTPServer
from filtered_websocket.web.metrics import round_trip
from filtered_websocket.web.publish import Publish, pipeline_named
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response
from filtered_websocket.web.steering.asking import ask
from filtered_websocket.web.steering.channels import Channels
from filtered_websocket.web.steering.connections import Connection, Connections
from filtered_websocket.web.steering.trace import Trace

FOLDER = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FILES = {file.name: TYPES[file.suffix] for file in FOLDER.iterdir() if file.suffix in TYPES}
"""What there is to ask for: no other name is ever looked for."""

FIGURES_SECONDS = 2.0
"""How long processes have to tell their figures: the page asks once a second."""

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
        server.cluster.answers["figures"] = partial(_figures, server)

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
        return start(cls._answer(request, _since(request)))

    @classmethod
    async def _answer(cls, request: HTTPRequest, since: dict[str, Any]) -> Response:
        answers = await ask(request, "figures", {"since": since}, FIGURES_SECONDS)
        body = {
            "processes": answers.by_process,
            "unanswered": list(answers.unanswered),
            "may_steer": _may_steer(request),
            "may_publish": bool(request.server.options.publish_secret),
        }
        return Response(200, body, HEADERS)


def _since(request: HTTPRequest) -> dict[str, Any]:
    """What the page has of each process: the time of its newest sample, and the number of its newest line."""
    try:
        since = json.loads(request.argument("since", "{}"), parse_constant=lambda word: None)
    except (ValueError, RecursionError):
        since = None
    wanted = isinstance(since, dict) and all(
        isinstance(each, list) and len(each) == 2 and all(type(one) in (int, float) for one in each)
        for each in since.values()
    )
    if not wanted or not all(math.isfinite(one) for each in since.values() for one in each):
        raise HTTPError(400, '"since" is a JSON object: the name of a process to two numbers')
    return dict(since)


def _may_steer(request: HTTPRequest) -> bool:
    try:
        require_steering(request)
    except HTTPError:
        return False
    return True


async def _figures(server: HTTPServer, values: Any) -> dict[str, Any]:
    """What one process answers."""
    moment, number = values["since"].get(server.cluster.name, (0, 0))
    answer = figures(server, await round_trip(server))
    answer["samples"] = [sample._asdict() for sample in server.dashboard.history.since(moment)]
    answer["log"] = [line._asdict() for line in server.dashboard.log.after(int(number))]
    return answer


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


class ConnectionsHere(Connections):
    path = "/dashboard/connections"


class ConnectionHere(Connection):
    path = "/dashboard/connections/*"


class ChannelsHere(Channels):
    path = "/dashboard/channels"


class TraceHere(Trace):
    path = "/dashboard/trace"


ENDPOINTS: tuple[type[Endpoint], ...] = (
    Page, Part, Figures, Watch, PublishHere, ConnectionsHere, ConnectionHere, ChannelsHere, TraceHere,
)  # fmt: skip
