from collections.abc import Iterator

import pytest

from tests.support.backends import Backend
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_nodes import MODULE
from tests.support.redis_programs import CLUSTERS


@pytest.fixture(scope="session", params=CLUSTERS)
def any_cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """One of each kind, for all tests that do it no harm."""
    with RedisCluster(tmp_path_factory.mktemp(request.param), request.param) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """One for tests that put right what they break."""
    with RedisCluster(tmp_path_factory.mktemp("cluster"), "redis7") as cluster:
        yield cluster


@pytest.fixture
def nodes(cluster: RedisCluster) -> Iterator[Backend]:
    """Makes nodes on it; what the test has broken is put right."""
    backend = Backend(MODULE, redis_shards=cluster.seeds[:3], redis_cluster=True, lease_seconds=3.0)
    yield backend
    cluster.thaw()
    backend.close()
    cluster.restore()
    cluster.clear()
