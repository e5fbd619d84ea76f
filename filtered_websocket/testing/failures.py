"""What filters have failed with, as the server logs it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from filtered_websocket.storage_objects.base import BaseStorageObject


class FilterFailed(AssertionError):  # noqa: N818 - what happened
    """A filter raised, and the test did not ask for it."""


class Failures:
    """Tracebacks, from when they are heard until a test asks for them."""

    def __init__(self, storage_object: BaseStorageObject) -> None:
        self._storage_object = storage_object
        self._tracebacks: list[str] = []

    def take(self) -> list[str]:
        """Those since this was last asked."""
        taken, self._tracebacks = self._tracebacks, []
        return taken

    def tell(self, error: BaseException | None) -> None:
        """Tell of those that nobody asked for.

        :param error: what the test ends with, which may be what they led to; they become notes of it
        :raises FilterFailed: it would end without
        """
        tracebacks = self.take()
        if error is None and tracebacks:
            raise FilterFailed("\n" + "\n".join(tracebacks))
        for each in tracebacks:
            # Another server of the same test has heard it too.
            if error is not None and each not in getattr(error, "__notes__", ()):
                error.add_note(each)

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        # Any callable is an observer; its interface is zope's, which mypy does not read.
        observer: Any = self._observe
        globalLogPublisher.addObserver(observer)
        try:
            yield
        finally:
            globalLogPublisher.removeObserver(observer)

    def _observe(self, event: LogEvent) -> None:
        level = event.get("log_level")
        if level is not None and level >= LogLevel.error and event["log_namespace"].startswith("filtered_websocket."):
            failure = event.get("log_failure")
            if failure is None and "trace" not in event and not self._storage_object.ready:
                return  # the outage that the test has made
            trace = f"\n{failure.getTraceback()}" if failure is not None else ""
            self._tracebacks.append(formatEvent(event) + trace)
