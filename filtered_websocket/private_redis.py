"""A redis-server of our own, for workers on one machine that were given no storage they could share."""

import os
import shutil
import signal
import sys
import tempfile
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from filtered_websocket.config import Options
from filtered_websocket.errors import ConfigError

_log = Logger()

PAUSE = 0.5
"""Seconds before one that has died is started again."""

# On Linux it ends with its parent, however that ends (prctl's PR_SET_PDEATHSIG); the parent may be gone already. In a
# session of its own it is not interrupted with the workers, which drain first.
_WITH_PARENT = """
import ctypes, os, signal, sys
try:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
except (AttributeError, OSError):
    pass
os.setsid()
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class PrivateRedis(ProcessProtocol):
    """A redis-server on a Unix socket that only this user may open, keeping nothing on disk. It is started again if it
    dies: what was in it is lost then, as with any Redis that keeps nothing, and presence and counts are claimed anew.

    :ivar url: where workers find it, as for any Redis that may be away
    :raises ConfigError: none is installed
    """

    def __init__(self, options: Options, reactor: Any) -> None:
        program = shutil.which("redis-server")
        if program is None or options.source("storage") != "default":
            raise ConfigError(
                f"{options.workers} workers need a storage object that crosses processes, and {options.storage} does "
                "not: use --storage redis, or leave storage out where a redis-server is installed to have one started"
            )
        self._reactor = reactor
        self._folder = tempfile.mkdtemp(prefix="fws-redis-")
        self.url = f"unix://{self._folder}/redis.sock"
        self._command = [program, "--port", "0", "--unixsocket", f"{self._folder}/redis.sock"]
        self._command += ["--unixsocketperm", "700", "--save", "", "--appendonly", "no"]
        self._command += ["--dir", self._folder, "--logfile", f"{self._folder}/redis.log"]
        self._process: Any = None
        self._again: Any = None
        self._stopped: Deferred[None] | None = None

    def start(self) -> None:
        """Start it; it is there soon."""
        command = [sys.executable, "-c", _WITH_PARENT, str(os.getpid()), *self._command]
        self._process = self._reactor.spawnProcess(self, sys.executable, command, os.environ)
        _log.info("started a private redis-server for the workers")

    def processEnded(self, reason: Any) -> None:
        self._process = None
        if self._stopped is not None:
            self._stopped.callback(None)
            return
        _log.error("the private redis-server has died; starting it again")
        self._again = self._reactor.callLater(PAUSE, self.start)

    async def stop(self) -> None:
        """End it, and remove its folder."""
        if self._again is not None and self._again.active():
            self._again.cancel()
        if self._process is not None:
            self._stopped = Deferred()
            self._process.signalProcess(signal.SIGTERM)
            await self._stopped
        shutil.rmtree(self._folder, ignore_errors=True)
