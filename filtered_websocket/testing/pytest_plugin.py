"""What the package brings to pytest: the fixture `fws_server`.

pytest imports this module in every run of an environment that has the package, most of which test something else. So it
imports nothing until the fixture is used: neither Twisted nor anything of the package.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pytest

if TYPE_CHECKING:
    from filtered_websocket.chain.registry import FilterMeta
    from filtered_websocket.testing.server import Server


class StartServer(Protocol):
    """The type of the fixture `fws_server`."""

    def __call__(
        self,
        *filters: "str | FilterMeta",
        storage_object: object = None,
        reactor: Literal["clock", "asyncio"] = "clock",
        **options: Any,
    ) -> "Server":
        """Start a server in memory, which ends with the test. The arguments are those of `testing.Server`."""


@pytest.fixture
def fws_server() -> Iterator[StartServer]:
    """Starts servers in memory, each as `filtered_websocket.testing.Server` is called: fws_server("chat_server")."""
    from filtered_websocket.testing.server import Server

    with ExitStack() as running:

        def begin(*filters: "str | FilterMeta", **given: Any) -> Server:
            return running.enter_context(Server(*filters, **given))

        yield begin
