"""What arrives: the consumer chain, its order while a filter waits, and its failures."""

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.errors import Close, StopChain
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline import consumer
from filtered_websocket.testing.server import Server
from tests.support import rooms
from tests.support.rooms import Consumes, Rooms, consuming, counted, members, publish
from tests.support.serving import logged


def test_a_publication_is_delivered_as_the_consumer_chain_leaves_it(consumes):
    with consuming() as (server, a):
        for result, received in (
            (None, "original"),
            ("text", "text"),
            (b"\xff", b"\xff"),
            (b"ascii", b"ascii"),
            (bytearray(b"ascii"), b"ascii"),
            (Publication("x", ((b"1", False), (b"2", False))), None),
        ):
            consumes(lambda pipeline, item, result=result: result)
            publish(server, "original")
            assert a.received() == (["1", "2"] if received is None else [received])


def test_a_publication_of_which_the_chain_leaves_nothing_that_could_be_sent_is_delivered_and_the_filter_named(consumes):
    async def later(pipeline, item):
        return {"payload": item.payload}

    with consuming() as (server, a), logged() as lines:
        for function in (lambda pipeline, item: 5, later):
            consumes(function)
            publish(server, "original")
            assert a.received() == ["original"]
        assert counted(server) == {"failed: result of a consumer filter": 2}
    (line,) = [each for each in lines if "result of a consumer filter" in each]
    assert "rooms.Consumes.filter (" in line
    assert "returned int, and text, bytes or a Publication is wanted" in line


def test_a_bus_message_goes_through_every_pipeline_and_nowhere_by_itself(consumes):
    with Server(Rooms, Consumes, pipelines={"/x": [Rooms, Consumes]}) as server:
        a = members(server, "x")
        item = {"type": "message", "pattern": None, "channel": b"x", "data": b"hi"}
        server.put(item)
        assert Consumes.items == [item, item]
        assert a.received() == []


@pytest.mark.parametrize("error", [StopChain(), ValueError("x"), Close(4000, "x")])
def test_what_a_consumer_filter_ends_or_fails_is_dropped_and_the_next_is_consumed(consumes, error):
    def does(pipeline, item):
        if item.payload == b"bad":
            raise error

    async def does_later(pipeline, item):
        does(pipeline, item)

    for function in (does, does_later):
        with consuming() as (server, a):
            consumes(function)
            publish(server, "good", "bad", "fine")
            assert a.received() == ["good", "fine"]
            if isinstance(error, StopChain):
                assert counted(server) == {}
            else:
                assert counted(server) == {"dropped: a consumer filter failed": 1}
                assert f"{__name__}.".partition(".")[0] in "".join(server.errors)


def test_a_result_that_cannot_be_sent_is_dropped_and_counted(consumes):
    with consuming() as (server, a):
        consumes(lambda pipeline, item: "\ud800")
        publish(server, "bad")
        consumes(None)
        publish(server, "good")
        assert a.received() == ["good"]
        assert counted(server) == {"dropped: a consumer filter failed": 1}
        assert "surrogates not allowed" in "".join(server.errors)


def test_an_async_consumer_filter_keeps_the_order_of_what_it_waits_for_and_what_follows(consumes):
    gates = {}

    async def waits(pipeline, item):
        if item.payload.startswith(b"slow"):
            gates[item.payload] = Deferred()
            return await gates[item.payload]
        return None

    with consuming() as (server, a):
        consumes(waits)
        publish(server, "1", "slow 2", "3", "slow 4", "5", "slow 6")
        assert a.received() == ["1"]
        gates[b"slow 2"].callback("two")
        assert a.received() == ["two", "3"]
        gates[b"slow 4"].callback(None)
        assert a.received() == ["slow 4", "5"]
        publish(server, "7")
        assert a.received() == []
        gates[b"slow 6"].errback(ValueError("six"))
        assert a.received() == ["7"]
        assert counted(server) == {"dropped: a consumer filter failed": 1}
        assert "six" in "".join(server.errors)
        publish(server, "8")
        assert a.received() == ["8"]


def test_what_a_consumer_filter_publishes_while_others_wait_queues_behind_them(consumes):
    gate = Deferred()

    async def echoes(pipeline, item):
        if item.payload == b"1":
            await gate
        if item.payload in (b"1", b"2"):
            pipeline.publish("x", item.payload + b" echoed")

    with consuming() as (server, a):
        consumes(echoes)
        publish(server, "1", "2", "3")
        gate.callback(None)
        assert a.received() == ["1", "2", "3", "1 echoed", "2 echoed"]


def test_the_queue_before_an_async_consumer_filter_is_bounded_and_drops_are_counted(consumes, monkeypatch):
    monkeypatch.setattr(consumer, "MAX_WAITING_ITEMS", 3)
    gate = Deferred()

    async def waits(pipeline, item):
        if item.payload == b"0":
            await gate

    with consuming() as (server, a):
        consumes(waits)
        publish(server, *map(str, range(7)))
        gate.callback(None)
        assert a.received() == ["0", "1", "2", "3"]
        assert counted(server) == {"dropped: consumer filters too slow": 3}


def test_what_finds_no_room_in_the_queue_is_a_gap_of_its_channel(consumes, monkeypatch):
    monkeypatch.setattr(consumer, "MAX_WAITING_ITEMS", 3)
    gate, gaps = Deferred(), []

    async def waits(pipeline, item):
        if item.payload == b"0":
            await gate

    with consuming() as (server, _):
        consumes(waits)
        server.pipeline().gaps.append(lambda *gap: gaps.append(gap))
        for number in range(7):
            server.pipeline().consume(
                Publication("room", ((b"%d" % number, False),), position=Position("e", number + 1))
            )
        assert gaps == []
        gate.callback(None)
        assert gaps == [("room", Position("e", 7))]


def test_a_long_queue_of_async_filters_that_need_not_wait_is_no_recursion(consumes):
    gate = Deferred()

    async def waits(pipeline, item):
        if item.payload == b"0":
            await gate

    with consuming() as (server, a):
        consumes(waits)
        publish(server, *map(str, range(5000)))
        gate.callback(None)
        assert a.received() == [str(number) for number in range(5000)]


def test_a_consumer_filter_that_hangs_is_ended_after_its_time(consumes):
    async def hangs(pipeline, item):
        if item.payload == b"bad":
            await Deferred()

    with consuming(filter_timeout=5, ping_interval=0) as (server, a):
        consumes(hangs)
        publish(server, "bad", "good")
        server.advance(4)
        assert a.received() == []
        server.advance(2)
        assert a.received() == ["good"]
        assert counted(server) == {"dropped: a consumer filter failed": 1}
        (trace,) = server.errors
        # The filter returned what another function had made: its definition stands in front.
        assert trace.splitlines()[1].strip().startswith(f'File "{rooms.__file__}"')
        assert f'File "{__file__}"' in trace
        assert "in hangs\n    await Deferred()" in trace
        assert "TimeoutError: the filter took longer than 5 s (filter_timeout)" in trace


def test_what_waits_for_a_consumer_filter_when_the_server_ends_is_dropped_and_counted(consumes):
    never = Deferred()
    consumes(lambda pipeline, item: never)
    with consuming() as (server, _):
        for text in ("waits", "behind it", "behind both"):
            publish(server, text)
    assert counted(server) == {"dropped: filters took longer than the stop": 3}
    assert never.called
    assert server.reactor.getDelayedCalls() == []
