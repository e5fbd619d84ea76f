"""Runs what a page prints: saves its files and enters its commands, in the order of the page, in one folder.

- "... `name.py`:" in front of a block is a file to save.
- In a block ``console`` each line that begins with ``$`` is a command; what follows is what it prints, each line of it
  in this order. Durations may differ.
- ``export NAME=VALUE`` counts for all commands behind it.
- A server, and a client that subscribes and publishes nothing, run in a terminal of their own until the next server
  starts, or the page ends; what they must have printed is looked at then.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from tests.support.deadlines import joined
from tests.support.ports import free_port

DEADLINE = 180.0
PORT = "9000"
"""The port in the pages; here it is one that is free."""

BLOCK = re.compile(r"(?:`([\w./]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Background:
    """A command that runs until it is ended."""

    def __init__(self, command: str, wanted: str, terminal: "Terminal") -> None:
        self.command, self.wanted = command, wanted
        self.is_server = "fws_server" in command or "make run" in command
        self._said: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=terminal.folder,
            env=terminal.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._said.append(line)
                self._news.notify_all()
        with self._news:
            self._said.append("")
            self._news.notify_all()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait_for(self, words: str) -> None:
        with self._news:
            self._news.wait_for(lambda: words in "".join(self._said) or self._said[-1:] == [""], DEADLINE)
            said = "".join(self._said)
        assert words in said, f"{self.command}\ndoes not say: {words}\nit says:\n{said}"

    def end(self) -> None:
        """End it, once it has printed what the page says; a client that counts ends by itself."""
        for line in self.wanted.splitlines():
            self.wait_for(line)
        if self._process.poll() is None and "--count" not in self.command:
            os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(DEADLINE)
        joined(self._reader)
        assert self._process.stdout is not None
        self._process.stdout.close()
        check(self.wanted, "".join(self._said), self.command)

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(DEADLINE)
        joined(self._reader)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Terminal:
    """Follows a page, or several, in one folder.

    :param path: folders with commands, before all others
    :param extra: a command to more of the environment
    """

    def __init__(self, folder: Path, path: list[Path], extra: dict[str, dict[str, str]] | None = None) -> None:
        self.folder, self._extra = folder, extra or {}
        self.port = str(free_port())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FWS_", "FWSC_", "PYTEST_"))}
        search = ":".join([*map(str, path), kept.pop("PATH")])
        self.environment = kept | {"PATH": search, "FWS_PORT": self.port, "PYTHONDONTWRITEBYTECODE": "1"}
        # Plugins that users need not have: to import them takes several times as long as the tests of a page.
        self.environment["PYTEST_ADDOPTS"] = "-p no:schemathesis -p no:hypothesispytest"
        self._running: list[Background] = []
        self.commands: list[str] = []

    def follow(self, page: str) -> None:
        """Do all that a page says."""
        for name, kind, text in BLOCK.findall(page):
            if name:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_text(text.replace(PORT, self.port))
            elif kind == "console":
                for command, wanted in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                    self._enter(command.replace(PORT, self.port), wanted.replace(PORT, self.port))
        self._end_all()

    def _enter(self, command: str, wanted: str) -> None:
        self.commands.append(command)
        if exported := re.match(r"export (\w+)=", command):
            shown = f'{command} && printf %s "${exported[1]}"'
            self.environment[exported[1]] = self._run(shown, self.environment)
            return
        serves = (
            re.match(r"(fws_server|make run)\b", command) and "--check" not in command and "--version" not in command
        )
        if serves:
            self._end_all()
        if serves or (" subscribe" in command and " publish" not in command):
            running = Background(command, wanted, self)
            self._running.append(running)
            if serves:
                running.wait_for("listening on")
            else:
                self._until_connected(running)
            return
        check(wanted, self._run(command, self.environment | self._extra.get(command, {})), command)

    def _run(self, command: str, environment: dict[str, str]) -> str:
        """All that it prints."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _until_connected(self, client: Background) -> None:
        """Wait until the server has this client, or it has heard all that it was to hear."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/dashboard/figures", timeout=DEADLINE) as answer:
                processes = json.load(answer)["processes"].values()
            there = sum(each["connections"] for figures in processes for each in figures["pipelines"])
            if client.has_ended or there >= sum(not each.is_server and not each.has_ended for each in self._running):
                return
            threading.Event().wait(0.01)  # between two requests
        raise AssertionError("the client has not connected")

    def _end_all(self) -> None:
        # The clients first: they are to say what they have heard.
        for running in reversed(self._running):
            running.end()
        self._running = []

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._running:
            running.kill()


def check(wanted: str, said: str, command: str) -> None:
    """Every line that the page shows must have been printed, in this order."""
    at = 0
    plain = _plain(said)
    for line in _plain(wanted).splitlines():
        found = plain.find(line, at)
        assert found >= 0, f"{command}\ndoes not say: {line}\nit says:\n{said}"
        at = found + len(line)


def _plain(text: str) -> str:
    return re.sub(r"\d+\.\d+ ?s\b", "0.0s", text)
