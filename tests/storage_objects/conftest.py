from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.storage_objects.backends import Backend, Node

PACKAGE = "filtered_websocket.storage_objects"
MODULES = [f"{PACKAGE}.memory"]


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


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(request.param)
    yield backend
    backend.close()


@pytest.fixture
def node(backend: Backend) -> Node:
    return backend.node()
