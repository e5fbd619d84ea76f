"""The real `fws_server` as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.deadlines import joined
from tests.support.forked import NO_BYTECODE, Forked
from tests.support.ledger.on_purpose import on_purpose
from tests.support.ledger.real_server import RealServer, servers
from tests.support.raw_client import DEADLINE, RawClient

LISTENING = re.compile(r"listening on ([^\s\"]+)")
STARTING = 60.0
"""Seconds for a start: a process, or several with ``--workers``, on cores that others use too."""


class FwsServer:
    """A running `fws_server`; on leaving the ``with`` block it is ended with SIGTERM.

    :param arguments: the command line; ``--host 127.0.0.1 -p 0`` unless it says otherwise
    :param cwd: where it runs
    :param anew: it begins with Python itself, which takes ten times as long; so does what has an environment for Python
    :ivar url: what it listens on
    """

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        environment: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        listens: bool = True,
        anew: bool = False,
    ) -> None:
        address = [] if {"-p", "--host"} & set(arguments) else ["--host", "127.0.0.1", "-p", "0"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FWS_")}
        self._out = open(cwd / "stdout", "ab+")  # noqa: SIM115 - closed in __exit__
        self.process: subprocess.Popen[str] | Forked
        of_python = {name for name in environment or () if name.startswith("PYTHON")} - {NO_BYTECODE}
        if anew or of_python or pass_fds:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "filtered_websocket", *arguments, *address],
                cwd=cwd,
                env=clean | (environment or {}),
                stdout=self._out,
                stderr=subprocess.PIPE,
                pass_fds=pass_fds,
                text=True,
            )
        else:
            self.process = Forked([*arguments, *address], cwd, clean | (environment or {}), self._out.fileno())
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self.folder = cwd
        self._clients: list[RawClient] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for(LISTENING, STARTING).group(1) if listens else ""
        plain = self.url.startswith(("ws://127.0.0.1:", "ws://0.0.0.0:"))
        self._book = RealServer(self.process.pid, self.port if plain else None)
        self._family: list[int] = []
        self._left_alone = listens  # by signals that end it, stop it or have it followed by another

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def log(self) -> str:
        with self._news:
            return "".join(self._lines)

    @property
    def printed(self) -> str:
        """Standard output: what filters printed."""
        return Path(self._out.name).read_text()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_for(self, pattern: str | re.Pattern[str], deadline: float = DEADLINE) -> re.Match[str]:
        """Wait until the log has it."""
        end = time.monotonic() + deadline
        with self._news:
            while not (found := re.search(pattern, "".join(self._lines))):
                assert not self._ended, f"ended without {pattern!r} in its log:\n{''.join(self._lines)}"
                assert self._news.wait(end - time.monotonic()), f"no {pattern!r} in the log:\n{''.join(self._lines)}"
        return found

    def client(self, tls: bool = False, receive_buffer: int = 0) -> RawClient:
        made = RawClient(("127.0.0.1", self.port), tls, receive_buffer)
        self._clients.append(made)
        return made

    def open(self, path: str = "/", headers: Sequence[tuple[str, str]] = (), tls: bool = False) -> RawClient:
        return self.client(tls).open(path, headers)

    def drop_clients(self) -> None:
        """End the clients' sockets: a server that stops then waits for nobody."""
        for client in self._clients:
            try:
                # Not closed: a thread may be reading it, and another socket would get its number.
                client.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended already

    def close_clients(self) -> None:
        """Have none left, for the test that comes next."""
        for client in self._clients:
            client.socket.close()
        self._clients.clear()

    def signal(self, number: int = signal.SIGTERM) -> None:
        if number == signal.SIGHUP:
            self._book.reloaded()
        elif number != signal.SIGCONT:
            self._left_alone = False
        if number == signal.SIGTERM:
            self._family = self._book.family()
        self.process.send_signal(number)

    def wait(self, deadline: float = DEADLINE) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(deadline)
        self._reader.join(deadline)
        return code

    def resident(self) -> int:
        """Its memory in bytes, as the system counts it."""
        status = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def scheduled(self) -> tuple[int, int]:
        """How long its reactor's thread has had a processor, and how long it has waited for one, in nanoseconds."""
        ran, waited, _ = Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        return int(ran), int(waited)

    def peak(self) -> int:
        """The most memory it had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]

    def __enter__(self) -> "FwsServer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        left: list[str] = []
        looks = kind is None and servers.looks()
        try:
            if self.process.poll() is None:
                self.drop_clients()
                if looks and self._left_alone:
                    left = self._book.left()
                self.signal()
                try:
                    self.process.wait(DEADLINE)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    raise
            if looks:
                left += self._book.outlived(self._family)
        finally:
            self.process.wait(DEADLINE)
            joined(self._reader)
            assert self.process.stderr is not None
            self.process.stderr.close()
            self._out.close()
            self.close_clients()
            left = on_purpose.others(left)
            if kind is not None or left:
                print(self.log)
        assert not left, "the server has left:\n" + "\n".join(left)


def command(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `fws_server` to its own end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FWS_")}
    return subprocess.run(
        [sys.executable, "-m", "filtered_websocket", *arguments],
        cwd=cwd,
        env=clean | (environment or {}),
        capture_output=True,
        text=True,
        timeout=STARTING,
        check=False,
    )


Start = Callable[..., FwsServer]
"""What the fixture `fws_server` is: starts a server, with these arguments."""
