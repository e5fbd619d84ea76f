"""What docs/storage says about publishing and about storage objects of one's own, tried."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.wrapped import make
from tests.support.backends import Backend
from tests.support.redis_server import RedisServer

DOCS = Path(__file__).parent.parent / "docs" / "storage"
MODULE = "filtered_websocket.storage_objects.redis"


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.S)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def node(redis):
    backend = Backend(MODULE, redis_url=redis.url)
    yield backend.node()
    backend.close()


def test_two_lines_of_any_redis_client_publish(node, redis):
    node.subscribe("room")
    two_lines = blocks("redis.md")[0]
    assert two_lines.count("\n") == 2
    client = SimpleNamespace(publish=lambda channel, data: redis.ask("PUBLISH", channel, data))
    exec(two_lines, {"redis": SimpleNamespace(Redis=lambda: client)})
    assert node.recorder.wait(1) == [b"hello"]


def test_the_publisher_of_the_page_publishes(node, redis, monkeypatch):
    for channel in ("room", "news-a", "news-b"):
        node.subscribe(channel)
    here = blocks("redis.md")[1].replace("redis://localhost", redis.url)
    names = {"some_connection_id": "somebody"}
    exec(here, names)
    assert node.recorder.wait(3) == [b"hello", b'{"any": "JSON"}', b'{"any": "JSON"}']
    assert [each.payload for each in node.latest("news-a", 0, 10)] == [b'{"any": "JSON"}']
    assert isinstance(names["publisher"], Publisher)
    names["publisher"].close()


def test_the_storage_object_of_the_page_is_one():
    names = {}
    exec(blocks("your-own.md")[0], names)
    storage = make(names["StorageObject"], SimpleNamespace(my_file="x"))
    assert storage.add("set", "value").result is None
    assert storage.get("set").result == {"value"}
    storage.remove("set", "value")
    assert not storage.get("set").result


def test_every_option_of_redis_stands_on_its_page():
    from filtered_websocket.storage_objects.redis.options import OPTIONS

    page = (DOCS / "redis.md").read_text()
    assert [option.name for option in OPTIONS if f"`{option.name}`" not in page] == []


def test_every_link_leads_somewhere():
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
