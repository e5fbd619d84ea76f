"""What happens to a Redis Cluster, and what becomes of nodes on it under load: what was confirmed is there, once and in
order, what was refused is not, what is unknown is told to be, and all is live again as soon as was promised.

`make bench-faults` runs this with nothing beside it, shows the seconds, and holds them to the bars as they are.
"""

import threading
import time

import hiredis
import pytest
from twisted.internet.defer import succeed

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of, prefix_of
from tests.support.backends import message
from tests.support.cluster_load import LONG, MEASURED, Load, heard, hold
from tests.support.ledger.own_process import here
from tests.support.reactor_thread import call
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_nodes import KEEP, send

SLOT = SLOTS_OF[partition_of(b"kept 0")]
AWAY_SECONDS = 10.0 if MEASURED else 2.0
"""How long a whole cluster is down. After 2 s pauses between attempts to connect have become as long as they get."""
PATIENT = {"redis_heartbeat": LONG / 3}
"""For nodes that refuse nothing, and find all without a heartbeat: what waits is refused after three."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Clusters to be harmed, by their kinds, of which each begins when it is first asked for."""
    clusters = {}

    def give(kind):
        if kind not in clusters:
            with here.kept():
                clusters[kind] = RedisCluster(tmp_path_factory.mktemp(kind), kind)
        return clusters[kind]

    yield give
    for cluster in clusters.values():
        cluster.close()


@pytest.fixture
def cluster(running, request):
    return running(request.param)


def on(*kinds, measured=()):
    """A test of clusters of these kinds, and of more where it is measured."""
    return pytest.mark.parametrize("cluster", [*kinds, *(measured if MEASURED else ())], indirect=True)


def at(cluster, server, channels):
    """Those of these channels that are at home at this master."""
    return [name for name in channels if cluster.master_of(SLOTS_OF[partition_of(name.encode())]) is server]


def another(cluster, server):
    return next(each for each in cluster.alive if each.is_master and each is not server)


class Down(threading.Thread):
    """Asks a master for a key until it is stopped.

    :ivar seconds: for how long it has said that the cluster is down
    """

    def __init__(self, server, channel):
        super().__init__(daemon=True)
        self.seconds = 0.0
        self._words = "EXISTS", prefix_of(b"fws:", partition_of(channel.encode())) + b"beat"
        self._server, self._stopping = server, threading.Event()
        self.start()

    def run(self):
        since = None
        while not self._stopping.wait(0.005):
            if isinstance(self._server.get(*self._words), Exception):
                since = since or time.monotonic()
            elif since is not None:
                self.seconds, since = self.seconds + time.monotonic() - since, None

    def stop(self):
        self._stopping.set()
        self.join(LONG)


@pytest.mark.parametrize("covered", [True, False])
@on("redis7", measured=["valkey9"])
def test_a_master_that_is_killed_costs_nothing_that_its_replica_has_got(cluster, nodes, covered):
    for server in cluster.servers:
        server.told("CONFIG", "SET", "cluster-require-full-coverage", "yes" if covered else "no")
    both = [nodes.node(), nodes.node()]
    master = cluster.master_of(SLOT)
    replica, other = cluster.replica_of(master), another(cluster, master)
    with Load(both, cluster) as load:
        others = at(cluster, other, load.channels)
        down, began = Down(other, others[0]), time.monotonic()
        master.kill()
        cluster.wait_promoted(replica)
        live = load.wait_live(promoted := time.monotonic())
        down.stop()
    title = f"{cluster.kind}, a master is killed{'' if covered else ', coverage no'}: "
    hold(title + "all live after promotion", live, 2)
    hold(
        title + f"others wait beyond {down.seconds:.2f} s of Redis's own",
        load.longest(others, began) - down.seconds,
        0.5,
    )
    assert covered or not down.seconds
    load.check(lost=load.lost(began, promoted))
    assert [node.recorder.phantoms for node in both] == [[], []]


@on("redis7", "valkey9", "redis6")
def test_a_failover_by_hand_costs_nothing_and_fails_nothing(cluster, nodes):
    """Redis 6 lets writes at its former master hang for 10 s: our heartbeat ends that."""
    patient = {} if cluster.kind == "redis6" else PATIENT
    with Load([nodes.node(**patient), nodes.node(**patient)], cluster) as load:
        cluster.fail_over(SLOT)
        live = load.wait_live(time.monotonic())
    hold(f"{cluster.kind}, CLUSTER FAILOVER: all live", live, 5 if cluster.kind == "redis6" else 0.5)
    load.check()
    assert cluster.kind == "redis6" or not load.failed()


@on("redis7", measured=["valkey9"])
def test_a_frozen_master_that_was_replaced_gives_nobody_anything_twice(cluster, nodes):
    master = cluster.master_of(SLOT)
    replica = cluster.replica_of(master)
    with Load([nodes.node(), nodes.node()], cluster) as load:
        frozen = time.monotonic()
        master.freeze()
        cluster.wait_promoted(replica)
        threading.Event().wait(0.2)
        master.thaw()
        thawed = time.monotonic()
        live = load.wait_live(thawed)
    hold(f"{cluster.kind}, a master is frozen and replaced: all live after the freeze", thawed - frozen + live, 4)
    load.check(thawed)


