"""Servers in memory: one alone, and two nodes of one cluster."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Nodes, start


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Begins a server with these filters behind the pack."""
    with ExitStack() as stack:
        yield lambda *filters, **options: stack.enter_context(start(*filters, **options))


@pytest.fixture
def nodes() -> Iterator[Callable[..., Nodes]]:
    """Begins two nodes with these filters behind the pack."""
    with ExitStack() as stack:

        def begin(*filters: Any, **options: Any) -> Nodes:
            return Nodes(stack, filters, options)

        yield begin
