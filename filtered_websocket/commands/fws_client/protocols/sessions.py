"""How a client of Socket.IO goes on with a session that its last connection had, in each namespace.

40/chat,{"pid":..,"offset":..}      the session, and the offset of the last event
40/chat,{"sid":..,"pid":..}         the same pid: it goes on, and what was missed comes; another: it is a new one
42/chat,["event",..,"offset"]       while there is a pid, a last argument that is text is the event's offset
"""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.commands.fws_client.protocols.base import Incomplete, text_of


class Sessions:
    """Those of one client, by namespace."""

    def __init__(self) -> None:
        self._pids: dict[str, str] = {}
        self._offsets: dict[str, str] = {}

    def asked(self, namespace: str) -> dict[str, str]:
        """What a CONNECT packet says of the last session."""
        if namespace not in self._pids:
            return {}
        offset = self._offsets.get(namespace)
        return {"pid": self._pids[namespace]} | ({} if offset is None else {"offset": offset})

    def connected(self, namespace: str, data: Any) -> Iterable[Incomplete]:
        """The server has let the client in."""
        pid, former = text_of(data.get("pid") if isinstance(data, dict) else None), self._pids.get(namespace)
        if former is not None and pid != former:
            self.forget(namespace)
            yield Incomplete(f"the session{'' if namespace == '/' else f' of {namespace}'} is a new one")
        if pid:
            self._pids[namespace] = pid

    def arguments(self, namespace: str, event: list[Any], number: int | None) -> list[Any]:
        """The arguments of an event, without its offset, which is kept."""
        arguments = event[1:]
        if namespace in self._pids and number is None and arguments and isinstance(arguments[-1], str):
            self._offsets[namespace] = arguments.pop()
        return arguments

    def forget(self, namespace: str) -> None:
        """The session has ended for good."""
        self._pids.pop(namespace, None)
        self._offsets.pop(namespace, None)
