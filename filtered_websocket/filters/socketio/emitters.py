"""What Node's ``@socket.io/redis-emitter`` wants, done for the clients of this node; every node hears the same."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio import logged, redis_emitter
from filtered_websocket.filters.socketio.audience import is_name
from filtered_websocket.filters.socketio.managers import PackOfManagers
from filtered_websocket.filters.socketio.operator import event_packet
from filtered_websocket.filters.socketio.options import ADDRESSING
from filtered_websocket.filters.socketio.recovery import items
from filtered_websocket.filters.socketio.redis_emitter import Change, Disconnection, Request, ServerEvent
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
        stream, item = next((each for each in (emissions, requests) if channel.startswith(each)), None), None
        if stream is None:
            return
        try:
            if stream == emissions:
                item = self._emit(redis_emitter.decode_emission(channel.removeprefix(emissions), data))
            elif is_name(namespace := channel.removeprefix(requests).removesuffix("#")):
                item = self._obey(redis_emitter.decode_request(namespace, data))
        except ValueError as error:
            pipeline.server.counters.count("dropped", "socketio: unreadable on the bus", str(error))
        if self._pack.recovery is not None:
            self._pack.recovery.said(stream, item)

    def _emit(self, emission: redis_emitter.Emission | None) -> items.Item | None:
        """Do it, or give what is to be done by all nodes."""
        if emission is None or not is_name(emission.audience.namespace):
            return None
        audience = emission.audience
        messages = event_packet(audience.namespace, emission.event, emission.arguments).messages()
        if self._pack.recovery is not None and not emission.volatile:
            return items.Emit(audience.channels, audience.excepted_channels, messages)
        self._pack.deliver(audience, messages, emission.volatile)
        return None

    def _obey(self, request: Request | None) -> items.Item | None:
        if isinstance(request, ServerEvent):
            packet = packed([request.event, *request.arguments])
            maybeDeferred(self._serve, {"namespace": request.namespace, "packet": packet}).addErrback(self._failed)
        elif request is not None and self._pack.recovery is not None:
            return _item_of(request)
        elif request is not None:
            self._carry_out(request)
        return None

    def _carry_out(self, request: Change | Disconnection) -> None:
        if isinstance(request, Disconnection):
            for socket in self._pack.sockets(request.audience):
                socket.disconnect(request.close)
        else:
            for socket in self._pack.sockets(request.audience):
                if request.enters:
                    try:
                        socket.join(*request.rooms)
                    except NotAllowed:
                        continue  # it is counted
                else:
                    socket.leave(*request.rooms)

    def _failed(self, failure: Failure) -> None:
        self._pack.pipeline.server.counters.count("dropped", "socketio: a question of a node", repr(failure.value))


def _item_of(request: Change | Disconnection) -> items.Item:
    if isinstance(request, Disconnection):
        audience = request.audience
        return items.Disconnect(audience.channels, audience.excepted_channels, "", request.close)
    entered, left = (request.rooms, ()) if request.enters else ((), request.rooms)
    return logged.change(request.audience, entered, left)
