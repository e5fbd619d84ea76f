"""Real servers, ended when the test or the module is."""

from collections.abc import Iterator
from textwrap import dedent

import pytest

from tests.support.fws_server import FwsServer

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
