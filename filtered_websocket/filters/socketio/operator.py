"""What can be done to an audience: the clients of a namespace, of some of its rooms, without those of others."""

from collections.abc import Coroutine, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.acknowledgements import SECONDS, NoAnswer
from filtered_websocket.filters.socketio.attachments import RESERVED
from filtered_websocket.filters.socketio.audience import Audience
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.values import pack_packet, packed, unpacked

NODES_SECONDS = 5.0
"""How long other nodes have to answer, if nothing is said."""

Rooms = str | Iterable[str]


def event_packet(namespace: str, event: str, arguments: Iterable[Any]) -> packets.Encoded:
    """An event as a packet.

    :raises ValueError: a reserved name, or what JSON cannot hold
    """
    if event in RESERVED:
        raise ValueError(f'"{event}" is a reserved event name')
    return packets.encoded(packets.EVENT, namespace, [event, *arguments])


def several(rooms: Iterable[Rooms]) -> tuple[str, ...]:
    """The names in what `to` and its like are given: names, and collections of names."""
    names: list[str] = []
    for each in rooms:
        names += (each,) if isinstance(each, str) else each
    return tuple(dict.fromkeys(names))


class Operator:
    """An audience that grows with ``to``, shrinks with ``except_``, and is emitted to. Each of them gives a new one."""

    __slots__ = ("_audience", "_local", "_pack", "_volatile")

    def __init__(self, pack: Pack, audience: Audience, volatile: bool = False, local: bool = False) -> None:
        self._pack, self._audience = pack, audience
        self._volatile, self._local = volatile, local

    def to(self, *rooms: Rooms) -> "Operator":
        """Those in these rooms too. A client's id is a room of its own."""
        audience = self._audience
        return self._with(audience._replace(rooms=several((audience.rooms, *rooms))))

    def except_(self, *rooms: Rooms) -> "Operator":
        """Without those in any of these rooms."""
        audience = self._audience
        return self._with(audience._replace(excepted=several((audience.excepted, *rooms))))

    @property
    def volatile(self) -> "Operator":
        """Clients for which something waits lose it."""
        return Operator(self._pack, self._audience, True, self._local)

    @property
    def local(self) -> "Operator":
        """On this node alone."""
        return Operator(self._pack, self._audience, self._volatile, True)

    def _with(self, audience: Audience) -> "Operator":
        return Operator(self._pack, audience, self._volatile, self._local)

    def _watched(self, coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        return self._pack.pipeline.server.counters.watch(start(coroutine), "socketio")

    def emit(self, event: str, *arguments: Any) -> Deferred[Any]:
        """Send an event.

        :param arguments: JSON values, and bytes anywhere in them
        :returns: fires when the bus has it; may be ignored
        :raises ValueError: a reserved name, or what JSON cannot hold
        """
        packet = event_packet(self._audience.namespace, event, arguments)
        return self._pack.emit(self._audience, packet, self._volatile, self._local)

    def call(self, event: str, *arguments: Any, timeout: float = SECONDS) -> Deferred[list[list[Any]]]:
        """Send an event, and wait for the acknowledgements of all.

        :param timeout: seconds
        :returns: for each client the list of the arguments; fails with `NoAnswer`, which has those that came
        :raises ValueError: a reserved name, or what JSON cannot hold
        """
        packet = event_packet(self._audience.namespace, event, arguments)
        return self._watched(self._call(packet, timeout))

    async def _call(self, packet: packets.Encoded, timeout: float) -> list[list[Any]]:
        answers = await self._pack.cluster.ask(
            "call", timeout + 1, audience=self._audience, packet=pack_packet(packet), within=timeout
        )
        given = [unpacked(each) for value in answers.values for each in value["given"]]
        silent = sum(value["silent"] for value in answers.values)
        if silent:
            raise NoAnswer(f"{silent} clients have not acknowledged", given, answers.missing, silent)
        return answers.complete(given)

    def fetch_sockets(self, timeout: float = NODES_SECONDS) -> "Deferred[list[RemoteSocket]]":
        """The clients meant, wherever they are.

        :returns: fails with `NoAnswer`, which has those of the nodes that have answered
        """
        return self._watched(self._fetch(timeout))

    async def _fetch(self, timeout: float) -> "list[RemoteSocket]":
        answers = await self._pack.cluster.ask("fetch", timeout, audience=self._audience)
        namespace = self._audience.namespace
        found = [RemoteSocket(self._pack, namespace, **each) for value in answers.values for each in value]
        return answers.complete(found)

    def sockets_join(self, *rooms: Rooms) -> Deferred[Any]:
        """Have the clients meant enter rooms, on all nodes."""
        return self._pack.change(self._audience, entered=several(rooms))

    def sockets_leave(self, *rooms: Rooms) -> Deferred[Any]:
        """Have the clients meant leave rooms, on all nodes."""
        return self._pack.change(self._audience, left=several(rooms))

    def disconnect_sockets(self, close: bool = False) -> Deferred[Any]:
        """Put the clients meant out of the namespace, on all nodes.

        :param close: end their connections too
        """
        return self._pack.put_out(self._audience, close)


class RemoteSocket:
    """A client as `fetch_sockets` tells of it: what it was then, and what can be done to it wherever it is.

    :ivar rooms: its own id among them
    :ivar node: the name of the node that has it
    """

    def __init__(
        self,
        pack: Pack,
        namespace: str,
        *,
        id: str,
        rooms: list[str],
        data: Any,
        user: Any,
        address: str,
        node: str,
    ) -> None:
        self.namespace, self.id, self.rooms, self.data, self.user = namespace, id, frozenset(rooms), data, user
        self.address, self.node = address, node
        self._itself = Operator(pack, Audience(namespace, (id,)))

    def emit(self, event: str, *arguments: Any) -> Deferred[Any]:
        """Send it an event."""
        return self._itself.emit(event, *arguments)

    async def call(self, event: str, *arguments: Any, timeout: float = SECONDS) -> list[Any]:
        """Send it an event, and wait for its acknowledgement: the list of the arguments."""
        answers = await self._itself.call(event, *arguments, timeout=timeout)
        if not answers:
            raise NoAnswer("the client has gone", clients=1)
        return answers[0]

    def join(self, *rooms: Rooms) -> Deferred[Any]:
        """Have it enter rooms."""
        return self._itself.sockets_join(*rooms)

    def leave(self, *rooms: Rooms) -> Deferred[Any]:
        """Have it leave rooms."""
        return self._itself.sockets_leave(*rooms)

    def disconnect(self, close: bool = False) -> Deferred[Any]:
        """Put it out of the namespace."""
        return self._itself.disconnect_sockets(close)


class Namespace(Operator):
    """A namespace as it is seen from outside handlers: all its clients on all nodes."""

    __slots__ = ()

    def __init__(self, pack: Pack, name: str) -> None:
        super().__init__(pack, Audience(name))

    @property
    def name(self) -> str:
        return self._audience.namespace

    def server_side_emit(self, event: str, *arguments: Any, timeout: float = NODES_SECONDS) -> Deferred[list[Any]]:
        """Have the `SocketIOServerFilter`s of all other nodes answer.

        :param arguments: JSON values, and bytes anywhere in them
        :returns: the list of the arguments of each node that has filters for it; fails with `NoAnswer`
        """
        event_packet(self.name, event, arguments)  # which raises what this may raise
        return self._watched(self._serve(packed([event, *arguments]), timeout))

    async def _serve(self, packet: list[Any], timeout: float) -> list[Any]:
        answers = await self._pack.cluster.ask("serve", timeout, True, namespace=self.name, packet=packet)
        return answers.complete([unpacked(each) for each in answers.values if each is not None])