@on("redis7", measured=["valkey9"])
def test_while_a_slot_is_moved_key_by_key_publishing_waits_in_new_channels_too(cluster, nodes):
    writer, reader = both = [nodes.node(**PATIENT), nodes.node(**PATIENT)]
    source = cluster.master_of(SLOT)
    fill(source, prefix_of(b"fws:", partition_of(b"kept 0")), 20_000)
    new = next(f"new {n}" for n in range(1000) if SLOTS_OF[partition_of(b"new %d" % n)] == SLOT)
    waiting, bystander = [], next(f"by {n}" for n in range(99) if SLOTS_OF[partition_of(b"by %d" % n)] != SLOT)

    def half_way():
        waiting.append(call(lambda: [writer.storage.send(message(new, str(n)), KEEP) for n in range(3)]))
        assert send(writer, bystander, "x", KEEP).offset == 1

    reader.subscribe(new)
    with Load(both, cluster) as load:
        began = time.monotonic()
        cluster.move_slot(SLOT, another(cluster, source), half_way)
        live = load.wait_live(moved := time.monotonic())
    title = f"{cluster.kind}, a slot of 20,000 keys is moved in {moved - began:.1f} s: "
    hold(title + "all live after", live, 0.5)
    load.check()
    assert not load.failed()
    assert [call(lambda d=d: d).offset for d in waiting[0]] == [1, 2, 3]
    assert heard(reader, new) == [0, 1, 2]


def fill(server, prefix, count):
    """Have so many keys there, of a map each."""
    words = [(b"HSET", prefix + b"m:%d" % number, b"a", b"b") for number in range(count)]
    server.send_raw(b"".join(hiredis.pack_command(each) for each in words))


@on("valkey9")
def test_a_slot_that_is_moved_at_once_fails_nothing(cluster, nodes):
    source = cluster.master_of(SLOT)
    target = another(cluster, source)
    with Load([nodes.node(**PATIENT), nodes.node(**PATIENT)], cluster) as load:
        source.told("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", SLOT, SLOT, "NODE", target.id)
        cluster.wait(lambda: cluster.master_of(SLOT) is target)
        live = load.wait_live(time.monotonic())
    hold(f"{cluster.kind}, MIGRATESLOTS: all live", live, 0.5)
    load.check()
    assert not load.failed()


@on("redis7")
def test_all_that_is_held_is_claimed_when_the_whole_cluster_was_down(cluster, nodes):
    one, other = both = [nodes.node(), nodes.node()]
    rooms = [f"room {number}" for number in range(20)]
    for room in rooms:
        one.join(room, "ann", "holder", room)
        one.track(room, 2)
    with Load(both, cluster) as load:
        for server in cluster.servers:
            server.kill()
        for node in both:
            node.recorder.wait_for(lambda node=node: node.recorder.readiness[-1:] == [False], LONG)
        threading.Event().wait(AWAY_SECONDS)
        cluster.start()
        cluster.wait(lambda: all(takes_keys(cluster, slot) for slot in SLOTS_OF))
        back = time.monotonic()
        live = load.wait_live(back)
    hold(f"{cluster.kind}, all were down for {AWAY_SECONDS:g} s: all live after Redis takes keyed commands", live, 2)
    assert [other.members(room) for room in rooms] == [{"ann": room} for room in rooms]
    assert other.occupied("room") == dict.fromkeys(rooms, 2)
    assert all(channel in node.recorder.gaps for node in both for channel in load.channels)


@on("redis7", measured=["valkey9"])
def test_it_is_not_ready_when_most_masters_are_gone_though_what_is_left_confirms_publications(cluster, nodes):
    both = [nodes.node(), nodes.node()]
    left = cluster.master_of(SLOT)
    killed = [server for server in cluster.servers if server.is_master and server is not left]
    with Load(both, cluster):
        for server in (*map(cluster.replica_of, killed), *killed):
            server.kill()
        gone = time.monotonic()
        for node in both:
            node.recorder.wait_for(lambda node=node: node.recorder.readiness[-1:] == [False], LONG)
        seconds = time.monotonic() - gone
        assert left.get("SPUBLISH", prefix_of(b"fws:", partition_of(b"kept 0")) + b"c:kept 0", "x") >= 0
    hold(f"{cluster.kind}, 2 of 3 masters are killed: not ready", seconds, 4)
    for verb, *arguments in (("send", message("kept 0", "no"), KEEP), ("get", "set"), ("join", "a", "b", "c")):
        with pytest.raises(StorageAway, match=r"not done|unknown"):
            getattr(both[0], verb)(*arguments)
    cluster.restore()
    for node in both:
        node.recorder.wait_for(lambda node=node: node.recorder.readiness[-1:] == [True], LONG)
    send(both[0], "kept 0", "yes", KEEP)


