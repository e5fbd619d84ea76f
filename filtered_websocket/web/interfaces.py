"""What plain HTTP knows of what stands above it: the server, and the protocol of a WebSocket."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from filtered_websocket.chain.admission import Admission, Socket
from filtered_websocket.chain.interfaces import Pipeline, Server
from filtered_websocket.limits.fair_share import FairShare
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.monitoring.watchdog import Watchdog
from filtered_websocket.web.idempotency import Idempotency


class Transport(Socket, Protocol):
    """What an HTTP connection writes to: a socket of ours, or the TLS above it."""

    protocol: Any
    """What gets its bytes."""

    def write(self, data: bytes, /) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool, /) -> None: ...
    def unregisterProducer(self) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...


class HTTPClient(Hashable, Protocol):
    """A connection of plain HTTP, for what stands in front of it and what counts it."""

    @property
    def transport(self) -> Transport: ...
    @property
    def is_secure(self) -> bool: ...
    @property
    def at_work(self) -> bool: ...
    def shut(self) -> None: ...
    def server_started(self) -> None: ...


class Later(Protocol):
    """The protocol of a WebSocket that a connection may become, or was before (`connection.handover`)."""

    def take_back(self, data: bytes) -> None: ...
    def take_over(self, transport: Transport, data: bytes) -> None: ...


class Door(Admission, Protocol):
    """The server's door, which HTTP connections pass too."""

    def leave(self, connection: Hashable) -> None: ...


class Answered(Protocol):
    """A site, as far as it is counted."""

    @property
    def connections(self) -> Collection[HTTPClient]: ...
    @property
    def responses(self) -> dict[int, int]: ...


class Row(Protocol):
    """A named tuple."""

    def _asdict(self) -> dict[str, Any]: ...


class History(Protocol):
    def since(self, moment: float) -> Sequence[Row]: ...


class Log(Protocol):
    def after(self, number: int) -> Sequence[Row]: ...


class Seen(Row, Protocol):
    """A message that a page may show."""

    @property
    def number(self) -> int: ...
    @property
    def time(self) -> float: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def binary(self) -> bool: ...
    @property
    def size(self) -> int: ...


class Watcher(Protocol):
    """What looks into a channel."""

    id: str
    last: int

    def after(self, number: int) -> Sequence[Seen]: ...


class Watchers(Protocol):
    async def of(self, pipeline: Pipeline, channel: str) -> Watcher: ...


class Dashboard(Protocol):
    """What the server keeps for its dashboard (`web.dashboard.endpoints`)."""

    worker: str | None

    @property
    def history(self) -> History: ...
    @property
    def log(self) -> Log: ...
    @property
    def watchers(self) -> Watchers: ...


class Answers(Protocol):
    """What all processes have answered."""

    @property
    def by_process(self) -> Mapping[str, Any]: ...
    @property
    def unanswered(self) -> Sequence[str]: ...


class Cluster(Protocol):
    """All processes that share a storage object."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def answers(self) -> MutableMapping[str, Callable[[dict[str, Any]], Awaitable[Any]]]: ...
    async def ask(self, what: str, values: dict[str, Any], seconds: float = ...) -> Answers: ...


class Tracing(Protocol):
    """The traces of this process."""

    def listen(self, number: str, emit: Callable[[list[dict[str, Any]]], object]) -> None: ...
    def end_listening(self, number: str) -> None: ...


class HTTPServer(Server, Protocol):
    """The server, as its endpoints know it."""

    @property
    def admission(self) -> Door: ...
    @property
    def fair_share(self) -> FairShare: ...
    @property
    def watchdog(self) -> Watchdog | None: ...
    @property
    def stopwatch(self) -> Stopwatch | None: ...
    @property
    def idempotency(self) -> Idempotency: ...
    @property
    def cluster(self) -> Cluster: ...
    @property
    def tracing(self) -> Tracing: ...
    @property
    def dashboard(self) -> Dashboard: ...

    @property
    def sites(self) -> Collection[Answered]: ...
    @property
    def admin_site(self) -> Answered | None: ...
