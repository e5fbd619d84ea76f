"""What programs with managers of python-socketio want, done for the clients here."""

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import WebSocketConsumerFilter
from filtered_websocket.filters.socketio import SocketIODisconnectFilter, managers
from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import PACK, Chat, Echo, Nodes, client, enter, socket_of, start, state
from tests.filters.ws_emit.clients import socket as opened

Serve = Callable[..., Server]
UNREADABLE = ("dropped", "socketio: unreadable on the bus")


def say(server: Server, method: str = "emit", channel: str = "socketio", **members: Any) -> None:
    """As a manager says it."""
    given = {"event": "e", "data": [], "binary": False} if method == "emit" else {}
    message = {"method": method, "namespace": "/", "host_id": "h"} | given | members
    server.result(server.storage_object.publish(channel, json.dumps(message)))


def listener(channel: str) -> tuple[type[WebSocketConsumerFilter], list[Any]]:
    """A filter that hears what goes back to managers on a channel, and what it has heard."""
    heard: list[Any] = []

    class Hear(WebSocketConsumerFilter):
        @classmethod
        def filter(cls, web_socket_instance: Any, data: Any) -> None:
            message = json.loads(data["data"])
            if data["channel"] == channel.encode() and message["method"] == "callback":
                heard.append(message)

    return Hear, heard


def test_an_event_goes_to_a_namespace_or_rooms_of_it_and_not_to_those_that_are_skipped(serve: Serve) -> None:
    server = serve(Echo, Chat)
    one, two, other = client(server, "/chat"), client(server, "/chat"), client(server)
    socket_of(server, one, "/chat").join("a", "b")
    socket_of(server, two, "/chat").join("b")
    socket_of(server, other).join("a")
    say(server, event="all", namespace="/chat")
    say(server, event="b", data=[1, [2]], room="b", namespace="/chat")
    say(server, event="once", room=["a", "b"], namespace="/chat", channel="flask-socketio")
    say(server, event="skip", skip_sid=sid(one), namespace="/chat")
    say(server, event="skip both", skip_sid=[sid(one), sid(two)], namespace="/chat")
    say(server, event="to it", room=sid(two), namespace="/chat")
    say(server, event="nobody", room=[], namespace="/chat")
    say(server, event="root")
    assert one.received() == ['42/chat,["all"]', '42/chat,["b",1,[2]]', '42/chat,["once"]']
    two_heard = ['42/chat,["all"]', '42/chat,["b",1,[2]]', '42/chat,["once"]', '42/chat,["skip"]', '42/chat,["to it"]']
    assert two.received() == two_heard
    assert other.received() == ['42["root"]']


def sid(made: Client) -> str:
    return str(made.sid)  # type: ignore[attr-defined]


def test_a_room_is_entered_left_and_closed_by_the_client_of_exactly_this_id(serve: Serve) -> None:
    server = serve(Chat)
    one, two = client(server, "/chat"), client(server, "/chat")
    socket_of(server, two, "/chat").join(sid(one))  # a room, to which the other's id is a name
    say(server, "enter_room", sid=sid(one), room="a", namespace="/chat")
    say(server, event="1", room="a", namespace="/chat")
    say(server, "enter_room", sid=sid(two), room="a", namespace="/chat")
    say(server, "leave_room", sid=sid(one), room="a", namespace="/chat")
    say(server, event="2", room="a", namespace="/chat")
    say(server, "close_room", room="a", namespace="/chat")
    say(server, event="3", room="a", namespace="/chat")
    say(server, "close_room", room=sid(one), namespace="/chat")
    say(server, event="4", room=sid(one), namespace="/chat")
    assert one.received() == ['42/chat,["1"]', '42/chat,["4"]']
    assert two.received() == ['42/chat,["2"]']


def test_one_room_too_many_is_counted_and_not_entered(serve: Serve) -> None:
    server = serve(socketio_max_rooms=1)
    made = client(server)
    say(server, "enter_room", sid=sid(made), room="a")
    say(server, "enter_room", sid=sid(made), room="b")
    assert socket_of(server, made).rooms == {sid(made), "a"}
    assert server.server.counters.totals["refused", "socketio_max_rooms"] == 1


