"""Clients that connect filters judge: handlers may name them, though they are in no room yet."""

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.socketio.socket import Socket

_Key = tuple[str, str]


class Entering(PackState):
    """Those of one pipeline: `pipeline.socketio_entering`."""

    attribute = "socketio_entering"

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self._entering: dict[_Key, Socket] = {}
        self._most = 16

    def add(self, socket: Socket) -> None:
        """Connect filters judge a client. Once it is in, or refused, it is forgotten."""
        self._entering[socket.namespace, socket.id] = socket
        if len(self._entering) > self._most:
            # Seldom enough: what this costs is shared by as many clients as there are.
            self._most = 16 + 2 * len(self._live())

    def of_namespace(self, namespace: str) -> list[Socket]:
        """The clients that connect filters judge now."""
        return [each for each in self._live().values() if each.namespace == namespace]

    def _live(self) -> dict[_Key, Socket]:
        live = {key: each for key, each in self._entering.items() if not each.connected and not each.ended}
        self._entering = live
        return live

    def find(self, namespace: str, id: str) -> Socket | None:
        """One of them."""
        socket = self._entering.get((namespace, id))
        return None if socket is None or socket.connected or socket.ended else socket
