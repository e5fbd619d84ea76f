import json
from typing import Any

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller, emit, socket


@pytest.mark.parametrize(
    ("wanted", "enters"),
    [
        ({"room": "private::a", "secret": "pass"}, True),
        ({"room": "private::a::b", "secret": "pass"}, True),
        ({"room": "private::a", "secret": "Pass"}, False),
        ({"room": "private::a", "secret": ""}, False),
        ({"room": "private::a", "secret": None}, False),
        ({"room": "private::a", "secret": 1}, False),
        ({"room": "private::a", "secret": ["pass"]}, False),
        ({"room": "private::a", "secret": "\ud800"}, False),
        ({"room": "private::a"}, False),
        ({"room": "unknown::a", "secret": "pass"}, False),
        ({"room": "::a", "secret": "pass"}, False),
        ({"room": "private:a"}, True),
        ({"room": ""}, True),
        ({"room": "\ud800"}, True),
    ],
)
def test_a_room_of_a_space_wants_its_secret(server: Server, wanted: Any, enters: bool) -> None:
    client, polling = socket(server), Poller(server)
    packet = f'421["join",{json.dumps(wanted)}]'
    client.send(packet)
    polling.post(packet)
    emit(server, event="e", room=wanted["room"], secret="123")
    assert client.received() == polling.received() == ["431[]", '42["e"]'][: 1 + enters]
