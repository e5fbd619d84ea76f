"""The thread that writes. The reactor waits for it at the end alone."""

import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from filtered_websocket.filters.audit_log.lines import line

AT_ONCE = 1000
"""Lines that are written together."""


class Sink(Protocol):
    def write(self, lines: Sequence[bytes]) -> int:
        """Write the first of these; how many."""

    def close(self) -> None: ...


class Writer:
    """
    :param most: records that may wait
    :param lost: called in the thread, with how many lines are lost, and why
    """

    def __init__(self, sink: Sink, most: int, lost: Callable[[int, str], object]) -> None:
        self._sink, self._most, self._lost = sink, most, lost
        self._queue: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        # A daemon: a disk that hangs does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="audit_log", daemon=True)
        self._thread.start()

    def put(self, record: Mapping[str, Any]) -> bool:
        """Have a record written; False if there is no room."""
        if self._queue.qsize() >= self._most:
            return False
        self._queue.put(record)
        return True

    def stop(self) -> "Deferred[Any]":
        """Fires when all is written."""
        self._queue.put(None)
        return deferToThread(self._thread.join)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            records = [self._queue.get()]
            try:
                while len(records) < AT_ONCE:
                    records.append(self._queue.get_nowait())
            except Empty:
                pass
            is_over = None in records
            wanted = [each for each in records if each is not None]
            if wanted:
                self._write(wanted)
        self._sink.close()

    def _write(self, records: list[Mapping[str, Any]]) -> None:
        lines = list(map(line, records))
        try:
            while lines:
                del lines[: self._sink.write(lines)]
        except OSError as error:
            self._lost(len(lines), error.strerror or str(error))
