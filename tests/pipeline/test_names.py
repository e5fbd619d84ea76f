"""The names of channels: whose they are, which there may be, and what the option channels says of each."""

import pytest

from filtered_websocket.errors import NotAllowed
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.pipeline.names import MAX_KNOWN, ids
from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.testing.server import Server
from tests.support.rooms import Rooms, members


def test_equal_channel_names_in_two_pipelines_never_meet():
    with Server(Rooms, pipelines={"/x": [Rooms], "/y": [Rooms]}) as server:
        clients = [server.connect(path) for path in ("/", "/x", "/y")]
        for client in clients:
            client.send("+room")
        clients[1].send("room hi")
        assert [each.received() for each in clients] == [[], ["hi"], []]
        clients[0].send("room all")
        assert [each.received() for each in clients] == [["all"], [], []]


def test_no_name_of_the_pipeline_without_one_can_reach_into_a_named_one():
    with Server(Rooms, pipelines={"/x": [Rooms]}) as server:
        inside = server.connect("/x")
        inside.send("+room")
        for attempt in (server.pipeline().publish("/x room", "hi"), server.pipeline().subscribe("/x room", inside)):
            with pytest.raises(ValueError, match="another pipeline"):
                server.result(attempt)
        assert inside.received() == []


def test_the_excluded_are_those_of_the_call_whatever_becomes_of_the_set():
    with Server(Rooms) as server:
        a, b = members(server, "x"), members(server, "x")
        ids = {a.connection.id}
        server.pipeline().publish("x", "1", exclude=ids)
        server.pipeline().broadcast("x", "2", exclude=ids)
        ids.add(b.connection.id)
        assert (a.received(), b.received()) == ([], ["1", "2"])


def test_the_rule_of_a_channel_says_what_slow_clients_lose_and_else_the_option():
    rules = {"latest:*": {"slow": "latest"}, "kept:*": {"history": 5}}
    with Server(Rooms, channels=rules, slow_client="drop-new") as server:
        names = server.pipeline().names
        assert [names.policy(each) for each in ("latest:1", "kept:1", "else")] == ["latest", "drop-new", "drop-new"]


def test_what_a_channel_keeps_counts_for_the_limits_of_its_pipeline_alone():
    more = {"history_bytes": "2k", "history_meta_seconds": 7}
    rules = {
        "kept:*": {"history": 5, "history_seconds": 60},
        "none:*": {"history": 0},
        "more:*": {"history": 5, **more},
    }
    pipelines = {"/x": {"filters": [Rooms], "history_bytes": 1000, "history_channels": 7}}
    with Server(Rooms, channels=rules, pipelines=pipelines, history_bytes=2000, history_channels=8) as server:
        here, there = server.pipeline().names, server.pipeline("/x").names
        assert here.kept("kept:1") == Keep(5, 60.0, Pool("channels", 2000, 8))
        assert there.kept("kept:1") == Keep(5, 60.0, Pool("/x channels", 1000, 7))
        assert here.kept("more:1") == Keep(5, 0, Pool("channels", 2000, 8), 2048, 7.0)
        assert here.kept("none:1") is here.kept("else") is None
        assert there.keep(3, of="members").pool == Pool("members", 1000, 7)


def test_a_name_has_its_longest_length_and_is_text():
    with Server(Rooms, max_channel_name=5) as server:
        check = server.pipeline().names.check
        check("äöüßa")
        with pytest.raises(NotAllowed, match="at most 5 characters, not 6"):
            check("abcdef")
        with pytest.raises(TypeError, match="a str, not bytes"):
            check(b"abc")


def test_no_client_reaches_the_channels_that_packs_have_for_themselves():
    with Server(Rooms) as server:
        with pytest.raises(NotAllowed, match="does not begin with NUL"):
            server.pipeline().names.check("\0log")
        assert not server.pipeline().is_channel("\0log")


@pytest.mark.parametrize("exclude", [["a", 1], [b"a"], {None}])
def test_ids_are_text(exclude):
    with pytest.raises(TypeError, match="exclude takes ids"):
        ids(exclude)


def test_what_channels_keep_is_remembered_of_some():
    with Server(Rooms, channels={"a*": {"history": 3}, "*": {"history": 5}}) as server:
        names = server.pipeline().names
        for _ in range(2):
            assert [names.kept(f"{letter}{number}").count for letter in "ab" for number in range(MAX_KNOWN)] == [
                *[3] * MAX_KNOWN, *[5] * MAX_KNOWN
            ]  # fmt: skip
        assert len(names._kept) <= MAX_KNOWN
