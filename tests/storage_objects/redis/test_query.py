"""What stands behind the question mark of a URL."""

from filtered_websocket.publisher import Publisher
from tests.support.backends import Backend
from tests.support.redis_nodes import MODULE
from tests.support.redis_server import RedisServer


def test_what_the_query_of_a_url_says_is_used_by_servers_and_publishers_alike(tmp_path):
    with RedisServer(tmp_path / "redis", "--requirepass", "pa/ss") as server:
        url = f"unix://{server.path}?password=pa%2Fss&db=5&client_name=chat"
        node = Backend(MODULE, redis_url=url).node()
        node.add("set", "value")
        node.subscribe("room")
        with Publisher(url) as publisher:
            publisher.publish("room", "hi")
            said = server.send_raw(b"AUTH pa/ss\r\nSELECT 5\r\nKEYS fws:s:*\r\nCLIENT LIST\r\n")
        assert node.recorder.wait(1) == [b"hi"]
        assert b"fws:s:set" in said
        assert said.count(b"name=chat") == 3
        node.stop()
