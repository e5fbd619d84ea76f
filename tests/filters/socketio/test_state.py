"""What a pipeline keeps, and what a reload changes of it."""

from collections.abc import Callable
from typing import Any

from filtered_websocket.filters.socketio import SocketIOEventFilter
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Chat, Echo, client, state


class Say(SocketIOEventFilter):
    event = "echo"

    @classmethod
    def filter(cls, socket: Any, *arguments: Any) -> str:
        return "new"


def reload(server: Server, *filters: Any, **options: Any) -> None:
    """Have the pipeline run other filters, and follow other options, as a reload does."""
    pipeline = server.pipeline()
    pipeline.further = {SocketIOEventFilter: filters}
    pipeline.options = pipeline.options.overridden({name: (value, "test") for name, value in options.items()})


def test_clients_that_are_there_get_the_filters_of_a_reload(serve: Callable[..., Server]) -> None:
    server = serve(Echo, Chat)
    made, chat = client(server), client(server, "/chat")
    reload(server, Say, socketio_max_attachments=0)
    made.send('421["echo",1]')
    assert made.received() == ['431["new"]']
    # A namespace that no filter names any more takes no new clients. Those that are in it stay.
    assert chat.is_open
    other = client(server)
    other.send("40/chat")
    assert other.received() == ['44/chat,{"message":"Invalid namespace"}']
    made.send('451-["echo",{"_placeholder":true,"num":0}]')
    assert made.close_code == 1002


def test_nothing_is_left_of_clients_that_have_gone(serve: Callable[..., Server]) -> None:
    server = serve(Echo, Chat)
    made = [client(server), client(server, "/chat")]
    pack = state(server)
    assert set(pack.namespaces) == {"/", "/chat"}
    for each in made:
        each.abort()
    assert not pack.namespaces
    assert not server.pipeline().hub.channels
