from collections.abc import Iterator

import pytest

from tests.support.redis_cluster import RedisCluster
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
