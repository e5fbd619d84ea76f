"""The thread of SQLite storage: takes questions in order, answers them when what they changed is on disk."""

import threading
from collections import deque
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.sqlite_tables import Tables

Question = tuple[Any, tuple[Any, ...], Any, Deferred[Any]]
"""A function of Tables, its arguments, what converts its result in the reactor's thread, and who waits."""

TOGETHER = 1000
"""Questions in one transaction, at most: the first need not wait for a flood behind them."""


class Writer:
    """
    :param file: the path of the database
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._questions: deque[Question] = deque()
        self._wake = threading.Condition()
        self._ending = False
        self._problem: ConfigError | None = None
        self._started: Deferred[None] = Deferred()
        self._stopped: Deferred[None] = Deferred()
        # A daemon, so that a process whose reactor died without stop() can still end; nothing confirmed is lost.
        self._thread = threading.Thread(target=self._run, name=f"sqlite {file}", daemon=True)

    def start(self) -> Deferred[None]:
        """Fails with ConfigError when the file cannot be used."""
        self._thread.start()
        return self._started

    def ask(self, function: Any, arguments: tuple[Any, ...], convert: Any) -> Deferred[Any]:
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
        try:
            tables = Tables(self._file)
        except Exception as error:
            problem = ConfigError(f"sqlite_file {self._file}: {error}")
            clock.callFromThread(self._started.errback, problem)
            clock.callFromThread(self._refuse, problem)
            return
        clock.callFromThread(self._started.callback, None)
        while batch := self._next():
            results = self._transaction(tables, batch)
            clock.callFromThread(self._answer, batch, results)
        tables.connection.close()
        clock.callFromThread(self._end)

    def _next(self) -> list[Question]:
        """What waits now; empty when it is time to end."""
        with self._wake:
            while not self._questions and not self._ending:
                self._wake.wait()
            return [self._questions.popleft() for _ in range(min(len(self._questions), TOGETHER))]

    def _transaction(self, tables: Tables, batch: list[Question]) -> list[Any]:
        execute = tables.connection.execute
        results: list[Any] = []
        try:
            execute("BEGIN IMMEDIATE")
            for function, arguments, _, _ in batch:
                execute("SAVEPOINT question")
                try:
                    results.append(function(tables, *arguments))
                except Exception:
                    results.append(Failure())
                    execute("ROLLBACK TO question")  # so that one that fails leaves the others whole
                execute("RELEASE question")
            execute("COMMIT")
        except Exception:  # a full disk: nothing of it was done
            failure = Failure()
            if tables.connection.in_transaction:
                execute("ROLLBACK")
            return [failure] * len(batch)
        return results

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
