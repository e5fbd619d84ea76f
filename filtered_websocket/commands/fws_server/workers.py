"""Several processes on one port: the parent opens it, the workers inherit it.

Each worker is this program again with ``--workers 1 --host fd:3``. What they share is the storage object. A worker that
dies is started again; when the parent goes, however it goes, the pipe on a worker's standard input ends, and the worker
with it. Signals: SIGTERM and SIGINT drain all; SIGHUP reloads the workers one by one; SIGUSR2 replaces them one by one,
the new one first.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import start
from filtered_websocket.commands.fws_server import stopping
from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.commands.fws_server.parent import STATUS, WORKER
from filtered_websocket.commands.fws_server.private_redis import PrivateRedis
from filtered_websocket.commands.fws_server.service import FORCE_SECONDS, stop_limit
from filtered_websocket.commands.fws_server.worker import Worker
from filtered_websocket.config.option import Options
from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.addresses import addresses_of
from filtered_websocket.transport.listening import bind

_log = Logger()

LISTENING = 3
"""The descriptor of the port in a worker."""

SHORT_LIFE, PAUSE = 1.0, 0.5
"""Seconds: a worker that lived shorter than the first is started again after the second, else at once."""

HOPELESS = 3
"""So often each worker may die before it serves, while none does: then none ever will."""

KILL_AFTER = 0.5
"""A worker that has not ended by force is killed so many seconds later."""


class Workers:
    """The parent.

    :ivar failure: why it stopped of itself
    :raises ConfigError: the storage object does not cross processes, and no Redis can be started for it
    """

    def __init__(self, argv: Sequence[str], assembly: Assembly, options: Options, reactor: Any) -> None:
        self._argv = argv
        self._options = options
        self._reactor = reactor
        self._socket: socket.socket | None = None
        self._workers: dict[int, Worker] = {}
        self._stopping = False
        self._busy = False
        self._asked: list[Callable[[int], Any]] = []
        self._redis: PrivateRedis | None = None
        self._stillborn = 0
        self.failure: ConfigError | None = None
        # A user's own storage object need not declare anything.
        if not getattr(assembly.backend, "shared", False):
            self._redis = PrivateRedis(options, reactor)
        self.signals: dict[int, Callable[[], object]] = {
            signal.SIGHUP: lambda: self._one_at_a_time(self._reload),
            signal.SIGUSR2: lambda: self._one_at_a_time(self._replace),
        }

    async def begin(self) -> None:
        """Open the port and start the workers; returns when all are ready.

        :raises ConfigError: the address cannot be had, or no worker starts
        """
        options = self._options
        self._socket = bind(options.host, options.port, options.backlog)
        if self._redis is not None:
            await self._redis.begin()
        for number in range(options.workers):
            self._spawn(number)
        for worker in list(self._workers.values()):
            await worker.ready
            if worker.gone.called:
                raise ConfigError("a worker did not start: its own lines above say why")
        where = " and ".join(addresses_of(self._socket, bool(options.key)))
        _log.info("listening on {where} with {count} workers", where=where, count=options.workers)

    def _spawn(self, number: int) -> Worker:
        assert self._socket is not None
        worker = Worker(number, self._reactor, self._ended)
        self._workers[number] = worker
        arguments = [sys.executable, "-m", "filtered_websocket", *self._argv]
        arguments += ["--workers", "1", "--host", f"fd:{LISTENING}"]
        if self._redis is not None:
            arguments += ["--storage", "redis", "--redis_url", self._redis.url]
        admin_port = getattr(self._options, "admin_port", 0)
        if admin_port:
            arguments += ["--admin_port", str(admin_port + number)]
        self._reactor.spawnProcess(
            worker,
            sys.executable,
            arguments,
            {**os.environ, WORKER: str(number)},
            childFDs={0: "w", 1: 1, 2: 2, LISTENING: self._socket.fileno(), STATUS: "r"},
        )
        return worker

    def _ended(self, worker: Worker) -> None:
        if self._stopping or not worker.wanted or self._workers.get(worker.number) is not worker:
            return
        self._stillborn = 0 if worker.served else self._stillborn + 1
        alive = [each for each in self._workers.values() if each.served and not each.gone.called]
        if self._stillborn >= HOPELESS * self._options.workers and not alive:
            self.failure = ConfigError("no worker starts any more: its own lines above say why")
            self._reactor.stop()
            return
        _log.error("worker {number} has died; starting it again", number=worker.number)
        short = self._reactor.seconds() - worker.began < SHORT_LIFE
        self._reactor.callLater(PAUSE if short else 0, self._again, worker)

    def _again(self, worker: Worker) -> None:
        if not self._stopping and self._workers.get(worker.number) is worker:
            self._spawn(worker.number)

    def _one_at_a_time(self, act: Callable[[int], Any]) -> None:
        """Do something to every worker, until one says no: then the rest stays as it is. Asked meanwhile, it waits."""
        if act not in self._asked:
            self._asked.append(act)
        if self._busy or self._stopping:
            return
        self._busy = True

        async def every() -> None:
            try:
                while self._asked:
                    act = self._asked.pop(0)
                    for number in list(self._workers):
                        if self._stopping or not await act(number):
                            break
            finally:
                self._busy = False

        start(every()).addErrback(lambda failure: _log.failure("workers", failure))

    async def _reload(self, number: int) -> bool:
        worker = self._workers[number]
        # The signal would end one that is still importing.
        await worker.ready
        reloaded, refused = worker.says("reloaded"), worker.says("refused")
        worker.signal(signal.SIGHUP)
        await DeferredList([reloaded, refused], fireOnOneCallback=True)
        if worker.gone.called or not reloaded.called:
            first = not [each for each in self._workers if each < number]
            rest = "no worker has reloaded" if first else "those before it run what is new, it and the others the old"
            _log.error("worker {number} has not reloaded: {rest}", number=number, rest=rest)
            return False
        return True

    async def _replace(self, number: int) -> bool:
        old = self._workers[number]
        new = self._spawn(number)
        await new.ready
        if new.gone.called:
            _log.error("worker {number} is not replaced: the new one did not start", number=number)
            new.wanted, self._workers[number] = False, old
            return False
        await old.end(self._seconds())
        _log.info("worker {number} is replaced", number=number)
        return True

    def _seconds(self) -> float:
        """How long a worker has to end."""
        return stop_limit(self._options) + FORCE_SECONDS + KILL_AFTER

    def stop_limit(self) -> float:
        """Seconds after a signal to stop at which the process ends by force."""
        return self._seconds() + 2 * FORCE_SECONDS

    def end(self) -> Deferred[Any]:
        """Drain all workers; fires when the last is gone."""
        stopping.deadline.within(self.stop_limit(), 1)
        return start(self._end()).addBoth(self._has_ended)

    def _has_ended(self, result: Any) -> Any:
        stopping.deadline.within(FORCE_SECONDS, 0)
        return result

    async def _end(self) -> None:
        self._stopping = True
        if self._socket is not None:
            self._socket.close()
        workers = [worker for worker in self._workers.values() if not worker.gone.called]
        if self._redis is not None:
            for worker in workers:
                worker.tell_storage_ends()
        await DeferredList([worker.end(self._seconds()) for worker in workers])
        if self._redis is not None:
            await self._redis.stop()
        _log.info("stopped")
