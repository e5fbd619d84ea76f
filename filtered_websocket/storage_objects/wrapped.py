"""A user's own storage object, with the original's synchronous methods, made into a full one."""

import inspect
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from filtered_websocket.storage_objects import memory
from filtered_websocket.storage_objects.base import BaseStorageObject, Consumer

_VERBS = [name for name in vars(BaseStorageObject) if not name.startswith("_")]


class WrappedStorageObject(memory.StorageObject):
    """Delegates what the user's object has, with its results as they are, and does the rest in memory.

    Exceptions become failed Deferreds; Deferreds and coroutines that its methods return are awaited. Other attributes
    (a user's filters know what they put there) are the user's object's own.

    :ivar wrapped: the user's object
    """

    def __init__(self, wrapped: Any) -> None:
        super().__init__()
        self.wrapped = wrapped
        self.durable = bool(getattr(wrapped, "durable", False))
        self.shared = bool(getattr(wrapped, "shared", False))
        for name in _VERBS:
            method = getattr(wrapped, name, None)
            if callable(method) and name not in ("start", "stop", "wait_ready"):
                setattr(self, name, _awaitable(method))
        if not callable(getattr(wrapped, "get", None)) and hasattr(wrapped, "__getitem__"):
            self.get = _awaitable(wrapped.__getitem__)  # type: ignore[method-assign]

    def __getattr__(self, name: str) -> Any:
        if name == "wrapped":  # not yet set: copying and unpickling look attributes up before __init__ has run
            raise AttributeError(name)
        return getattr(self.wrapped, name)

    def start(self, consumer: Consumer) -> Deferred[None]:
        ready = super().start(consumer)
        begin = getattr(self.wrapped, "start", None)
        # A thread's start() takes no consumer; only who asks for one is given it.
        if not callable(begin):
            return ready
        return maybeDeferred(begin, consumer) if _takes_one(begin) else maybeDeferred(begin)

    def stop(self) -> Deferred[None]:
        stopped = super().stop()
        end = getattr(self.wrapped, "stop", None)
        return maybeDeferred(end) if callable(end) else stopped


def _awaitable(method: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Deferred[Any]:
        return maybeDeferred(method, *args, **kwargs)

    return call


def _takes_one(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):
        return False
    return True
