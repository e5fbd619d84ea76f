"""The server's door, and what a client comes by."""

from typing import Any, Protocol


class Refused(Protocol):
    """Why a client may not come in."""

    @property
    def status(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...


class Admission(Protocol):
    """The server's door, for sessions that no connection of their own stands for."""

    def enter_session(self, sid: str, address: str) -> Refused | None: ...
    def leave_session(self, sid: str) -> None: ...


class Socket(Protocol):
    """What a client is connected by."""

    def getPeer(self) -> Any:
        """Twisted's address."""