def test_a_client_is_disconnected_from_the_namespace_and_its_filters_run(serve: Serve) -> None:
    reasons = []

    class Left(SocketIODisconnectFilter):
        namespace = "/chat"

        @classmethod
        def filter(cls, socket: Any, reason: str) -> None:
            reasons.append((socket.id, reason))

    server = serve(Chat, Left)
    made, other = client(server, "/chat"), client(server, "/chat")
    say(server, "disconnect", sid=sid(made), namespace="/chat")
    assert made.received() == ["41/chat,"]
    assert reasons == [(sid(made), "server namespace disconnect")]
    assert made.is_open
    assert other.received() == []


def test_acknowledgements_go_back_to_the_host_that_asks_for_them(serve: Serve) -> None:
    hear, heard = listener("flask-socketio")
    server = serve(Chat, hear)
    one, two = client(server, "/chat"), client(server, "/chat")
    say(
        server, event="ask", room=sid(one), callback=[sid(one), "/chat", 7], namespace="/chat", channel="flask-socketio"
    )
    (asked,) = one.received()
    assert isinstance(asked, str)
    number = asked.removeprefix("42/chat,").removesuffix('["ask"]')
    assert number.isdecimal()
    one.send(f'43/chat,{number}["yes",[1]]')
    one.send(f'43/chat,{number}["again"]')
    answer = {"method": "callback", "host_id": "h", "sid": sid(one), "namespace": "/chat", "id": 7}
    assert heard == [answer | {"args": ["yes", [1]]}]
    assert two.received() == []


def test_what_json_cannot_hold_of_an_acknowledgement_is_counted(serve: Serve) -> None:
    hear, heard = listener("socketio")
    server = serve(hear)
    made = client(server)
    say(server, room=sid(made), callback=[sid(made), "/", 1])
    number = str(made.received()[0])[2:].partition("[")[0]
    made.send(f'461-{number}[{{"_placeholder":true,"num":0}}]')
    made.send(b"x")
    assert heard == []
    assert server.server.counters.totals["dropped", "socketio: an acknowledgement for a manager"] == 1


def test_one_that_owes_too_many_acknowledgements_gets_the_event_all_the_same(serve: Serve) -> None:
    server = serve(socketio_max_acknowledgements=1)
    made, other = client(server), client(server)
    say(server, event="1", room=sid(made), callback=[sid(made), "/", 1])
    say(server, event="2", callback=["x", "/", 2])
    first, second = made.received()
    assert str(first).endswith('["1"]')
    assert str(first) != '42["1"]'
    assert second == '42["2"]'
    assert str(other.received()[0]) != '42["2"]'
    assert server.server.counters.totals["refused", "socketio_max_acknowledgements"] == 1


def test_nothing_is_kept_of_a_callback_when_its_client_goes_or_never_answers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managers, "CALLBACK_SECONDS", 5.0)
    server = serve()
    made, other = client(server), client(server)
    say(server, callback=["x", "/", 1])
    owed = state(server).acknowledgements.of
    assert [len(owed(sid(each))) for each in (made, other)] == [1, 1]
    made.abort()
    assert [len(owed(sid(each))) for each in (made, other)] == [0, 1]
    server.advance(5.1)
    assert owed(sid(other)) == []
    assert other.is_open


@pytest.mark.parametrize("callback", [5, [], ["x", "/", "1"], ["x", "/", True], [None, "/", 1], {"a": 1}, ["x", 1]])
def test_a_callback_that_is_none_takes_nothing_from_the_event(serve: Serve, callback: Any) -> None:
    server = serve()
    made = client(server)
    say(server, callback=callback)
    assert made.received() == ['42["e"]']


