"""All processes that share a storage object: what one asks, all answer; who does not is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.chain.deferreds import start
from filtered_websocket.errors import StorageAway
from filtered_websocket.server import cluster as module
from filtered_websocket.server.cluster import MEMBERS, TooManyQuestions
from filtered_websocket.testing.server import Server
from tests.support.serving import logged
from tests.support.steering import ask, nodes


def teach(servers: list[Server], what: str = "number") -> None:
    """Each answers its number."""
    for number, each in enumerate(servers):

        async def answer(values: Any, number: int = number) -> Any:
            return [number, values]

        each.server.cluster.answers[what] = answer


def test_all_answer_together_each_under_its_name() -> None:
    with nodes(3) as servers:
        teach(servers)
        for each in servers:
            answers = ask(each, "number", {"a": "é\0\n"})
            assert answers.by_process == {f"node{number}": [number, {"a": "é\0\n"}] for number in range(3)}
            assert answers.unanswered == []


def test_a_process_alone_asks_itself_and_nothing_goes_over_a_bus() -> None:
    with Server() as server:
        teach([server])
        assert list(ask(server, "number", {}).by_process.values()) == [[0, {}]]
        assert server.server.cluster.channels == frozenset()


def asked_late(servers: list[Server], seconds: float = 3.0) -> list[Any]:
    """What `number` is answered when its time is over."""
    answered: list[Any] = []
    start(servers[0].server.cluster.ask("number", {}, seconds)).addBoth(answered.append)
    servers[0].settle()
    assert not answered
    servers[0].advance(seconds - 0.1)
    assert not answered
    servers[0].advance(0.2)
    return answered


def test_one_that_does_not_answer_in_time_is_named() -> None:
    with nodes(3) as servers:
        teach(servers)
        del servers[1].server.cluster.answers["number"]
        (answers,) = asked_late(servers)
        assert sorted(answers.by_process) == ["node0", "node2"]
        assert answers.unanswered == ["node1"]


def test_one_that_has_died_is_named_until_its_lease_has_run_out() -> None:
    with nodes(2) as servers:
        teach(servers)
        storage = servers[0].storage_object
        servers[0].result(storage.join(MEMBERS, "dead", "dead", json.dumps({"name": "node9"})))
        (answers,) = asked_late(servers)
        assert answers.unanswered == ["node9"]
        servers[0].result(storage.leave(MEMBERS, "dead", "dead"))
        assert ask(servers[0], "number", {}).unanswered == []


def test_while_the_storage_object_is_away_it_says_that_the_others_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with nodes(2) as servers:
        teach(servers)

        def away(*_: Any, **__: Any) -> Any:
            raise StorageAway("away")

        monkeypatch.setattr(type(servers[0].storage_object), "ready", property(lambda self: False))
        answers = ask(servers[0], "number", {})
        assert list(answers.by_process) == ["node0"]
        assert answers.unanswered == ["all other processes: the storage object is away"]


def test_a_late_answer_and_one_to_nothing_are_not_taken() -> None:
    with nodes(2) as servers:
        asked = servers[0].server.cluster
        said = {"to": "nothing", "process": "p", "name": "n", "answer": 1}
        asked.consume(json.dumps(said).encode())
        assert asked._questions == {}


def test_only_so_many_questions_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ASKED", 2)
    with nodes(2) as servers:
        teach(servers)
        del servers[1].server.cluster.answers["number"]
        cluster = servers[0].server.cluster
        waiting = [start(cluster.ask("number", {})) for _ in range(2)]
        with pytest.raises(TooManyQuestions):
            servers[0].result(cluster.ask("number", {}))
        servers[0].advance(4)
        assert all(each.called for each in waiting)
        assert cluster._questions == {}


def test_consumer_filters_and_callbacks_of_packs_hear_nothing_of_it() -> None:
    with nodes(2) as servers:
        teach(servers)
        heard: list[Any] = []
        for each in servers:
            pipeline = each.pipeline()
            pipeline.consume = heard.append  # type: ignore[assignment]
            pipeline.member_left.append(lambda *told: heard.append(told))
            pipeline.member_returned.append(lambda *told: heard.append(told))
        ask(servers[0], "number", {})
        servers[0].server.member_left(MEMBERS, "x", "")
        servers[0].server.member_returned(MEMBERS, "x", "")
        assert heard == []


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda some: st.lists(some) | st.dictionaries(st.text(), some)
)
WORDS = st.sampled_from(["ask", "to", "tell", "from", "what", "values", "process", "name", "answer", "trace", "events"])


def test_whatever_comes_over_the_bus_does_no_harm() -> None:
    with nodes(2) as servers, logged():
        cluster = servers[0].server.cluster

        @given(st.binary() | st.dictionaries(WORDS, JSON | WORDS).map(lambda said: json.dumps(said).encode()))
        def hear(data: bytes) -> None:
            cluster.consume(data)

        hear()
        teach(servers)
        assert len(ask(servers[1], "number", {}).by_process) == 2
    for each in servers:
        _ = each.errors  # seen
