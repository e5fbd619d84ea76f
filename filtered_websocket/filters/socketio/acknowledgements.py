"""Acknowledgements that clients owe: each is given in time, or what waits for it is told that it does not come."""

import secrets
from collections.abc import Iterable
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.errors import NotAllowed

SECONDS = 60.0
"""How long a call waits if nothing is said, as with python-socketio."""


class NoAnswer(TimeoutError):  # noqa: N818 - what happened
    """Not all that were asked have answered in time, or they have gone.

    :ivar answers: those that have come: of clients the lists of arguments
    :ivar nodes: the names of the nodes that did not answer
    :ivar clients: how many clients did not, as far as that is known
    """

    def __init__(self, text: str, answers: Iterable[Any] = (), nodes: Iterable[str] = (), clients: int = 0) -> None:
        super().__init__(text)
        self.answers, self.nodes, self.clients = list(answers), tuple(nodes), clients


class Acknowledgements:
    """Those that the clients of one pipeline owe to this node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Where a client goes on at another node, what it still owes this one must not meet what it owes that one.
        self._numbers = count(secrets.randbelow(10**9))
        self._owed: dict[str, dict[int, tuple[Deferred[list[Any]], DelayedCall]]] = {}

    def new_number(self) -> int:
        """The id of an acknowledgement, for one client or several."""
        return next(self._numbers)

    def expect(self, socket: str, number: int, seconds: float, most: int) -> Deferred[list[Any]]:
        """Expect an acknowledgement.

        :param socket: the id of the client that is to give it
        :param most: how many it may owe
        :returns: fires with the list of its arguments; fails with `NoAnswer`
        :raises NotAllowed: the client owes too many
        """
        owed = self._owed.setdefault(socket, {})
        if len(owed) >= most:
            raise NotAllowed("socketio_max_acknowledgements", f"a client owes {most} acknowledgements")
        answer: Deferred[list[Any]] = Deferred(lambda _: self._forget(socket, number))
        timer = self._clock.callLater(seconds, self._fail, socket, number, f"no acknowledgement within {seconds:g} s")
        owed[number] = answer, timer
        return answer

    def of(self, socket: str) -> list[int]:
        """The ids of the acknowledgements that a client owes."""
        return list(self._owed.get(socket, ()))

    def given(self, socket: str, number: int, arguments: list[Any]) -> bool:
        """A client acknowledges; False if nothing waits for that, or not any more."""
        answer = self._take(socket, number)
        if answer is None:
            return False
        answer.callback(arguments)
        return True

    def gone(self, socket: str) -> None:
        """A client is there no longer: it acknowledges nothing any more."""
        for number in self.of(socket):
            self._fail(socket, number, "the client has gone")

    def stop(self) -> None:
        """Nobody will acknowledge anything."""
        for socket in tuple(self._owed):
            self.gone(socket)

    def _fail(self, socket: str, number: int, text: str) -> None:
        answer = self._take(socket, number)
        if answer is not None:
            answer.errback(NoAnswer(text, clients=1))

    def _forget(self, socket: str, number: int) -> None:
        self._take(socket, number)

    def _take(self, socket: str, number: int) -> Deferred[list[Any]] | None:
        owed = self._owed.get(socket, {})
        answer, timer = owed.pop(number, (None, None))
        if timer is not None and timer.active():
            timer.cancel()
        if not owed:
            self._owed.pop(socket, None)
        return answer
