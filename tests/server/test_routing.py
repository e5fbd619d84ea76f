"""Which pipeline serves a path."""

import pytest

from filtered_websocket.filters.base import WebSocketConnectFilter
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
