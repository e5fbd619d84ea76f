"""The filter in a chain: who is here, by the user of a connection; with history, broadcasts and other uses."""

import json

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.filters.presence import here
from filtered_websocket.testing import Refused, Server
from tests.filters.engineio.clients import KINDS, PACK, WEBSOCKET, Session
from tests.filters.presence.clients import PRESENCE, KitWatcher, Named
from tests.filters.pusher.clients import APP, PUSHER, Client
from tests.support.ledger.steady import steady
from tests.support.shared_memory import SharedMemory

BROADCAST = "filtered_websocket.filters.broadcast_messages"
HISTORY = "filtered_websocket.filters.history"


@pytest.fixture
def server():
    with Server(Named, PRESENCE, BROADCAST) as server:
        yield server


def test_a_user_joins_with_the_first_connection_and_leaves_with_the_last(server):
    ann, bob = KitWatcher(server, "ann"), KitWatcher(server, "bob")
    again = KitWatcher(server, "bob")
    assert bob.news == again.news == [("here", ["ann", "bob"], 0)]
    bob.client.close()
    assert ann.news == [("here", ["ann"], 0), ("joined", ["bob"], 0)]
    again.client.abort()
    assert ann.news == [("left", ["bob"], 0)]


def test_connections_without_a_user_are_counted(server):
    nobody = KitWatcher(server, None)
    other = KitWatcher(server, None)
    assert nobody.news == [("here", [], 1), ("joined", [], 2)]
    other.client.close()
    assert nobody.news == [("left", [], 1)]


def test_they_may_be_shown_by_their_ids_or_not_at_all():
    with Server(Named, PRESENCE, presence_anonymous="id") as server:
        client = server.connect("/?user=ann")
        other = server.connect()
        first, then = (json.loads(each) for each in client.received())
        assert (first["users"], first["connections"]) == (["ann"], [])
        assert (then["connections"], then["anonymous"]) == ([other.connection.id], 1)
    with Server(Named, PRESENCE, presence_anonymous="none") as server:
        ann, nobody = KitWatcher(server, "ann"), KitWatcher(server, None)
        assert nobody.news == ann.news == [("here", ["ann"], 0)]
        nobody.client.close()
        assert ann.news == []


def test_numbers_alone():
    with Server(Named, PRESENCE, presence_shows="count") as server:
        client = server.connect("/?user=ann")
        server.connect()
        assert client.received() == [
            '{"presence":"count","count":1,"anonymous":0}', '{"presence":"count","count":1,"anonymous":1}'
        ]  # fmt: skip


