"""What Node's ``@socket.io/redis-emitter`` wants, done for the clients of this node; every node hears the same."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio import redis_emitter
from filtered_websocket.filters.socketio.audience import is_name
from filtered_websocket.filters.socketio.managers import PackOfManagers
from filtered_websocket.filters.socketio.operator import event_packet
from filtered_websocket.filters.socketio.options import ADDRESSING
from filtered_websocket.filters.socketio.redis_emitter import Change, Disconnection, Request
from filtered_websocket.filters.socketio.values import packed


class Emitters:
    """The programs on Node that emit to the clients of one pipeline.

    :param serve: has the filters of this node answer a ``serverSideEmit``
    """

    def __init__(self, pack: PackOfManagers, serve: Callable[[dict[str, Any]], Any]) -> None:
        self._pack, self._serve = pack, serve
        self._listened = set[str]()

    @property
    def _key(self) -> str:
        return str(self._pack.pipeline.options.socketio_node_channel)

    def listen(self) -> list[Deferred[Any]]:
        """Listen to what the option names now, if that is new."""
        key = self._key
        if not key or key in self._listened:
            return []
        self._listened.add(key)
        return [*map(self._pack.pipeline.storage_object.listen_to_all, redis_emitter.prefixes(key))]

    def consume(self, channel: str, data: bytes) -> None:
        """Do what a message on a channel says, if it is one of these. What cannot be read is counted."""
        pipeline = self._pack.pipeline
        if not self._key or not ADDRESSING.is_for(pipeline, None):
            return
        emissions, requests = redis_emitter.prefixes(self._key)
        try:
            if channel.startswith(emissions):
                self._emit(redis_emitter.decode_emission(channel.removeprefix(emissions), data))
            elif channel.startswith(requests):
                namespace = channel.removeprefix(requests).removesuffix("#")
                if is_name(namespace):
                    self._obey(redis_emitter.decode_request(namespace, data))
        except ValueError as error:
            pipeline.server.counters.count("dropped", "socketio: unreadable on the bus", str(error))

    def _emit(self, emission: redis_emitter.Emission | None) -> None:
        if emission is not None and is_name(emission.audience.namespace):
            packet = event_packet(emission.audience.namespace, emission.event, emission.arguments)
            self._pack.deliver(emission.audience, packet.messages(), emission.volatile)

    def _obey(self, request: Request | None) -> None:
        if isinstance(request, Disconnection):
            for socket in self._pack.sockets(request.audience):
                socket.disconnect(request.close)
        elif isinstance(request, Change):
            for socket in self._pack.sockets(request.audience):
                if request.enters:
                    try:
                        socket.join(*request.rooms)
                    except NotAllowed:
                        continue  # it is counted
                else:
                    socket.leave(*request.rooms)
        elif request is not None:
            packet = packed([request.event, *request.arguments])
            maybeDeferred(self._serve, {"namespace": request.namespace, "packet": packet}).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        self._pack.pipeline.server.counters.count("dropped", "socketio: a question of a node", repr(failure.value))
