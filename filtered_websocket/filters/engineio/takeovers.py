"""Upgrades: a polling session moves to the node of its WebSocket.

    ws-emit::nodes        {"do": "take", "sid", "from", "id"}      the session is to move to its WebSocket's node
    ws-emit::node::NODE   {"do": "handover", "id", "handover"}     null if there is no such session
                          {"do": "arrived", "id", "from", "here"}  it has, or is wanted no more (`handing_over`)
                          {"do": "agreed", "id", "yours"}          whether it was still to be had

The bus has one order for all that listen. What is published before a ``take`` is in the handover. From there on the
node that takes, which hears its own ``take`` as well, remembers what is published. So an upgrade neither loses nor
doubles anything.
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed

from filtered_websocket.filters.engineio.handing_over import TAKE_SECONDS, HandingOver
from filtered_websocket.filters.engineio.handover import Handover
from filtered_websocket.filters.engineio.last_words import LastWords
from filtered_websocket.filters.engineio.node_channels import NodeChannels
from filtered_websocket.filters.engineio.pending_requests import PendingRequests
from filtered_websocket.filters.engineio.session import Session


class Takeover:
    """A session on its way here.

    :ivar handover: fires with its `Handover`, or None if there is none
    """

    def __init__(self, takeovers: "Takeovers", handover: Deferred[Handover | None]) -> None:
        self.handover = handover
        self.number: int | None = None
        self.missed: list[Any] = []
        self.begun = False
        self._takeovers = takeovers

    def finish(self, session: Session) -> None:
        """The session is here: what was published while it was under way follows."""
        self._takeovers.arrived(self, session)
        for missed in self.missed:
            session.application.catch_up(missed)


class Takeovers:
    """
    :param polling: this node's polling sessions by sid
    :param last_words: of those that have ended
    :ivar given: the sessions of this node that others take
    """

    def __init__(
        self,
        channels: NodeChannels,
        polling: Mapping[str, Session],
        last_words: LastWords,
        requests: PendingRequests,
        given: HandingOver,
    ) -> None:
        self._channels, self._requests, self.given = channels, requests, given
        self._polling, self._last_words = polling, last_words
        self._moving: dict[int, Takeover] = {}
        self._open: set[Takeover] = set()

    def take(self, sid: str) -> Takeover:
        """Have a session leave what it is for a WebSocket of this node."""
        if sid in self._polling:
            return Takeover(self, succeed(self._polling[sid].move()))
        if self._channels.owner(sid) == self._channels.name or not self._channels.are_shared:
            return Takeover(self, succeed(self._last_words.hand_over(sid)))
        number, handover = self._requests.new()
        self._requests.expect(number, TAKE_SECONDS)
        takeover = self._moving[number] = Takeover(self, handover)
        takeover.number = number
        self._open.add(takeover)
        handover.addBoth(self._moved, number, takeover)
        told = self._channels.tell_all("take", sid=sid, id=number, **{"from": self._channels.name})
        told.addErrback(self._requests.fail, number)
        return takeover

    def _moved(self, result: Any, number: int, takeover: Takeover) -> Any:
        del self._moving[number]
        if not isinstance(result, Handover):
            self.forget(takeover)
        return result

    def arrived(self, takeover: Takeover, session: Session) -> None:
        """A session is here."""
        self.forget(takeover)
        if takeover.number is not None:
            self.given.taken(takeover.number, session)

    def forget(self, takeover: Takeover) -> None:
        """It has come to its end, or to nothing."""
        self._open.discard(takeover)

    def published(self, missed: Any) -> None:
        """Something was published, or ordered: sessions on their way here may be meant."""
        for takeover in self._open:
            if takeover.begun:
                takeover.missed.append(missed)

    def on_take(self, message: dict[str, Any]) -> None:
        if message["from"] == self._channels.name:
            if message["id"] in self._moving:
                self._moving[message["id"]].begun = True
            return
        if self._channels.owner(message["sid"]) != self._channels.name:
            return
        session = self._polling.get(message["sid"])
        left = self._last_words.hand_over(message["sid"]) if session is None else session.move()
        if session is not None:
            self.given.give(message["from"], message["id"], session)
        handover = None if left is None else left.as_json()
        told = self._channels.tell(message["from"], "handover", id=message["id"], handover=handover)
        told.addErrback(lambda _: None)

    def on_handover(self, message: dict[str, Any]) -> None:
        number, handover = message["id"], message["handover"]
        if handover is not None and number not in self._requests:
            # Its WebSocket has gone meanwhile, or it comes too late.
            self.given.refuse(self._channels.owner(handover["sid"]), number)
        self._requests.answer(number, None if handover is None else Handover.from_json(handover))