class Login(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        if data.startswith(b"login "):
            web_socket_instance.user = data[6:].decode()


def test_a_user_that_is_known_later_is_told_then():
    with Server(Named, Login, PRESENCE, BROADCAST) as server:
        ann, nobody = KitWatcher(server, "ann"), KitWatcher(server, None)
        assert (ann.news[-1], nobody.news) == (("joined", [], 1), [("here", ["ann"], 1)])
        nobody.client.send("login bob")
        assert [each[:2] for each in nobody.news] == [("left", []), ("joined", ["bob"])]
        assert [each[:2] for each in ann.news] == [("left", []), ("joined", ["bob"])]
        nobody.client.send("login x\ny")
        assert nobody.client.close_code == 1008


def test_a_name_that_cannot_be_shown_is_refused_and_costs_nobody_else_anything(server):
    ann = KitWatcher(server, "ann")
    odd = server.connect("/?user=a%0Ab")
    assert (odd.close_code, odd.received()) == (1008, [])
    assert ann.news == [("here", ["ann"], 0)]


def test_messages_go_on_to_the_filters_behind(server):
    a, b = server.connect(), server.connect()
    a.received(), b.received()
    a.send("hi")
    assert b.received() == ["hi"]


def test_history_keeps_no_presence_and_gives_it_no_position():
    with Server(Named, PRESENCE, HISTORY, BROADCAST) as server:
        a = server.connect("/?user=ann")
        b = server.connect("/?user=bob")
        b.send("hello")
        here, answer, joined, said = (json.loads(each) for each in a.received())
        assert (here["presence"], joined["presence"], said["data"]) == ("here", "joined", "hello")
        b.close()
        late = [json.loads(each) for each in server.connect(f"/?user=eve&since={answer['position']}").received()]
        assert [each.get("presence") or each.get("data", "answer") for each in late] == ["here", "answer", "hello"]


def test_a_client_that_takes_the_place_of_another_with_its_id_stays():
    """?client=SECRET of history makes it the same client, whose former connection nobody has seen end."""
    with Server(Named, PRESENCE, HISTORY, BROADCAST) as server:
        watcher = KitWatcher(server, "ann")
        url = "/?user=bob&client=0123456789abcdef"
        server.connect(url)
        server.connect(url)
        assert watcher.news == [("here", ["ann"], 0), ("joined", ["bob"], 0)]


def test_each_use_has_clients_and_names_of_its_own():
    uses = [
        f"{PRESENCE}?presence_channel={name}&presence_shows={shows}" for name, shows in (("a", "users"), ("b", "count"))
    ]
    with Server(Named, *uses) as server:
        client = server.connect("/?user=ann")
        assert [json.loads(each)["presence"] for each in client.received()] == ["here", "count"]
    with (
        pytest.raises(ConfigError, match='two uses have the channel "presence"'),
        Server(PRESENCE, f"{PRESENCE}?presence_limit=2"),
    ):
        pass


def test_filters_may_ask_who_is_here_whether_anybody_is_told_or_not():
    with Server(Named, f"{PRESENCE}?presence_channel=quiet&presence_tell=none", PRESENCE) as server:
        client = server.connect("/?user=ann")
        server.connect()
        assert here(server.pipeline()) == here(server.pipeline(), "quiet") == (("ann",), 1)
        assert [json.loads(each)["presence"] for each in client.received()] == ["here", "joined"]
        with pytest.raises(LookupError, match='"other"'):
            here(server.pipeline(), "other")
    with pytest.raises(LookupError):
        here(server.pipeline())


def test_a_user_of_whom_the_pack_behind_learns_is_told_at_once_and_one_that_cannot_be_shown_is_ended():
    with Server(PRESENCE, PUSHER, pusher_apps=[APP]) as server:
        first, second, odd = Client(server), Client(server), Client(server)
        first.packets()
        second.sign_in("bob")
        told = [json.loads(each["data"]) for each in first.packets()]
        assert [(each["presence"], each["users"], each["anonymous"]) for each in told] == [
            ("left", [], 2), ("joined", ["bob"], 2)
        ]  # fmt: skip
        odd.sign_in("a\nb")
        assert odd.client.close_code == 1008


def test_a_session_of_engineio_that_is_upgraded_leaves_once():
    with Server(PACK, Named, PRESENCE) as server:
        session = Session(server, "upgraded", "&user=ann")
        assert here(server.pipeline()) == (("ann",), 0)
        session.leave()
        assert here(server.pipeline()) == ((), 0)


def test_a_session_that_goes_on_at_another_node_is_here_there():
    storage = SharedMemory()
    with (
        Server(PACK, Named, PRESENCE, storage_object=storage) as one,
        Server(PACK, Named, PRESENCE, storage_object=storage) as two,
    ):

        def settle():
            for _ in range(5):
                one.settle(), two.settle()

        watcher = Session(one, "websocket", "&user=eve")
        client = Session(one, "polling", "&user=ann")
        settle()
        assert client.poller is not None
        websocket = two.connect(f"{WEBSOCKET}&sid={client.poller.sid}&user=ann")
        for each in ("2probe", "5"):
            settle()
            websocket.send(each)
        settle()
        assert set(here(one.pipeline()).users) == set(here(two.pipeline()).users) == {"ann", "eve"}
        assert any('"here"' in str(each) for each in websocket.received())
        websocket.close()
        settle()
        assert here(one.pipeline()) == here(two.pipeline()) == (("eve",), 0)
        told = [json.loads(each[1:]) for each in watcher.received()]
        assert [(each["presence"], each["users"]) for each in told] == [
            ("here", ["eve"]), ("joined", ["ann"]), ("left", ["ann"])
        ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_of_engineio_are_clients_as_all_others(kind):
    with Server(PACK, Named, PRESENCE) as server:
        first, other = Session(server, kind), Session(server, kind)
        told = [json.loads(each[1:]) for each in first.received()]
        assert [(each["presence"], each["anonymous"]) for each in told] == [("here", 1), ("joined", 2)]
        assert [json.loads(each[1:])["presence"] for each in other.received()] == ["here"]


def test_a_slow_client_is_ended_and_gets_a_list_when_it_comes_back():
    with Server(Named, PRESENCE, send_buffer=4096, max_connections=2000, ping_interval=0) as server:
        slow = KitWatcher(server, "slow")
        slow.listen()
        slow.client.stall()
        for number in range(800):
            server.connect(f"/?user={'n' * 100}{number}").abort()
            if slow.client.connection.close_code is not None:
                break
        assert slow.client.connection.close_reason.startswith("slow client")
        back = KitWatcher(server, "slow")
        assert back.news == [("here", ["slow"], 0)]


def test_a_client_in_as_many_channels_as_it_may_be_is_refused():
    with Server(Named, PRESENCE, BROADCAST, max_channels=1) as server:
        assert server.connect().close_code == 1008
        pipeline = server.pipeline()
        assert not pipeline.users
        assert server.result(server.storage_object.member_count("\0presence presence")) == 0


def test_nothing_is_left_when_everybody_has_gone(server):
    watchers = [KitWatcher(server, user) for user in ("ann", "ann", None)]
    for watcher in watchers:
        watcher.client.abort()
    assert server.result(server.storage_object.members("\0presence presence")) == {}
    assert server.pipeline().hub.channels == {}


def test_no_client_can_publish_to_what_nodes_hear(server):
    with pytest.raises(ValueError, match="NUL"):
        server.result(server.pipeline().publish("\0presence presence", "+uevil"))
    with pytest.raises(Refused):
        server.connect("/nowhere\0")


def test_a_thousand_members_that_come_and_go_leave_no_memory_taken(server):
    ann, names = KitWatcher(server, "ann"), map(str, range(10_000))

    def visit():
        KitWatcher(server, next(names)).client.close()
        assert [kind for kind, *_ in ann.news][-2:] == ["joined", "left"]

    steady(visit)
