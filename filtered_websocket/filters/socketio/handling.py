"""How the chains of Socket.IO run for one client, and what becomes of it by that."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.chains import Chain, Chains, NamespaceChains, Occasion
from filtered_websocket.filters.socketio.interfaces import Pack
from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.messages.message import Message

_KNOWN = (Close, Reject, StopChain, NotAllowed, StorageAway, *CANCELLED)
_BELOW = __name__.rpartition(".")[0], "filtered_websocket.chain", "filtered_websocket.server.traced_chain"


class PackOfClients(Pack, Protocol):
    """What the pack keeps for one pipeline, as clients know it."""

    @property
    def chains(self) -> Chains: ...
    def follow_options(self) -> None:
        """Take what a reload has brought."""

    def goes_on(self, session: Session) -> None:
        """A client begins on this session, or goes on with it."""

    def joined(self, namespace: str, name: str, socket: Socket) -> bool:
        """A client is in a namespace here. False: there is no such namespace any more."""

    def left(self, namespace: str, name: str) -> NamespaceChains | None:
        """A client is not in a namespace here any more; the chains that it had."""

    def chains_here(self, namespace: str) -> NamespaceChains | None:
        """Those of a namespace that has clients here."""

    def moves(self, sid: str, client: Any) -> None:
        """A client is on its way to another session."""

    def moved(self, sid: str) -> Any:
        """The client whose session this was, if it was here."""

    def send_after(self, namespace: str, id: str, messages: Sequence[Message]) -> None:
        """Send to a client that has gone to another node."""


class Handling:
    """The part of a client that runs filters."""

    __slots__ = ("pack",)

    session: Session

    def __init__(self, pack: PackOfClients) -> None:
        self.pack = pack

    def _admitted(self, socket: Socket) -> None:
        """The connect filters have let it in."""
        raise NotImplementedError

    def _refused(self, socket: Socket, reason: str, data: Any) -> None:
        """A connect filter has not."""
        raise NotImplementedError

    @property
    def _is_gone(self) -> bool:
        """Whether there is no connection of its any more."""
        raise NotImplementedError

    def _close(self, code: int, reason: str) -> None:
        """End its connection, wherever it is now."""
        raise NotImplementedError

    def _run(
        self,
        chain: Chain,
        socket: Socket,
        arguments: Sequence[Any],
        done: Callable[[Any], Deferred[Any] | None],
        failed: Callable[[BaseException], None],
    ) -> Deferred[Any] | None:
        try:
            result = run(chain.steps, Occasion(socket, tuple(arguments)), None)
        except BaseException as error:
            failed(error)
            return None
        if not isinstance(result, Deferred):
            return done(result)
        pipeline = self.pack.pipeline
        limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor, pipeline.storage_object)
        return result.addCallbacks(done, lambda failure: failed(failure.value))

    # A client wants to be let in.

    def _ask_in(self, socket: Socket, chain: Chain) -> Deferred[Any] | None:
        return self._run(
            chain,
            socket,
            (socket.auth,),
            lambda _: self._let_in(socket),
            lambda error: self._not_admitted(socket, error),
        )

    def _let_in(self, socket: Socket) -> None:
        self._admitted(socket)

    def _not_admitted(self, socket: Socket, error: BaseException) -> None:
        if isinstance(error, StopChain):
            self._admitted(socket)
        elif isinstance(error, Reject):
            try:
                self._refused(socket, error.reason, error.data)
            except Malformed as fault:
                self._not_admitted(socket, fault)
        elif self._is_failure(error):
            self._refused(socket, "Internal Server Error", None)
        else:
            self._close_for(error)

    # Events.

    def _event(self, socket: Socket, packet: Packet) -> Deferred[Any] | None:
        chains, (said, *arguments) = self.pack.chains_here(socket.namespace), packet.data
        name = str(said)
        chain = None if chains is None else chains.events.of(name)
        if chain is None or not chain.steps:
            return None
        if len(arguments) < chain.least:
            self.pack.pipeline.server.counters.count("dropped", "socketio: an event with too few arguments", name)
            return None
        socket.event = name
        return self._run(
            chain,
            socket,
            arguments,
            lambda result: self._handled(socket, packet.id, result),
            lambda error: self._not_handled(socket, error),
        )

    def _handled(self, socket: Socket, number: int | None, result: Any) -> Deferred[Any] | None:
        socket.event = None
        if number is None or not socket.connected:
            return None
        settled = None if socket.standing is None else self._settled(socket)
        if settled is None:
            self._acknowledge(socket, number, result)
            return None
        return settled.addCallback(lambda _: self._acknowledge(socket, number, result))

    def _settled(self, socket: Socket) -> Deferred[Any] | None:
        """An acknowledgement comes behind what its handler has sent, and says that rooms are come back to."""
        waits = [socket.said(), None if socket.standing is None else socket.standing.settled()]
        found: list[Deferred[Any]] = [each for each in waits if each is not None and not each.called]
        # What waits is called off when the client goes: that is no failure that nobody has looked at.
        return DeferredList(found, consumeErrors=True) if found else None

    def _acknowledge(self, socket: Socket, number: int, result: Any) -> None:
        if not socket.connected:
            return
        arguments = () if result is None else result if isinstance(result, tuple) else (result,)
        try:
            packet = packets.encoded(packets.ACK, socket.namespace, list(arguments))
        except Malformed as error:
            self._not_handled(socket, error)
        else:
            socket.send(*packet.messages(number))

    def _not_handled(self, socket: Socket, error: BaseException) -> None:
        socket.event = None
        # The client stays after a failure: other namespaces share the connection, and all clients whose event meets one
        # fault would come back at once.
        if not self._is_failure(error) and not isinstance(error, StopChain):
            self._close_for(error)

    def _is_failure(self, error: BaseException) -> bool:
        if outcome(error, _KNOWN).failed:
            report(self.pack.pipeline.server.counters, error.with_traceback(of_users(error.__traceback__)))
            return True
        return False

    def _close_for(self, error: BaseException) -> None:
        if self._is_gone:
            return
        meant = outcome(error, _KNOWN)
        if meant.counted:
            self.pack.pipeline.server.counters.count("closed", meant.counted)
        self._close(meant.code or 1000, meant.reason)

    # The end.

    def _tell_left(self, socket: Socket, reason: str, chain: Chain) -> None:
        if chain.steps:
            self.pack.pipeline.server.ending(start(self._run_left(socket, reason, chain)))

    async def _run_left(self, socket: Socket, reason: str, chain: Chain) -> None:
        pipeline = self.pack.pipeline
        # One that fails keeps no other from what it has to do at the end.
        for step in chain.steps:
            try:
                result = run((step,), Occasion(socket, (reason,)), None)
                if isinstance(result, Deferred):
                    limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor)
                    await result
            except StopChain:
                return
            except BaseException as error:
                self._is_failure(error)


def of_users(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the first frame on that is not of this pack or below it, a traced step's included."""
    first = trace
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if not name.startswith(_BELOW):
            return trace
        trace = trace.tb_next
    return first
