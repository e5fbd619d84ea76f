"""Servers in memory whose connections are listed, ended and traced; and what their processes answer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from filtered_websocket.chain.running import Step
from filtered_websocket.filters.base import WebSocketHandshakeFilter, WebSocketMessageFilter
from filtered_websocket.messages.message import Message
from filtered_websocket.server.trace import TOGETHER_SECONDS
from filtered_websocket.testing.server import Server
from tests.support.shared_memory import SharedMemory

NOTHING = {"pipeline": None, "user": None, "channel": None, "address": None}
ALL = {"user": None, "id": None, "channel": None, "pipeline": None}
LISTED = NOTHING | {"sort": "id", "limit": 100, "after": None}


class Named(WebSocketHandshakeFilter):
    """The parameter `user` says whose a connection is, `id` what it is called."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        web_socket_instance.user = data.params.get("user", [None])[0]
        if "id" in data.params:
            web_socket_instance.id = data.params["id"][0]


class Spread(WebSocketMessageFilter):
    """``+room`` joins, ``room text`` publishes."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        text = data.decode()
        if text[0] == "+":
            return web_socket_instance.subscribe(text[1:])
        room, _, text = text.partition(" ")
        web_socket_instance.publish(room, text)
        return text


class Notes:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def received(self, payload: bytes | bytearray, binary: bool) -> None:
        self.told.append(("received", bytes(payload), binary))

    def sent(self, messages: Sequence[Message]) -> None:
        self.told += [("sent", *each) for each in messages]

    def calls(self, name: str, arguments: dict[str, Any]) -> None:
        self.told.append((name, *arguments.values()))

    def ended(self, code: int | None, reason: str | None) -> None:
        self.told.append(("ended", code, reason))

    def moved(self) -> None:
        self.told.append(("moved",))

    def running(self, event: str) -> AbstractContextManager[object]:
        return nullcontext()

    def chain(self, event: str, steps: Sequence[Step], about: dict[str, Any]) -> Sequence[Step]:
        self.told.append((event, *about.values()))
        return steps


@contextmanager
def nodes(count: int, *filters: Any, **options: Any) -> Iterator[list[Server]]:
    """Several processes that share a storage object."""
    storage = SharedMemory()
    made = [Server(*(filters or (Named, Spread)), storage_object=storage, **options) for _ in range(count)]
    entered: list[Server] = []
    try:
        for number, each in enumerate(made):
            each.server.cluster.name = f"node{number}"
            entered.append(each.__enter__())
        yield made
    finally:
        for each in reversed(entered):
            each.__exit__(None, None, None)


def ask(server: Server, what: str, values: Mapping[str, Any] = LISTED, seconds: float = 3.0) -> Any:
    """What all processes answer."""
    return server.result(server.server.cluster.ask(what, dict(values), seconds))


class Traced:
    """A trace, and what it has told."""

    def __init__(self, server: Server, number: str = "t", **values: str) -> None:
        self.server, self.number, self.events = server, number, list[dict[str, Any]]()
        server.server.tracing.listen(number, self.events.extend)
        self.values = ALL | values | {"trace": number, "asker": server.server.cluster.id}
        self.answers = ask(server, "trace", self.values)

    def told(self, *others: Server) -> list[tuple[str, ...]]:
        """What was told since this was last asked, as (what, filter or payload, ...)."""
        for each in (*others, self.server):
            each.advance(TOGETHER_SECONDS)
        events = list(self.events)
        self.events.clear()
        names = ("event", "filter", "payload", "channel", "raises", "gives", "code", "namespace", "name")
        return [(each["what"], *(str(each[name]) for name in names if each.get(name) is not None)) for each in events]

    def end(self) -> None:
        self.server.server.tracing.end_listening(self.number)
        self.server.settle()
