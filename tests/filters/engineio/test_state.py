"""What the pack keeps for a pipeline."""

from filtered_websocket.filters.engineio.state import State
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, Session
from tests.support.shared_memory import SharedMemory


def test_alone_it_listens_to_nobody_and_with_others_to_what_they_say() -> None:
    with Server(PACK) as server:
        assert State.of(server.pipeline()).engine.nodes.heard == ()
    with Server(PACK, storage_object=SharedMemory()) as server:
        engine = State.of(server.pipeline()).engine
        assert [each.rpartition("::")[0] for each in engine.nodes.heard] == ["engineio::node", "engineio"]


def test_new_intervals_are_those_of_new_sessions() -> None:
    with Server(PACK) as server:
        Session(server)
        state = State.of(server.pipeline())
        before = state.engine.heartbeat
        state.engine.follow()
        assert state.engine.heartbeat is before
        pipeline = server.pipeline()
        pipeline.options = pipeline.options.overridden(
            {"engineio_ping_interval": (50.0, "a reload"), "engineio_path": ("/live/", "a reload")}
        )
        assert State.of(pipeline) is state
        assert state.engine.heartbeat is not before
        assert state.engine.path == "/live/"


def test_clients_that_poll_are_told_at_the_end() -> None:
    with Server(PACK) as server:
        client = Session(server)
        assert client.poller is not None
        get = client.poller.get()
        assert get.waits
        State.end(server.pipeline())
        assert get.text == "1"
