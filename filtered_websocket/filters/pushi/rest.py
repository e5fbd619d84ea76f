"""Pushi's HTTP API: logging in, apps, health. What apps keep is in `rest_data`."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, quote

from filtered_websocket import __version__
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.pushi import events, logins, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.events import Event
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.filters.shared.signatures import equal
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

SUCCESS = {"result": "success"}
NAMES = {400: "OperationalError", 403: "SecurityError", 404: "NotFoundError", 405: "OperationalError"}


class Rest(Endpoint):
    """What all of these have in common: errors as the original has them, for pages of any origin."""

    cors = ("*",)
    max_body = 1024 * 1024

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        body = {"result": "error", "name": NAMES.get(error.status, "BaseError"), "message": error.message}
        return Response(error.status, {**body, "code": error.status}, error.headers)


class Private(Rest):
    """What only a client that has logged in may ask."""

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        state = State.of(pipeline)
        app = await logins.app_of(state, token_of(request))
        if app is None:
            # The client library logs in, again, on this status and no other.
            raise HTTPError(403, "log in first: GET /login?app_id=&app_key=&app_secret=")
        return await cls.answer(state, app, request)

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        """Answer a request of an app."""
        raise NotImplementedError


class Login(Rest):
    path = "/login"
    methods = ("GET", "POST")

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        state, given = State.of(pipeline), fields_of(request)
        ident, key, secret = (text(given, name) for name in ("app_id", "app_key", "app_secret"))
        app = await state.apps.of_id(ident)
        # Both are looked at, whatever the first one is.
        good = [app is not None and equal(value, right) for value, right in _pairs(app, key, secret)]
        if app is None or not all(good):
            raise HTTPError(404, "there is no app with this id, key and secret")
        token = await logins.begin(state, app)
        secure = "; Secure" if request.secure else ""
        # Two pipelines of one host have a login each.
        cookie = f"sid={token}; Path={quote(request.prefix) or '/'}; HttpOnly; SameSite=Strict{secure}"
        return Response(200, {"token": token}, (("Set-Cookie", cookie), ("Cache-Control", "no-store")))


def _pairs(app: App | None, key: str, secret: str) -> list[tuple[str, str]]:
    return [(key, app.key if app else ""), (secret, app.secret if app else "")]


class Logout(Private):
    path = "/logout"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        await logins.end(state, token_of(request))
        return SUCCESS


class CreateApp(Rest):
    path = "/apps"
    methods = ("POST",)

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        options = pipeline.options
        if not options.pushi_open_apps:
            if not options.pushi_admin_secret:
                raise HTTPError(403, "apps are made where pushi_admin_secret or pushi_open_apps is set")
            if not equal(credentials_of(request), options.pushi_admin_secret):
                raise HTTPError(403, "making an app takes Authorization: Bearer SECRET")
        name = app_name(fields_of(request))
        if await State.of(pipeline).apps.full():
            raise HTTPError(403, "there are as many apps as there may be")
        app = await State.of(pipeline).apps.create(name)
        if app is None:
            raise HTTPError(400, "there is an app of this name already")
        return app.record


class Apps(Private):
    path = "/apps"

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        return {"apps": [app.record]}


class AnApp(Private):
    path = "/apps/*"
    methods = ("GET", "PUT")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        own(app, request.wildcards[0])
        given = fields_of(request)
        if request.method != "PUT" or "name" not in given:
            return app.record
        renamed = await state.apps.rename(app, app_name(given))
        if renamed is None:
            raise HTTPError(400, "there is an app of this name already")
        return renamed.record


class Ping(Private):
    path = "/apps/ping"

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        await events.happen(state, app, Event("ping", "ping", ("global",), persist=False))
        return SUCCESS


class Health(Rest):
    path = "/health"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        return {"status": "ok", "service": "pushi", "version": __version__}


class Live(Rest):
    path = "/health/live"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        return {"status": "ok"}


class Ready(Rest):
    path = "/health/ready"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        ready = not pipeline.server.unready
        return Response(200 if ready else 503, {"status": "ok" if ready else "error", "ready": ready})


class Detailed(Rest):
    path = "/health/detailed"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        # Open, as the original's: so no more than whether each part works.
        ready = pipeline.storage_object.ready
        checks = {"database": {"status": "ok" if ready else "error"}, "websocket": {"status": "ok"}}
        body = {"status": "ok" if ready else "error", "service": "pushi", "version": __version__, "checks": checks}
        return Response(200 if ready else 503, body)


class Elsewhere(Rest):
    """Everything else, in the same form."""

    path = "/*"
    methods = ("GET", "POST", "PUT", "DELETE", "PATCH")

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        raise HTTPError(404, "there is nothing here")


def token_of(request: HTTPRequest) -> str:
    """The session's token that a request comes with."""
    return request.argument("sid") or request.cookies.get("sid", "")


def credentials_of(request: HTTPRequest) -> str:
    """The secret in a header Authorization: Bearer, or Basic with any name."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return value.strip() if scheme.lower() == "bearer" else ""


def fields_of(request: HTTPRequest) -> dict[str, Any]:
    """The parameters of a request: those of the query, of a form, and of a JSON object in its body.

    :raises HTTPError: 400, there is a body that is neither
    """
    given: dict[str, Any] = {name: values[0] for name, values in request.params.items()}
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    # curl -d and others call whatever they send a form.
    if is_form and not request.body.lstrip().startswith(b"{"):
        try:
            given |= dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=1000))
        except ValueError:
            raise HTTPError(400, "the form in the body cannot be read") from None
    elif request.body:
        given |= request.json(dict)
    return given


def text(given: dict[str, Any], name: str) -> str:
    """A parameter that has to be there. Raises HTTPError."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise HTTPError(400, f"{name} is wanted, a text")
    return value


def app_name(given: dict[str, Any]) -> str:
    name = text(given, "name")
    if not wire.is_name(name):
        raise HTTPError(400, f"name is wanted, of at most {wire.MAX_NAME} characters")
    return name


def own(app: App, ident: str) -> None:
    """:raises HTTPError: 404, it is another app, or none, which is not told"""
    if not equal(ident, app.id):
        raise HTTPError(404, "there is no such app")
