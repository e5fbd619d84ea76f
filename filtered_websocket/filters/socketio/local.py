"""What this node has of one namespace: its clients here, and the chains of its filters."""

from filtered_websocket.filters.socketio.chains import NamespaceChains
from filtered_websocket.filters.socketio.socket import Socket


class LocalNamespace:
    """
    :ivar chains: as the pipeline has them now
    :ivar sockets: the clients here that have been let in, by what they are called in the hub
    """

    __slots__ = ("chains", "sockets")

    def __init__(self, chains: NamespaceChains) -> None:
        self.chains = chains
        self.sockets: dict[str, Socket] = {}
