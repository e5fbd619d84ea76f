"""What the pack keeps for one pipeline: `pipeline.socketio`, put there by its start filter."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.chain.speech import greeted
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.handover import Missed
from filtered_websocket.filters.engineio.options import PackOptions
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.socketio import logged
from filtered_websocket.filters.socketio.acknowledgements import Acknowledgements
from filtered_websocket.filters.socketio.audience import Audience, Hub
from filtered_websocket.filters.socketio.chains import Chains, NamespaceChains
from filtered_websocket.filters.socketio.client import Client
from filtered_websocket.filters.socketio.cluster import Cluster
from filtered_websocket.filters.socketio.emitters import Emitters
from filtered_websocket.filters.socketio.local import LocalNamespace
from filtered_websocket.filters.socketio.managers import Managers
from filtered_websocket.filters.socketio.missed_order import MissedOrder
from filtered_websocket.filters.socketio.observed import look
from filtered_websocket.filters.socketio.orders import Orders
from filtered_websocket.filters.socketio.packets import Encoded
from filtered_websocket.filters.socketio.recovery import items
from filtered_websocket.filters.socketio.recovery.kinds import BothKinds
from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.filters.socketio.recovery.window import Entry
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.values import pack_packet
from filtered_websocket.messages.message import Message


class State(PackState):
    """
    :ivar engine: the Engine.IO sessions of this node, and the other nodes
    :ivar namespaces: those that have clients here
    :ivar chains: of the pipeline's filters
    :ivar managers: programs that emit on the bus
    :ivar emitters: those on Node
    :ivar recovery: None where it is off
    :ivar listening: fires when this node hears the others
    """

    attribute = "socketio"

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.chains = Chains(pipeline.further)
        self.recovery: Recovery | None = None
        self._rooms: Hub = pipeline.hub
        if pipeline.options.socketio_recovery:
            self.recovery, self._rooms = Recovery(pipeline, "socketio", self._carry_out), BothKinds(pipeline.hub)
        self.namespaces: dict[str, LocalNamespace] = {}
        self.acknowledgements = Acknowledgements(pipeline.server.reactor)
        self._moving: dict[str, Client] = {}
        self._orders = Orders(self)
        self.cluster = Cluster(pipeline, self._orders.orders, self._orders.questions)
        self.managers = Managers(self)
        self.emitters = Emitters(self, self._orders.questions["serve"])
        options = PackOptions(pipeline, "socketio")
        self.engine = Engine(pipeline, options.path, options, lambda session: Client(session, self))
        pipeline.looked_at.append(look)
        storage = pipeline.storage_object
        self.listening: Deferred[Any] = gatherResults(
            [
                *map(storage.listen, self.engine.nodes.heard),
                *self.cluster.begin(),
                *self.managers.listen(),
                *self.emitters.listen(),
            ],
            consumeErrors=True,
        )

    def begin(self) -> Deferred[Any]:
        """Hear what is to be done here; fires when it does."""
        heard = [self.listening] if self.recovery is None else [self.listening, *self.recovery.listen()]
        return gatherResults(heard, consumeErrors=True)

    def follow(self, options: Options) -> None:
        self.engine.path = options.socketio_path
        self.engine.follow()
        self.chains = Chains(self.pipeline.further)
        self.managers.listen()
        self.emitters.listen()
        if self.recovery is not None:
            self.recovery.follow()
        for name, local in self.namespaces.items():
            # Its clients stay, though no filter may name it any more.
            local.chains = self.chains.of(name) or Chains({}).of("/") or local.chains

    def follow_options(self) -> None:
        """Take what a reload has brought."""
        if self.options is not self.pipeline.options:
            State.of(self.pipeline)

    def stop(self) -> None:
        """Tell the clients that poll to come again, to another node maybe."""
        self.engine.stop()
        self.acknowledgements.stop()
        self.cluster.stop()
        if self.recovery is not None:
            self.recovery.stop()

    # Clients here.

    def goes_on(self, session: Session) -> None:
        """A client begins on this session, or goes on with it."""
        look(session.connection)

    def joined(self, namespace: str, name: str, socket: Socket) -> bool:
        """A client is in a namespace here.

        :param name: what it is called in the hub
        :returns: False: there is no such namespace any more
        """
        local = self.namespaces.get(namespace)
        if local is None:
            chains = self.chains.of(namespace)
            if chains is None:
                return False
            local = self.namespaces[namespace] = LocalNamespace(chains)
        local.sockets[name] = socket
        if namespace == "/":
            greeted(socket.connection)
        return True

    def left(self, namespace: str, name: str) -> NamespaceChains | None:
        """A client is not in a namespace here any more; the chains that it had."""
        local = self.namespaces.get(namespace)
        if local is None:
            return None
        local.sockets.pop(name, None)
        if not local.sockets:
            del self.namespaces[namespace]
        return local.chains

    def sockets(self, audience: Audience) -> list[Socket]:
        """Those of an audience that are here."""
        local = self.namespaces.get(audience.namespace)
        if local is None:
            return []
        found = (local.sockets.get(name) for name in audience.subscribers(self._rooms))
        return [socket for socket in found if socket is not None]

    def chains_here(self, namespace: str) -> NamespaceChains | None:
        """The chains of a namespace that has clients here."""
        local = self.namespaces.get(namespace)
        return None if local is None else local.chains

    def socket(self, namespace: str, id: str) -> Socket | None:
        """The client here that has this id in a namespace."""
        local = self.namespaces.get(namespace)
        if local is None:
            return None
        found = (local.sockets.get(name) for name in Audience(namespace, (id,)).subscribers(self._rooms))
        return next((each for each in found if each is not None and each.id == id), None)

    def moves(self, sid: str, client: Client) -> None:
        """A client is on its way to another session: here in this turn, or on another node."""
        self._moving[sid] = client

    def moved(self, sid: str) -> Client | None:
        """The client whose session this was, if it was here."""
        return self._moving.pop(sid, None)

    # What is sent.

    def emit(self, audience: Audience, packet: Encoded, volatile: bool, local: bool) -> Deferred[Any]:
        """Send a packet to its audience, on all nodes or this one alone."""
        is_alone = not self.cluster.is_shared
        if self.recovery is not None and not volatile and (is_alone or not local):
            item = items.Emit(audience.channels, audience.excepted_channels, packet.messages())
            return self.recovery.append(item)
        if local or is_alone:
            self.deliver(audience, packet.messages(), volatile)
            return DONE
        return self.cluster.tell_all("emit", audience=audience, packet=pack_packet(packet), volatile=volatile)

    def deliver(self, audience: Audience, messages: tuple[Message, ...], volatile: bool = False) -> None:
        """Send to those of an audience that are here, or on their way here."""
        busy = self._busy() if volatile else ()
        if self.recovery is not None:
            audience.publish(self._rooms, self.recovery.stamp(messages), busy)
            return
        audience.publish(self._rooms, messages, busy)
        self.engine.nodes.takeovers.published(Missed(audience.channels, messages, audience.excepted_channels))

    def missed(self, order: MissedOrder) -> None:
        """Have an order done for clients that are on their way here."""
        self.engine.nodes.takeovers.published(order)

    def change(self, audience: Audience, entered: Sequence[str] = (), left: Sequence[str] = ()) -> Deferred[Any]:
        """Have an audience enter rooms, or leave rooms, on all nodes."""
        if self.recovery is None:
            if entered:
                return self.cluster.tell_all("join", audience=audience, rooms=entered)
            return self.cluster.tell_all("leave", audience=audience, rooms=left)
        return self.recovery.append(logged.change(audience, entered, left))

    def put_out(self, audience: Audience, close: bool) -> Deferred[Any]:
        """Put an audience out of its namespace, on all nodes."""
        if self.recovery is None:
            return self.cluster.tell_all("disconnect", audience=audience, close=close)
        return self.recovery.append(items.Disconnect(audience.channels, audience.excepted_channels, "", close))

    def _carry_out(self, entry: Entry) -> None:
        if isinstance(entry.item, items.Emit):
            audience_hub = BothKinds(self.pipeline.hub)
            audience_hub.emit(entry.item, entry.messages)
        elif not isinstance(entry.item, items.Mark):
            logged.carry_out(self.sockets(logged.audience_of(entry.item)), entry.item)

    def _busy(self) -> list[str]:
        """The ids of those for which something waits."""
        polling = (session.id for session in self.engine.polling.values() if session.waits)
        return [*(connection.id for connection in self.pipeline.server.blocked), *polling]

    def send_after(self, namespace: str, id: str, messages: Sequence[Message]) -> None:
        """Send to a client that has gone to another node."""
        text, *attachments = messages
        packet = pack_packet(Encoded(text[0].decode(), "", tuple(each for each, _ in attachments)))
        self.cluster.tell_all("send", audience=Audience(namespace, (id,)), packet=packet)

    def deliver_as_is(self, audience: Audience, messages: tuple[Message, ...]) -> None:
        """Send packets that are made for one client, if it is here, or on its way here."""
        for socket in self.sockets(audience):
            socket.send(*messages)
        self.engine.nodes.takeovers.published(Missed(audience.channels, messages, ()))
