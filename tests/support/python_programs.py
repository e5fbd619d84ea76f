"""Programs of Python that tests start often, each forked from a process that has imported what it imports.

To import their packages is most of what other projects' clients take. There is one such process for each script and
path in each process of pytest, and it ends with it.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.support.ledger.own_process import here
from tests.support.raw_client import DEADLINE

FORK = Path(__file__).parents[1] / "python" / "fork.py"
_lock = threading.Lock()


class PythonProgram:
    """What `subprocess.Popen` is of a program that was started anew, as far as tests want it.

    :param options: of Python
    :param imports: modules that it imports by names that it is given
    """

    def __init__(
        self,
        options: Sequence[str],
        script: str,
        arguments: Sequence[str],
        environment: dict[str, str],
        imports: Sequence[str] = (),
    ) -> None:
        its_input, writes = os.pipe()
        reads, its_output = os.pipe()
        self.stdin, self.stdout = open(writes, "w"), open(reads)  # noqa: SIM115 - closed by its owner, as Popen's are
        try:
            with _lock:
                place = _place(tuple(options), script, environment.get("PYTHONPATH", ""), tuple(imports))
                message = json.dumps([arguments, environment]).encode()
                socket.send_fds(place, [message], [its_input, its_output])
                _, found, _, _ = socket.recv_fds(place, 1, 1)
        finally:
            os.close(its_input)
            os.close(its_output)
        assert found, f"{script}: the process to fork it from has ended"
        self._process = found[0]
        self._has_ended = False

    def wait(self, timeout: float | None = None) -> None:
        if self._has_ended:
            return
        ends = select.poll()
        ends.register(self._process, select.POLLIN)
        if not ends.poll(None if timeout is None else 1000 * timeout):
            raise subprocess.TimeoutExpired("a program of Python", timeout or 0.0)
        self._has_ended = True
        os.close(self._process)

    def kill(self) -> None:
        if not self._has_ended:
            signal.pidfd_send_signal(self._process, signal.SIGKILL)


@cache
def _place(options: tuple[str, ...], script: str, path: str, imports: tuple[str, ...]) -> socket.socket:
    """Where to ask for programs of a kind."""
    with here.kept():
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(DEADLINE)
        process = subprocess.Popen(
            [sys.executable, *options, str(FORK), str(theirs.fileno()), script, *imports],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def end() -> None:
        ours.close()
        process.wait(DEADLINE)

    atexit.register(end)
    return ours
