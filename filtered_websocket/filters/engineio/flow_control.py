"""How much one node has on its way to another at a time; the rest waits its turn.

Redis ends the connection of a subscriber when 32 MB wait for it (client-output-buffer-limit). Then that node hears
nothing any more. Without a limit here, a few dozen large POSTs that come to the wrong node would be enough.

Each node has a window of its own: what goes to one that has died, or that a client has invented, holds up no other.
"""

from collections.abc import Callable, Hashable
from typing import Any

LIMIT = 4_000_000
"""Bytes. Of many nodes all may write to one."""
LOST_SECONDS = 3.0
"""What was not reported as arrived after so long counts as lost: its node has died."""


class Windows:
    """
    :param later: the reactor's `callLater`
    """

    def __init__(self, later: Callable[..., Any]) -> None:
        self._later = later
        self._windows: dict[str, _Window] = {}
        self._nodes: dict[Hashable, str] = {}

    def enter(self, node: str, key: Hashable, size: int, go: Callable[[], object]) -> None:
        """Have something sent to a node by `go`, now or when there is room; what is larger than all goes alone."""
        self._nodes[key] = node
        if node not in self._windows:
            self._windows[node] = _Window(lambda lost: self._later(LOST_SECONDS, self.leave, lost))
        self._windows[node].enter(key, size, go)

    def leave(self, key: Hashable) -> None:
        """It has arrived, or nobody wants it any more."""
        node = self._nodes.pop(key, None)
        if node is None:
            return
        window = self._windows[node]
        window.leave(key)
        if window.is_empty and self._windows.get(node) is window:
            del self._windows[node]

    def clear(self) -> None:
        """Send nothing more."""
        for window in tuple(self._windows.values()):
            window.clear()
        self._windows.clear()
        self._nodes.clear()


class _Window:
    def __init__(self, watch: Callable[[Hashable], Any]) -> None:
        self._watch = watch
        self._waiting: dict[Hashable, tuple[int, Callable[[], object]]] = {}
        self._inside: dict[Hashable, tuple[int, Any]] = {}
        self._size = 0
        self._admitting = False

    @property
    def is_empty(self) -> bool:
        return not self._waiting and not self._inside

    def enter(self, key: Hashable, size: int, go: Callable[[], object]) -> None:
        self._waiting[key] = (size, go)
        self._admit()

    def leave(self, key: Hashable) -> None:
        self._waiting.pop(key, None)
        size, lost = self._inside.pop(key, (0, None))
        self._size -= size
        if lost is not None and lost.active():
            lost.cancel()
        self._admit()

    def _admit(self) -> None:
        if self._admitting:
            # What fails at once, because Redis is away, leaves at once: the loop below goes on, not another inside it.
            return
        self._admitting = True
        try:
            while self._waiting:
                key, (size, go) = next(iter(self._waiting.items()))
                if self._inside and self._size + size > LIMIT:
                    return
                del self._waiting[key]
                self._inside[key] = size, self._watch(key)
                self._size += size
                go()
        finally:
            self._admitting = False

    def clear(self) -> None:
        self._waiting.clear()
        for key in tuple(self._inside):
            self.leave(key)
