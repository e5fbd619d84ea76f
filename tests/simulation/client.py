"""A client of the Centrifugo pack, as an SDK is one: it keeps where it stands, and tells the oracle what it hears."""

import json
from typing import Any, NamedTuple, Protocol

from websockets.protocol import State

from filtered_websocket.messages.publication import Position
from filtered_websocket.testing.client import Client as KitClient
from filtered_websocket.testing.client import client_protocol
from tests.simulation.channels import HISTORY, TTL, keeps, shows
from tests.simulation.oracle import Oracle
from tests.simulation.truth import BEYOND, Publication

PATH = "/connection/websocket"
UNCLEAR = {100}
"""Errors of which nobody knows whether what was asked was done."""


class Node(Protocol):
    """Where a client is connected."""

    name: str
    server: Any
    clock: Any


class Asked(NamedTuple):
    what: str
    tick: int
    channel: str = ""
    publication: Publication | None = None


class Wire(KitClient):
    """The connection: what comes is told at once, and nothing settles here."""

    def __init__(self, node: Node, client: "Client") -> None:
        super().__init__(node.server, client_protocol(PATH))
        self._client = client
        self._lost = False

    def begin_here(self) -> None:
        self._server.add(self)
        self.connection.makeConnection(self.transport)
        self._protocol.send_request(self._protocol.connect())
        self._collect()

    def say(self, command: Any) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(json.dumps(command).encode())
            self._collect()

    def say_goodbye(self) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000, "")
            self._collect()

    @property
    def opened(self) -> bool:
        return self._protocol.state is State.OPEN

    def _heard(self, message: str | bytes) -> None:
        self._client.hear(self, message)

    def _take_events(self) -> None:
        super()._take_events()
        if self.opened:
            self._client.opened(self)

    def receive(self, data: bytes) -> None:
        if not self._lost:
            super().receive(data)

    def receive_end(self) -> None:
        """The connection is lost, also with the node at its other end."""
        if not self._lost:
            self._lost = True
            super().receive_end()
            self._client.ended(self)


