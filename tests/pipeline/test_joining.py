"""Subscribers that join a channel without asking for anything that was before."""

import pytest

from filtered_websocket.errors import NotAllowed
from filtered_websocket.messages.recovery import Recovery
from filtered_websocket.testing.server import Server
from tests.pipeline.subscribers import Talks, part
from tests.support.missed import HeldHistory, Numbered
from tests.support.rooms import Rooms, counted

KEPT = {"x": {"history": 100}}


@pytest.fixture
def server():
    with Server(Rooms, channels=KEPT, max_channels=3) as server:
        yield server
        part(server)


@pytest.fixture
def news(server):
    news = Numbered(server)
    news.comes_back(last=0)  # the channel is followed
    news.publish(3)
    return news


def test_one_is_told_where_it_stands_and_hears_what_comes_behind(server, news):
    pack, told, pipeline = Talks(), [], server.pipeline()

    def answer(recovery):
        assert pack.heard == []
        told.append(recovery)
        pipeline.publish("x", "meanwhile")

    assert pipeline.join_now("x", pack, answer)
    assert told == [Recovery(False, "", news.at(3))]
    server.settle()
    assert (pack.heard, pack.channels) == (["meanwhile"], {"x"})


def test_what_was_published_before_in_this_turn_is_not_heard(server, news):
    pack, pipeline = Talks(), server.pipeline()
    pipeline.publish("x", "before")
    assert pipeline.join_now("x", pack, lambda recovery: None)
    pipeline.publish("x", "behind")
    server.settle()
    assert pack.heard == ["behind"]


def test_a_channel_without_history_has_no_position(server):
    server.connect().connection.subscribe("plain")
    told = []
    assert server.pipeline().join_now("plain", Talks(), told.append)
    assert told == [Recovery(False, "no history", None)]


def test_what_is_missing_later_is_told(server, news):
    pack, gaps, pipeline = Talks(), [], server.pipeline()
    assert pipeline.join_now("x", pack, lambda recovery: None, insufficient=gaps.append)
    pipeline.recoveries.gap("x", news.at(7))
    assert gaps == [news.at(7)]
    pipeline.unsubscribe("x", pack)
    pipeline.recoveries.gap("x", news.at(9))
    assert gaps == [news.at(7)]


def test_whoever_has_to_wait_does_not_join_now(server, news):
    pack, pipeline = Talks(), server.pipeline()
    assert not pipeline.join_now("nobody is there", pack, pytest.fail)
    assert pipeline.join_now("x", pack, lambda recovery: None)
    assert not pipeline.join_now("x", pack, pytest.fail)  # it is in it
    assert pack.channels == {"x"}


def test_nobody_joins_now_while_others_come_back():
    with Server(Rooms, channels=KEPT, storage_object=HeldHistory()) as server:
        news, pipeline = Numbered(server), server.pipeline()
        start = news.publish(3)._replace(offset=1)
        waits = pipeline.recover("x", Talks("one"), start)
        assert not pipeline.join_now("x", Talks("other"), pytest.fail)
        server.storage_object.go_on_to_the_end()
        assert server.result(waits).recovered
        part(server)


def test_one_that_may_not_is_refused_and_counted_once(server, news):
    pack, pipeline = Talks(), server.pipeline()
    pack.channels = {"a", "b", "c"}
    with pytest.raises(NotAllowed):
        pipeline.join_now("x", pack, pytest.fail)
    assert pack.id not in {each.id for each in pipeline.hub.subscribers("x")}
    assert counted(server)["refused: max_channels"] == 1


def test_an_answer_that_fails_leaves_it_where_it_was(server, news):
    pack, gaps, pipeline = Talks(), [], server.pipeline()

    def answer(recovery):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        pipeline.join_now("x", pack, answer, insufficient=gaps.append)
    news.publish()
    pipeline.recoveries.gap("x", news.at(7))
    server.settle()
    assert (pack.heard, pack.channels, gaps) == ([], set(), [])


def test_one_that_leaves_while_it_is_answered_is_not_in_it(server, news):
    pack, pipeline = Talks(), server.pipeline()
    assert pipeline.join_now("x", pack, lambda recovery: pipeline.unsubscribe("x", pack))
    news.publish()
    server.settle()
    assert (pack.heard, pack.channels) == ([], set())
