"""What this process answers of its connections, and how it ends them.

Long lists are looked through in slices: what is asked for holds up no client (`Slices`). An answer is bounded, and
what it leaves out it counts.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from filtered_websocket.chain import interfaces
from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.connection.autobahn import OPEN
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.monitoring.secrets import without_secrets
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.observation import Observation
from filtered_websocket.server.slices import AT_ONCE, Slices
from filtered_websocket.transport.traffic import traffic

CHANNELS_SHOWN, CHANNELS_TOLD = 10, 1000
"""Channels of a connection that a list shows, and that are told of one connection alone."""
LONGEST = 255
"""Characters of a text that a client has chosen."""

Values = Mapping[str, Any]
Found = tuple[Pipeline, Connection]


class Inspected(Protocol):
    """The server, as far as it is inspected."""

    pipelines: list[Pipeline]
    reactor: Any
    counters: Counters


class Inspection:
    """What one process answers; each method of `answers` takes what was asked for."""

    def __init__(self, server: Inspected, observation: Observation, process: str) -> None:
        self._server, self._observation, self._process = server, observation, process
        # Since when, not how long: an age would be another with each page.
        epoch = time.time() - server.reactor.seconds()
        self._orders: dict[str, Callable[[Any], Any]] = {
            "id": lambda connection: 0,
            "user": lambda connection: shown_user(connection) or "",
            "address": lambda connection: connection.request.peer,
            "oldest": lambda connection: epoch + connection.began,
            "newest": lambda connection: -epoch - connection.began,
            "waiting": lambda connection: -connection.pending,
        }
        self.answers = {
            "connections": self.connections,
            "connection": self.connection,
            "end": self.end,
        }

    # Connections.

    async def connections(self, values: Values) -> dict[str, Any]:
        """The first connections behind a place in the order, and how many there are in all."""
        slices, limit, after = Slices(self._server.reactor), values["limit"], values["after"]
        key_of = self._orders[values["sort"]]
        found: list[tuple[list[Any], Connection]] = []
        total = behind = 0
        for pipeline, connection in self.candidates(values):
            await slices.rest()
            if not _fits(connection, values):
                continue
            total += 1
            place = [key_of(connection), str(connection.id), pipeline.name, self._process]
            if after is None or place > after:
                behind += 1
                found.append((place, connection))
                if len(found) >= 4 * limit + AT_ONCE:
                    found = sorted(found, key=_place)[:limit]
        first = sorted(found, key=_place)[:limit]
        return {
            "total": total,
            "behind": behind,
            "rows": [[place, self._row(each, CHANNELS_SHOWN)] for place, each in first],
        }

    async def connection(self, values: Values) -> list[dict[str, Any]]:
        """All of one connection; of each of that id where there are several pipelines."""
        return [self._whole(each) for _, each in self.candidates(values)]

    async def end(self, values: Values) -> int:
        """Close connections; how many."""
        slices, ended = Slices(self._server.reactor), 0
        for _, connection in self.candidates(values):
            await slices.rest()
            if _fits(connection, values) and getattr(connection, "state", OPEN) in (OPEN, None):
                connection.close(values["code"], values["reason"])
                ended += 1
        if ended:
            said = ", ".join(f"{name} {values[name]}" for name in FILTERS if values.get(name))
            self._server.counters.count("closed", "by an operator", said, ended)
        return ended

    def candidates(self, values: Values) -> Iterator[Found]:
        """What is to be looked at: a list made at once, so that clients may come and go meanwhile."""
        name, channel, ident = values.get("pipeline"), values.get("channel"), values.get("id")
        for pipeline in list(self._server.pipelines):
            if name is not None and not is_called(pipeline, name):
                continue
            if ident is not None:
                found = [pipeline.users[ident]] if ident in pipeline.users else []
            elif channel is not None:
                users = pipeline.users
                found = [users[each.id] for each in list(pipeline.hub.subscribers(channel)) if each.id in users]
            else:
                found = pipeline.users.values()
            for each in found:
                yield pipeline, each

    def _row(self, connection: Connection, channels: int) -> dict[str, Any]:
        request, names = connection.request, connection.channels
        row = {
            "id": str(connection.id),
            "user": shown_user(connection),
            "pipeline": shown_name(connection.pipeline),
            "address": request.peer[:LONGEST],
            "path": without_secrets(request.path[:LONGEST]),
            "age": round(max(0.0, self._server.reactor.seconds() - getattr(connection, "began", 0)), 3),
            "transport": transport_of(connection),
            "waiting": connection.pending,
            "channels": sorted(names)[:channels] if len(names) <= CHANNELS_TOLD else _some(names, channels),
            "channel_count": len(names),
        }
        stream = getattr(connection, "stream", None)
        return row | self._observation.counted(connection, None if stream is None else traffic(stream.socket))

    def _whole(self, connection: Connection) -> dict[str, Any]:
        headers = connection.request.headers
        about = {
            "origin": connection.request.origin,
            "user_agent": without_secrets(headers.get("user-agent", "")[:LONGEST]) or None,
            "protocol": connection.chosen_protocol,
        }
        return self._row(connection, CHANNELS_TOLD) | about


FILTERS = ("id", "user", "pipeline", "channel", "address")


def _fits(connection: Connection, values: Values) -> bool:
    user, address = values.get("user"), values.get("address")
    if user is not None and getattr(connection, "user", None) != user:
        return False
    return address is None or connection.request.peer == address


def transport_of(connection: Any) -> str:
    """What carries a connection: "websocket", "stream" or "polling"."""
    if hasattr(connection, "stream"):
        return "websocket"
    return "stream" if getattr(connection, "is_stream", False) else "polling"


def shown_name(pipeline: interfaces.Pipeline) -> str:
    """What a pipeline is called where there are several, as in the metrics."""
    return pipeline.name or "*"


def is_called(pipeline: interfaces.Pipeline, name: str) -> bool:
    """Whether this is a name of a pipeline: its first pattern, or another of them."""
    return name == shown_name(pipeline) or name in pipeline.patterns


def shown_user(subscriber: Any) -> str | None:
    """Whose a subscriber is, short."""
    user = getattr(subscriber, "user", None)
    return None if user is None else str(user)[:LONGEST]


def _some(names: Iterable[str], count: int) -> list[str]:
    return [name for name, _ in zip(names, range(count), strict=False)]


def _place(found: tuple[list[Any], Connection]) -> list[Any]:
    return found[0]


ORDERS = ("id", "user", "address", "oldest", "newest", "waiting")
"""What connections may be ordered by; then they are by their ids."""
