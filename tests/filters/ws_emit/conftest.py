"""A server in memory with the pack and the secret 123."""

from collections.abc import Iterator

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(PACK, ws_emit_secret="123", ws_emit_eio3=True, ws_emit_room_secrets={"private": "pass"}) as running:
        yield running
