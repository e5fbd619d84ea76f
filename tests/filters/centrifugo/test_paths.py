import pytest

from filtered_websocket.filters.centrifugo.paths import is_at
from tests.filters.centrifugo.clients import CENTRIFUGO, connected, serving


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/connection/websocket", True), ("/live/connection/websocket", True), ("/live/x/connection/websocket", False),
        ("/live/connection/websocket/", False), ("/live", False), ("/live/", False),
    ],
)  # fmt: skip
def test_the_path_stands_behind_what_the_pipeline_fixes(path, served):
    with serving(pipelines={"/live/*": {"filters": [CENTRIFUGO], "centrifugo_allow_anonymous": True}}) as server:
        assert is_at(server.pipeline("/live/"), path, "/connection/websocket") == served
        client = connected(server, path="/live/connection/websocket")
        assert client.result["client"]
