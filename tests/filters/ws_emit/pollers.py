"""Clients that poll, and what they are told."""

from typing import Any

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller, emit

OLD = "/socket.io/?EIO=3&transport=polling"


def told(server: Server, number: Any, room: str = "a") -> None:
    emit(server, event="e", data=number, room=room, secret="1")


def joined(server: Server) -> Poller:
    client = Poller(server)
    client.post('421["join",{"room":"a"}]')
    assert client.received() == ["431[]"]
    return client
