"""What the pack keeps for one pipeline."""

import pytest

from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.ws_emit.state import State
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Poller, emit, socket
from tests.support.shared_memory import SharedMemory


@pytest.mark.parametrize(("storage", "more"), [(StorageObject, 0), (SharedMemory, 2)])
def test_a_node_hears_programs_and_where_there_are_others_those_too(storage: type[StorageObject], more: int) -> None:
    given = storage()
    with Server(PACK, storage_object=given) as server:
        state = State.of(server.pipeline())
        heard = {channel for channel in given._listening if not channel.startswith("fws process")}
        assert heard == {bus.CHANNEL, *state.engine.nodes.heard}
        assert len(state.engine.nodes.heard) == more
        assert state.listening.called


def test_options_are_those_that_stand_now() -> None:
    with Server(PACK, ws_emit_cors=["http://a.example"], ws_emit_polling_buffer=1024) as server:
        pipeline = server.pipeline()
        options = State.of(pipeline).engine.options
        assert (options.eio3, options.cors, options.polling_buffer) == (False, ["http://a.example"], 1024)
        # As a reload does it.
        pipeline.options = pipeline.options.replace(ws_emit_eio3=True, ws_emit_polling_buffer=2048)
        assert (options.eio3, options.polling_buffer) == (True, 2048)


def test_each_pipeline_has_clients_and_sessions_of_its_own() -> None:
    with Server(pipelines={"/a/*": {"filters": [PACK], "ws_emit_secret": "1"}, "/b/*": [PACK]}) as server:
        client = socket(server, uri="/a/socket.io/?EIO=4&transport=websocket")
        states = [State.of(server.pipeline(path)) for path in ("/a/", "/b/")]
        assert [len(state.namespace.sockets) for state in states] == [1, 0]
        assert states[0].engine is not states[1].engine
        client.close()


def test_at_the_end_those_that_poll_are_told_and_nothing_is_left() -> None:
    with Server(PACK, ws_emit_secret="1") as server:
        client, waits = Poller(server), Poller(server)
        get = waits.get()
        emit(server, event="e", secret="1")
        assert get.text == '42["e"]'
        get = waits.get()
        State.end(server.pipeline())
        assert get.text == "1"
        assert client.get().status in (200, 400)
        assert not State.of(server.pipeline()).engine.polling
