import pytest
from twisted.internet.defer import fail

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo import CentrifugoUnsubscribeFilter
from filtered_websocket.filters.centrifugo.leaving import unsubscribe
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.centrifugo.clients import NAMESPACES, OPEN, connected, serving


def test_the_server_may_end_a_subscription():
    with serving() as server:
        client = connected(server)
        client.subscribe("joins:a")
        client.pushed()
        server.result(unsubscribe(client.session, client.session.subscriptions["joins:a"], 2000))
        end = {"code": 2000, "reason": "server unsubscribe"}
        assert client.pushed() == [{"channel": "joins:a", "unsubscribe": end}]
        assert server.result(server.storage_object.member_count("joins:a")) == 0
        assert not server.pipeline().hub.channels


def test_others_see_a_client_that_leaves_once_however_it_does():
    with serving() as server:
        watcher = connected(server)
        watcher.subscribe("joins:a")
        for way in ("unsubscribe", "close", "abort"):
            client = connected(server, "u")
            client.subscribe("joins:a")
            if way == "unsubscribe":
                client.ask("unsubscribe", channel="joins:a")
            else:
                getattr(client.wire, way)()
            end_of_it = [next(iter(each.keys() - {"channel"})) for each in watcher.pushed()]
            assert end_of_it[-2:] == ["join", "leave"]
            watcher.pushes.clear()
        assert server.result(server.storage_object.member_count("joins:a")) == 1


@pytest.mark.leaves("holds a member")
@pytest.mark.parametrize("namespace", ["joins", "told"])
def test_a_client_leaves_while_storage_is_away(namespace):
    """Where it is present its lease has others told, and filters; else these are told at once."""
    told = []

    class Left(CentrifugoUnsubscribeFilter):
        @classmethod
        def filter(cls, client, event):
            told.append(event.code)

    class Away(StorageObject):
        is_away = False

        def leave(self, channel, member, connection):
            return fail(StorageAway("away")) if self.is_away else super().leave(channel, member, connection)

        def send(self, publication, keep=None, once=None):
            return fail(StorageAway("away")) if self.is_away else super().send(publication, keep, once)

    storage = Away()
    told_alone = {"name": "told", **OPEN, "join_leave": True, "force_push_join_leave": True}
    with serving(Left, storage_object=storage, centrifugo_namespaces=[*NAMESPACES, told_alone]) as server:
        client, channel = connected(server, "u"), f"{namespace}:a"
        client.subscribe(channel)
        storage.is_away = True
        assert client.ask("unsubscribe", channel=channel) == {}
        storage.is_away = False
        client.subscribe(channel)
        storage.is_away = True
        left = unsubscribe(client.session, client.session.subscriptions[channel], 2000)
        assert server.result(left) is None
        assert told == ([] if namespace == "joins" else [0, 2000])
        lost = [reason for what, reason in server.server.counters.totals if what == "dropped"]
        assert lost == ([] if namespace == "joins" else ["centrifugo: a leave, storage was away"])
