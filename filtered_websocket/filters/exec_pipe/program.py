"""A program that runs as a child: lines to it, lines from it, and an end that leaves nothing behind.

Rules:

1. It is the leader of a process group of its own, and its end is that of all in the group. They are killed before the
   leader is reaped: until then nobody else can be given the group's number.
2. It sees no descriptor but its three, and of the server's environment what `environment` hands on.
3. What it says on standard error is told in the log, so many lines at a time.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from filtered_websocket.filters.exec_pipe.error_lines import ErrorLines
from filtered_websocket.filters.exec_pipe.exits import when_exited
from filtered_websocket.filters.exec_pipe.pipes import Reading, Writing

TERM_SECONDS = 1.0
"""From SIGTERM, and the end of its input, to SIGKILL."""
HANDED_ON = {"HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"}


def environment(names: Sequence[str] = ()) -> dict[str, str]:
    """What a program sees of the server's environment, which may hold secrets.

    :param names: of further variables
    """
    known = {*HANDED_ON, *names}
    return {name: value for name, value in os.environ.items() if name in known or name.startswith("LC_")}


class Program:
    """One run of a program.

    :param words: the program and its arguments
    :param said: called with the lines of its output that have come, without their ends
    :param ended: called once, when it and its group have ended, with a text that says how: "exited with 3"
    :param taken: called when it has taken all that it was told
    :param longest: bytes that a line may have; a longer one ends the program
    :raises OSError: it cannot be started
    :ivar status: its exit code, or the negative number of the signal that ended it; None while it runs
    """

    def __init__(
        self,
        reactor: Any,
        words: Sequence[str],
        variables: Mapping[str, str],
        *,
        longest: int,
        said: Callable[[list[bytes]], object],
        ended: Callable[[str], object],
        taken: Callable[[], object] = lambda: None,
    ) -> None:
        self._reactor, self._said, self._ended, self._longest = reactor, said, ended, longest
        self.name = os.path.basename(words[0])
        self.status: int | None = None
        self._rest = b""
        self._why = ""
        self._killing: Any = None
        self._process = subprocess.Popen(  # noqa: S603 - the operator named it
            words, env=dict(variables), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self.pid = self._process.pid
        self._error_lines = ErrorLines(reactor, self.name)
        self._input = Writing(reactor, _own(self._process.stdin), taken)
        self._output = Reading(reactor, _own(self._process.stdout), self._read)
        self._errors = Reading(reactor, _own(self._process.stderr), self._error_lines.read)
        when_exited(reactor, self.pid, self._exited)

    @property
    def waiting(self) -> int:
        """Bytes that it was told and has not taken."""
        return self._input.waiting

    def write(self, data: bytes) -> None:
        self._input.write(data)

    def look(self) -> None:
        """Read what it has said meanwhile."""
        self._output.read()

    def pause(self) -> None:
        """Read no more of its output, until `resume`."""
        self._output.stopReading()

    def resume(self) -> None:
        self._output.start()

    def stop(self, why: str = "", at_once: bool = False) -> None:
        """End it, and hear no more of it: SIGTERM to its group, and after a second SIGKILL to what is then left.

        :param why: what `ended` is called with, in place of how it ended
        :param at_once: SIGKILL now
        """
        self._why = self._why or why
        self._said = _nothing
        self._input.close()
        self._output.start()
        if self.status is None:
            if self._killing is None:
                self._signal(signal.SIGTERM)
                self._killing = self._reactor.callLater(TERM_SECONDS, self._signal, signal.SIGKILL)
            if at_once:
                self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS: a group of zombies
            return

    def _read(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self._said(lines)
        if len(self._rest) > self._longest:
            self._rest = b""
            self.stop(f"said a line of more than {self._longest} bytes", at_once=True)

    def _exited(self) -> None:
        self._signal(signal.SIGKILL)
        if self._killing is not None and self._killing.active():
            self._killing.cancel()
        self.status = status = self._process.wait()
        how = f"exited with {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
        for pipe in (self._output, self._errors):
            pipe.read_rest()
        if self._rest:
            self._said([self._rest])
        self._error_lines.end()
        self._input.close()
        self._said = _nothing
        self._ended(self._why or how)


def _own(pipe: Any) -> int:
    """A descriptor that is ours to close."""
    number = os.dup(pipe.fileno())
    pipe.close()
    return number


def _nothing(lines: list[bytes]) -> None:
    """What is said after the end."""
