"""Listening to several real Redis servers together."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.listening import Ears, Place
from tests.support.raw_client import DEADLINE, wait_until
from tests.support.redis_server import RedisServer


def test_what_is_published_at_each_of_them_is_heard_by_name_and_by_pattern(redis_server, tmp_path):
    with RedisServer(tmp_path / "other") as other:
        ears = Ears(DEADLINE)
        places = [
            Place(Address("a", path=redis_server.path), b"PSUBSCRIBE", [b"fws:c:*"]),
            Place(Address("b", path=other.path), b"SUBSCRIBE", [b"news"]),
        ]
        heard = ears.listen(places)

        def publish(server: RedisServer, channel: str, data: bytes) -> None:
            wait_until(lambda: server.ask("PUBLISH", channel, data) == b":1\r\n")

        with ThreadPoolExecutor(1) as thread:
            two = thread.submit(lambda: {next(heard), next(heard)})
            publish(redis_server, "fws:c:room", b"1")
            publish(other, "news", b"2")
        assert two.result(DEADLINE) == {(b"fws:c:room", b"1"), (b"news", b"2")}
        other.kill()
        with pytest.raises(StorageAway, match="lost"):
            next(heard)
