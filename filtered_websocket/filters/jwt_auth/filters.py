"""The filters of jwt_auth: let a client in that has a good token, and close it when that ends."""

from contextlib import suppress
from typing import Any, Protocol

from twisted.logger import Logger

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.filters.jwt_auth.options import OPTIONS, verifier
from filtered_websocket.filters.jwt_auth.places import mark, token_in
from filtered_websocket.filters.jwt_auth.users import user_of
from filtered_websocket.filters.shared.expiries import Expiries
from filtered_websocket.filters.shared.following import made_of
from filtered_websocket.filters.shared.signing_keys import SHORT_SECRET
from filtered_websocket.filters.shared.tokens import BadToken, ends
from filtered_websocket.filters.shared.verifier import Verifier

_log = Logger()

NAMES = [option.name for option in OPTIONS]
LONGEST = 16 * 1024
"""Characters of a token: a longer one is not looked at."""


class Client(Connection, Protocol):
    """
    :ivar claims: what the token says, of the last of several
    :ivar jwt_expires: when the connection ends, in seconds since the epoch; not there: with no token
    """

    claims: dict[str, Any]
    jwt_expires: float


class Begin(WebSocketStartFilter):
    """Warn of what is unsafe. A reload may have put this use in the place of another, whose clients are here."""

    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        options = cls.options
        _verifier(cls)
        secret = options.jwt_secret
        if secret and len(secret.encode()) < SHORT_SECRET:
            _log.warn("UNSAFE: the key of tokens can be guessed (jwt_secret is shorter than 32 bytes)")
        if "cookie" in options.jwt_from and "*" in pipeline.options.allowed_origins:
            _log.warn("UNSAFE: any web page may connect with a user's cookie (jwt_from cookie, allowed_origins *)")
        expiries = cls.state["expiries"] = Expiries(pipeline.server.reactor)
        if options.jwt_enforce_expiry:
            for connection in pipeline.users.values():
                _watch(expiries, connection)


class End(WebSocketStopFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        if "expiries" in cls.state:
            cls.state["expiries"].stop()


class Admit(WebSocketHandshakeFilter):
    """A client that has a good token."""

    @classmethod
    def filter(cls, web_socket_instance: Client, data: Any) -> None:
        options, client = cls.options, web_socket_instance
        try:
            token = token_in(data, options)
            if token is None:
                places = " or ".join(options.jwt_from)
                raise Reject(401, f"a token is wanted ({places})", {"WWW-Authenticate": "Bearer"})
            if len(token) > LONGEST:
                raise BadToken(f"the token has more than {LONGEST} characters")
            claims = _verifier(cls).claims(token)
            expires = ends(claims, options.jwt_leeway)
            user = user_of(claims, options.jwt_user)
        except BadToken as bad:
            raise Reject(401, str(bad), {"WWW-Authenticate": 'Bearer error="invalid_token"'}) from None
        client.claims = claims
        if user is not None:
            client.user = user
        if expires is not None and options.jwt_enforce_expiry:
            client.jwt_expires = min(expires, vars(client).get("jwt_expires", expires))
        if "subprotocol" in options.jwt_from and client.chosen_protocol is None:
            offered = mark(data.protocols)
            if offered is not None:
                # A browser that hears none of those it offered closes. What polls has none, whatever its headers say.
                with suppress(ValueError):
                    client.accept(offered)


class Watch(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance: Client) -> None:
        if cls.options.jwt_enforce_expiry:
            _watch(cls.state["expiries"], web_socket_instance)


class Forget(WebSocketDisconnectFilter):
    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Client) -> None:
        cls.state["expiries"].discard(web_socket_instance)


def _watch(expiries: Expiries, connection: Connection) -> None:
    expires = vars(connection).get("jwt_expires")
    if expires is not None:
        expiries.add(connection, expires)


def _verifier(use: Any) -> Verifier:
    """That of the options of a use, as they are now."""
    return made_of(use, NAMES, lambda options, former: verifier(options))
