"""One client in one namespace: what filters get."""

from collections.abc import Collection, Iterable
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, fail

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.request import Request
from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio.acknowledgements import SECONDS, NoAnswer
from filtered_websocket.filters.socketio.audience import Audience, channel
from filtered_websocket.filters.socketio.interfaces import ClientOfSocket, Pack
from filtered_websocket.filters.socketio.operator import Operator, Rooms, event_packet, several
from filtered_websocket.filters.socketio.packets import is_event
from filtered_websocket.filters.socketio.recovery.items import Emit
from filtered_websocket.filters.socketio.recovery.standing import Standing
from filtered_websocket.filters.socketio.values import json_or
from filtered_websocket.filters.socketio.volatile import Volatile
from filtered_websocket.messages.message import Message


class Socket:
    """
    :ivar id: its name in the namespace, and that of a room in which it is alone
    :ivar namespace: the namespace's name
    :ivar event: the name of the event that is being handled; None otherwise
    :ivar auth: what the client said of itself, {} for nothing
    :ivar connected: whether it has been let in, and is still there
    :ivar ended: whether it has left, or was refused
    :ivar data: a dict for whatever belongs to it; what JSON can hold goes with it to another node
    :ivar user: the user's identity, as a connect filter may say; the same holds
    :ivar recovered: it was here before, and goes on: its id, rooms, data and user are the same, what it missed follows
    :ivar standing: where it is in the log; None without recovery, or on its way
    :ivar left: what it has of that on its way from another connection of its client
    """

    __slots__ = (
        "_client", "_data", "_held", "_pack", "_rooms", "_said", "auth", "connected", "ended", "event", "id", "left",
        "namespace", "recovered", "standing", "user",
    )  # fmt: skip

    def __init__(self, client: ClientOfSocket, pack: Pack, namespace: str, id: str, auth: Any) -> None:
        self._client, self._pack = client, pack
        self.namespace, self.id, self.auth = namespace, id, auth
        self.event: str | None = None
        self.user: Any = None
        self.connected = self.ended = self.recovered = False
        self.standing: Standing | None = None
        self.left: dict[str, Any] | None = None
        self._data: dict[str, Any] | None = None
        self._rooms: set[str] = {id}
        self._held: list[tuple[Message, ...]] = []
        self._said: Deferred[Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        if self._data is None:
            self._data = {}
        return self._data

    @data.setter
    def data(self, data: dict[str, Any]) -> None:
        self._data = data

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that it is in, its own among them; after its end those that it was in."""
        return frozenset(self._rooms)

    @property
    def connection(self) -> Connection:
        """Its connection, which other namespaces may share: a WebSocket, or a session that polls."""
        return self._client.connection

    @property
    def handshake(self) -> Request:
        """The request that its connection began with: headers, params, peer."""
        return self._client.connection.request

    # What it is sent.

    def emit(self, event: str, *arguments: Any) -> None:
        """Send it an event.

        :param arguments: JSON values, and bytes anywhere in them
        :raises ValueError: a reserved name, or what JSON cannot hold
        """
        messages = event_packet(self.namespace, event, arguments).messages()
        if self._is_logged:
            self._log(messages)
        else:
            self.send(*messages)

    @property
    def _is_logged(self) -> bool:
        """Whether what it is sent alone goes by the log, too."""
        return self.connected and self._client.knows

    def _log(self, messages: tuple[Message, ...]) -> None:
        if (recovery := self._pack.recovery) is not None:
            self._said = recovery.append(Emit((channel(self.namespace, self.id),), (), messages))

    def said(self) -> Deferred[Any] | None:
        """Fires when it was sent what it was sent alone by now; None: it was."""
        said, self._said = self._said, None
        recovery = self._pack.recovery
        return None if said is None or recovery is None else recovery.heard(said)

    def call(self, event: str, *arguments: Any, timeout: float = SECONDS) -> Deferred[list[Any]]:
        """Send it an event, and wait so many seconds for the acknowledgement.

        :returns: the list of the acknowledgement's arguments; fails with `NoAnswer`
        :raises NotAllowed: it owes too many (``socketio_max_acknowledgements``)
        :raises ValueError: a reserved name, or what JSON cannot hold
        """
        pack, packet = self._pack, event_packet(self.namespace, event, arguments)
        if self.ended:
            gone: Deferred[list[Any]] = fail(NoAnswer("the client has gone", clients=1))
            return pack.pipeline.server.counters.watch(gone, "socketio: call")
        number, most = pack.acknowledgements.new_number(), pack.pipeline.options.socketio_max_acknowledgements
        try:
            answer = pack.acknowledgements.expect(self.id, number, timeout, most)
        except NotAllowed as error:
            self._refuse(error.reason, str(error))
        self.send(*packet.messages(number))
        return pack.pipeline.server.counters.watch(answer, "socketio: call")

    def send(self, *messages: Message) -> None:
        """Send it packets, behind its admission if it is yet to be let in."""
        if self.connected:
            self._client.send(self.namespace, self.id, messages)
        elif not self.ended:
            self._held.append(messages)

    # Others.

    def to(self, *rooms: Rooms) -> Operator:
        """The clients in these rooms, itself left out."""
        return self._others.to(*rooms)

    def except_(self, *rooms: Rooms) -> Operator:
        """All clients but itself and those in these rooms."""
        return self._others.except_(*rooms)

    @property
    def broadcast(self) -> Operator:
        """All clients but itself."""
        return self._others

    @property
    def _others(self) -> Operator:
        return Operator(self._pack, Audience(self.namespace, (), (self.id,)))

    @property
    def volatile(self) -> Volatile:
        """As itself, but what it is sent is lost if something waits for it already."""
        return Volatile(self, self._client, self._pack)

    # Rooms.

    def join(self, *rooms: Rooms) -> None:
        """Enter rooms.

        :raises NotAllowed: too many (``socketio_max_rooms``), or too long a name (``max_channel_name``)
        """
        options = self._pack.pipeline.options
        for room in several(rooms):
            if room in self._rooms:
                continue
            if len(room) > options.max_channel_name:
                self._refuse("max_channel_name", f"a room's name has {options.max_channel_name} characters at most")
            if len(self._rooms) > options.socketio_max_rooms:  # its own does not count
                self._refuse("socketio_max_rooms", f"a client may be in {options.socketio_max_rooms} rooms")
            self._rooms.add(room)
            if self.connected:
                self._client.join(self, room)

    def _refuse(self, option: str, text: str) -> NoReturn:
        self._pack.pipeline.server.counters.count("refused", option, self.id)
        raise NotAllowed(option, text)

    def leave(self, *rooms: Rooms) -> None:
        """Leave rooms; one that it is not in, and its own, are passed over."""
        for room in several(rooms):
            if room in self._rooms and room != self.id:
                self._rooms.discard(room)
                if self.connected:
                    self._client.leave(self, room)

    def disconnect(self, close: bool = False) -> None:
        """Put it out of the namespace.

        :param close: end its connection too
        """
        self._client.disconnect(self, close)

    # What its client does with it.

    @property
    def channels(self) -> set[str]:
        """The channels of the hub that it is in: that of the namespace, and those of its rooms."""
        return {self.namespace, *(channel(self.namespace, room) for room in self._rooms)}

    def enter_all(self) -> None:
        """It is let in, or comes from another connection of its client."""
        for name in self.channels:
            self._client.enter(name)

    def exit_all(self) -> None:
        """It has left, or goes to another connection of its client."""
        for name in self.channels:
            self._client.exit(name)

    def send_held(self) -> None:
        """Send what it was sent before it was let in."""
        held, self._held = self._held, []
        for messages in held:
            if self._is_logged and is_event(messages):
                self._log(messages)
            else:
                self.send(*messages)

    def restore(self, rooms: Iterable[str], data: dict[str, Any], user: Any) -> None:
        """What it was on another node, or before it came back."""
        self._rooms, self._data, self.user = {self.id, *rooms}, data, user

    def stand(self, standing: Standing, before: Collection[str]) -> None:
        """It stands in the log again; what filters have done to its rooms meanwhile holds.

        :param before: the channels that it was in when it came
        """
        self.standing = standing
        for name in self.channels.difference(before):
            standing.enter(name)
        for name in set(before).difference(self.channels):
            standing.leave(name)
        begin = f"{self.namespace},"
        self._rooms = {name.removeprefix(begin) for name in standing.record.rooms if name.startswith(begin)}

    def hand_over(self) -> None:
        """It goes on with another connection of its client."""
        if self.standing is not None:
            self.left, self.standing = self.standing.hand_over(), None

    def displaced(self) -> None:
        self._client.displaced(self)

    def values(self) -> dict[str, Any]:
        return {"data": json_or(self.data, {}, self._pack), "user": json_or(self.user, None, self._pack)}
