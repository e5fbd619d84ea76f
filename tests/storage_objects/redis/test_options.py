"""Options that exclude each other."""

import pytest

from filtered_websocket.errors import ConfigError
from tests.support.backends import Backend
from tests.support.redis_nodes import MODULE


def test_options_that_exclude_each_other_are_refused():
    for settings in (
        {"redis_url": "redis://a", "redis_shards": ["b", "c"]},
        {"redis_url": "redis://a", "redis_sentinel": "m@b"},
        {"redis_shards": ["a", "a:6379"]},
    ):
        with pytest.raises(ConfigError, match="redis_"):
            Backend(MODULE, **settings).make()