@on("redis7")
def test_a_master_that_comes_back_empty_begins_a_new_epoch_with_a_gap(cluster, nodes):
    node, other = both = [nodes.node(), nodes.node()]
    node.subscribe("kept 0")
    first = send(node, "kept 0", "old", KEEP)
    with Load(both, cluster) as load:
        master = cluster.master_of(SLOT)
        gone = at(cluster, master, load.kept)
        master.kill()
        master.start()
        for each in both:
            each.recorder.wait_for(lambda each=each: set(gone) <= set(each.recorder.gaps), LONG)
        load.wait_live(time.monotonic())
        second = send(node, "kept 0", "new", KEEP)
    assert second.epoch != first.epoch
    assert other.since("kept 0", first) is None


def sent_at_last(*arguments):
    """What is told to be not done may be said again: on a busy machine a promotion is longer than a node's patience."""
    end = time.monotonic() + LONG
    while True:
        try:
            return send(*arguments)
        except StorageAway as away:
            if "not done" not in str(away) or time.monotonic() > end:
                raise
            threading.Event().wait(0.05)  # between two requests


@on("redis7")
def test_readers_of_before_and_beyond_what_a_promoted_replica_has_get_the_right_rest(cluster, nodes):
    node, other = both = [nodes.node(), nodes.node()]
    channel = next(f"read {n}" for n in range(1000) if SLOTS_OF[partition_of(b"read %d" % n)] == SLOT)
    node.subscribe(channel)
    with Load(both, cluster) as load:
        sent = [send(other, channel, str(number), KEEP) for number in range(1, 9)]
        master = cluster.master_of(SLOT)
        replica = cluster.replica_of(master)
        assert master.get("WAIT", 1, 10_000) == 1
        replica.freeze()
        master.get("CLIENT", "KILL", "TYPE", "replica")
        sent += [send(other, channel, str(number), KEEP) for number in (9, 10)]
        node.recorder.wait_for(lambda: heard(node, channel) == list(range(1, 11)))
        master.kill()
        replica.thaw()
        cluster.wait_promoted(replica)
        promoted = time.monotonic()
        new = [sent_at_last(other, channel, str(number), KEEP) for number in (101, 102, 103)]
        load.wait_live(promoted)
    assert [position.offset for position in new] == [9, 10, 11]

    def rest(number):
        return [int(each.payload) for each in other.since(channel, sent[number - 1])]

    assert (rest(10), rest(8), rest(6)) == ([101, 102, 103], [101, 102, 103], [7, 8, 101, 102, 103])
    node.recorder.wait_for(lambda: heard(node, channel) == [*range(1, 11), 101, 102, 103])
    assert channel not in node.recorder.gaps
    load.check(promoted)


@on("redis7", measured=["valkey9", "redis6"])
def test_what_a_dead_node_held_is_swept_once_though_its_slot_is_moved(cluster, nodes):
    """A sweep that has begun where half of the keys are gone already would lose members, or tell of them twice."""
    watcher, dying = nodes.node(lease_seconds=1.0), nodes.node(lease_seconds=1.0)
    rooms = [name for name in (f"room {n}" for n in range(2000)) if SLOTS_OF[partition_of(name.encode())] == SLOT]
    for room in rooms:
        dying.join(room, "ann", "holder")
    for shard in dying.storage._shards.all():
        shard.leases.release = lambda: succeed(None)
    with Load([watcher, nodes.node()], cluster) as load:
        dying.stop()
        cluster.move_slot(SLOT, another(cluster, cluster.master_of(SLOT)), lambda: threading.Event().wait(1.5))
        watcher.recorder.wait_for(lambda: len(watcher.recorder.left) >= len(rooms), LONG)
    assert sorted(watcher.recorder.left) == sorted((room, "ann", "") for room in rooms)
    assert all(watcher.members(room) == {} for room in rooms)
    load.check()


@on("redis7")
def test_publications_that_meet_a_failover_on_their_way_keep_their_order(cluster, nodes):
    node, other = both = [nodes.node(), nodes.node()]
    channel = next(f"order {n}" for n in range(1000) if SLOTS_OF[partition_of(b"order %d" % n)] == SLOT)
    node.subscribe(channel)
    answers = []

    def three_more():
        for _ in range(3):
            answers.append(other.storage.send(message(channel, str(len(answers))), KEEP))

    with Load(both, cluster) as load:
        replica = cluster.replica_of(cluster.master_of(SLOT))
        replica.told("CLUSTER", "FAILOVER")
        while not replica.is_master or len(answers) < 30:
            call(three_more)
        offsets = [call(lambda d=d: d).offset for d in answers]
        load.wait_live(time.monotonic())
    assert offsets == sorted(offsets)
    node.recorder.wait_for(lambda: heard(node, channel) == list(range(len(answers))))
    load.check()


def takes_keys(cluster, slot):
    """Whether a master of this slot does what is asked of it."""
    words = "EXISTS", prefix_of(b"fws:", SLOTS_OF.index(slot)) + b"beat"
    return any(server.get(*words) == 0 for server in cluster.alive if server.is_master)
