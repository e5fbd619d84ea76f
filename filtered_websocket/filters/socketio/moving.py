"""A client moves from one session to another, in an upgrade: within this process, or to another node."""

from typing import Any, cast

from twisted.internet.defer import Deferred, DeferredList

from filtered_websocket.filters.engineio.application import Application
from filtered_websocket.filters.engineio.handover import Missed
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import handed_over
from filtered_websocket.filters.socketio.attachments import Assembly
from filtered_websocket.filters.socketio.handling import Handling, PackOfClients
from filtered_websocket.filters.socketio.interfaces import ClientOfSocket
from filtered_websocket.filters.socketio.missed_order import MissedOrder
from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.turns import Turns
from filtered_websocket.messages.message import Message


class Moving(Handling):
    """The part of a client that knows which session carries it.

    :ivar session: that carries it now
    :ivar sockets: by namespace, those that are yet to be let in too
    """

    __slots__ = ("_assembly", "_elsewhere", "_held", "_is_away", "_turns", "session", "sockets")

    def __init__(self, session: Session, pack: PackOfClients) -> None:
        super().__init__(pack)
        self.session = session
        self.sockets: dict[str, Socket] = {}
        self._assembly = Assembly()
        self._turns = Turns(self._obey)
        self._is_away = False
        # What waits while it moves within this process, and the nodes that it owes acknowledgements.
        self._held: list[Message] = []
        self._elsewhere: dict[int, str] = {}

    def _obey(self, packet: Packet) -> Deferred[Any] | None:
        raise NotImplementedError

    def _watch(self) -> None:
        """It has to join a namespace in time."""
        raise NotImplementedError

    def _leave_all(self, reason: str) -> None:
        """It leaves its namespaces, without a word to the client."""
        raise NotImplementedError

    def _say_whose(self, socket: Socket) -> None:
        """The user that connect filters have named is the user of the connection."""
        if isinstance(socket.user, (str, int)) and not isinstance(socket.user, bool):
            self.session.connection.user = str(socket.user)

    def _move(self) -> dict[str, Any]:
        for socket in self.sockets.values():
            if socket.connected:
                socket.exit_all()
                self.pack.left(socket.namespace, self.session.id)
                socket.hand_over()
        self._is_away = True
        self._turns.hold()
        self.pack.moves(self.session.sid, self)
        if not self.pack.cluster.is_shared:
            return {}
        state = handed_over.of(self.sockets.values(), self._turns.waiting, self._assembly.unfinished, self.pack)
        return state | {"elsewhere": self._elsewhere}

    def gone_on(self) -> None:
        self.pack.moved(self.session.sid)
        self._turns.leave()

    def lost(self) -> None:
        self.pack.moved(self.session.sid)
        self._turns.stop()
        self._leave_all(self.session.reason)

    def resume(self, state: dict[str, Any]) -> None:
        former = self.pack.moved(self.session.sid)
        if isinstance(former, Moving):
            self.session.application = cast(Application, former)
            former.arrive(self.session)
            return
        for values in state["sockets"]:
            socket = Socket(cast(ClientOfSocket, self), self.pack, values["namespace"], values["id"], values["auth"])
            socket.restore(values["rooms"], values["data"], values["user"])
            socket.left = values["left"]
            self.sockets[socket.namespace] = socket
            self._say_whose(socket)
            self._elsewhere |= dict.fromkeys(values["owes"], state["node"])
            socket.connected = True
        self._elsewhere |= {int(number): node for number, node in state["elsewhere"].items()}
        if state["unfinished"] is not None:
            self._assembly.resume(*handed_over.unfinished(state["unfinished"]))
        self.arrive(self.session)
        for packet in handed_over.waiting(state["waiting"]):
            self._turns.take(packet, 0)

    def arrive(self, session: Session) -> None:
        """Go on with this session."""
        self.session = session
        self.pack.goes_on(session)
        self._is_away = False
        waits = []
        for name, socket in self.sockets.items():
            if socket.connected and self.pack.joined(name, session.id, socket):
                waits.append(self._enter(socket))
        if not any(socket.connected for socket in self.sockets.values()):
            self._watch()
        held, self._held = self._held, []
        if held:
            session.send(*held)
        if under_way := [each for each in waits if each is not None and not each.called]:
            DeferredList(under_way).addCallback(lambda _: self._turns.go_on())
        else:
            self._turns.go_on()

    def _enter(self, socket: Socket) -> Deferred[Any] | None:
        """Put it into its rooms, where it has missed what was emitted on the way; a Deferred if that takes time."""
        socket.enter_all()
        return None

    def catch_up(self, missed: Missed | MissedOrder) -> None:
        for socket in tuple(self.sockets.values()):
            channels = socket.channels
            if not socket.connected or not channels.isdisjoint(missed.skip) or channels.isdisjoint(missed.channels):
                continue
            if isinstance(missed, MissedOrder):
                missed.do(socket)
            else:
                self.session.send(*missed.messages)
                return
