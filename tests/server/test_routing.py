"""Which pipeline serves a path."""

import pytest

from filtered_websocket.filters.base import WebSocketConnectFilter
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.routing import MAX_KNOWN, MAX_KNOWN_PATH
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.support.rooms import Rooms

# Paths.


def test_the_longest_literal_beginning_wins_and_no_match_is_404():
    class Says(WebSocketConnectFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.sendMessage(web_socket_instance.pipeline.name)

    served = {"/app/*": [Says], "/app/admin /apps/*": [Says], "/app/a*": [Says], "/a*/deep": [Says]}
    with Server(pipelines=served) as server:
        for path, name in {
            "/app/x": "/app/*",
            "/app/admin": "/app/admin",
            "/app/admin2": "/app/a*",
            "/apps/x": "/app/admin",
            "/other/deep": None,
            "/abc/deep": "/a*/deep",
            "/app/a/deep": "/app/a*",
            "/": None,
            "/app": None,
            "/app/admin?x=1": "/app/admin",
        }.items():
            if name is None:
                with pytest.raises(Refused) as refused:
                    server.connect(path)
                assert refused.value.status == 404
            else:
                assert server.connect(path).received() == [name], path


def test_an_exact_path_wins_over_a_star_after_the_same_beginning():
    with Server(pipelines={"/a*": [Rooms], "/a": [Rooms]}) as server:
        assert server.pipeline("/a").name == "/a"
        assert server.pipeline("/ab").name == "/a*"


class Nothing(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data): ...


def test_paths_that_are_remembered_are_few_and_forgotten_when_pipelines_change(monkeypatch):
    with Server(pipelines={"/app/*": [Nothing], "/other": [Nothing]}) as server:
        routing = server.server
        for number in range(3 * MAX_KNOWN):
            assert routing.pipeline_for(f"/app/{number}").name == "/app/*"
            assert routing.pipeline_for(f"/none/{number}") is None
        assert len(routing._known) <= MAX_KNOWN
        before = len(routing._known)
        assert routing.pipeline_for("/app/" + "x" * MAX_KNOWN_PATH).name == "/app/*"
        assert len(routing._known) == before
        asked = []
        monkeypatch.setattr(Pipeline, "fit", lambda pipeline, path: asked.append(path) or ())
        assert routing.pipeline_for(f"/app/{3 * MAX_KNOWN - 1}").name == "/app/*"
        assert not asked
        routing.route()
        assert routing.pipeline_for("/app/1") is None
