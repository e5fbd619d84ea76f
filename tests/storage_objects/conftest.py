import pytest

from tests.support.backends import Backend, Node


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "declared(*names): a part of the conformance suite for backends declaring these")
    config.addinivalue_line("markers", "on_clusters: for every kind of Redis Cluster, too")


@pytest.fixture
def node(backend: Backend) -> Node:
    return backend.node()
