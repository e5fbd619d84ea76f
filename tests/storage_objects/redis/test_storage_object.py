"""Redis storage beyond what all storage objects promise: outages of every kind, and what is in Redis itself."""

import pytest

from filtered_websocket.messages.envelope import MARK
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.redis.history_scripts import RECOVER
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC
from filtered_websocket.storage_objects.redis.storage_object import StorageObject
from tests.support.backends import Backend
from tests.support.log_lines import LogLines
from tests.support.redis_nodes import FAST, MODULE
from tests.support.redis_server import RedisServer


def test_password_user_and_database_are_used(tmp_path):
    with RedisServer(tmp_path / "redis", "--user", *["app", "on", ">key", "~*", "&*", "+@all"], tcp=True) as server:
        url = f"redis://app:key@127.0.0.1:{server.port}/3"
        cluster = Backend(MODULE, redis_url=url, **FAST)
        node = cluster.node()
        node.add("set", "value")
        assert b"db3:keys" in server.ask("INFO", "keyspace")
        cluster.close()


# What is in Redis.


def test_sets_are_redis_sets_and_the_bus_is_raw(shared, redis_server):
    node = shared.node()
    node.add("group", "ä")
    assert "ä".encode() in redis_server.ask("SMEMBERS", "fws:s:group")
    redis_server.ask("SADD", "fws:s:group", "by hand")
    assert node.get("group") == {"ä", "by hand"}
    redis_server.ask("SET", "ws-emit::room_secret::room", b"\xffsecret")
    assert node.read("ws-emit::room_secret::room") == b"\xffsecret"
    redis_server.ask("PUBLISH", "global", "hi")
    node.recorder.wait_for(lambda: node.recorder.bus)
    assert node.recorder.bus == [{"type": "message", "pattern": None, "channel": b"global", "data": b"hi"}]
    with pytest.raises(ValueError, match="own"):
        node.listen("fws:c:room")


def test_what_others_publish_to_a_channel_is_a_message_and_garbage_is_dropped(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    with LogLines() as lines:
        for data in (b"hi", MARK + b"garbage", MARK, b"\xfe\x00"):
            redis_server.ask("PUBLISH", "fws:c:room", data)
        node.recorder.wait(2)
    assert [one.messages for one in node.recorder.publications] == [((b"hi", False),), ((b"\xfe\x00", True),)]
    assert len([line for line in lines if "dropped" in line]) == 1


def test_an_unstarted_storage_object_says_so():
    storage = Backend(MODULE).make()
    with pytest.raises(RuntimeError, match="started"):
        storage.get("key")
    assert isinstance(storage, StorageObject)
    assert not storage.ready
    assert RECOVER.sha != CLASSIC.send.sha
    assert Position("e", 1) == ("e", 1)
