"""One client as a member of the namespace: its rooms, how it comes, goes, moves, and comes back."""

from collections.abc import Awaitable, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.speech import greeted
from filtered_websocket.filters.engineio.handover import Missed
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.recovery import kinds
from filtered_websocket.filters.socketio.recovery.claims import Claim
from filtered_websocket.filters.socketio.recovery.record import proof
from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.filters.socketio.recovery.restore import Refusal
from filtered_websocket.filters.socketio.recovery.standing import Standing
from filtered_websocket.filters.ws_emit import auth
from filtered_websocket.filters.ws_emit.namespace import Namespace
from filtered_websocket.messages.message import Message

OWN = "\0"
"""What the names of channels begin with that are no rooms of clients."""
EVERYBODY = f"{OWN}everybody"
"""The channel of all clients of a namespace."""

DISCONNECTED: Message = (b"41", False)


class Member:
    """It is in the namespace while `is_connected`.

    :ivar rooms: the channels of the hub that it is in; its session's subscriber may be in others
    :ivar standing: where it is in the log; None without recovery, or in no namespace
    :ivar coming: fires when it has come from another transport; None: it has
    """

    __slots__ = ("_namespace", "_session", "coming", "id", "is_connected", "pipeline", "rooms", "standing")

    def __init__(self, session: Session, namespace: Namespace) -> None:
        self._session, self._namespace = session, namespace
        self.id, self.pipeline = session.id, session.pipeline
        self.rooms: set[str] = set()
        self.is_connected = False
        self.standing: Standing | None = None
        self.coming: Deferred[None] | None = None

    def send(self, *messages: Message) -> None:
        """Send to this client alone, behind what was sent to its rooms before."""
        self._session.send(*messages)

    # Rooms: channels of this node's hub. What is emitted comes by the bus to every node, so rooms need no storage.

    def join(self, room: str) -> None:
        """Enter a room. One room too many, or one whose name is too long, is counted and not entered."""
        options = self.pipeline.options
        if room.startswith(OWN) or room in self.rooms:
            return
        if len(room) > options.max_channel_name or len(self.rooms) >= options.max_channels:
            self.pipeline.server.counters.count("refused", "ws_emit: too many rooms, or too long a name")
            return
        self._enter(room)

    def leave(self, room: str) -> None:
        """Leave a room. Among all a client stays, whatever it asks for."""
        if room != EVERYBODY and room in self.rooms:
            self._exit(room)

    def prove(self, space: str, secret: str) -> None:
        """It has given the secret of a roomspace."""
        if self.standing is not None:
            self.standing.prove(space, secret)

    def _enter(self, room: str) -> None:
        self.rooms.add(room)
        if self.standing is None:
            self.pipeline.hub.join(room, self._session.subscriber)
        else:
            kinds.enter(self.pipeline.hub, room, self._session.subscriber, self.standing.knows)
            self.standing.enter(room)

    def _exit(self, room: str) -> None:
        self.rooms.discard(room)
        if self.standing is None:
            self.pipeline.hub.leave(room, self._session.subscriber)
        else:
            kinds.leave(self.pipeline.hub, room, self._session.subscriber, self.standing.knows)
            self.standing.leave(room)

    # Connected to the namespace, and not.

    def opened(self) -> None:
        """With Engine.IO 3 a client is connected to ``/`` without asking."""
        if self._session.protocol == 3:
            self._connect()

    def _ask_in(self, said: Any) -> Awaitable[None] | None:
        """A client asks to be let in.

        :param said: what it says of itself
        """
        recovery = self._namespace.recovery
        if recovery is not None and not self.is_connected and isinstance(said, dict) and "pid" in said and self._knows:
            return self._come_back(recovery, said["pid"], said.get("offset"))
        self._connect()
        return None

    @property
    def _knows(self) -> bool:
        """Whether it gets offsets."""
        recovery, params = self._namespace.recovery, self._session.connection.request.params
        return recovery is not None and recovery.knows(params, self._session.protocol)

    def _connect(self) -> None:
        recovery, rooms = self._namespace.recovery, (EVERYBODY, self.id)
        if recovery is not None and self.standing is None:
            self.standing = recovery.begin(self.id, rooms, self, self._knows, own=(EVERYBODY,))
        self._greet()
        self._enter_all(rooms)

    def _greet(self) -> None:
        pid = "" if self.standing is None else self.standing.pid
        self.send(packets.connected(self.id, self._session.protocol, pid=pid))

    def _enter_all(self, rooms: Iterable[str]) -> None:
        self.is_connected = True
        self._namespace.sockets[self.id] = self
        if self.standing is not None:
            self._namespace.by_connection[self._session.subscriber.id] = self
        for room in rooms:
            self._enter(room)
        greeted(self._session.connection)

    def disconnect(self, final: bool = True) -> None:
        """Leave the namespace, and all rooms; the session stays.

        :param final: it cannot come back to this
        """
        self.is_connected = False
        sockets = self._namespace.sockets
        if sockets.get(self.id) is self:
            del sockets[self.id]
        if self.standing is not None:
            self._namespace.by_connection.pop(self._session.subscriber.id, None)
            self.standing.end(final)
        for room in tuple(self.rooms):
            self._exit(room)
        self.standing = None

    def put_out(self) -> None:
        """Have it leave, and tell it."""
        self.send(DISCONNECTED)
        self.disconnect()

    # It comes back.

    async def _come_back(self, recovery: Recovery, pid: Any, offset: Any) -> None:
        """Let it go on with an earlier session, or begin anew."""
        most = self.pipeline.options.max_channels
        claim = await recovery.claim(pid, offset, most)
        if isinstance(claim, Claim) and not await self._are_proofs_good(claim):
            recovery.drop(claim)
            claim = Refusal("secret")
        if self._session.ended:
            return
        resumed = claim if isinstance(claim, Refusal) else recovery.resume(claim, most, self)
        if isinstance(resumed, Refusal):
            recovery.count(resumed)
            self._connect()
            return
        recovery.count(None)
        self._stand(resumed.standing)
        self._greet()
        self._go_on(resumed.events)

    def _stand(self, standing: Standing) -> None:
        self.standing, self.id = standing, standing.record.sid
        self._namespace.has_returned = True

    async def _are_proofs_good(self, claim: Claim) -> bool:
        """Whether the secrets that it gave are still those of its rooms."""
        for space, given in claim.record.proofs.items():
            secret = await auth.secret_of(self.pipeline, space)
            if not secret or not auth.same(proof(claim.pid, secret), given):
                return False
        return True

    def _go_on(self, events: list[tuple[Message, ...]]) -> None:
        if self.standing is not None:
            if not self.standing.knows:
                events = [kinds.unstamp(each) for each in events]
            if events:
                self._session.send_together(tuple(message for event in events for message in event))
            self._enter_all(self.standing.record.rooms)

    def displaced(self) -> None:
        """Another connection has its session."""
        self.disconnect(final=False)
        self._session.gone()

    def values(self) -> dict[str, Any]:
        """There is nothing beside its rooms."""
        return {}

    # It moves to another transport, on another node maybe.

    def end(self) -> dict[str, Any]:
        """Its session ends; what another one has to know to go on."""
        state = {"connected": self.is_connected, "rooms": list(self.rooms)}
        if self._session.moves and self.standing is not None:
            state["standing"] = self.standing.hand_over()
        self.disconnect(final=False)
        return state

    def resume(self, state: dict[str, Any]) -> None:
        """Go on where another session has ended."""
        recovery = self._namespace.recovery
        if state["connected"] and recovery is not None and "standing" in state:
            self.coming = start(self._catch_up(recovery, state["standing"]))
            if self.coming.called:
                self.coming = None
        elif state["connected"]:
            self._enter_all(state["rooms"])

    async def _catch_up(self, recovery: Recovery, state: dict[str, Any]) -> None:
        resumed = await recovery.catch_up(state, self.pipeline.options.max_channels, self)
        self.coming = None
        if self._session.ended:
            return
        if isinstance(resumed, Refusal):
            recovery.count(resumed)
            self._session.close()
            return
        self._stand(resumed.standing)
        self._go_on(resumed.events)

    def catch_up(self, missed: Missed) -> None:
        """Send what it was to get of a publication that came while its session was moving."""
        if self.id not in missed.skip and not self.rooms.isdisjoint(missed.channels):
            self.send(*missed.messages)
