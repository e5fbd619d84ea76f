"""What a process answers of its connections and channels."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.server import inspection, slices
from filtered_websocket.testing.server import Server
from tests.support.steering import LISTED, NOTHING, Named, Spread, ask, nodes

ENDING = NOTHING | {"code": 4001, "reason": "bye"}


def rows(server: Server, **values: Any) -> list[dict[str, Any]]:
    """The rows of all processes."""
    answers = ask(server, "connections", LISTED | values).by_process.values()
    found = sorted((each for answer in answers for each in answer["rows"]), key=lambda each: each[0])
    return [row for _, row in found]


def ids(server: Server, **values: Any) -> list[str]:
    return [row["id"] for row in rows(server, **values)]


def test_a_row_says_what_there_is_to_know() -> None:
    with Server(Named, Spread) as server:
        client = server.connect("/chat?user=ann&id=a&token=secret")
        for each in ("+b", "+a", "b hello"):
            client.send(each)
        server.advance(5)
        (row,) = rows(server)
        assert row["counted_for"] == 0, "messages are counted from the first look on"
        client.send("b hello")
        server.advance(2)
        (row,) = rows(server)
        per_second = row.pop("per_second")
        assert row == {
            "id": "a", "user": "ann", "pipeline": "*", "address": "127.0.0.1", "path": "/chat", "age": 7.0,
            "transport": "websocket", "waiting": 0, "channels": ["a", "b"], "channel_count": 2, "bytes_in": None,
            "bytes_out": None, "messages_in": 1, "messages_out": 1, "counted_for": 2.0,
        }  # fmt: skip
        assert per_second == {"messages_in": 0.5, "messages_out": 0.5}
        (whole,) = ask(server, "connection", NOTHING | {"id": "a"}).by_process.popitem()[1]
        assert (whole["origin"], whole["user_agent"], whole["protocol"]) == (None, None, None)


def test_filters_leave_what_fits() -> None:
    with nodes(2, pipelines={"/x": [Named, Spread]}) as servers:
        clients = {
            name: servers[node].connect(f"{path}?user={user}&id={name}")
            for name, node, path, user in (
                ("a", 0, "/", "ann"), ("b", 0, "/", "bob"), ("c", 1, "/", "ann"), ("d", 1, "/x", "ann"),
            )
        }  # fmt: skip
        for each in ("b", "c"):
            clients[each].send("+room")
        for server in servers:
            assert ids(server) == ["a", "b", "c", "d"]
            assert ids(server, user="ann") == ["a", "c", "d"]
            assert ids(server, channel="room") == ["b", "c"]
            assert ids(server, channel="room", user="ann") == ["c"]
            assert ids(server, pipeline="/x") == ["d"]
            assert ids(server, pipeline="*") == ["a", "b", "c"]
            assert ids(server, address="127.0.0.1") == ["a", "b", "c", "d"]
            assert ids(server, address="10.0.0.1") == ids(server, user="") == ids(server, pipeline="/y") == []


def test_pages_hold_each_once_also_while_others_come_and_go() -> None:
    with Server(Named, Spread) as server:
        for number in range(25):
            server.connect(f"/?id={number:02}&user={number % 3}")
            server.advance(0.25)
        for sort in ("id", "user", "address", "oldest", "newest", "waiting"):
            seen, after = list[str](), None
            while True:
                (answer,) = ask(
                    server, "connections", LISTED | {"limit": 4, "sort": sort, "after": after}
                ).by_process.values()
                if not answer["rows"]:
                    break
                assert answer["total"] == 25
                assert answer["behind"] == 25 - len(seen)
                seen += [row["id"] for _, row in answer["rows"]]
                after = answer["rows"][-1][0]
            assert sorted(seen) == [f"{number:02}" for number in range(25)], sort
            if sort in ("id", "oldest"):
                assert seen == sorted(seen)
            if sort == "newest":
                assert seen == sorted(seen, reverse=True)


def test_a_long_list_is_looked_through_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(slices, "AT_ONCE", 10)
    monkeypatch.setattr(inspection, "AT_ONCE", 10)
    with Server(Named, Spread) as server:
        clients = [server.connect(f"/?id={number:03}") for number in range(100)]
        turns: list[int] = []

        def turn() -> None:
            turns.append(len(server.pipeline().users))
            if len(turns) == 3:
                clients[0].close()
            if len(turns) < 8:
                server.reactor.callLater(0, turn)

        asked: Deferred[Any] = start(server.server.inspection.connections(LISTED | {"limit": 10}))
        assert not asked.called
        server.reactor.callLater(0, turn)
        assert server.result(asked)["total"] in (99, 100)
        assert len(turns) >= 8, "others had their turns in between"


def test_connections_are_ended_by_what_they_are_and_no_others() -> None:
    with nodes(2) as servers:
        clients = [
            servers[number % 2].connect(f"/?user={'ann' if number < 3 else 'bob'}&id={number}") for number in range(5)
        ]
        clients[3].send("+room")
        assert ask(servers[0], "end", ENDING | {"user": "ann"}).by_process == {"node0": 2, "node1": 1}
        for each in servers:
            each.settle()
        assert [each.close_code for each in clients] == [4001, 4001, 4001, None, None]
        assert clients[0].close_reason == "bye"
        assert sum(ask(servers[0], "end", ENDING | {"channel": "room"}).by_process.values()) == 1
        assert sum(ask(servers[1], "end", ENDING | {"id": "4"}).by_process.values()) == 1
        assert sum(ask(servers[1], "end", ENDING | {"id": "4"}).by_process.values()) == 0
        totals = [each.server.counters.totals["closed", "by an operator"] for each in servers]
        assert sum(totals) == 5
