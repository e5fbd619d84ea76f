"""GET and DELETE /connections, /connections/ID."""

import base64
import binascii
import json
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import require_admin, require_steering
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response
from filtered_websocket.web.steering.asking import Parse, answer, ask, between, not_found, one_of, parameters, text

ORDERS = ("id", "user", "address", "oldest", "newest", "waiting")
MAX_PAGE, PAGE = 1000, 100
END_SECONDS = 10.0
"""How long processes have to end many connections."""
MAX_REASON = 123
"""Bytes of a close frame's reason (RFC 6455, section 5.5)."""

FILTERS: dict[str, Parse] = {"pipeline": text, "user": text, "channel": text, "address": text}


def _code(value: str) -> int:
    code: int = between(1000, 4999)(value)
    if code not in (1000, 1001, 1008, 1011, 1012, 1013) and code < 3000:
        raise ValueError("1000, 1001, 1008, 1011, 1012, 1013, or 3000 to 4999")
    return code


def _reason(value: str) -> str:
    if len(value.encode("utf-8", "replace")) > MAX_REASON:
        raise ValueError(f"at most {MAX_REASON} bytes long")
    return value


def _place(value: str) -> Any:
    """What `next` of another page said."""
    try:
        place = json.loads(base64.b64decode(value.encode("ascii"), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    if not (isinstance(place, list) and len(place) == 4 and all(isinstance(each, str) for each in place[1:])):
        raise ValueError("what another answer had as next")
    return place


CLOSING: dict[str, Parse] = {"code": _code, "reason": _reason}
LISTING: dict[str, Parse] = {"sort": one_of(*ORDERS), "limit": between(1, MAX_PAGE), "after": _place}


class Connections(Endpoint):
    """Of all pipelines, or what parameters leave of them."""

    path = "/connections"
    methods = ("GET", "DELETE")

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        if request.method == "DELETE":
            require_steering(request)
            given = parameters(request, FILTERS | CLOSING)
            if all(given[name] is None for name in FILTERS):
                raise HTTPError(400, f"which connections? One of the parameters {', '.join(FILTERS)} is wanted")
            return start(_end(request, given))
        require_admin(request)
        return start(_list(request, parameters(request, FILTERS | LISTING)))


class Connection(Endpoint):
    """One, by its id."""

    path = "/connections/*"
    methods = ("GET", "DELETE")

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        (ident,) = request.wildcards
        if request.method == "DELETE":
            require_steering(request)
            given = parameters(request, {"pipeline": text} | CLOSING)
            return start(_end(request, given | {"id": ident}))
        require_admin(request)
        return start(_show(request, parameters(request, {"pipeline": text}) | {"id": ident}))


async def _list(request: HTTPRequest, given: dict[str, Any]) -> Response:
    limit = given["limit"] or PAGE
    values = given | {"limit": limit, "sort": given["sort"] or "id"}
    _check_place(values)
    answers = await ask(request, "connections", values)
    rows = [
        (place, row | {"process": process})
        for process, each in answers.by_process.items()
        for place, row in each["rows"]
    ]
    rows.sort(key=lambda found: found[0])
    total = sum(each["total"] for each in answers.by_process.values())
    left = sum(each["behind"] for each in answers.by_process.values()) - len(rows[:limit])
    following = _cursor(rows[limit - 1][0]) if left > 0 else None
    page = [row for _, row in rows[:limit]]
    return answer(answers, {"connections": page, "total": total, "next": following})


def _check_place(values: dict[str, Any]) -> None:
    """A place is one in the same order."""
    place = values["after"]
    if place is not None and isinstance(place[0], str) != (values["sort"] in ("user", "address")):
        raise HTTPError(400, "the parameter after is of a page in another order")


def _cursor(place: list[Any]) -> str:
    return base64.b64encode(json.dumps(place, separators=(",", ":")).encode(), b"-_").decode()


async def _show(request: HTTPRequest, values: dict[str, Any]) -> Response:
    answers = await ask(request, "connection", values)
    found = [row | {"process": process} for process, rows in answers.by_process.items() for row in rows]
    if not found:
        raise not_found(answers, "connection")
    return answer(answers, {"connections": found})


async def _end(request: HTTPRequest, given: dict[str, Any]) -> Response:
    values = given | {"code": given["code"] or 1000, "reason": given["reason"] or ""}
    answers = await ask(request, "end", values, END_SECONDS)
    ended = sum(answers.by_process.values())
    if not ended and "id" in values:
        raise not_found(answers, "connection")
    return answer(answers, {"ended": ended})
