"""What programs on the bus want, done for the clients of this node."""

import json

import pytest

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio.bus import ChangeRoom, CloseRoom, Disconnect, Emit, Order
from filtered_websocket.filters.ws_emit.orders import carry_out
from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller, socket


def do(server: Server, *orders: Order) -> None:
    for order in orders:
        carry_out(server.pipeline(), order)


def sid(client: Client) -> str:
    return str(client.sid)  # type: ignore[attr-defined]


def test_an_event_goes_to_all_or_to_rooms_and_not_to_those_that_are_skipped(server: Server) -> None:
    ws, polling = socket(server), Poller(server)
    do(server, ChangeRoom(sid(ws), "a", True), ChangeRoom(polling.id, "a", True), ChangeRoom(polling.id, "b", True))
    do(
        server,
        Emit("all", ()),
        Emit("a", (1, [2]), ("a",)),
        Emit("once", (), ("a", "b")),
        Emit("others", (), None, (sid(ws),)),
        Emit("one", (), (sid(ws),)),
        Emit("none", (), ()),
    )
    assert ws.received() == ['42["all"]', '42["a",1,[2]]', '42["once"]', '42["one"]']
    assert polling.received() == ['42["all"]', '42["a",1,[2]]', '42["once"]', '42["others"]']


def test_a_room_is_entered_left_and_closed(server: Server) -> None:
    clients = [socket(server), socket(server)]
    do(server, *(ChangeRoom(sid(client), room, True) for client in clients for room in "ab"))
    do(server, ChangeRoom(sid(clients[0]), "a", False), Emit("a", (), ("a",)))
    assert [client.received() for client in clients] == [[], ['42["a"]']]
    do(server, CloseRoom("b"), Emit("b", (), ("b",)), Emit("a", (), ("a",)))
    assert [client.received() for client in clients] == [[], ['42["a"]']]
    assert all(client.is_open for client in clients)


def test_a_client_is_disconnected_from_the_namespace_and_told_so(server: Server) -> None:
    client, other = socket(server), socket(server)
    do(server, Disconnect(sid(client)), Emit("e", ()))
    assert client.received() == ["41"]
    assert other.received() == ['42["e"]']
    client.send("40")
    (answer,) = client.received()
    assert json.loads(answer[2:])["sid"]


@pytest.mark.parametrize(
    "order",
    [
        Emit("e", (), namespace="/other"),
        CloseRoom("a", "/other"),
        Disconnect("nobody"),
        ChangeRoom("nobody", "a", True),
        ChangeRoom("nobody", "a", False),
        CloseRoom("nowhere"),
        Emit("e", (), ("nowhere",)),
    ],
    ids=repr,
)
def test_orders_for_nobody_here_do_nothing(server: Server, order: Order) -> None:
    client = socket(server)
    do(server, ChangeRoom(sid(client), "a", True))
    do(server, order, Emit("after", (), ("a",)))
    assert client.received() == ['42["after"]']


def test_an_order_for_another_namespace_changes_nothing_here(server: Server) -> None:
    client = socket(server)
    do(server, Disconnect(sid(client), "/other"), ChangeRoom(sid(client), "a", True, "/other"), Emit("a", (), ("a",)))
    assert client.received() == []


def test_an_event_that_json_cannot_hold_is_malformed(server: Server) -> None:
    with pytest.raises(Malformed):
        do(server, Emit("e", (float("nan"),)))
