"""A user's own storage object, with the original's synchronous methods, made into a full one."""

import inspect
import threading
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from filtered_websocket.storage_objects import memory
from filtered_websocket.storage_objects.base import BaseStorageObject, Consumer

_OWN = ("start", "stop", "wait_ready", "parser", "private_bus")
_VERBS = [name for name in vars(BaseStorageObject) if not name.startswith("_") and name not in _OWN]


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
        self._subscriber: Any = None
        for name in _VERBS:
            method = _method(wrapped, name)
            if method is not None:
                setattr(self, name, _awaitable(method))
        if _method(wrapped, "members") is not None:
            # What else is asked of members is asked of the same object.
            if _method(wrapped, "member") is None:
                self.member = self._member  # type: ignore[method-assign]
            if _method(wrapped, "member_count") is None:
                self.member_count = self._member_count  # type: ignore[method-assign]
        if _method(wrapped, "get") is None and hasattr(wrapped, "__getitem__"):
            self.get = _awaitable(wrapped.__getitem__)  # type: ignore[method-assign]

    @property
    def private_bus(self) -> bool:
        # Where the user's object publishes, nobody else knows.
        return not self.shared and _method(self.wrapped, "publish") is None

    def __getattr__(self, name: str) -> Any:
        if name == "wrapped":  # not yet set: copying and unpickling look attributes up before __init__ has run
            raise AttributeError(name)
        return getattr(self.wrapped, name)

    def start(self, consumer: Consumer) -> Deferred[None]:
        ready = super().start(consumer)
        begin = _method(self.wrapped, "start")
        # A thread's start() takes no consumer; it is given to those that ask for it.
        if begin is not None:
            ready = maybeDeferred(begin, consumer) if _takes_one(begin) else maybeDeferred(begin)
        if _method(self.wrapped, "get_subscriber") is not None:
            return ready.addCallback(lambda _: self._subscribe(consumer))
        return ready

    def stop(self) -> Deferred[None]:
        stopped = super().stop()
        kill = _method(self._subscriber, "kill")
        if kill is not None:
            kill()
        end = _method(self.wrapped, "stop")
        return stopped if end is None else maybeDeferred(end)

    def _member(self, channel: str, member: str) -> Deferred[str | None]:
        return self.members(channel).addCallback(lambda members: members.get(member))

    def _member_count(self, channel: str) -> Deferred[int]:
        return self.members(channel).addCallback(len)

    def _subscribe(self, consumer: Consumer) -> None:
        """The original's subscriber; the server, which is the consumer, has the queue that it fills."""
        subscriber = self.wrapped.get_subscriber()
        self._subscriber = subscriber(client=self.wrapped.get_client(), options=getattr(self.wrapped, "options", None))
        # Not one of the reactor's threads: for those the reactor would wait when it ends.
        threading.Thread(target=self._subscriber.listener, args=(consumer,), name="subscriber", daemon=True).start()


def make(kind: type[Any], options: Any) -> BaseStorageObject:
    """A full storage object of a class, which may have been written for the original.

    Such a class gets the options if it takes an argument, as the original's did.
    """
    incomplete = inspect.isabstract(kind)
    if isinstance(kind, type) and issubclass(kind, BaseStorageObject) and not incomplete:
        return kind(options)
    if incomplete:
        # Derived from BaseStorageObject, as the original said, with as many methods as that one's had.
        kind = type(kind.__name__, (kind,), {"__module__": kind.__module__})
        kind.__abstractmethods__ = frozenset()
    return WrappedStorageObject(kind(options) if _takes_one(kind) else kind())


def wrap(instance: object) -> BaseStorageObject:
    """A full storage object of whatever a user's ``StorageObject`` is: itself, or its synchronous methods wrapped."""
    return instance if isinstance(instance, BaseStorageObject) else WrappedStorageObject(instance)


def _method(instance: Any, name: str) -> Any:
    """A method that a user has written, or None."""
    method = getattr(instance, name, None)
    return method if callable(method) and not getattr(method, "__isabstractmethod__", False) else None


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
