"""What nodes ask of one another, done for the clients of this one."""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.outcomes import report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.errors import NotAllowed, StopChain
from filtered_websocket.filters.socketio.asking import ask
from filtered_websocket.filters.socketio.audience import Audience
from filtered_websocket.filters.socketio.chains import Chains, Occasion
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.missed_order import MissedOrder
from filtered_websocket.filters.socketio.operator import Namespace
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.values import json_or, packed, unpack_packet, unpacked
from filtered_websocket.messages.message import Message as Sent

Message = dict[str, Any]


class PackOfOrders(Pack, Protocol):
    """What the pack keeps for one pipeline, as orders know it."""

    @property
    def chains(self) -> Chains: ...
    def follow_options(self) -> None: ...
    def sockets(self, audience: Audience) -> list[Socket]: ...
    def deliver(self, audience: Audience, messages: tuple[Sent, ...], volatile: bool = False) -> None: ...
    def deliver_as_is(self, audience: Audience, messages: tuple[Sent, ...]) -> None: ...
    def missed(self, order: MissedOrder) -> None:
        """Have an order done for clients that are on their way here."""


class Orders:
    """
    :ivar orders: what is done, by its name in a message
    :ivar questions: what is answered
    """

    def __init__(self, pack: PackOfOrders) -> None:
        self._pack = pack
        self.orders = {
            "emit": self._emit,
            "send": self._send,
            "join": self._join,
            "leave": self._leave,
            "disconnect": self._disconnect,
            "acknowledged": self._acknowledged,
        }
        self.questions = {"fetch": self._fetch, "call": self._call, "serve": self._serve}

    def _sockets(self, message: Message) -> list[Socket]:
        return self._pack.sockets(_audience(message))

    def _emit(self, message: Message) -> None:
        self._pack.deliver(_audience(message), unpack_packet(message["packet"]).messages(), message["volatile"])

    def _send(self, message: Message) -> None:
        self._pack.deliver_as_is(_audience(message), unpack_packet(message["packet"]).messages())

    def _join(self, message: Message) -> None:
        def join(socket: Socket) -> None:
            try:
                socket.join(*message["rooms"])
            except NotAllowed:
                pass  # it is counted

        self._do(message, join)

    def _leave(self, message: Message) -> None:
        self._do(message, lambda socket: socket.leave(*message["rooms"]))

    def _disconnect(self, message: Message) -> None:
        self._do(message, lambda socket: socket.disconnect(message["close"]))

    def _do(self, message: Message, do: Callable[[Socket], object]) -> None:
        """Do it for the clients here, and those that are on their way here."""
        audience = _audience(message)
        for socket in self._pack.sockets(audience):
            do(socket)
        self._pack.missed(MissedOrder(audience.channels, audience.excepted_channels, do))

    def _acknowledged(self, message: Message) -> None:
        self._pack.acknowledgements.given(message["socket"], message["number"], unpacked(message["arguments"]))

    def _fetch(self, message: Message) -> list[Message]:
        return [
            {
                "id": socket.id,
                "rooms": list(socket.rooms),
                "data": json_or(socket.data, {}, self._pack),
                "user": json_or(socket.user, None, self._pack),
                "address": socket.handshake.peer,
                "node": self._pack.cluster.name,
            }
            for socket in self._sockets(message)
        ]

    def _call(self, message: Message) -> Deferred[Message]:
        return start(self._ask_clients(message))

    async def _ask_clients(self, message: Message) -> Message:
        sockets = self._sockets(message)
        asked = ask(self._pack, sockets, unpack_packet(message["packet"]), message["within"])
        results = await DeferredList(asked.values(), consumeErrors=True)
        given = [packed(value) for is_given, value in results if is_given]
        return {"given": given, "silent": len(sockets) - len(given)}

    async def _answer_server(self, message: Message) -> list[Any] | None:
        pack = self._pack
        pack.follow_options()
        chains = pack.chains.of(message["namespace"])
        name, *arguments = unpacked(message["packet"])
        chain = None if chains is None else chains.server.of(name)
        if chain is None or not chain.steps or len(arguments) < chain.least:
            return None
        try:
            result = run(chain.steps, Occasion(Namespace(pack, message["namespace"]), arguments), None)
            if isinstance(result, Deferred):
                limit_time(result, pack.pipeline.options.filter_timeout, pack.pipeline.server.reactor)
                result = await result
        except StopChain:
            return None
        except BaseException as error:
            report(pack.pipeline.server.counters, error)
            raise
        return packed([] if result is None else list(result) if isinstance(result, tuple) else [result])

    def _serve(self, message: Message) -> Deferred[list[Any] | None]:
        return start(self._answer_server(message))


def _audience(message: Message) -> Audience:
    namespace, rooms, excepted = message["audience"]
    return Audience(namespace, tuple(rooms), tuple(excepted))
