"""A redis-server of our own, for workers on one machine that were given no storage they could share."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from filtered_websocket.config.option import Options
from filtered_websocket.config.parsers import UNIX_PATH_BYTES
from filtered_websocket.errors import ConfigError, printable

_log = Logger()

PAUSE = 0.5
"""Seconds before one that has died is started again."""
START_SECONDS, LOOK_SECONDS = 10.0, 0.01
"""How long it may take to answer, and how often it is looked at."""
PREFIX, SOCKET = "fws-redis-", "redis.sock"

KILL_AFTER = 0.5
"""Seconds that it has to end: there is nothing that it would have to keep."""

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
    :raises ConfigError: none is installed, or there is no place for its socket
    """

    def __init__(self, options: Options, reactor: Any) -> None:
        self._program = program_for(options)
        self._reactor = reactor
        self._folder = _folder()
        self._path = f"{self._folder}/{SOCKET}"
        self.url = f"unix://{quote(self._path)}"
        self._answers: Deferred[None] = Deferred()
        self._process: Any = None
        self._again: Any = None
        self._stopped: Deferred[None] | None = None

    async def begin(self) -> None:
        """Start it, and wait until it answers.

        :raises ConfigError: it does not, and what it says
        """
        self._start()
        self._look(self._reactor.seconds() + START_SECONDS)
        await self._answers

    def _look(self, end: float) -> None:
        """Look every few milliseconds whether its socket is listened on, until it is, or the process has ended."""
        if self._answers.called:
            return
        if self._reactor.seconds() > end:
            says = f"{self._program}, started for the workers, does not answer"
            self._answers.errback(ConfigError(says))
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self._path)
            except OSError:
                self._reactor.callLater(LOOK_SECONDS, self._look, end)
                return
        self._answers.callback(None)

    def _start(self) -> None:
        command = [self._program, "--port", "0", "--unixsocket", self._path, "--unixsocketperm", "700"]
        command += ["--save", "", "--appendonly", "no", "--dir", self._folder, "--logfile", f"{self._folder}/redis.log"]
        command = [sys.executable, "-c", _WITH_PARENT, str(os.getpid()), *command]
        self._process = self._reactor.spawnProcess(self, sys.executable, command, os.environ)
        _log.info("started a private redis-server for the workers")

    def processEnded(self, reason: Any) -> None:
        self._process = None
        if self._stopped is not None:
            self._stopped.callback(None)
        if not self._answers.called:
            # Before it has answered once: tried again it would be the same.
            says = f"cannot start {self._program} for the workers: {self._last_words() or reason.getErrorMessage()}"
            self._answers.errback(ConfigError(says))
            return
        if self._stopped is not None:
            return
        _log.error("the private redis-server has died; starting it again")
        self._again = self._reactor.callLater(PAUSE, self._start)

    async def stop(self) -> None:
        """End it, and remove its folder."""
        if self._again is not None and self._again.active():
            self._again.cancel()
        if self._process is not None:
            self._stopped = Deferred()
            self._process.signalProcess(signal.SIGTERM)
            killing = self._reactor.callLater(KILL_AFTER, self._process.signalProcess, signal.SIGKILL)
            await self._stopped
            if killing.active():
                killing.cancel()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _last_words(self) -> str:
        try:
            with open(f"{self._folder}/redis.log", encoding="utf-8", errors="replace") as log:
                lines = log.read().splitlines()
        except OSError:
            return ""
        return printable(lines[-1].strip()) if lines else ""


def program_for(options: Options) -> str:
    """The redis-server to start for workers whose storage is not shared.

    :raises ConfigError: there is none, or storage was chosen
    """
    program = shutil.which("redis-server")
    if program is None or options.source("storage") != "default":
        raise ConfigError(
            f"{options.workers} workers need a storage object that crosses processes, and {options.storage} does "
            "not: use --storage redis, or leave storage out where a redis-server is installed to have one started"
        )
    return program


def _folder() -> str:
    """A new folder for its socket: temporary files' own, unless that makes a longer path than a socket may have.

    :raises ConfigError: there is none
    """
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX)
        if len(os.fsencode(f"{folder}/{SOCKET}")) > UNIX_PATH_BYTES:
            os.rmdir(folder)
            folder = tempfile.mkdtemp(prefix=PREFIX, dir="/tmp")
    except OSError as error:
        raise ConfigError(f"no folder for the workers' redis-server: {error.filename}: {error.strerror}") from None
    return folder
