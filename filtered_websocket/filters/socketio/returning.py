"""A client goes on after it was away: with an earlier session, or on another transport."""

from typing import Any, cast

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.audience import channel
from filtered_websocket.filters.socketio.chains import NamespaceChains
from filtered_websocket.filters.socketio.handling import PackOfClients
from filtered_websocket.filters.socketio.interfaces import ClientOfSocket
from filtered_websocket.filters.socketio.reaching import Reaching
from filtered_websocket.filters.socketio.recovery import kinds
from filtered_websocket.filters.socketio.recovery.claims import Claim, Resumed
from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.filters.socketio.recovery.restore import Refusal
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.messages.message import Message

BESIDES = 2
"""Channels of a client beside its rooms: that of all of its namespace, and its own."""


class Returning(Reaching):
    """The part of a client that knows what it was."""

    __slots__ = ("_claims",)

    def __init__(self, session: Session, pack: PackOfClients) -> None:
        super().__init__(session, pack)
        # Those that connect filters are asked about: by namespace.
        self._claims: dict[str, Claim] = {}

    def _new_socket(self, namespace: str, auth: Any) -> Socket:
        raise NotImplementedError

    @property
    def _most(self) -> int:
        most: int = self.pack.pipeline.options.socketio_max_rooms
        return most + BESIDES

    def _ask_for(self, namespace: str, chains: NamespaceChains, auth: Any) -> Deferred[Any] | None:
        """Have connect filters judge it, as what it was if it says so."""
        recovery = self.pack.recovery
        if recovery is not None and isinstance(auth, dict) and "pid" in auth and self.knows:
            return start(self._come_back(recovery, namespace, chains, auth))
        return self._ask_in(self._new_socket(namespace, auth), chains.connect)

    async def _come_back(self, recovery: Recovery, namespace: str, chains: NamespaceChains, auth: Any) -> None:
        claim = await recovery.claim(auth["pid"], auth.get("offset"), self._most)
        if isinstance(claim, Claim) and namespace not in claim.rooms:
            claim = Refusal("no record")  # it is one of another namespace
        if self.session.ended:
            return
        if isinstance(claim, Claim):
            socket = self.sockets[namespace] = Socket(
                cast(ClientOfSocket, self), self.pack, namespace, claim.record.sid, auth
            )
            begin, values = f"{namespace},", claim.record.values
            rooms = [name.removeprefix(begin) for name in claim.rooms if name.startswith(begin)]
            socket.restore(rooms, values.get("data") or {}, values.get("user"))
            socket.recovered = True
            self._claims[namespace] = claim
            judged = self._ask_in(socket, chains.connect)
            if judged is not None:
                await judged
            if self._claims.pop(namespace, None) is not None or socket.recovered:
                return  # it is in, or was refused, or has gone
        else:
            recovery.count(claim)
        if not self.session.ended:
            judged = self._ask_in(self._new_socket(namespace, auth), chains.connect)
            if judged is not None:
                await judged

    def _resume(self, socket: Socket, claim: Claim, recovery: Recovery) -> Resumed | None:
        """It goes on; None: too much has happened while connect filters were asked, so it begins anew."""
        resumed = recovery.resume(claim, self._most, socket)
        recovery.count(resumed if isinstance(resumed, Refusal) else None)
        if isinstance(resumed, Refusal):
            socket.recovered, socket.ended = False, True
            del self.sockets[socket.namespace]
            return None
        socket.stand(resumed.standing, claim.rooms)
        return resumed

    def _connected(self, socket: Socket) -> bool:
        """Tell it that it is in, and what it has missed; False: it begins anew."""
        claim, recovery = self._claims.pop(socket.namespace, None), self.pack.recovery
        events: list[tuple[Message, ...]] = []
        if recovery is not None and claim is not None:
            resumed = self._resume(socket, claim, recovery)
            if resumed is None:
                return False
            events = resumed.events
        elif recovery is not None:
            socket.standing = recovery.begin(
                socket.id,
                socket.channels,
                socket,
                self.knows,
                own=(socket.namespace, channel(socket.namespace, socket.id)),
            )
        socket.connected = True
        pid = "" if socket.standing is None else socket.standing.pid
        answer = packets.connected(socket.id, self.session.protocol, socket.namespace, pid)
        self._send_all(socket, ((answer,), *events))
        return True

    def _send_all(self, socket: Socket, groups: tuple[tuple[Message, ...], ...]) -> None:
        messages = tuple(message for group in groups for message in group)
        if len(groups) > 1 and not self._is_away:
            self.session.send_together(messages)
        elif messages:
            socket.send(*messages)

    def displaced(self, socket: Socket) -> None:
        """Another connection has the session of a socket: the others of this one go the same way."""
        self._leave(socket, "transport close")
        self.session.gone()

    # On another transport.

    def _enter(self, socket: Socket) -> Deferred[Any] | None:
        recovery, left = self.pack.recovery, socket.left
        if recovery is None or left is None:
            return super()._enter(socket)
        socket.left = None
        return start(self._follow(socket, recovery, left))

    async def _follow(self, socket: Socket, recovery: Recovery, left: dict[str, Any]) -> None:
        before, session = socket.channels, self.session
        resumed = await recovery.catch_up(left, self._most, socket)
        if socket.ended or self.session is not session:
            return
        if isinstance(resumed, Refusal):
            recovery.count(resumed)
            session.close()
            return
        socket.stand(resumed.standing, before)
        knows = resumed.standing.knows
        self._send_all(socket, tuple(each if knows else kinds.unstamp(each) for each in resumed.events))
        super()._enter(socket)
