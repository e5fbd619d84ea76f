import pytest
from twisted.internet.defer import Deferred, fail, succeed

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo import CentrifugoDisconnectFilter, CentrifugoUnsubscribeFilter
from filtered_websocket.filters.centrifugo.channels import CLIENTS, joins_of
from filtered_websocket.filters.centrifugo.envelope import info_as_text
from filtered_websocket.filters.centrifugo.messages import ClientInfo
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.centrifugo.clients import connected, serving

INFO = ClientInfo("u", "an-id", b"[1]")


def test_a_client_that_is_gone_with_its_node_is_seen_to_leave_and_told_to_filters():
    told = []

    class Left(CentrifugoUnsubscribeFilter):
        @classmethod
        def filter(cls, client, event):
            told.append((client.id, client.user, client.info, event.channel, event.code, event.reason))

    with serving(Left) as server:
        client = connected(server)
        client.subscribe("joins:a")
        client.pushed()
        server.server.member_left("joins:a", "an-id", info_as_text(INFO))
        info = {"user": "u", "client": "an-id", "conn_info": [1]}
        assert client.pushed() == [{"channel": "joins:a", "leave": {"info": info}}]
        assert told == [("an-id", "u", b"[1]", "joins:a", 3000, "connection closed")]
        server.server.member_left("open:a", "an-id", info_as_text(INFO))
        server.server.member_left("nope:a", "an-id", info_as_text(INFO))
        assert client.pushed() == []
        assert len(told) == 3


def gone(told):
    class Gone(CentrifugoDisconnectFilter):
        @classmethod
        def filter(cls, client, event):
            told.append((client.id, client.user, event.code, tuple(event.channels)))

    return Gone


def test_who_wants_to_hear_of_clients_that_go_hears_of_those_of_a_dead_node_too():
    told = []
    with serving(gone(told)) as server:
        client = connected(server, "v")
        client.subscribe("open:a")
        here = client.session.id
        assert list(server.result(server.storage_object.members(CLIENTS))) == [here]
        server.server.member_left(CLIENTS, "an-id", info_as_text(INFO))
        assert told == [("an-id", "u", 3000, ())]
        client.session.disconnect(4000, "bye")
        server.settle()
        assert told[1:] == [(here, "v", 4000, ("open:a",))]
        assert server.result(server.storage_object.members(CLIENTS)) == {}


def test_where_nobody_wants_to_hear_storage_knows_nothing_of_clients():
    with serving() as server:
        connected(server)
        assert server.result(server.storage_object.members(CLIENTS)) == {}


@pytest.mark.leaves("holds a member")
@pytest.mark.parametrize("answer", [lambda: fail(StorageAway()), lambda: succeed(False)], ids=["away", "swept"])
def test_what_storage_will_have_told_is_not_told_here(answer):
    class Away(StorageObject):
        def leave(self, channel, member, holder):
            return answer()

    told = []

    class Left(CentrifugoUnsubscribeFilter):
        @classmethod
        def filter(cls, client, event):
            told.append(event.channel)

    with serving(gone(told), Left, storage_object=Away()) as server:
        client = connected(server, "v")
        client.subscribe("joins:a")
        other = connected(server, "w")
        other.subscribe("joins:a")
        client.session.disconnect(4000, "bye")
        server.settle()
        assert told == []
        assert not [each for each in other.pushed() if "leave" in each]


def test_a_client_that_was_thought_gone_is_seen_to_come():
    with serving() as server:
        client = connected(server)
        client.subscribe("joins:a")
        client.pushed()
        server.server.member_returned("joins:a", "an-id", info_as_text(INFO))
        assert [each["join"]["info"]["client"] for each in client.pushed()] == ["an-id"]


def test_a_client_that_was_thought_gone_before_it_said_that_it_has_come_says_so_once():
    waiting = []

    class Late(StorageObject):
        def subscribe(self, channel):
            answer = super().subscribe(channel)
            if channel != joins_of("joins:a"):
                return answer
            waiting.append(Deferred())
            return waiting[0].addCallback(lambda _: answer)

    with serving(storage_object=Late()) as server:
        client = connected(server)
        client.subscribe("joins:a")
        here = client.session.id
        server.server.member_returned("joins:a", here, info_as_text(INFO))
        assert client.pushed() == []
        waiting[0].callback(None)
        server.settle()
        assert [each["join"]["info"]["client"] for each in client.pushed()] == [here]
        server.server.member_returned("joins:a", here, info_as_text(INFO))
        assert len(client.pushed()) == 1


@pytest.mark.parametrize(("told", "what"), [("member_left", "a leave"), ("member_returned", "a join")])
def test_what_cannot_be_told_since_storage_went_away_is_counted(told, what):
    class Away(StorageObject):
        def send(self, *args):
            return fail(StorageAway())

    with serving(storage_object=Away()) as server:
        getattr(server.server, told)("joins:a", "an-id", info_as_text(INFO))
        assert server.server.counters.totals["dropped", f"centrifugo: {what}, storage was away"] == 1
