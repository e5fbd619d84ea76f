"""The options."""

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.socketio.options import OPTIONS
from filtered_websocket.testing.client import Refused
from tests.filters.socketio.clients import Echo, start
from tests.filters.ws_emit.clients import WEBSOCKET


def test_those_of_the_sessions_are_there_too() -> None:
    names = {option.name for option in OPTIONS}
    assert {"socketio_path", "socketio_ping_interval", "socketio_eio3", "socketio_connect_timeout"} <= names


def test_another_path_is_served_instead() -> None:
    with start(Echo, socketio_path="/live/ws") as server:
        made = server.connect(WEBSOCKET.replace("/socket.io", "/live/ws"))
        assert made.received()[0].startswith("0{")
        with pytest.raises(Refused):
            server.connect(WEBSOCKET)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("socketio_max_attachments", -1),
        ("socketio_max_namespaces", 0),
        ("socketio_connect_timeout", 0),
        ("socketio_path", "here"),
        ("socketio_manager_channels", [5]),
    ],
)
def test_what_is_no_value(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        start(**{name: value})
