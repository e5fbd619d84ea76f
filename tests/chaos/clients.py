"""Clients that come, hear, lose their connections and come back from where they stood: each a thread."""

import json
import select
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any, ClassVar

from filtered_websocket.filters.shared.tokens import issue
from filtered_websocket.messages.publication import Position
from tests.chaos.served import CENTRIFUGO, HISTORY, KEPT, OPEN, ROOM, SECRET
from tests.chaos.truth import Truth
from tests.support.raw_client import CLOSE, PING, TEXT, RawClient, frame

SILENCE = 3.0
"""Seconds after which a client asks whether anybody is there; after as many again it goes elsewhere."""


class Comer(threading.Thread):
    """A client that comes back, each time to any of several nodes.

    :param ports: name of a node -> where clients reach it
    :ivar node: where it comes to next, or is; before it is started, where it comes to first
    """

    path: ClassVar[str] = "/"

    def __init__(self, name: str, truth: Truth, ports: dict[str, int], random: Random) -> None:
        super().__init__(daemon=True, name=name)
        self.truth = truth
        self.node = min(ports)
        self.is_in = False
        self._ports, self._random = ports, random
        self._leaving = threading.Event()
        self._client: RawClient | None = None

    def run(self) -> None:
        while not self._leaving.is_set():
            try:
                with RawClient(("127.0.0.1", self._ports[self.node])) as self._client:
                    self._client.socket.settimeout(2 * SILENCE)
                    self._stay(self._client)
            except (OSError, _Ended):
                pass  # it is not there, or not any more
            finally:
                with self.truth.lock:
                    self.is_in = False
                    self.lost()
            self._leaving.wait(self._random.uniform(0, 0.5))
            self.node = self._random.choice(sorted(self._ports))

    def _stay(self, client: RawClient) -> None:
        try:
            client.open(self.where())
        except AssertionError as refused:
            raise _Ended from refused
        self.opened()
        asked = False
        while not self._leaving.is_set():
            if not client._data and not select.select([client.socket], [], [], SILENCE)[0]:
                if asked:
                    raise _Ended
                asked = True
                client.send(frame(b"", PING))
                continue
            try:
                got = client.receive()
            except AssertionError as torn:
                raise _Ended from torn
            asked = False
            if got is None or got.opcode == CLOSE:
                raise _Ended
            if got.opcode == TEXT:
                self.heard(got.payload.decode())

    def say(self, text: str) -> None:
        assert self._client is not None
        self._client.send(text)

    def leave(self) -> None:
        self._leaving.set()
        if self._client is not None:
            with suppress(OSError):
                self._client.socket.shutdown(socket.SHUT_RDWR)

    # What each kind does.

    def where(self) -> str:
        """The path that it asks for."""
        raise NotImplementedError

    def opened(self) -> None:
        """The handshake is done."""

    def heard(self, text: str) -> None:
        """A message has come."""
        raise NotImplementedError

    def lost(self) -> None:
        """The connection has ended."""


class _Ended(Exception):
    """There is no connection any more."""


class Reader(Comer):
    """A client of the filter `history`."""

    position: Position | None = None

    def where(self) -> str:
        return f"{HISTORY}?since={self.position}" if self.position else HISTORY

    def heard(self, text: str) -> None:
        if text[0] != "{":
            self.answered(text)
            return
        message = json.loads(text)
        if message["position"] is None:
            raise _Ended  # storage is away, and it knows no position yet
        position = Position.read(message["position"])
        with self.truth.lock:
            witness = self.truth.oracle.witness(self.name)
            if "data" in message:
                # What it missed comes first, and is not told from what is live: the order over channels is not asked.
                witness.got(HISTORY, int(message["data"]), position, live=False)
            else:
                witness.entered(HISTORY, self.node, self.position if message.get("recovered") else position)
                self.is_in = True
            self.position = position if "data" in message or not message.get("recovered") else self.position

    def answered(self, text: str) -> None:
        raise AssertionError(f"{self.name} got {text!r}")

    def lost(self) -> None:
        self.truth.oracle.witness(self.name).cut()


