"""A namespace as a class: its methods are the handlers of its events, as python-socketio's `AsyncNamespace` has it."""

import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from filtered_websocket.filters.socketio.fitting import fitting
from filtered_websocket.filters.socketio.reach import Names


class Namespace:
    """A class of handlers for one namespace: its methods ``on_EVENT``. It has the methods of `Server` that name one.

    :ivar server: that it is registered with
    """

    server: Any

    def __init__(self, namespace: str | None = None) -> None:
        self.namespace = namespace or "/"

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Run the handler of an event. A subclass may have rules of its own."""
        handler = getattr(self, f"on_{event}", None)
        if handler is None:
            return None
        result = handler(*(fitting(handler, args) if event in ("connect", "disconnect") else args))
        return await result if inspect.isawaitable(result) else result

    async def emit(  # noqa: PLR0917 - the order that applications know
        self,
        event: str,
        data: Any = None,
        to: Names = None,
        room: Names = None,
        skip_sid: Names = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        where = namespace or self.namespace
        await self.server.emit(event, data, to, room, skip_sid, where, callback, ignore_queue)

    async def send(  # noqa: PLR0917 - the order that applications know
        self,
        data: Any,
        to: Names = None,
        room: Names = None,
        skip_sid: Names = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        await self.emit("message", data, to, room, skip_sid, namespace, callback, ignore_queue)

    async def call(  # noqa: PLR0917 - the order that applications know
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
        ignore_queue: bool = False,
    ) -> Any:
        return await self.server.call(event, data, to, sid, namespace or self.namespace, timeout, ignore_queue)

    async def enter_room(self, sid: str, room: str, namespace: str | None = None) -> None:
        await self.server.enter_room(sid, room, namespace or self.namespace)

    async def leave_room(self, sid: str, room: str, namespace: str | None = None) -> None:
        await self.server.leave_room(sid, room, namespace or self.namespace)

    async def close_room(self, room: str, namespace: str | None = None) -> None:
        await self.server.close_room(room, namespace or self.namespace)

    def rooms(self, sid: str, namespace: str | None = None) -> list[str]:
        return list(self.server.rooms(sid, namespace or self.namespace))

    async def get_session(self, sid: str, namespace: str | None = None) -> Any:
        return await self.server.get_session(sid, namespace or self.namespace)

    async def save_session(self, sid: str, session: Any, namespace: str | None = None) -> None:
        await self.server.save_session(sid, session, namespace or self.namespace)

    def session(self, sid: str, namespace: str | None = None) -> AbstractAsyncContextManager[Any]:
        found: AbstractAsyncContextManager[Any] = self.server.session(sid, namespace or self.namespace)
        return found

    async def disconnect(self, sid: str, namespace: str | None = None) -> None:
        await self.server.disconnect(sid, namespace or self.namespace)
