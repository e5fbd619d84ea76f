"""All that waits in a pipeline for clients that poll."""

import json
import tracemalloc

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, emit
from tests.filters.ws_emit.pollers import OLD, joined, told


def test_all_that_waits_has_a_limit_where_the_sessions_go_first_for_which_most_waits() -> None:
    with Server(PACK, ws_emit_polling_buffer=100_000) as server:
        clients = [Poller(server) for _ in range(3)]
        assert clients[0].post(*['420["x"]'] * 100).text == "ok"
        assert clients[1].post(*['420["x"]'] * 250).text == "ok"
        assert clients[2].post(*['420["x"]'] * 100).text == "ok"
        assert [each.get().status for each in clients] == [200, 400, 200]
        assert server.server.counters.totals["closed", "slow client"] == 1
        assert clients[0].post(*['420["x"]'] * 100).text == "ok"  # what was taken has made room


def test_a_crowd_that_never_polls_makes_room_in_little_work_and_leaves_nothing_behind() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_polling_buffer=1_000_000) as server:
        polls = joined(server)
        crowd = [Poller(server, connect=False) for _ in range(400)]
        for client in crowd:
            client.post("40")
        for number in range(30):
            get = polls.get()
            told(server, [number, "x" * 100])
            emit(server, event="all", data="x" * 100, secret="1")
            assert json.loads(get.text.split("\x1e")[0][2:])[1][0] == number
            while len(get.text.split("\x1e")) < 2 and '"all"' not in polls.get().text:
                pass
        engine = server.pipeline().ws_emit.engine
        assert len(engine.polling) < 400
        assert server.server.counters.totals["closed", "slow client"] == 401 - len(engine.polling)
        for session in list(engine.polling.values()):
            session.gone()
        assert (engine.waiting._size, dict(engine.waiting._holders), engine.waiting._shared) == (0, {}, {})
        assert not server.server.admission.sessions


def test_what_waits_for_many_counts_once_and_is_held_once() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_eio3=True, ws_emit_polling_buffer=2_000_000) as server:
        clients = [joined(server) for _ in range(20)]
        old = [Poller(server, connect=False, uri=f"{OLD}&b64={number % 2}") for number in range(10)]
        data = {"method": "emit", "event": "e", "data": [[{"_placeholder": True, "num": 0}, "x" * 900_000], "Af8="]}
        tracemalloc.start()
        try:
            for event in (data | {"binary": True}, data | {"data": "x" * 900_000}):
                server.result(server.storage_object.publish("flask-socketio", json.dumps(event)))
            answers = [each.get().response for _ in range(2) for each in (*clients, *old)]
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()
        assert {each.status for each in answers} == {200}
        # One body for each event and each way to write it, of which Engine.IO 3 has two.
        assert len({id(each.body) for each in answers}) == 6
        assert server.server.counters.totals["closed", "slow client"] == 0


def test_an_event_larger_than_all_that_may_wait_passes() -> None:
    with Server(PACK, ws_emit_secret="1", ws_emit_polling_buffer=1024) as server:
        client = joined(server)
        told(server, "x" * 500_000)
        assert client.received() == [f'42["e","{"x" * 500_000}"]']
