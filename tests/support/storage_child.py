"""A node in a process of its own, to be killed: ``python -m tests.support.storage_child MODULE ROLE SETTINGS``.

It does what its role says and prints a line for each thing that was confirmed.
"""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

from twisted.internet.defer import ensureDeferred

from filtered_websocket.storage_objects.base import Keep
from tests.support.backends import Recorder, message
from tests.support.deadlines import limited
from tests.support.raw_client import DEADLINE


async def write(storage: Any) -> None:
    """Without end: history, sets and maps, several at a time, as a server would."""
    number = 0
    while True:
        confirming = []
        for _ in range(10):
            number += 1
            confirming.append((number, storage.send(message("log", str(number)), Keep(100_000, 0))))
            confirming.append((0, storage.add("set", str(number))))
            confirming.append((0, storage.put("map", str(number), str(number))))
        for confirmed, deferred in confirming:
            await deferred
            if confirmed:
                say(str(confirmed))


async def hold(storage: Any) -> None:
    await storage.join("room", "ghost", "holder 1", "was here")
    await storage.join("room", "both", "holder 2", "the dead one's")
    await storage.track("room", 2)
    await storage.track("other", 1)
    say("holding")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Child:
    """Such a process, from the side of the test. ``line()`` waits for its next line."""

    def __init__(self, module: str, role: str, settings: dict[str, Any]) -> None:
        command = [sys.executable, "-m", __name__, module, role, json.dumps(settings)]
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True)

    def line(self) -> str:
        assert self.process.stdout is not None
        with limited(self.process):
            return self.process.stdout.readline().rstrip("\n")

    def kill(self) -> list[str]:
        """SIGKILL; the lines it had printed and that were not read yet, whole ones only."""
        self.process.kill()
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        return rest.rpartition("\n")[0].splitlines()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(DEADLINE)


def main() -> None:
    from twisted.internet import reactor

    module, role, settings = sys.argv[1:]
    StorageObject = import_module(module).StorageObject
    options = {option.name: option.default for option in StorageObject.OPTIONS} | json.loads(settings)
    storage = StorageObject(SimpleNamespace(**options))
    clock: Any = reactor
    started = storage.start(Recorder())
    started.addCallback(lambda _: ensureDeferred({"write": write, "hold": hold}[role](storage)))
    started.addErrback(lambda failure: (say(failure.getErrorMessage()), clock.stop()))
    clock.run()


if __name__ == "__main__":
    main()
