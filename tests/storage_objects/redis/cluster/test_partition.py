"""A partition between two homes: what may stand in its way for good, and what it is deaf to afterwards."""

import pytest
from twisted.internet.defer import Deferred, DeferredList

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, TAGS, partition_of
from filtered_websocket.storage_objects.redis.cluster.redirects import Kind, Place, Redirect
from filtered_websocket.storage_objects.redis.cluster.slots import SLOTS
from filtered_websocket.storage_objects.redis.cluster.topology import Topology
from filtered_websocket.storage_objects.redis.command import command
from tests.support.cluster_load import LONG
from tests.support.log_lines import LogLines
from tests.support.ports import WITH_ANOTHER, free_port
from tests.support.reactor_thread import call, until
from tests.support.redis_cluster import ClusterServer
from tests.support.redis_nodes import send
from tests.support.redis_programs import find

NUMBER = partition_of(b"weather")


def settle(node, partition):
    until(lambda: node.storage.ready and partition.open, deadline=LONG)


def test_all_that_begins_with_something_is_heard_where_it_was_heard_before_a_home_that_was_none(nodes):
    node = nodes.node()
    node.listen_to_all("some.")
    shards = node.storage._shards
    first = shards.all()[0]

    def be_misled():
        wrong = next(each for each in shards._nodes.values() if each.is_home and not first.is_at(each))
        first.lost()
        first.go(wrong, shards.asked + 1)

    call(be_misled)
    settle(node, first)
    node.publish("some.thing", "heard")
    node.recorder.wait_for(lambda: [each["data"] for each in node.recorder.bus] == [b"heard"])


def test_a_map_that_is_wrong_takes_no_home_away_whose_heartbeat_comes_back(nodes):
    """It may be an old one, or name a server in another way than the one that was asked before."""
    node = nodes.node()
    shards = node.storage._shards
    homes = [partition.command.node for partition in shards.all()]
    call(lambda: shards._take_map(Topology.single(Place("127.0.0.1", free_port())), shards.asked))
    assert [partition.open and partition.command.node for partition in shards.all()] == homes


def test_a_server_that_is_one_of_another_cluster_by_now_is_not_believed(tmp_path, cluster, nodes):
    node, other = nodes.node(), nodes.node()
    other.subscribe("weather")
    shards = node.storage._shards
    partition, program, port = shards.all()[NUMBER], find("redis7"), free_port(WITH_ANOTHER)
    there = Place("127.0.0.1", port)
    with ClusterServer(tmp_path, "--cluster-enabled", "yes", program=program, port=port) as foreign:
        foreign.told("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        with LogLines() as lines:

            def be_told_of_another():
                # A map that comes meanwhile lets go of a node that no partition is at home at: it is asked again.
                if shards.node_at(there).is_up:
                    partition.lost()
                    shards.look(there)
                return any(f"{port}: it is one of another Redis Cluster" in line for line in lines)

            until(be_told_of_another)
            settle(node, partition)
        send(node, "weather", "rain")
        other.recorder.wait(1)
        assert foreign.get("DBSIZE") == 0


def test_a_home_that_is_frozen_is_not_waited_for_when_the_map_names_another(cluster, nodes):
    node = nodes.node()
    shards = node.storage._shards
    slot, partition = SLOTS_OF[NUMBER], shards.all()[NUMBER]
    master = cluster.master_of(slot)
    replica = cluster.replica_of(master)
    there = Place("127.0.0.1", replica.port)
    master.freeze()
    cluster.wait_promoted(replica)
    until(lambda: shards.look() or shards.topology.home(slot) == there)
    # The heartbeat of just before the frost is believed rather than the map, as long as it is fresh.
    until(lambda: partition.is_at(shards._nodes[there]) and all(shard.open for shard in shards.all()), deadline=LONG)
    assert send(node, "weather", "rain") is None


def test_what_waits_for_a_lease_when_the_partition_is_held_does_not_keep_it_from_coming_back(cluster, nodes):
    node = nodes.node(redis_heartbeat=0.3)
    partition = node.storage._shards.all()[NUMBER]
    leases = cluster.master_of(SLOTS_OF[NUMBER])
    leases.get("DEL", b"fws:{%b}:nodes" % TAGS[NUMBER])

    def lose_the_lease_while_it_is_held():
        partition.leases._tick()
        partition._connection.flush()
        partition._redirected(partition._seat, Redirect(Kind.WAIT), "CLUSTERDOWN")

    call(lose_the_lease_while_it_is_held)
    settle(node, partition)
    assert node.join("weather", "ann", "holder") is True


def test_who_leaves_while_there_is_no_room_to_wait_does_not_stay_and_the_newest_count_holds(nodes):
    node, other = nodes.node(), nodes.node()
    partition = node.storage._shards.all()[NUMBER]

    def come_and_go_while_it_is_held():
        partition._redirected(partition._seat, Redirect(Kind.WAIT), "CLUSTERDOWN")
        room = partition._queue._room
        answers = [node.storage.join("weather", "ann", "holder"), node.storage.track("weather", 1)]
        room.take(left := room._left)
        answers += [node.storage.leave("weather", "ann", "holder"), node.storage.track("weather", 0)]
        room.give(left)
        return DeferredList(answers, consumeErrors=True)

    (joined, _, left, counted) = call(come_and_go_while_it_is_held)
    assert (joined, left) == ((True, True), (True, True))
    assert counted[1].check(StorageAway)
    settle(node, partition)
    assert other.members("weather") == {}
    assert other.occupied() == {}


def test_what_was_refused_just_before_the_end_is_told_to_be_not_done(nodes):
    node = nodes.node()
    partition = node.storage._shards.all()[NUMBER]
    answer = Deferred()

    def refuse_and_stop():
        request = command(b"GET", partition.prefix + b"s:none")
        partition.refused(Redirect(Kind.WAIT), answer, None, None, request)
        return node.storage.stop()

    call(refuse_and_stop)
    with pytest.raises(StorageAway, match="not done"):
        call(lambda: answer, deadline=5)


def test_a_home_that_is_cut_off_is_left_when_the_cluster_goes_on_without_it(tmp_path, nodes):
    """One that has no slots says what one says that sees no majority: CLUSTERDOWN, and names nobody else."""
    node = nodes.node()
    shards = node.storage._shards
    partition = shards.all()[NUMBER]
    program, port = find("redis7"), free_port(WITH_ANOTHER)
    with ClusterServer(tmp_path, "--cluster-enabled", "yes", program=program, port=port):

        def be_cut_off():
            # A map that comes meanwhile lets go of a node that no partition is at home at.
            lone = shards.node_at(Place("127.0.0.1", port))
            if not lone.is_up:
                return None
            partition.lost()
            if shards._look_timer is not None:
                shards._look_timer.cancel()  # where it was at home before, no map is asked for
                shards._look_timer = None
            partition.go(lone, shards.asked + 1)
            return lone

        lone = until(be_cut_off)
        until(lambda: partition.is_at(lone))
        until(lambda: node.storage.ready and partition.open)  # long before the next map that is asked for anyhow
