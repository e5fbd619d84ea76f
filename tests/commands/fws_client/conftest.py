from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.client_servers import PACKS, of, start
from tests.support.fws_server import FwsServer
from tests.support.programs import Program


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder = tmp_path_factory.mktemp("client")
    with start(folder, 0) as server:
        yield server
        server.drop_clients()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def subscriber(server: FwsServer, stack: ExitStack) -> Callable[..., Program]:
    """Starts one that has subscribed when it is there."""

    def begin(name: str, *words: str) -> Program:
        program = stack.enter_context(
            Program("fws_client", *of(server, name, "-v", "subscribe", PACKS[name].channel), *words)
        )
        program.until(f"connected, subscribed to {PACKS[name].channel}\n")
        return program

    return begin
