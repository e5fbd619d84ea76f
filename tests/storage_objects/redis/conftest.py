import pytest

from tests.support.backends import Backend
from tests.support.redis_nodes import FAST, MODULE
from tests.support.redis_server import RedisServer


@pytest.fixture
def server(tmp_path):
    """One of this test's own, to be harmed; it keeps its data."""
    with RedisServer(tmp_path / "redis", durable=True) as server:
        yield server


@pytest.fixture
def cluster(server):
    """Nodes on it."""
    backend = Backend(MODULE, redis_url=server.url, **FAST)
    yield backend
    server.thaw()
    backend.close()


@pytest.fixture
def shared(redis_server):
    """Nodes on the server of all tests, found empty."""
    redis_server.ask("FLUSHALL")
    backend = Backend(MODULE, redis_url=redis_server.url, **FAST)
    yield backend
    backend.close()
