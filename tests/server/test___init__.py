"""`filtered_websocket.server` is what it was in the original: the server, and the base classes of filters."""

from filtered_websocket import server
from filtered_websocket.chain.events import EVENTS
from filtered_websocket.filters import base
from filtered_websocket.server.server import Server


def test_the_server_and_the_base_classes_of_filters_come_from_one_module() -> None:
    roots = {name for name in base.__all__ if name.startswith("WebSocket")}
    assert set(server.__all__) == {"Server", *roots}
    assert len(roots) == len(EVENTS)
    assert server.Server is Server
    for name in roots:
        assert getattr(server, name) is getattr(base, name)
