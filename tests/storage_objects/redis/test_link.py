"""A connection that is tried until it is there."""

import pytest

from filtered_websocket.storage_objects.base import StorageAway
from tests.support.backends import Backend
from tests.support.log_lines import LogLines
from tests.support.reactor_thread import call, until
from tests.support.redis_nodes import FAST, MODULE
from tests.support.redis_server import RedisServer

# Reaching it.


def test_a_redis_that_is_not_there_at_start_is_tried_until_it_is(tmp_path):
    with RedisServer(tmp_path / "redis") as server, LogLines() as lines:
        server.kill()
        cluster = Backend(MODULE, redis_url=server.url, **FAST)
        node = cluster.node(wait=False)
        with pytest.raises(StorageAway):
            node.get("set")
        server.start()
        call(node.storage.wait_ready)
        cluster.close()
    mine = [line for line in lines if "Redis at" in line]
    assert len(mine) == 2
    assert mine[1].endswith("connected")


@pytest.mark.parametrize("settings", [{"redis_password": "wrong secret"}, {}])
def test_a_wrong_password_is_one_line_without_it_and_no_end_of_trying(tmp_path, settings):
    with RedisServer(tmp_path / "redis", "--requirepass", "right secret") as server, LogLines() as lines:
        cluster = Backend(MODULE, redis_url=server.url, **FAST, **settings)
        node = cluster.node(wait=False)
        until(lambda: "Redis at" in "".join(lines))
        # Tried again and again, and told once.
        until(lambda: node.storage._shards.first()._commands._attempts > 3)
        (line,) = [line for line in lines if "Redis at" in line]
        assert "WRONGPASS" in line or "NOAUTH" in line
        new = settings.get("redis_password", "")
        server.send_raw(b'AUTH "right secret"\r\nCONFIG SET requirepass "%b"\r\n' % new.encode())
        call(node.storage.wait_ready)
        cluster.close()
    assert not [line for line in lines if "secret" in line]


def test_a_host_that_is_not_there_is_one_line_and_stopping_is_prompt():
    with LogLines() as lines:
        cluster = Backend(MODULE, redis_host="no-such-host.invalid", **FAST)
        cluster.node(wait=False)
        until(lambda: any("no-such-host.invalid:6379" in line for line in lines))
        cluster.close()
