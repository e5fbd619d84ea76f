"""Sentinels name the master."""

from tests.support.backends import Backend
from tests.support.ports import free_port
from tests.support.reactor_thread import until
from tests.support.redis_nodes import FAST, MODULE, send, wait_away
from tests.support.redis_server import RedisServer


def test_sentinel_names_the_master_and_its_successor(tmp_path):
    with (
        RedisServer(tmp_path / "master", tcp=True) as master,
        RedisServer(tmp_path / "replica", "--replicaof", "127.0.0.1", str(master.port), tcp=True) as replica,
    ):
        until(lambda: b"state=online" in master.ask("INFO", "replication"))
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"sentinel monitor fws 127.0.0.1 {master.port} 1\nsentinel down-after-milliseconds fws 200\n"
            "sentinel failover-timeout fws 2000\n"
        )
        with RedisServer.sentinel(tmp_path, config) as sentinel:
            places = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"  # the first is not there
            cluster = Backend(MODULE, redis_sentinel=f"fws@{places}", **FAST)
            node = cluster.node()
            node.add("set", "value")
            until(lambda: b"value" in replica.ask("SMEMBERS", "fws:s:set"))
            until(lambda: b"slaves=1" in sentinel.ask("INFO", "sentinel"))
            node.subscribe("room")
            master.kill()
            wait_away(node)
            node.recorder.wait_for(lambda: node.recorder.readiness[-1], deadline=15)
            send(node, "room", "after")
            assert node.recorder.wait(1) == [b"after"]
            assert node.get("set") == {"value"}
            assert b"role:master" in replica.ask("INFO", "replication")
            cluster.close()
