"""GET /trace: every step of some connections, or of a channel's publications, as server-sent events."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import require_steering
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Stream
from filtered_websocket.web.steering.asking import HEADERS, ask, between, parameters, text
from filtered_websocket.web.stream_writer import StreamWriter

MAX_SECONDS, SECONDS = 3600, 600
"""How long a trace goes on, at most and unless it is said."""
SIGN_SECONDS = 15.0
"""How often a comment goes out: a client that has gone is noticed by it, and a proxy does not close the stream."""


class Trace(Endpoint):
    path = "/trace"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Stream]":
        require_steering(request)
        known = {"user": text, "id": text, "channel": text, "pipeline": text, "seconds": between(1, MAX_SECONDS)}
        given = parameters(request, known)
        if sum(given[name] is not None for name in ("user", "id", "channel")) != 1:
            raise HTTPError(400, "what is to be traced? One of the parameters user, id, channel is wanted")
        seconds = given.pop("seconds") or SECONDS
        return start(_Reader(request, given).begin(seconds))


class _Reader:
    """The client that reads a trace. What it does not read in time is left out, and counted."""

    def __init__(self, request: HTTPRequest, values: dict[str, Any]) -> None:
        self._request, self._server = request, request.server
        self._number = secrets.token_hex(8)
        self._values = values | {"trace": self._number, "asker": self._server.cluster.id}
        self._early: list[dict[str, Any]] = []
        self._writer: StreamWriter | None = None
        self._dropped = 0
        self._calls: list[Any] = []

    async def begin(self, seconds: int) -> Stream:
        """Have all processes trace."""
        self._server.tracing.listen(self._number, self._take)
        try:
            answers = await ask(self._request, "trace", self._values)
        except BaseException:
            self._end()
            raise
        refused = [each["refused"] for each in answers.by_process.values() if "refused" in each]
        if refused:
            self._end()
            raise HTTPError(503, refused[0])
        begun = {
            "what": "begun",
            "processes": sorted(answers.by_process),
            "unanswered": list(answers.unanswered),
            "connections": sum(each["connections"] for each in answers.by_process.values()),
            "left_out": sum(each["left_out"] for each in answers.by_process.values()),
        }
        reactor = self._server.reactor
        self._calls = [reactor.callLater(seconds, self._over), reactor.callLater(SIGN_SECONDS, self._sign)]
        return Stream(
            self._server.pipelines[0],
            (),
            begin=_encode([begun]),
            headers=(*HEADERS, ("X-Accel-Buffering", "no")),
            content_type="text/event-stream",
            opened=self._opened,
            ended=self._end,
        )

    def _opened(self, writer: StreamWriter) -> None:
        self._writer = writer
        early, self._early = self._early, []
        if early:
            self._take(early)

    def _take(self, events: Sequence[dict[str, Any]]) -> None:
        if self._writer is None:
            self._early += events[: max(0, 1000 - len(self._early))]
        elif self._writer.waits:
            self._dropped += len(events)
            self._server.counters.count("dropped", "a trace that is read too slowly", times=len(events))
        else:
            lost, self._dropped = self._dropped, 0
            told = [{"what": "dropped", "count": lost}] if lost else []
            self._writer.send(_encode([*told, *events]))

    def _sign(self) -> None:
        self._calls[1] = self._server.reactor.callLater(SIGN_SECONDS, self._sign)
        if self._writer is not None and not self._writer.waits:
            self._writer.send(b": still here\n\n")

    def _over(self) -> None:
        if self._writer is not None:
            self._writer.complete(_encode([{"what": "over"}]))

    def _end(self) -> None:
        self._server.tracing.end_listening(self._number)
        for call in self._calls:
            if call.active():
                call.cancel()
        self._calls = []


def _encode(events: Sequence[dict[str, Any]]) -> bytes:
    # JSON of ASCII alone: no line of it ends before its end.
    return b"".join([b"data: %b\n\n" % json.dumps(each, separators=(",", ":")).encode() for each in events])
