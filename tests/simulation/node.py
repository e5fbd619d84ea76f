"""One node of a simulation: a real server of the kit, on a clock of its own, that can be frozen and killed."""

import contextlib
import json
import os
import tempfile
from typing import Any

from twisted.internet import reactor
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.commands.fws_server.reload import reload
from filtered_websocket.config.option import Options
from filtered_websocket.storage_objects.backends import STORAGE
from filtered_websocket.testing.server import Server
from tests.simulation.channels import NAMESPACES
from tests.simulation.clock import NodeClock

MAX_CONNECTIONS = 5
CHANNEL_LIMIT = 4
OPTIONS: dict[str, Any] = {
    "centrifugo_allow_anonymous": True,
    "centrifugo_namespaces": NAMESPACES,
    "centrifugo_channel_limit": CHANNEL_LIMIT,
    "max_connections": MAX_CONNECTIONS,
    "channels": {"plain:b": {"slow": "drop-old"}},
    "send_buffer": 4096,
    "drain_seconds": 0,
}
PACK = "filtered_websocket.filters.centrifugo"
LOSSES = ("dropped",)
HARMLESS = "sent to a closed connection"
"""What is counted of a client that is told by the close."""


class InOrder(dict[Any, None]):
    """A set in the order in which its members came."""

    def add(self, member: Any) -> None:
        self[member] = None

    def discard(self, member: Any) -> None:
        self.pop(member, None)


class Node:
    """
    :ivar frozen: its process gets no time
    :ivar stopping: what its stop has come to, None before it was asked to
    """

    def __init__(self, name: str, storage: Any, clock: NodeClock) -> None:
        self.name, self.storage, self.clock = name, storage, clock
        self.server = Server(PACK, storage_object=storage, reactor=clock, **OPTIONS)
        # A reload looks for the storage object's module, which the kit's servers have no option for.
        options = self.server.server.options
        self.server.server.options = Options([*options, (STORAGE, "memory", "default")])  # type: ignore[misc]
        # Sets of objects have no order that a seed decides.
        self.server.server.connections, self.server.server.blocked = InOrder(), InOrder()  # type: ignore[assignment]
        self.frozen = False
        self.started: list[Any] = []
        self.reloaded: list[Any] = []
        self.stopping: list[Any] | None = None
        self._open = contextlib.ExitStack()

    def open(self) -> None:
        """Have its time kept by its clock, until its end."""
        self._open.enter_context(self.clock.in_place_of(reactor))

    def start(self) -> None:
        self.open()
        self._call(self.server.server.start, self.started)

    def drain(self) -> None:
        if self.stopping is None:
            self.stopping = []
            self._call(self.server.server.stop, self.stopping)

    def reload(self, tails: int) -> None:
        """Take the configuration anew, with other tails than before, which change no promise."""
        document = {**OPTIONS, "filters": [PACK], "recovery_tails": tails}
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(document, file)
        self._call(lambda: start(reload(self.server.server, ["-c", file.name])), self.reloaded)
        self.clock.callFromThread(os.unlink, file.name)

    def _call(self, begin: Any, outcome: list[Any]) -> None:
        self.clock.callFromThread(lambda: begin().addBoth(outcome.append))

    @property
    def stopped(self) -> bool:
        return bool(self.stopping)

    @property
    def serves(self) -> bool:
        """Whether clients may come."""
        return self.stopping is None and bool(self.started)

    def end(self) -> None:
        """It has stopped, or is killed: nothing of it runs any more."""
        self._open.close()

    @property
    def failures(self) -> list[str]:
        """What its start, its stop or a reload failed with."""
        outcome = [*self.started, *(self.stopping or ()), *self.reloaded]
        failed = [each.getErrorMessage() for each in outcome if isinstance(each, Failure)]
        return [*failed, *("not reloaded" for each in self.reloaded if each is False)]

    @property
    def losses(self) -> int:
        """What it has counted of losses that nobody else tells."""
        totals = self.server.server.counters.totals
        return sum(count for (what, why), count in totals.items() if what in LOSSES and why != HARMLESS)

    @property
    def left(self) -> dict[str, object]:
        """What it has of clients."""
        server, pipeline = self.server.server, self.server.pipeline()
        state = pipeline.centrifugo
        return {
            "connections": server.connections,
            "blocked": server.blocked,
            "channels": pipeline.hub.channels,
            "recovering": pipeline.hub.recovering,
            "tails": list(pipeline.hub.tails._tails),
            "corked": pipeline.hub.corked,
            "users": dict(pipeline.users),
            "clients": state.clients,
            "their users": state.users,
            "streams": state.streams,
            "admitted": server.admission.sessions,
        }
