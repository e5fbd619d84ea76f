"""The real commands: as processes with pipes, and at a terminal."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.deadlines import joined, limited
from tests.support.fws_server import STARTING
from tests.support.raw_client import DEADLINE

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()].?)")


def arguments(command: str, *words: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", f"filtered_websocket.commands.{command}", *words]


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FWS")} | more


def run(
    command: str, *words: str, stdin: str | bytes = b"", cwd: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it writes is to be UTF-8."""
    ran = subprocess.run(
        arguments(command, *words),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=cwd,
        env=environment(**environ),
        timeout=STARTING,
        check=False,
    )
    return subprocess.CompletedProcess(ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def run_unread(command: str, *words: str, stdin: str = "", cwd: Path | None = None) -> tuple[int, str]:
    """Run a command of which nobody reads the output; its exit code, and what it says on standard error."""
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        ran = subprocess.run(
            arguments(command, *words), input=stdin.encode(), stdout=theirs, stderr=subprocess.PIPE, cwd=cwd,
            env=environment(), timeout=STARTING, check=False,
        )  # fmt: skip
    finally:
        os.close(theirs)
    return ran.returncode, ran.stderr.decode()


class _Running:
    """A process, and the text that it has written so far."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._text = ""
        self._ended = False
        self._at = 0

    def _read(self, descriptor: int) -> None:
        while True:
            try:
                chunk = os.read(descriptor, 65536)
            except OSError:
                chunk = b""  # a terminal whose process has gone
            with self._news:
                self._text += chunk.decode("utf-8", "replace")
                self._ended = not chunk
                self._news.notify_all()
            if not chunk:
                return

    @property
    def text(self) -> str:
        with self._news:
            return self._text

    def until(self, pattern: str, deadline: float = DEADLINE) -> re.Match[str]:
        """Wait for text behind what the last `until` found; escapes are left out."""
        end = time.monotonic() + deadline
        with self._news:
            while True:
                shown = ESCAPES.sub("", self._text)
                if found := re.compile(pattern).search(shown, self._at):
                    self._at = found.end()
                    return found
                assert not self._ended, f"ended without {pattern!r}: {shown!r}"
                assert self._news.wait(end - time.monotonic()), f"no {pattern!r}: {shown!r}"


class Program(_Running):
    """A command with pipes. `until` looks at standard error."""

    def __init__(self, command: str, *words: str, **environ: str) -> None:
        super().__init__()
        self.process: subprocess.Popen[Any] = subprocess.Popen(
            arguments(command, *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(**environ),
        )
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr.fileno(),), daemon=True)
        self._reader.start()

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end_of_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def line(self) -> str:
        """The next line of standard output."""
        assert self.process.stdout is not None
        with limited(self.process):
            line = self.process.stdout.readline().decode()
        assert line.endswith("\n"), f"no line, but {line!r}: {self.text}"
        return line[:-1]

    def rest(self) -> str:
        """What standard output has until its end."""
        assert self.process.stdout is not None
        with limited(self.process):
            return self.process.stdout.read().decode()  # type: ignore[no-any-return]

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        return self.process.wait(DEADLINE)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        joined(self._reader)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Terminal(_Running):
    """A command at a terminal of its own, 30 lines of 120 columns. `until` looks at what it shows."""

    def __init__(self, command: str, *words: str, **environ: str) -> None:
        super().__init__()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.process: subprocess.Popen[Any] = subprocess.Popen(
            arguments(command, *words), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env=environment(TERM="xterm-256color", PROMPT_TOOLKIT_NO_CPR="1", **environ), preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, args=(self._ours,), daemon=True)
        self._reader.start()

    def press(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait(self) -> int:
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        joined(self._reader)
        os.close(self._ours)


def _take_terminal() -> None:
    """Make the terminal the one that ctrl-C comes from."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
