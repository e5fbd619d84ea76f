"""Maps of clusters, as nodes of several versions and settings give them."""

from filtered_websocket.storage_objects.redis.cluster.redirects import Place
from filtered_websocket.storage_objects.redis.cluster.topology import Topology

ASKED = Place("10.0.0.9", 7000)


def test_each_slot_has_the_master_that_the_map_names_and_no_replica():
    topology = Topology.read(
        [
            [5461, 10922, [b"10.0.0.2", 7001, b"b", []], [b"10.0.0.5", 7004, b"e", []]],
            [0, 5460, [b"10.0.0.1", 7000, b"a", []]],
            [10924, 16383, [b"10.0.0.3", 7002, b"c", []]],
        ],
        ASKED,
    )
    homes = [topology.home(slot) for slot in (0, 5460, 5461, 10922, 10923, 16383)]
    hosts = [home and home.host for home in homes]
    assert hosts == ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2", None, "10.0.0.3"]
    assert topology.masters == {Place(f"10.0.0.{n + 1}", 7000 + n) for n in range(3)}


def test_a_node_without_an_address_or_a_name_is_found():
    named = [b"?", 7001, b"b", [b"ip", b"10.0.0.2"]]
    topology = Topology.read([[0, 1, [None, 7000, b"a", []]], [2, 3, [b"", 7002, b"c"]], [4, 5, named]], ASKED)
    assert [topology.home(slot) for slot in (0, 2, 4)] == [
        Place("10.0.0.9", 7000),
        Place("10.0.0.9", 7002),
        Place("10.0.0.2", 7001),
    ]
    assert Topology.read([[0, 1, [b"?", 7000, b"a"]]], ASKED).home(0) == ASKED


def test_maps_that_name_no_server_in_common_are_of_different_clusters():
    first = Topology.read([[0, 9, [b"10.0.0.1", 7000, b"a", []], [b"10.0.0.2", 7000, b"b", []]]], ASKED)
    promoted = Topology.read([[0, 9, [b"10.0.0.3", 7000, b"b", []]]], ASKED)
    foreign = Topology.read([[0, 9, [b"10.0.0.1", 7000, b"c", []]]], ASKED)
    assert [foreign.is_of_another(each) for each in (first, promoted)] == [True, True]
    assert not promoted.is_of_another(first)
    assert not any(each.is_of_another(first) for each in (Topology([]), Topology.single(ASKED)))


def test_of_an_empty_map_nobody_has_anything():
    assert Topology.read([], ASKED).home(0) is None
    assert Topology.single(ASKED).home(16383) == ASKED
