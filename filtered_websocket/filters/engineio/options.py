"""What a pack lets its users say about its Engine.IO sessions, as it stands now: a reload may change it."""

from typing import Protocol


class EngineOptions(Protocol):
    """The options of a pack that has an engine."""

    @property
    def eio3(self) -> bool:
        """Whether clients of Engine.IO 3 are served too."""

    @property
    def cors(self) -> list[str]:
        """The origins whose pages may connect."""

    @property
    def polling_buffer(self) -> int:
        """Bytes that may wait in all for clients that poll."""