class Sayer(Reader):
    """One that publishes too: a number at a time, and is told whether that was done."""

    def __init__(self, name: str, truth: Truth, ports: dict[str, int], random: Random) -> None:
        super().__init__(name, truth, ports, random)
        self.ends = threading.Event()
        self._publication: Any = None

    def heard(self, text: str) -> None:
        super().heard(text)
        if self.is_in and self._publication is None:
            self._publish()

    def _publish(self) -> None:
        if self.ends.wait(self._random.uniform(0, 0.1)):
            return
        with self.truth.lock:
            self._publication = self.truth.begin(HISTORY)
        self.say(str(self._publication.number))

    def answered(self, text: str) -> None:
        outcome, number, why = text.split(" ", 2)
        publication, self._publication = self._publication, None
        assert number == str(publication.number), text
        with self.truth.lock:
            if outcome == "published":
                self.truth.confirmed(publication, Position.read(why))
            elif "not done" in why:
                self.truth.oracle.refused(publication)

    def lost(self) -> None:
        super().lost()
        self._publication = None  # nobody knows


class Member(Comer):
    """A client of Centrifugo's protocol: of channels with history, without, and with presence."""

    channels: Sequence[str] = (*KEPT, ROOM, OPEN)

    def __init__(self, name: str, truth: Truth, ports: dict[str, int], random: Random) -> None:
        super().__init__(name, truth, ports, random)
        self.positions: dict[str, Position] = {}
        self.id = ""
        self._asked: dict[int, str] = {}
        self._wanted = 0

    def where(self) -> str:
        return f"{CENTRIFUGO}/websocket"

    def opened(self) -> None:
        self.say(json.dumps({"id": 1, "connect": {"token": issue({"sub": self.name}, SECRET)}}))

    def _subscribe(self) -> None:
        for number, channel in enumerate(self.channels, 2):
            asked: dict[str, Any] = {"channel": channel}
            if at := self.positions.get(channel):
                asked |= {"recover": True, "epoch": at.epoch, "offset": at.offset}
            self._asked[number] = channel
            if channel == ROOM:
                # Answers of two nodes are looked at here in any order: it may be in before another hears of joins.
                with self.truth.lock:
                    self._wanted = self.truth.oracle.tick()
            self.say(json.dumps({"id": number, "subscribe": asked}))

    def heard(self, text: str) -> None:
        for line in text.split("\n"):
            packet = json.loads(line)
            if not packet:
                self.say("{}")
            elif "error" in packet or "disconnect" in packet.get("push", ()):
                raise _Ended
            elif "connect" in packet:
                self.id = packet["connect"]["client"]
                self._subscribe()
            elif "subscribe" in packet:
                with self.truth.lock:
                    self._entered(self._asked.pop(packet["id"]), packet["subscribe"])
            elif "push" in packet:
                with self.truth.lock:
                    self._pushed(packet["push"])

    def _entered(self, channel: str, answer: dict[str, Any]) -> None:
        oracle, witness = self.truth.oracle, self.truth.oracle.witness(self.name)
        now = Position(answer["epoch"], answer.get("offset", 0)) if "epoch" in answer else None
        recovered = answer.get("recovered", False)
        witness.entered(channel, self.node, self.positions[channel] if recovered else now)
        if now is not None:
            # As the SDKs do: what the answer brings stands behind its offset.
            self.positions[channel] = now
            witness.stands_at(channel, now)
            for each in answer.get("publications", ()):
                self._got(channel, each, now.epoch, live=False)
        if channel == ROOM:
            members = oracle.members_of(ROOM)
            members.came(self.id, self._wanted)
            members.watch(self.id, self.node)
        self.is_in = not self._asked

    def _pushed(self, push: dict[str, Any]) -> None:
        channel = push["channel"]
        if "pub" in push:
            at = self.positions.get(channel)
            self._got(channel, push["pub"], at.epoch if at else "", live=True)
        elif "join" in push or "leave" in push:
            what = "join" if "join" in push else "leave"
            self.truth.oracle.members_of(channel).told(self.id, push[what]["info"]["client"], what == "join")
        elif "unsubscribe" in push:
            raise _Ended  # this node has missed something: it comes back with what it has

    def _got(self, channel: str, publication: dict[str, Any], epoch: str, *, live: bool) -> None:
        position = Position(epoch, publication["offset"]) if publication.get("offset") else None
        self.truth.oracle.witness(self.name).got(channel, publication["data"], position, live=live)
        if position is not None:
            self.positions[channel] = position

    def lost(self) -> None:
        self._asked.clear()
        self.truth.oracle.witness(self.name).cut()
        members = self.truth.oracle.members_of(ROOM)
        members.went(self.id)
        members.unwatch(self.id)
