"""Sessions that one node hands over to another: each goes on there, or ends here, and does one of the two.

The node that takes says so when the session is there. It may have died, or its WebSocket may have gone meanwhile. Then,
in time, the session ends where it was, with its disconnect filters. A node that says so too late is told, and lets the
session go without a word to filters.
"""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.chain.counters import Counters
from filtered_websocket.filters.engineio.node_channels import NodeChannels
from filtered_websocket.filters.engineio.session import Session

TAKE_SECONDS = 3.0
"""How long the other node has to hand over, and then this one to take."""

_Key = tuple[str, int]


class HandingOver:
    """
    :param is_watched: False: what a session leaves behind has ended with the move, whatever becomes of it
    """

    def __init__(self, channels: NodeChannels, clock: Clock, counters: Counters, is_watched: bool) -> None:
        self._channels, self._clock, self._counters, self._is_watched = channels, clock, counters, is_watched
        self._given: dict[_Key, tuple[Session, DelayedCall]] = {}
        self._taken: dict[int, tuple[Session, DelayedCall]] = {}
        self._unsaid: set[int] = set()

    # The node that gives.

    def give(self, node: str, number: int, session: Session) -> None:
        """A session goes to a node; it has to say in time that the session is there."""
        if self._is_watched:
            timer = self._clock.callLater(TAKE_SECONDS, self._lost, (node, number))
            self._given[node, number] = session, timer

    def on_arrived(self, message: dict[str, Any]) -> None:
        key, is_there = (message["from"], message["id"]), bool(message["here"])
        session, timer = self._given.pop(key, (None, None))
        if timer is not None:
            timer.cancel()
        if is_there:
            agreed = self._channels.tell(key[0], "agreed", id=key[1], yours=session is not None)
            agreed.addErrback(lambda _: None)  # it is asked again, or takes silence for a yes
        if session is not None:
            self._end(session, is_there)

    def _lost(self, key: _Key) -> None:
        session, _ = self._given.pop(key)
        self._end(session, False)

    def _end(self, session: Session, is_there: bool) -> None:
        if is_there:
            session.gone_on()
        else:
            self._counters.count("closed", f"{self._channels.pack}: upgrade to another node", "it has not arrived")
            session.lost()

    # The node that takes.

    def taken(self, number: int, session: Session) -> None:
        """A session has come from another node."""
        if not self._is_watched:
            return
        self._taken[number] = session, self._clock.callLater(TAKE_SECONDS, self._not_agreed, number)
        self._say(self._channels.owner(session.sid), number, True).addErrback(lambda _: self._unsaid.add(number))

    def _not_agreed(self, number: int) -> None:
        session, _ = self._taken.pop(number)
        if number in self._unsaid and not session.ended:
            # The bus is away: it is said again, until somebody can have heard it. A node that has died agrees.
            self._unsaid.discard(number)
            self.taken(number, session)

    def refuse(self, node: str, number: int) -> None:
        """A session has come that is wanted no more."""
        if self._is_watched:
            self._say(node, number, False).addErrback(lambda _: None)  # the deadline says it, too

    def _say(self, node: str, number: int, is_here: bool) -> Deferred[None]:
        return self._channels.tell(node, "arrived", id=number, here=is_here, **{"from": self._channels.name})

    def on_agreed(self, message: dict[str, Any]) -> None:
        session, timer = self._taken.pop(message["id"], (None, None))
        self._unsaid.discard(message["id"])
        if timer is not None:
            timer.cancel()
        if session is not None and not message["yours"]:
            session.superseded()

    def stop(self) -> None:
        """Nobody will say anything any more."""
        for _, timer in (*self._given.values(), *self._taken.values()):
            timer.cancel()
        self._given.clear()
        self._taken.clear()
