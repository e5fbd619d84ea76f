"""What clients may ask for: join and leave."""

import json
from typing import Any

import pytest

from filtered_websocket.filters.ws_emit.client_requests import obey
from filtered_websocket.filters.ws_emit.member import EVERYBODY
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller


def socket_of(server: Server, client: Poller) -> Any:
    """The client in the namespace."""
    return server.pipeline().ws_emit.namespace.sockets[client.id]  # type: ignore[attr-defined]


def rooms(socket: Any) -> set[str]:
    """Those it has asked for."""
    return set(socket.rooms) - {EVERYBODY, socket.id}


def test_a_client_joins_and_leaves_the_room_it_names(server: Server) -> None:
    socket = socket_of(server, Poller(server))
    assert obey(socket, ["join", {"room": "a"}]) is None
    assert obey(socket, ["join", {"room": "b", "more": 1}, "more"]) is None
    assert rooms(socket) == {"a", "b"}
    assert obey(socket, ["leave", {"room": "a"}]) is None
    assert obey(socket, ["leave", {"room": "nowhere"}]) is None
    assert rooms(socket) == {"b"}


@pytest.mark.parametrize(
    "data",
    [
        [],
        ["join"],
        ["join", None],
        ["join", "a"],
        ["join", ["a"]],
        ["join", {}],
        ["join", {"room": None}],
        ["join", {"room": 1}],
        ["join", {"room": ["a"]}],
        ["enter", {"room": "a"}],
        [["join"], {"room": "a"}],
        [{"join": 1}, {"room": "a"}],
        [None, {"room": "a"}],
    ],
    ids=json.dumps,
)
def test_whatever_is_no_such_request_is_ignored(server: Server, data: list[Any]) -> None:
    socket = socket_of(server, Poller(server))
    assert obey(socket, data) is None
    assert rooms(socket) == set()


def test_a_room_of_a_space_is_joined_when_its_secret_has_been_looked_up(server: Server) -> None:
    socket = socket_of(server, Poller(server))
    for secret in ("pass", "wrong"):
        joined = obey(socket, ["join", {"room": f"private::{secret}", "secret": secret}])
        assert joined is not None
        server.result(joined)
    assert rooms(socket) == {"private::pass"}
    assert obey(socket, ["leave", {"room": "private::pass"}]) is None
    assert rooms(socket) == set()


def test_a_client_that_has_gone_while_its_secret_was_looked_up_joins_nothing(server: Server) -> None:
    client = Poller(server)
    socket = socket_of(server, client)
    joined = obey(socket, ["join", {"room": "private::a", "secret": "pass"}])
    client.post("41")
    server.result(joined)
    assert not server.pipeline().hub.channels