class Client:
    """
    :ivar wire: its connection, None while it has none
    :ivar positions: where it stands in channels that keep history
    :ivar told: what happened to it, a line each
    """

    def __init__(self, name: str, oracle: Oracle, seconds: Any) -> None:
        self.name, self._oracle, self._seconds = name, oracle, seconds
        self.witness = oracle.witness(name)
        self.wire: Wire | None = None
        self.node: Node | None = None
        self.id = ""
        self.positions: dict[str, Position] = {}
        self.told: list[str] = []
        self.silent = self.stalled = False
        self._epochs: dict[str, str] = {}
        self._asked: dict[int, Asked] = {}
        self._number = 0
        self._greeted = False
        self._last_here: dict[str, tuple[float, int]] = {}

    @property
    def ready(self) -> bool:
        """Whether the server has let it in."""
        return bool(self.id)

    def wants(self, channel: str) -> bool:
        """Whether it is in a channel, or on its way."""
        return channel in self.witness.stays or any(
            each.what == "subscribe" and each.channel == channel for each in self._asked.values()
        )

    # What it does.

    def connect(self, node: Node) -> None:
        self.node, self._greeted = node, False
        self.silent = self.stalled = False
        self.wire = Wire(node, self)
        node.clock.callFromThread(self.wire.begin_here)

    def subscribe(self, channel: str) -> None:
        request: dict[str, Any] = {"channel": channel}
        if channel in self.positions:
            epoch, offset = self.positions[channel]
            request |= {"recover": True, "epoch": epoch, "offset": offset}
        self._ask("subscribe", request, channel)

    def unsubscribe(self, channel: str) -> None:
        self._ask("unsubscribe", {"channel": channel}, channel)

    def publish(self, channel: str, size: int = 0) -> None:
        publication = self._oracle.publish(channel, self.id)
        self._ask("publish", {"channel": channel, "data": [publication.number, "x" * size]}, channel, publication)

    def stall(self) -> None:
        if self.wire is not None and not self.stalled:
            self.stalled = True
            self.wire.transport.stall()

    def read_on(self) -> None:
        if self.wire is not None and self.stalled:
            self.stalled = False
            self.wire.transport.go_on()

    def close(self) -> None:
        if self.wire is not None:
            self.wire.say_goodbye()

    def abort(self) -> None:
        """Its connection is reset."""
        if self.wire is not None:
            self.wire.transport.client_ends(reset=True)

    def _ask(self, what: str, request: Any, channel: str = "", publication: Publication | None = None) -> None:
        assert self.wire is not None
        self._number += 1
        self._asked[self._number] = Asked(what, self._oracle.tick(), channel, publication)
        self.wire.say({"id": self._number, what: request})

    # What it hears.

    def opened(self, wire: Wire) -> None:
        if wire is self.wire and not self._greeted:
            self._greeted = True
            self._ask("connect", {})

    def hear(self, wire: Wire, message: str | bytes) -> None:
        if wire is not self.wire:
            return
        for line in str(message).split("\n"):
            self.told.append(line)
            told = json.loads(line)
            if not told:
                if not self.silent:
                    wire.say({})
            elif "push" in told:
                self._pushed(told["push"])
            else:
                self._answered(self._asked.pop(told["id"]), told)

    def ended(self, wire: Wire) -> None:
        if wire is not self.wire:
            return
        self.told.append("ended")
        for channel in list(self.witness.stays):
            self._leave(channel)
        self.witness.cut()
        self._asked.clear()
        self.wire, self.node, self.id = None, None, ""

    def _pushed(self, push: Any) -> None:
        channel = push.get("channel", "")
        if "pub" in push:
            self._take(channel, push["pub"], live=True)
        elif "join" in push or "leave" in push:
            what = "join" if "join" in push else "leave"
            self._oracle.members_of(channel).told(self.id, push[what]["info"]["client"], what == "join")
        elif "unsubscribe" in push:
            self._leave(channel)

    def _answered(self, asked: Asked, told: Any) -> None:
        error = told.get("error", {}).get("code")
        if asked.what == "connect" and not error:
            self.id = told["connect"]["client"]
        elif asked.what == "subscribe" and not error:
            self._entered(asked.channel, asked.tick, told["subscribe"])
        elif asked.what == "unsubscribe" and not error:
            self._leave(asked.channel)
        elif asked.publication is not None:
            if not error:
                self._oracle.confirmed(asked.publication)
            elif error not in UNCLEAR:
                self._oracle.refused(asked.publication)

    def _entered(self, channel: str, asked: int, result: Any) -> None:
        assert self.node is not None
        stands = before = None
        if keeps(channel) and not result.get("positioned"):
            # Storage could not say where the channel stands: nothing is promised.
            self._epochs.pop(channel, None)
            self.positions.pop(channel, None)
        elif keeps(channel):
            stands = Position(result["epoch"], result.get("offset", 0))
            self._epochs[channel] = stands.epoch
            if result.get("recovered"):
                before = self.positions[channel]
            elif result.get("was_recovering"):
                self._judge(channel, stands)
        away = BEYOND if before is None else self._last_here[channel][1]
        self.witness.entered(channel, self.node.name, before or stands, away)
        if shows(channel):
            members = self._oracle.members_of(channel)
            members.came(self.id, asked)
            members.watch(self.id, self.node.name, itself=True)
        if stands is not None:
            # What is answered is where it stands in front of what it missed.
            self.witness.stands_at(channel, stands)
            self.positions[channel] = stands
        for each in result.get("publications", ()):
            self._take(channel, each, live=False)

    def _judge(self, channel: str, stands: Position) -> None:
        """It was told that it has not recovered: there must be a reason."""
        before = self.positions[channel]
        when, tick = self._last_here[channel]
        published = self._oracle.channel(channel).may_stand_behind(before, tick)
        missed = max(published, stands.offset - before.offset)
        may_be = before.epoch == stands.epoch and before.offset <= stands.offset and missed <= HISTORY
        if may_be and self._seconds() - when < TTL and self._oracle.disturbed < tick:
            self._oracle.fault(f"{self.name} has not recovered in {channel} from {before}, which stands at {stands}")

    def _take(self, channel: str, pub: Any, live: bool) -> None:
        if channel in self._epochs and "offset" not in pub:
            self._oracle.fault(f"{self.name} got {pub['data'][0]} of {channel}, and is not told where that stands")
            return
        position = Position(self._epochs[channel], pub["offset"]) if channel in self._epochs else None
        self.witness.got(channel, pub["data"][0], position, live)
        if position is not None:
            self.positions[channel] = position

    def _leave(self, channel: str) -> None:
        if channel in self.witness.stays:
            self._last_here[channel] = self._seconds(), self._oracle.tick()
        self.witness.left(channel)
        if shows(channel):
            members = self._oracle.members_of(channel)
            members.went(self.id)
            members.watchers.pop(self.id, None)
