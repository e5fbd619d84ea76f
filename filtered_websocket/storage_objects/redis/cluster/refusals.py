"""What a partition has asked and was refused, until all that it had asked is answered: then it is asked again in order.

From the first refusal nothing more is asked. What was on its way by then may be done all the same, when the cluster was
down for a moment only: what was asked before it about the same key is not asked again, since it would come too late.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.connection import Asker, NodeConnection
from filtered_websocket.storage_objects.redis.cluster.patient_queue import Waiting
from filtered_websocket.storage_objects.redis.cluster.requests import key_of
from filtered_websocket.storage_objects.redis.command import command

PING = command(b"PING")


class _Refused(NamedTuple):
    again: Callable[[], Deferred[Any]]
    answer: Deferred[Any]
    key: bytes


class Refusals:
    """
    :param complete: called with all of them when no answer is missing any more
    :ivar waiting: whether one is
    """

    def __init__(self, complete: Callable[[list[Waiting]], None]) -> None:
        self._complete = complete
        self._refused: list[_Refused] = []
        self.waiting = False

    def begin(self, connection: NodeConnection, asker: Asker) -> None:
        """Nothing more is asked by this connection."""
        if self.waiting:
            return
        self.waiting = True
        connection.watch(asker, self._overtook)
        # It is answered behind all that was asked before.
        connection.ask_once(PING).addBoth(self._answered)

    def add(self, again: Callable[[], Deferred[Any]], answer: Deferred[Any], request: bytes) -> None:
        """One more.

        :param again: asks again
        """
        self._refused.append(_Refused(again, answer, key_of(request)))

    def _overtook(self, key: bytes) -> None:
        overtaken = [each for each in self._refused if each.key == key]
        self._refused = [each for each in self._refused if each.key != key]
        for each in overtaken:
            each.answer.errback(StorageAway("Redis refused it for a moment, and has done what came after it: not done"))

    def _answered(self, _: object) -> None:
        self.waiting = False
        refused, self._refused = self._refused, []
        self._complete([(each.again, each.answer) for each in refused])
