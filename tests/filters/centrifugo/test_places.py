import pytest

from filtered_websocket.filters.centrifugo.envelope import Envelope, pack
from filtered_websocket.messages.publication import Publication
from tests.filters.centrifugo.clients import NAMESPACES, connected
from tests.filters.centrifugo.requests import call, with_api
from tests.filters.centrifugo.test_fossil import applied

KEPT = next(each for each in NAMESPACES if each["name"] == "kept")
CACHE = next(each for each in NAMESPACES if each["name"] == "cache")
MORE = [
    KEPT | {"name": "deltas", "allowed_delta_types": ["fossil"], "allow_tags_filter": True, "history_size": 100},
    CACHE | {"name": "newest", "allow_tags_filter": True},
    *NAMESPACES,
]
TEXT = "long " * 50


@pytest.fixture
def server():
    with with_api(centrifugo_namespaces=MORE) as running:
        yield running


def publish(server, data, channel="deltas:a", **more):
    return call(server, "publish", channel=channel, data=data, **({"delta": True} | more))


class Patched:
    """What a client of an SDK makes of what it gets."""

    def __init__(self):
        self.last = b""

    def take(self, pub):
        data = pub["data"].encode()
        self.last = applied(self.last, data) if pub.get("delta") else data
        return self.last.decode()


def test_a_client_of_deltas_gets_patches_against_what_it_had(server):
    client, plain = connected(server), connected(server)
    assert client.subscribe("deltas:a", delta="fossil")["delta"]
    assert "delta" not in plain.subscribe("deltas:a")
    for text in ("one", "two", "three"):
        publish(server, {"text": text + TEXT})
    publish(server, {"text": "four" + TEXT}, skip_history=True)
    publish(server, {"text": "five" + TEXT})
    publish(server, {"text": "six" + TEXT}, delta=False)
    pubs = [each["pub"] for each in client.pushed()]
    assert [each.get("delta", False) for each in pubs] == [False, True, True, True, True, False]
    patched = Patched()
    words = ["one", "two", "three", "four", "five", "six"]
    assert [patched.take(each) for each in pubs] == [f'{{"text": "{word}{TEXT}"}}' for word in words]
    assert [each["data"]["text"].removesuffix(TEXT) for each in (push["pub"] for push in plain.pushed())] == words


def test_what_was_missed_is_whole_first_and_then_patches_and_goes_on_so(server):
    client = connected(server)
    found = client.subscribe("deltas:a", delta="fossil")
    client.ask("unsubscribe", channel="deltas:a")
    for text in ("one", "two"):
        publish(server, {"text": text + TEXT})
    back = client.subscribe("deltas:a", delta="fossil", recover=True, epoch=found["epoch"])
    publish(server, {"text": "three" + TEXT})
    pubs = [*back["publications"], client.pushed()[0]["pub"]]
    assert [each.get("delta", False) for each in pubs] == [False, True, True]
    patched = Patched()
    assert [patched.take(each)[10:13] for each in pubs] == ["one", "two", "thr"]


def test_after_a_recovery_without_publications_the_first_is_whole(server):
    client = connected(server)
    publish(server, {"text": "one" + TEXT})
    assert client.subscribe("deltas:a", delta="fossil", recover=True, offset=1)["recovered"]
    publish(server, {"text": "two" + TEXT})
    assert "delta" not in client.pushed()[0]["pub"]


def test_deltas_that_are_not_allowed_are_plain(server):
    client = connected(server)
    assert "delta" not in client.subscribe("kept:a", delta="fossil")
    publish(server, {"n": 1}, channel="kept:a")
    assert client.data() == [{"n": 1}]


def test_a_client_may_want_some_publications_by_their_tags(server):
    client, other = connected(server), connected(server)
    node = {"op": "and", "nodes": [{"key": "n", "cmp": "gt", "val": "1"}, {"key": "x", "cmp": "nex"}]}
    assert client.subscribe("deltas:a", tf=node, delta="fossil").keys() == {"recoverable", "positioned", "epoch"}
    other.subscribe("deltas:a")
    for number in range(4):
        publish(server, number, tags={"n": str(number)})
    publish(server, 9, tags={"n": "9", "x": ""})
    publish(server, 8)
    assert [each["pub"]["offset"] for each in client.pushed()] == [3, 4]
    assert len(other.pushed()) == 6
    client.ask("unsubscribe", channel="deltas:a")
    publish(server, 7, tags={"n": "7"})
    assert client.pushed() == []
    back = client.subscribe("deltas:a", tf=node, recover=True, offset=3)
    assert (back["recovered"], [each["data"] for each in back["publications"]]) == (True, [3, 7])
    assert client.subscribe("deltas:b", tf={"cmp": "eq"}) == 107


def test_of_what_comes_together_a_client_gets_what_it_wants(server):
    client, other = connected(server), connected(server)
    client.subscribe("deltas:a", tf={"key": "n", "cmp": "in", "vals": ["1", "3"]})
    other.subscribe("deltas:a")
    for number in range(4):
        envelope = Envelope(str(number).encode(), tags={"n": str(number)})
        server.pipeline().storage_object.send(Publication("deltas:a", (pack(envelope),)))
    assert client.data() == [1, 3]
    assert other.data() == [0, 1, 2, 3]


def test_the_newest_that_a_client_wants(server):
    for number in range(4):
        publish(server, number, channel="newest:a", tags={"n": str(number % 2)})
    client = connected(server)
    found = client.subscribe("newest:a", recover=True, tf={"key": "n", "cmp": "eq", "val": "0"})
    assert (found["recovered"], [each["data"] for each in found["publications"]]) == (True, [2])
    none = connected(server).subscribe("newest:a", recover=True, tf={"key": "n", "cmp": "eq", "val": "7"})
    assert (none.get("recovered", False), none["was_recovering"]) == (False, True)


class Noting:
    """Hands on, and notes under which policy."""

    def __init__(self, taker):
        self.taker, self.policies = taker, []

    def deliver(self, batch, policy):
        self.policies.append(policy)
        self.taker.deliver(batch, policy)


def test_no_difference_is_lost_of_those_that_the_next_is_made_against():
    with with_api(centrifugo_namespaces=MORE, slow_client="drop-new") as server:
        clients = connected(server), connected(server)
        clients[0].subscribe("deltas:a", delta="fossil")
        clients[1].subscribe("deltas:a", tf={"key": "n", "cmp": "nex"})
        notes = []
        for each in clients:
            place = each.session.subscriptions["deltas:a"].place
            place._taker = Noting(place._taker)
            notes.append(place._taker.policies)
        publish(server, {"n": 1})
        assert [each.pushed()[0]["pub"]["offset"] for each in clients] == [1, 1]
        assert notes == [["disconnect"], ["drop-new"]]
