"""GET /openapi.json: the server's own HTTP API, as OpenAPI 3.1 has it.

docs/http-api.md is written from it (`make docs`). What a pack serves, and the dashboard's own addresses, are not in it.
"""

from typing import Any

from filtered_websocket import __version__
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.web.access import require_admin
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import Response
from filtered_websocket.web.steering import schemas
from filtered_websocket.web.steering.asking import HEADERS, LONGEST
from filtered_websocket.web.steering.connections import MAX_PAGE, MAX_REASON, ORDERS, PAGE
from filtered_websocket.web.steering.trace import MAX_SECONDS, SECONDS

Document = dict[str, Any]

ADMIN: list[Document] = [{"admin_secret": []}, {"admin_basic": []}, {}]
"""The last: clients on this machine, or those that reach the admin port, where there is no secret."""
NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST}


class OpenAPI(Endpoint):
    path = "/openapi.json"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> Response:
        require_admin(request)
        return Response(200, document(), HEADERS)


def document() -> Document:
    """The document. A new one each time."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "filtered_websocket",
            "version": __version__,
            "description": "What a server answers itself, on its port or, with `admin_port`, on that.",
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas.SCHEMAS,
            "securitySchemes": {
                "admin_secret": {"type": "http", "scheme": "bearer", "description": "The option `admin_secret`."},
                "admin_basic": {"type": "http", "scheme": "basic", "description": "It as the password of any name."},
                "publish_secret": {"type": "http", "scheme": "bearer", "description": "The option `publish_secret`."},
            },
        },
    }


def _paths() -> Document:
    filters = [
        _query("pipeline", NAME, "The first pattern of the pipeline that has it, or another; `*`: that of all others"),
        _query("user", NAME, "`connection.user`"),
        _query("channel", NAME, "A channel that it is in"),
        _query("address", NAME, "The client's address"),
    ]
    closing = [
        _query("code", {"anyOf": [{"enum": [1000, 1001, 1008, 1011, 1012, 1013]}, _number(3000, 4999)]}, "1000"),
        _query("reason", {"type": "string"}, f"At most {MAX_REASON} bytes of UTF-8"),
    ]
    listing = [
        _query("sort", {"enum": list(ORDERS)}, "What is first: the smallest; of `waiting` the largest"),
        _query("limit", _number(1, MAX_PAGE), f"{PAGE} unless it is given"),
        _query("after", {"type": "string"}, "What another answer in this order had as `next`"),
    ]
    one = [_in_path("id", "`connection.id`, percent-encoded")]
    ending = "Needs `admin_secret`, or `admin_port`."
    return {
        "/health/live": {"get": _operation("Whether the process is alive", "Health", tag="health", security=[])},
        "/health/ready": {
            "get": _operation(
                "Whether clients should come", "Health", tag="health", security=[],
                more={"503": _json("Not now", "Unready")},
            )
        },
        "/metrics": {
            "get": _operation("What was counted", {"text/plain": {"schema": {"type": "string"}}}, tag="metrics")
        },
        "/publish": {
            "post": _operation(
                "Publish to channels", "Published", [_key()], tag="publish", security=[{"publish_secret": []}],
                errors=("400", "401", "404", "409", "413", "503"),
            )
            | {"requestBody": {"required": True, "content": _content("Publish")}}
        },
        "/connections": {
            "get": _operation("A page of connections", "Connections", [*filters, *listing]),
            "delete": _operation(
                "End connections", "Ended", [*filters, *closing], f"One of the filters is wanted. {ending}"
            ),
        },
        "/connections/{id}": {
            "get": _operation("One connection", "Connection", [*one, filters[0]], errors=ONE),
            "delete": _operation(
                "End a connection", "Ended", [*one, filters[0], *closing], ending, errors=ONE
            ),
        },
        "/channels": {
            "get": _operation(
                "The noisiest channels", "Channels",
                [filters[0], _query("prefix", NAME, "What their names begin with"), listing[1]],
            )
        },
        "/channels/{name}": {
            "get": _operation(
                "One channel", "Channel", [_in_path("name", "Its name, percent-encoded"), filters[0]],
                errors=ONE,
            )
        },
        "/trace": {
            "get": _operation(
                "Every step of connections, or of a channel's publications, as it happens",
                {"text/event-stream": {}},
                [
                    *filters[:3],
                    _query("id", NAME, "`connection.id`"),
                    _query("seconds", _number(1, MAX_SECONDS), f"How long; {SECONDS} unless it is given"),
                ],
                f"One of `user`, `id` and `channel` is wanted. {ending}",
            )
        },
        "/openapi.json": {
            "get": _operation("This document", {"application/json": {"schema": {"type": "object"}}}, tag="metrics")
        },
    }  # fmt: skip


def _operation(
    summary: str,
    answer: str | Document,
    parameters: list[Document] | None = None,
    description: str = "",
    *,
    tag: str = "steering",
    security: list[Document] | None = None,
    errors: tuple[str, ...] | None = None,
    more: Document | None = None,
) -> Document:
    content = _content(answer) if isinstance(answer, str) else answer
    responses: Document = {"200": {"description": "Done", "content": content}} | (more or {})
    if errors is None:
        errors = {"steering": ("400", "401", "403", "503"), "metrics": ("401", "403")}.get(tag, ())
    responses |= {status: _json(ERRORS[status], "Error") for status in errors}
    operation: Document = {"summary": summary, "tags": [tag], "security": ADMIN if security is None else security}
    if description:
        operation["description"] = description
    if parameters:
        operation["parameters"] = parameters
    return operation | {"responses": responses}


ONE = ("400", "401", "403", "404", "503")
ERRORS = {
    "400": "What is asked for is wrong, in a sentence",
    "401": "The secret is wanted",
    "403": "Not for this client",
    "404": "There is none",
    "409": "The key was used with another body, or is in use",
    "413": "Too large",
    "503": "Not now",
}


def _content(name: str) -> Document:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _json(description: str, name: str) -> Document:
    return {"description": description, "content": _content(name)}


def _number(least: int, most: int) -> Document:
    return {"type": "integer", "minimum": least, "maximum": most}


def _query(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _in_path(name: str, description: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": NAME, "description": description}


def _key() -> Document:
    text = "Any text; for 5 minutes the same key publishes once"
    return {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}, "description": text}
