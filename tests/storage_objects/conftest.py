from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.backends import Backend, Node
from tests.support.redis_server import RedisServer

PACKAGE = "filtered_websocket.storage_objects"
MODULES = [f"{PACKAGE}.{name}" for name in ("memory", "sqlite", "redis")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``backend`` runs on every backend that declares what the test's mark ``declared`` names."""
    if "backend" in metafunc.fixturenames:
        marks = [name for mark in metafunc.definition.iter_markers("declared") for name in mark.args]
        modules = [
            module for module in MODULES if all(getattr(import_module(module).StorageObject, name) for name in marks)
        ]
        metafunc.parametrize("backend", modules, indirect=True, ids=[module.rpartition(".")[2] for module in modules])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "declared(*names): a part of the conformance suite for backends declaring these")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests that do it no harm; each test finds it empty."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    settings: dict[str, Any] = {}
    if request.param.endswith(".sqlite"):
        settings = {"sqlite_file": str(tmp_path / "storage.sqlite")}
    if request.param.endswith(".redis"):
        server = request.getfixturevalue("redis_server")
        server.ask("FLUSHALL")
        settings = {"redis_url": server.url, "lease_seconds": 0.6, "redis_heartbeat": 0.2}
    backend = Backend(request.param, **settings)
    yield backend
    backend.close()


@pytest.fixture
def node(backend: Backend) -> Node:
    return backend.node()
