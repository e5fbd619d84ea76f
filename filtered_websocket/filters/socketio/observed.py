"""A client whose connection somebody looks at: the chains of Socket.IO that run for it are told, step by step.

It is given another class for that, as its connection is (`chain.observed`), and its own again. On another transport the
client asks anew whether anybody looks.
"""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.observed import observer_of
from filtered_websocket.filters.socketio.chains import Chain
from filtered_websocket.filters.socketio.client import Client
from filtered_websocket.filters.socketio.socket import Socket


class ObservedClient(Client):
    """What it tells."""

    __slots__ = ()

    def _run(
        self,
        chain: Chain,
        socket: Socket,
        arguments: Sequence[Any],
        done: Callable[[Any], Deferred[Any] | None],
        failed: Callable[[BaseException], None],
    ) -> Deferred[Any] | None:
        event = "connect" if socket.event is None else "event"
        return super()._run(self._told(event, chain, socket), socket, arguments, done, failed)

    async def _run_left(self, socket: Socket, reason: str, chain: Chain) -> None:
        await super()._run_left(socket, reason, self._told("disconnect", chain, socket))

    def _told(self, event: str, chain: Chain, socket: Socket) -> Chain:
        observer = observer_of(self.session.connection)
        if observer is None:
            return chain
        about = {"namespace": socket.namespace} | ({} if socket.event is None else {"name": socket.event})
        return chain._replace(steps=tuple(observer.chain(f"socketio {event}", chain.steps, about)))


def look(connection: object) -> None:
    """Somebody begins to look at a connection, or nobody does any more: so it is with its client."""
    client = getattr(getattr(connection, "session", None), "application", None)
    if isinstance(client, Client):
        client.__class__ = Client if observer_of(connection) is None else ObservedClient
