"""HTTP of the pack alone."""

from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, POLLING
from tests.filters.ws_emit.clients import ask


def test_other_paths_are_told_where_sessions_are() -> None:
    with Server(PACK) as server:
        elsewhere = ask(server, "GET", "/elsewhere")
        assert (elsewhere.status, elsewhere.text) == (404, "engineio is served at /engine.io/")
        assert ask(server, "GET", "/health/live").status == 200


def test_sessions_of_a_pipeline_are_behind_its_beginning() -> None:
    with Server(pipelines={"/live/*": [PACK]}) as server:
        assert ask(server, "GET", f"/live{POLLING}").status == 200
        assert ask(server, "GET", POLLING).status == 404
