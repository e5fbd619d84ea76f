"""Channels that clients come back to, and storage whose history answers late."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.messages.publication import Position
from filtered_websocket.messages.recovery import Recovery
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server


class Numbered:
    """A server, and a channel of it to which ``1``, ``2``, ... are published."""

    def __init__(self, server: Server, channel: str = "x") -> None:
        self.server, self.channel, self.published = server, channel, 0

    def publish(self, count: int = 1) -> Position:
        for _ in range(count):
            self.published += 1
            self.server.result(self.server.pipeline().publish(self.channel, str(self.published)))
        return self.server.result(self.server.storage_object.position(self.channel))

    def at(self, offset: int) -> Position:
        return self.publish(0)._replace(offset=offset)

    def numbers(self, first: int, last: int | None = None) -> list[str]:
        return [str(number) for number in range(first, (last or self.published) + 1)]

    def comes_back(self, since: Position | None = None, **how: Any) -> tuple[Any, Recovery]:
        client = self.server.connect()
        return client, self.server.result(client.connection.subscribe(self.channel, since, **how))


class HeldHistory(StorageObject):
    """Reads of history are answered when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[Deferred[Any]] = []

    def _held(self, answer: Deferred[Any]) -> Deferred[Any]:
        held: Deferred[Any] = Deferred()
        self.reads.append(held)
        return held.addCallback(lambda _: answer)

    def latest(self, channel, skip, count):
        return self._held(super().latest(channel, skip, count))

    def since(self, *about, **how):
        return self._held(super().since(*about, **how))

    def go_on(self) -> None:
        reads, self.reads = self.reads, []
        for each in reads:
            each.callback(None)

    def stop(self) -> Deferred[None]:
        self.go_on_to_the_end()
        return super().stop()

    def go_on_to_the_end(self) -> None:
        while self.reads:
            self.go_on()
