"""Sentinels name the master."""

from tests.support.backends import Backend
from tests.support.ports import free_port
from tests.support.reactor_thread import until
from tests.support.redis_nodes import FAST, KEEP, MODULE, send, wait_away
from tests.support.redis_server import RedisServer


def test_sentinel_names_the_master_and_its_successor_which_has_lost_the_last_writes(tmp_path):
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
            for number in range(1, 9):
                eighth = send(node, "kept", str(number), KEEP)
            node.subscribe("kept")
            until(lambda: b"$1\r\n8\r\n" in replica.ask("HGET", "fws:e:kept", "o"))
            replica.ask("REPLICAOF", "127.0.0.1", "1")  # it hears no more of its master
            for number in (9, 10):
                tenth = send(node, "kept", str(number), KEEP)
            node.recorder.wait(2)
            master.kill()
            wait_away(node)
            node.recorder.wait_for(lambda: node.recorder.readiness[-1], deadline=15)
            send(node, "room", "after")
            assert node.recorder.wait(3) == [b"9", b"10", b"after"]
            assert [node.since("kept", position) for position in (tenth, eighth)] == [[], []]
            assert len(node.since("kept", eighth._replace(offset=6))) == 2
            new = send(node, "kept", "new", KEEP)
            assert (new.offset, new.epoch == tenth.epoch) == (9, False)
            for position in (tenth, eighth):
                assert [one.payload for one in node.since("kept", position)] == [b"new"]
            assert [one.payload for one in node.since("kept", eighth._replace(offset=6))] == [b"7", b"8", b"new"]
            assert node.recorder.wait(4)[-1] == b"new"
            assert node.recorder.gaps == ["room"]
            assert node.get("set") == {"value"}
            assert b"role:master" in replica.ask("INFO", "replication")
            cluster.close()
