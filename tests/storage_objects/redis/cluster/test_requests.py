"""What is written to a partition's home, and how it is written to another one."""

import pytest

from filtered_websocket.storage_objects.base import Keep, Pool
from filtered_websocket.storage_objects.redis.cluster.requests import PartitionRequests, key_of
from filtered_websocket.storage_objects.redis.command import command, parts_of
from filtered_websocket.storage_objects.redis.history_scripts import LATEST, SINCE
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, SHARDED, keep_values

PREFIX, CHANNEL = b"fws:{10}:", b"fws:{10}:c:room"
KEEP = Keep(5, 60, Pool("pool", 1600, 32))
KEYS = [PREFIX + b"h:room", PREFIX + b"e:room", CHANNEL]


@pytest.fixture(params=[False, True], ids=["classic", "sharded"])
def requests(request):
    return PartitionRequests(PREFIX, b"epoch", request.param)


def values(reign=b"7"):
    return keep_values(Keep(5, 60, Pool("pool", 100, 2)), b"epoch", reign, PREFIX)


def test_a_publication_declares_its_channel_and_counts_in_its_share_of_the_pool(requests):
    scripts = SHARDED if requests.scripts is SHARDED else CLASSIC
    assert requests.send(b"room", CHANNEL, b"body", KEEP, b"7") == scripts.send.request(
        KEYS, (CHANNEL, b"body", *values())
    )
    *others, prefix = values()
    assert requests.send_once(b"room", CHANNEL, b"body", KEEP, reign=b"7", once=b"name") == scripts.once.request(
        KEYS, (CHANNEL, b"body", *others, b"name", prefix)
    )
    verb = b"SPUBLISH" if scripts is SHARDED else b"PUBLISH"
    assert parts_of(requests.publish(CHANNEL, b"body")) == [verb, CHANNEL, b"\xff\nbody"]


@pytest.mark.parametrize("sharded", [False, True], ids=["was classic", "was sharded"])
def test_what_was_made_for_another_home_is_made_for_this_one(requests, sharded):
    def made(by, reign):
        return (
            (by.send(b"room", CHANNEL, b"b", KEEP, reign), by.scripts.send),
            (by.send_once(b"room", CHANNEL, b"b", KEEP, reign=reign, once=b"name"), by.scripts.once),
            (by.publish(CHANNEL, b"b"), None),
        )

    other = PartitionRequests(PREFIX, b"epoch", sharded)
    assert tuple(requests.again(request, script, b"8") for request, script in made(other, b"7")) == made(requests, b"8")


def test_what_has_no_reign_stays_and_what_is_on_the_bus_is_no_channel(requests):
    since = (b"epoch", b"3", b"0", b"7", PREFIX)
    again, script = requests.again(SINCE.request(KEYS, since), SINCE, b"8")
    assert (again, script) == (SINCE.request(KEYS, (*since[:3], b"8", PREFIX)), SINCE)
    latest = LATEST.request(KEYS, (b"0", b"7", PREFIX))
    assert requests.again(latest, LATEST, b"8") == (latest, LATEST)
    bus = command(b"PUBLISH", b"news", b"text")
    assert requests.again(bus, None, b"8") == (bus, None)


def test_the_key_of_a_request_is_the_first_or_its_channel(requests):
    assert key_of(requests.send(b"room", CHANNEL, b"body", KEEP, b"7")) == PREFIX + b"h:room"
    assert key_of(requests.publish(CHANNEL, b"body")) == CHANNEL
