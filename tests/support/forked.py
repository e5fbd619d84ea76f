"""`fws_server` forked from a process that has imported the package: to import it is nine tenths of a start's work.

It is the whole command in a process of its own, but for Python's own beginning and end. Each process of pytest has one
such process, which has loaded no reactor, filter or storage object, and ends with it.
"""

import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cache
from multiprocessing import connection, forkserver, get_context
from pathlib import Path

from tests.support.ledger.own_process import here
from tests.support.raw_client import DEADLINE

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [f"filtered_websocket.commands.fws_server.{name}" for name in ("__main__", "service", "workers")]
)
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""Of what Python reads from the environment when it begins, all that matters here."""


class Forked:
    """What `subprocess.Popen` is of a program that was started anew.

    :param arguments: the command line
    :param out: the descriptor of its standard output
    :ivar pid: its process id
    :ivar stderr: what it says on standard error, as text
    """

    _lock = threading.Lock()
    """multiprocessing looks at all of its processes when it starts one, and would read how another has ended twice."""

    def __init__(self, arguments: Sequence[str], cwd: Path, environment: dict[str, str], out: int) -> None:
        with here.kept():
            forkserver.ensure_running()
        reads, writes = os.pipe()
        self.stderr = open(reads)  # noqa: SIM115 - closed by its owner, as Popen's is
        said, written = (
            connection.Connection(writes, readable=False),
            connection.Connection(os.dup(out), readable=False),
        )
        with said, written, self._lock:
            self._process = _CONTEXT.Process(
                target=_run, args=(arguments, str(cwd), environment, path_of_a_program(), written, said)
            )
            self._process.start()
        self._code: int | None = None
        self.pid = self._process.pid
        assert self.pid is not None

    def poll(self) -> int | None:
        with self._lock:
            if self._code is None and self._process.exitcode is not None:
                self._code = self._process.exitcode
                self._process.close()  # else its pipes stay open, as long as pytest runs
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            connection.wait([self._process.sentinel], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("fws_server", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass  # it has ended just now

    def kill(self) -> None:
        self.send_signal(9)


@cache
def path_of_a_program() -> list[str]:
    """What a program of Python has in `sys.path` behind its own folder; here there is also what pytest puts there."""
    says = "import sys; print(*sys.path[1:], sep='\\n')"
    ran = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True, timeout=DEADLINE)
    return ran.stdout.splitlines()


def _run(
    arguments: Sequence[str],
    cwd: str,
    environment: dict[str, str],
    path: list[str],
    out: connection.Connection,
    err: connection.Connection,
) -> None:
    for number, given in ((1, out), (2, err)):
        os.dup2(given.fileno(), number)
        given.close()
    # What multiprocessing has for itself: a server that was started anew has it not.
    os.closerange(3, 1 + max(map(int, os.listdir("/dev/fd"))))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = bool(environment.get(NO_BYTECODE))
    sys.path[:] = [cwd, *path]
    sys.argv[1:] = arguments
    runpy.run_module("filtered_websocket", run_name="__main__", alter_sys=True)
