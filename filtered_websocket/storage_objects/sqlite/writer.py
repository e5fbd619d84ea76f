"""The thread of SQLite storage: takes questions in order, answers them when what they changed is on disk.

When something is wrong with the file or its disk there is a fault: what would write is refused at once, what reads is
tried, and every `LOOK_SECONDS` the thread tries whether all is well again. A file that is not the one that was opened
any more is a fault too, before and after each transaction: what goes into a deleted file is not confirmed.
"""

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.sqlite.database import is_surroundings
from filtered_websocket.storage_objects.sqlite.file import DatabaseFile, Identity
from filtered_websocket.storage_objects.sqlite.tables import Tables
from filtered_websocket.storage_objects.values import Convert

Question = tuple[Callable[..., Any], tuple[Any, ...], Convert, Deferred[Any]]
"""A method of Tables, its arguments, what converts its result in the reactor's thread, and what fires then."""

TOGETHER = 1000
"""Questions in one transaction, at most: the first need not wait for a flood behind them."""
LOOK_SECONDS = 1.0
"""Between looks at the file while nothing is asked, and between attempts while there is a fault."""
DELETED = "it was deleted: put it back, or restart the server to begin with an empty one"
READS = frozenset((Tables.get, Tables.fields, Tables.since, Tables.latest, Tables.where, Tables.load))


class Writer:
    """
    :param file: the path of the database
    :param changed: called in the reactor's thread with what is wrong now, or with "" when all is well again
    """

    def __init__(self, file: str, changed: Callable[[str], object]) -> None:
        self._name, self._file = file, DatabaseFile(file)
        self._changed = changed
        self._questions: deque[Question] = deque()
        self._wake = threading.Condition()
        self._ending = False
        self._problem: ConfigError | None = None
        self._started: Deferred[None] = Deferred()
        self._stopped: Deferred[None] = Deferred()
        # The thread's own: what is open, and as which files; what is wrong.
        self._tables: Tables | None = None
        self._identity = Identity(None, None, None)
        self._fault = self._why = ""
        self._next_attempt = 0.0
        # A daemon, so that a process whose reactor died without stop() can still end; nothing confirmed is lost.
        self._thread = threading.Thread(target=self._run, name=f"sqlite {file}", daemon=True)

    def start(self) -> Deferred[None]:
        """Fails with ConfigError when the file cannot be used."""
        self._thread.start()
        return self._started

    def ask(self, function: Callable[..., Any], arguments: tuple[Any, ...], convert: Convert) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        if self._problem is not None:
            answer.errback(self._problem)
            return answer
        with self._wake:
            self._questions.append((function, arguments, convert, answer))
            self._wake.notify()
        return answer

    def stop(self) -> Deferred[None]:
        """Fires when all that was asked is answered and the file is closed."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        return self._stopped

    # In the thread.

    def _run(self) -> None:
        from twisted.internet import reactor

        clock: Any = reactor
        self._call = clock.callFromThread
        if not self._begin():
            return
        while (batch := self._next()) is not None:
            self._work(batch)
        self._finish()

    def _begin(self) -> bool:
        """Whether the file can be used."""
        try:
            self._file.claim()
            self._open(begin=True)
        except Exception as error:
            self._file.release()
            problem = ConfigError(f"sqlite_file {self._name}: {getattr(error, 'strerror', None) or error}")
            self._call(self._started.errback, problem)
            self._call(self._refuse, problem)
            return False
        self._call(self._started.callback, None)
        return True

    def _work(self, batch: list[Question]) -> None:
        self._look()
        if batch:
            self._call(self._answer, batch, self._results(batch))

    def _finish(self) -> None:
        self._close()
        self._file.release()
        self._call(self._end)

    def _next(self) -> list[Question] | None:
        """What waits now; nothing, when it is time to look at the file; None when it is time to end."""
        with self._wake:
            if not self._questions and not self._ending:
                self._wake.wait(LOOK_SECONDS)
            if self._ending and not self._questions:
                return None
            return [self._questions.popleft() for _ in range(min(len(self._questions), TOGETHER))]

    def _open(self, begin: bool) -> None:
        self._tables = Tables(self._file.path, begin)
        self._identity = self._file.identity()

    def _close(self) -> None:
        if self._tables is not None:
            self._tables.connection.close()
            self._tables = None

    def _look(self) -> None:
        """See whether the file is still there; after a fault, from time to time, whether all is well again."""
        if self._tables is not None and self._file.identity() != self._identity:
            self._say("it was replaced" if os.path.exists(self._file.path) else DELETED)
            with suppress(sqlite3.Error):  # it is tried again
                self._tables.leave()
                self._tables = None
        if not self._fault or time.monotonic() < self._next_attempt:
            return
        self._next_attempt = time.monotonic() + LOOK_SECONDS
        try:
            if self._tables is not None and self._file.identity() != self._identity:
                return
            if self._tables is None:
                self._open(begin=False)
            self._transact([(Tables.probe, ())])
        except StorageAway:
            return  # it is said
        except Exception as error:
            self._say(str(error) if os.path.exists(self._file.path) else DELETED)
            return
        self._say("")

    def _say(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self._why = fault or self._why
            self._call(self._changed, fault and f"{self._name}: {fault}")

    def _results(self, batch: list[Question]) -> list[Any]:
        asked = [question[:2] for question in batch]
        if not self._fault:
            try:
                results = self._transact(asked)
            except StorageAway:
                pass
            else:
                if self._file.identity() == self._identity:
                    return results
                self._look()
        return [self._read(*question) for question in asked]

    def _transact(self, asked: list[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
        """The results, when they are on disk. Raises StorageAway when the file or its disk is to blame: nothing was
        done."""
        assert self._tables is not None
        execute = self._tables.connection.execute
        results: list[Any] = []
        try:
            self._tables.begin()
            for function, arguments in asked:
                execute("SAVEPOINT question")
                try:
                    results.append(function(self._tables, *arguments))
                except Exception as error:
                    if is_surroundings(error):
                        raise
                    results.append(Failure())
                    execute("ROLLBACK TO question")  # so that one that fails leaves the others whole
                execute("RELEASE question")
            execute("COMMIT")
        except Exception as error:
            with suppress(sqlite3.Error):
                if self._tables.connection.in_transaction:
                    execute("ROLLBACK")
            self._say(str(error))
            raise self._away() from None
        return results

    def _read(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """While there is a fault."""
        if self._tables is None or function not in READS:
            return Failure(self._away())
        try:
            return function(self._tables, *arguments)
        except Exception:
            return Failure(self._away())

    def _away(self) -> StorageAway:
        return StorageAway(f"SQLite file {self._name}: {self._why}: not done")

    # In the reactor's thread.

    def _answer(self, batch: list[Question], results: list[Any]) -> None:
        for (_, _, convert, answer), result in zip(batch, results, strict=True):
            if convert is not None and not isinstance(result, Failure):
                try:
                    result = convert(result)  # noqa: PLW2901 -- its own result, in the form the caller knows
                except Exception:
                    result = Failure()  # noqa: PLW2901
            answer.callback(result)  # a Failure too

    def _refuse(self, problem: ConfigError) -> None:
        self._problem = problem
        while self._questions:
            self._questions.popleft()[3].errback(problem)
        self._end()

    def _end(self) -> None:
        self._thread.join()
        self._stopped.callback(None)
