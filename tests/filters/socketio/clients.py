"""What the pack's tests begin and connect."""

import json
from contextlib import ExitStack
from typing import Any

from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter
from filtered_websocket.filters.socketio.operator import Namespace
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.state import State
from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import WEBSOCKET
from tests.filters.ws_emit.clients import socket as opened
from tests.support.shared_memory import SharedMemory

PACK = "filtered_websocket.filters.socketio"
OLD = WEBSOCKET.replace("EIO=4", "EIO=3")


def start(*filters: Any, **options: Any) -> Server:
    return Server(PACK, *filters, **{"socketio_cors": ["*"], **options})


def client(server: Server, namespace: str = "/", auth: Any = None) -> Client:
    """A client on a WebSocket that is in a namespace; `sid` is its id there."""
    made = opened(server, connect=False)
    enter(made, namespace, auth)
    return made


def enter(made: Client, namespace: str = "/", auth: Any = None) -> None:
    where = "" if namespace == "/" else f"{namespace},"
    made.send(f"40{where}{'' if auth is None else json.dumps(auth)}")
    (answer,) = made.received()
    assert isinstance(answer, str)
    assert answer.startswith(f'40{where}{{"sid":"'), answer
    made.sid = json.loads(answer.removeprefix(f"40{where}"))["sid"]  # type: ignore[attr-defined]


def state(server: Server) -> State:
    return State.of(server.pipeline())


def socket_of(server: Server, made: Client, namespace: str = "/") -> Socket:
    """What filters get for a client."""
    sockets = state(server).namespaces[namespace].sockets.values()
    return next(each for each in sockets if each.id == made.sid)  # type: ignore[attr-defined]


def of(server: Server, namespace: str = "/") -> Namespace:
    return Namespace(state(server), namespace)


class Echo(SocketIOEventFilter):
    """Acknowledges with what it gets."""

    event = "echo"

    @classmethod
    def filter(cls, socket: Socket, *arguments: Any) -> Any:
        return arguments


class Chat(SocketIOConnectFilter):
    """Makes /chat a namespace."""

    namespace = "/chat"


class Nodes:
    """Two nodes, on one clock each."""

    def __init__(self, stack: ExitStack, filters: Any, options: Any) -> None:
        storage = SharedMemory()
        self.one, self.two = (stack.enter_context(start(*filters, storage_object=storage, **options)) for _ in range(2))

    def settle(self) -> None:
        for _ in range(5):
            self.one.settle()
            self.two.settle()

    def advance(self, seconds: float) -> None:
        for server in (self.one, self.two):
            server.advance(seconds)
        self.settle()
