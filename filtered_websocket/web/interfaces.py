"""What plain HTTP knows of what stands above it: the server, and the protocol of a WebSocket."""

from collections.abc import Collection
from typing import Any, Protocol

from filtered_websocket.chain.interfaces import Admission, Server
from filtered_websocket.limits.fair_share import FairShare
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.monitoring.watchdog import Watchdog
from filtered_websocket.web.idempotency import Idempotency


class Later(Protocol):
    """The protocol of a WebSocket that a connection may become, or was before (`connection.handover`)."""

    def take_back(self, data: bytes) -> None: ...
    def take_over(self, transport: Any, data: bytes) -> None: ...


class Door(Admission, Protocol):
    """The server's door, which HTTP connections pass too."""

    def leave(self, connection: Any) -> None: ...


class Answered(Protocol):
    """A site, as far as it is counted."""

    @property
    def connections(self) -> Collection[Any]: ...
    @property
    def responses(self) -> dict[int, int]: ...


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
    def dashboard(self) -> Any:
        """What the server keeps for its dashboard: a `web.dashboard.endpoints.Dashboard`."""

    @property
    def sites(self) -> Collection[Answered]: ...
    @property
    def admin_site(self) -> Answered | None: ...
