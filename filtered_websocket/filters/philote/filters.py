"""The filters of the Philote pack: read the token, join its channels, publish."""

from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.chain.events import (
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
)
from filtered_websocket.chain.interfaces import Connection, Pipeline, Server
from filtered_websocket.errors import Close, Reject
from filtered_websocket.filters.philote import auth, wire
from filtered_websocket.filters.philote.state import State
from filtered_websocket.limits.origins import MAX_ORIGIN


class Begin(WebSocketStartFilter):
    """Take the keys, and warn of an empty secret."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.of(web_socket_instance)


class Admit(WebSocketHandshakeFilter):
    """Let in a client that has a good token, comes from a page that may connect, and finds a place."""

    checks_origin = True

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> None:
        pipeline, philote = web_socket_instance.pipeline, State.of(web_socket_instance.pipeline)
        if "/api" in data.path:
            # The API's path is behind the pipeline's, which may be /api itself.
            path = data.path.removeprefix(max(pipeline.prefixes(data.path), key=len))
            if path == "/api" or path.startswith("/api/"):
                raise Reject(404, "no WebSocket is served under /api")
        access = auth.check(auth.token_of(data), philote.keys)
        fault = philote.fault(access)
        if fault:
            raise auth.Refused(f"the token cannot be read: {fault}")
        if pipeline.options.philote_check_origin and not _same_host(pipeline.server, data):
            pipeline.server.counters.count("refused", "origin", (data.origin or "")[:MAX_ORIGIN])
            raise Reject(403, "pages of this origin may not connect")
        if len(pipeline.users) >= pipeline.options.philote_max_connections:
            pipeline.server.counters.count("refused", "philote_max_connections", data.peer)
            raise Reject(503, "Service Unavailable", (("Retry-After", "1"),))
        web_socket_instance.token = access
        if access.user is not None:  # else it is what a filter in front of the pack has said
            web_socket_instance.user = access.user


def _same_host(server: Server, request: Any) -> bool:
    """As Philote had it: the page's host and port, as written, are those of the Host header."""
    if request.origin is None:
        return True
    try:
        page = urlsplit(request.origin).netloc
    except ValueError:
        return False
    return page.lower() == request.host.lower() and not server.may_be_rebound(request)


class Join(WebSocketConnectFilter):
    """Into the channels that the token reads; what the client says meanwhile waits."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: None) -> Awaitable[None] | None:
        pipeline, access = web_socket_instance.pipeline, web_socket_instance.token
        if len(pipeline.users) > pipeline.options.philote_max_connections:
            pipeline.server.counters.count("refused", "philote_max_connections", web_socket_instance.request.peer)
            raise Close(1013, "try again later")  # another filter waited between the handshake's count and now
        if access.expires is not None and pipeline.options.philote_enforce_expiry:
            State.of(pipeline).expiries.add(web_socket_instance, access.expires)
        waiting = [each for each in map(web_socket_instance.subscribe, access.read) if each is not DONE]
        return _all(waiting) if waiting else None


async def _all(subscribed: list[Deferred[Any]]) -> None:
    for each in subscribed:
        await each


class Publish(WebSocketMessageFilter):
    """To the others that read the channel, if the token may write it."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> None:
        message = wire.decode(data)
        channel, connection, pipeline = message.channel, web_socket_instance, web_socket_instance.pipeline
        channels = State.of(pipeline).channels
        if channels.holds(connection.token.write, channel) and pipeline.is_channel(channel):
            connection.publish(channels.targets(channel), wire.encode(connection.id, message), exclude=connection.id)


class Leave(WebSocketDisconnectFilter):
    """Its token may expire unseen."""

    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: None) -> None:
        State.of(web_socket_instance.pipeline).expiries.discard(web_socket_instance)
