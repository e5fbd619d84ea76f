"""Real servers, ended when the test or the module is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.end_to_end.server import FwsServer

Start = Callable[..., FwsServer]

CLOSES = """
    from filtered_websocket.errors import Close
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Closes(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            code, reason = data.decode().split(" ", 1)
            raise Close(int(code), reason)
"""


@pytest.fixture(scope="module")
def closing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    """One that closes with the code and reason it is sent."""
    folder = tmp_path_factory.mktemp("closing")
    (folder / "my_filters.py").write_text(dedent(CLOSES))
    with FwsServer("-f", "my_filters", cwd=folder) as server:
        yield server


@pytest.fixture
def fws_server(tmp_path: Path) -> Iterator[Start]:
    """Starts a server: ``fws_server(*arguments, module="source of the filter module my_filters")``."""
    with ExitStack() as running:

        def begin(*arguments: str, module: str = "", **options: object) -> FwsServer:
            if module:
                (tmp_path / "my_filters.py").write_text(dedent(module))
            return running.enter_context(FwsServer(*arguments, cwd=tmp_path, **options))  # type: ignore[arg-type]

        yield begin
