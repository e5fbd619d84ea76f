"""GET /channels, /channels/NAME."""

from heapq import nlargest
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import require_admin
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import Response
from filtered_websocket.web.steering.asking import answer, ask, between, not_found, parameters, text

MAX_PAGE, PAGE = 1000, 100
SECONDS = 4.0
"""How long processes have: they may have to measure for a second."""


class Channels(Endpoint):
    """Those of all pipelines that have subscribers; those with the most bytes per second first."""

    path = "/channels"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        require_admin(request)
        given = parameters(request, {"pipeline": text, "prefix": text, "limit": between(1, MAX_PAGE)})
        return start(_list(request, given | {"limit": given["limit"] or PAGE}))


class Channel(Endpoint):
    """One, by its name."""

    path = "/channels/*"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        require_admin(request)
        return start(_show(request, parameters(request, {"pipeline": text}) | {"name": request.wildcards[0]}))


async def _list(request: HTTPRequest, values: dict[str, Any]) -> Response:
    answers = await ask(request, "channels", values, SECONDS)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for each in answers.by_process.values():
        for row in each["rows"]:
            _merge(found, row)
    first = nlargest(values["limit"], found.values(), key=_noise)
    names = [(row["pipeline"], row["name"]) for row in first]
    # A process names its noisiest only: how many subscribers it has of another's, it is asked.
    counts = await ask(request, "subscribers", {"names": names}, SECONDS)
    for number, row in enumerate(first):
        row["subscribers"] = sum(each[number] for each in counts.by_process.values())
    total = max((each["total"] for each in answers.by_process.values()), default=0)
    return answer(answers, {"channels": first, "at_least": max(total, len(found))})


async def _show(request: HTTPRequest, values: dict[str, Any]) -> Response:
    answers = await ask(request, "channel", values, SECONDS)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for process, rows in answers.by_process.items():
        for row in rows:
            on = {"process": process, "subscribers": row["subscribers"], "position": row.pop("position")}
            some = [each | {"process": process} for each in row.pop("first_subscribers")]
            merged = _merge(found, row)
            merged.setdefault("by_process", []).append(on)
            merged.setdefault("first_subscribers", []).extend(some)
    if not found:
        raise not_found(answers, "channel")
    return answer(answers, {"channels": list(found.values())})


def _merge(found: dict[tuple[str, str], dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
    """Every process that has subscribers of a channel is given all that is published there."""
    known = found.setdefault((row["pipeline"], row["name"]), row)
    if known is not row:
        known["subscribers"] += row["subscribers"]
        for rate in ("publications_per_second", "bytes_per_second"):
            known[rate] = max(known[rate], row[rate])
    return known


def _noise(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["bytes_per_second"], row["publications_per_second"], row["subscribers"], row["name"]
