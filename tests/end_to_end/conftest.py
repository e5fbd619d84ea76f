"""Real servers, ended when the test or the module is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.end_to_end.server import FwsServer

Start = Callable[..., FwsServer]


@pytest.fixture
def fws_server(tmp_path: Path) -> Iterator[Start]:
    """Starts a server: ``fws_server(*arguments, module="source of the filter module my_filters")``."""
    with ExitStack() as running:

        def begin(*arguments: str, module: str = "", **options: object) -> FwsServer:
            if module:
                (tmp_path / "my_filters.py").write_text(dedent(module))
            return running.enter_context(FwsServer(*arguments, cwd=tmp_path, **options))  # type: ignore[arg-type]

        yield begin