@pytest.mark.parametrize(
    ("method", "members"),
    [
        ("emit", {"namespace": "/chat,a"}),
        ("emit", {"namespace": "chat"}),
        ("emit", {"namespace": ""}),
        ("emit", {"namespace": "/nowhere", "callback": ["x", "/nowhere", 1]}),
        ("emit", {"room": "nowhere"}),
        ("emit", {"pipeline": "another"}),
        ("close_room", {"room": "nowhere", "namespace": "/nowhere"}),
        ("disconnect", {"sid": "nobody"}),
        ("enter_room", {"sid": "a", "room": "x", "namespace": "/chat"}),
        ("callback", {"sid": "a", "id": 1, "args": []}),
        ("dance", {}),
    ],
)
def test_orders_for_nobody_here_do_nothing(serve: Serve, method: str, members: Any) -> None:
    server = serve(Chat)
    made = client(server, "/chat")
    socket_of(server, made, "/chat").join("a")
    enter(made, "/")
    say(server, method, **members)
    say(server, event="after", room="a", namespace="/chat")
    assert made.received() == ['42/chat,["after"]']
    assert UNREADABLE not in server.server.counters.totals


@pytest.mark.parametrize(
    "data",
    [
        b"5",
        b"\xff",
        b'{"method":"emit"}',
        b'{"method":"emit","event":"disconnect"}',
        b'{"method":"emit","event":"e","namespace":5}',
        b'{"method":"emit","event":"e","room":{}}',
        pickle.dumps({"method": "emit", "event": "e", "data": None}),
    ],
)
def test_what_cannot_be_read_is_counted_and_the_next_is_carried_out(serve: Serve, data: bytes) -> None:
    server = serve()
    made = client(server)
    server.result(server.storage_object.publish("socketio", data))
    say(server, event="after")
    assert made.received() == ['42["after"]']
    assert server.server.counters.totals[UNREADABLE] == 1


def test_pickles_are_read_by_the_option(serve: Serve) -> None:
    server = serve(Chat, socketio_pickle=True)
    made = client(server, "/chat")
    order = {"method": "emit", "event": "e", "data": (1, b"x"), "namespace": "/chat"}
    server.result(server.storage_object.publish("socketio", pickle.dumps(order)))
    assert made.received() == ['451-/chat,["e",1,{"_placeholder":true,"num":0}]', b"x"]


def test_the_channels_are_those_of_the_option_and_a_reload_may_name_others(serve: Serve) -> None:
    server = serve(socketio_manager_channels=["mine"])
    made = client(server)
    say(server, event="no")
    say(server, event="1", channel="mine")
    pipeline = server.pipeline()
    pipeline.options = pipeline.options.overridden({"socketio_manager_channels": (["other"], "test")})
    say(server, event="no more", channel="mine")
    say(server, event="2", channel="other")
    assert made.received() == ['42["1"]', '42["2"]']


def test_every_node_does_it_for_its_own_clients(nodes: Callable[..., Nodes]) -> None:
    pair = nodes(Chat)
    one, two = client(pair.one, "/chat"), client(pair.two, "/chat")
    say(pair.one, event="e", namespace="/chat")
    say(pair.one, "enter_room", sid=sid(two), room="a", namespace="/chat")
    say(pair.one, event="a", room="a", namespace="/chat")
    pair.settle()
    assert one.received() == ['42/chat,["e"]']
    assert two.received() == ['42/chat,["e"]', '42/chat,["a"]']


def test_programs_emit_to_the_only_pipeline_or_to_the_one_that_is_named() -> None:
    pipelines = {"/a/*": [PACK], "/b/*": [PACK]}
    for chosen, heard in (("", [[], []]), ("/b/*", [[], ['42["e"]']])):
        with Server(pipelines=pipelines, socketio_pipeline=chosen, socketio_cors=["*"]) as server:
            clients = [opened(server, uri=f"{name}/socket.io/?EIO=4&transport=websocket") for name in ("/a", "/b")]
            say(server)
            assert [each.received() for each in clients] == heard


def test_a_pipeline_that_is_none_with_this_pack_is_refused() -> None:
    assembly = Assembly(["--pipelines", json.dumps({"/a/*": [PACK]}), "--socketio_pipeline", "/c/*"], {})
    assembly.load()
    with pytest.raises(ConfigError, match=r"socketio_pipeline: /c/\* is no pipeline with this pack; there is /a/\*"):
        assembly.options()


def test_it_can_be_switched_off() -> None:
    with start(socketio_manager_channels=[]) as server:
        made = client(server)
        say(server)
        say(server, channel="flask-socketio")
        assert made.received() == []
