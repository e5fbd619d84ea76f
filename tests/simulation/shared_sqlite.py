"""SQLite storage as a simulation has it: the real storage object on a real file, one node at a time.

What its thread does is done in the node's turns, so that a seed has one course. A file is away where it has another
name for a while, slow where its disk is, and a node that is killed leaves what was on the disk at that moment.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from math import inf
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.sqlite import StorageObject, database
from filtered_websocket.storage_objects.sqlite.writer import LOOK_SECONDS, Writer
from filtered_websocket.storage_objects.values import Convert
from filtered_websocket.testing.process_time import put_into
from tests.simulation.channels import CHANNELS
from tests.simulation.clock import NodeClock

FAST = "/dev/shm"
"""Where files are as on a disk, but that nothing waits for it: no power is lost here."""


class Turns(Writer):
    """What the thread does, in turns of its node.

    :ivar delay: seconds that it takes at most
    """

    def __init__(self, file: str, changed: Callable[[str], object], clock: NodeClock, random: Random) -> None:
        super().__init__(file, changed)
        self._clock, self._random = clock, random
        self.delay = 0.0
        self._timer: Any = None
        self._thread = SimpleNamespace(join=lambda: None)  # type: ignore[assignment]
        self._call = clock.callFromThread

    def start(self) -> Deferred[None]:
        if self._begin():
            self._later(LOOK_SECONDS)
        return self._started

    def ask(self, function: Callable[..., Any], arguments: tuple[Any, ...], convert: Convert) -> Deferred[Any]:
        is_first = not self._questions
        answer = super().ask(function, arguments, convert)
        if is_first and not answer.called:
            self._later(self.delay * self._random.random())
        return answer

    def stop(self) -> Deferred[None]:
        stopped = super().stop()
        self._later(self.delay * self._random.random())
        return stopped

    def die(self) -> None:
        """Nothing more is done."""
        self._later(None)
        self._close()
        self._file.release()
        self._fault, self._next_attempt = "its node is dead", inf

    def _later(self, seconds: float | None) -> None:
        """Have its next turn then; None: none."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if seconds is not None:
            self._timer = self._clock.callLater(seconds, self._turn)

    def _turn(self) -> None:
        if self._questions or not self._ending:
            batch, self._questions = list(self._questions), type(self._questions)()
            self._work(batch)
            self._later(0 if self._ending else LOOK_SECONDS)
        else:
            self._finish()


class View(StorageObject):
    """What the node has of it."""

    lose_answers = 0

    def __init__(self, shared: "SharedSqlite", clock: NodeClock) -> None:
        super().__init__(SimpleNamespace(sqlite_file=shared.file))
        self._shared, self._clock = shared, clock
        self._writer: Turns | None = None  # type: ignore[assignment]

    def start(self, consumer: Consumer) -> Deferred[None]:
        self._consumer = consumer
        self._writer = Turns(self._file, self._changed, self._clock, self._shared.random)
        return self._writer.start()

    @property
    def follows(self) -> list[str]:
        """The channels that it is subscribed to."""
        return list(self._subscribed)

    @property
    def holds(self) -> set[str]:
        """The members of clients that it holds."""
        return {member for channel, members in self._presence.items() if channel in CHANNELS for member in members}

    def go_away(self) -> None:
        """Its file is not where it was."""
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._file, f"{self._file}.away")

    def come_back(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{self._file}.away", self._file)

    def slow(self, seconds: float) -> None:
        """What is asked takes so long at most."""
        if self._writer is not None:
            self._writer.delay = seconds

    def die(self) -> None:
        """Its node is dead."""
        if self._writer is not None:
            self._writer.die()


class SharedSqlite:
    """
    :param seconds: the time of the world
    :cvar nodes: how many there can be at a time
    :cvar one_order: what keeps history and what keeps none is delivered by one road
    :ivar file: the one of the node that begins next
    """

    nodes, one_order = 1, False

    def __init__(self, seconds: Callable[[], float], seed: int) -> None:
        self.random = Random(f"storage {seed}")
        self._folder = tempfile.TemporaryDirectory(prefix="fws-", dir=FAST if os.path.isdir(FAST) else None)
        self._number = 0
        self.file = self._path()
        self._until_end = contextlib.ExitStack()
        # The wall clock goes with the world's, too.
        given = {"time": SimpleNamespace(time=seconds, monotonic=seconds)}
        self._until_end.enter_context(put_into(database, given))

    def _path(self) -> str:
        self._number += 1
        return os.path.join(self._folder.name, f"{self._number}.sqlite")

    def storage(self, clock: NodeClock) -> View:
        """That of a new node. Its file is there: it would make another one, and begin anew."""
        view = View(self, clock)
        view.come_back()
        return view

    def be_well(self) -> None:
        """What goes wrong goes wrong for the node."""

    def forget(self, view: View) -> None:
        """Its node is dead: the next finds what is on the disk."""
        view.come_back()
        before, self.file = self.file, self._path()
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{before}{end}", f"{self.file}{end}")
        view.die()

    def end(self) -> None:
        """No file is left."""
        self._until_end.close()
        self._folder.cleanup()
