"""One answer for equal questions of one reactor turn: clients that come back together ask for the same.

What was asked is shared only until something changes what it is about, so that nobody misses what it has sent itself.
"""

from collections.abc import Callable, Hashable
from typing import Any

from twisted.internet.defer import Deferred


class SharedReads:
    """
    :param begun: called with the first question of a turn; its owner calls ``clear`` when the turn is over
    """

    def __init__(self, begun: Callable[[], object] = lambda: None) -> None:
        self._begun = begun
        self._asked: dict[Hashable, dict[Hashable, list[Deferred[Any]]]] = {}

    def ask(self, about: Hashable, question: Hashable, begin: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        """The answer, each caller's own: a list or a dict is copied, what is in it is shared.

        :param about: what would change the answer, see ``changed``
        :param begin: asks, if nobody has
        """
        if not self._asked:
            self._begun()
        questions = self._asked.setdefault(about, {})
        mine: Deferred[Any] = Deferred()
        waiting = questions.get(question)
        if waiting is not None:
            waiting.append(mine)
            return mine
        answer = begin()
        waiting = questions[question] = [mine]
        answer.addBoth(_answer, questions, question, waiting)
        return mine

    def changed(self, about: Hashable) -> None:
        """What is asked about this from now on may have another answer."""
        if self._asked:
            self._asked.pop(about, None)

    def clear(self) -> None:
        self._asked.clear()


def _answer(
    result: Any, questions: dict[Hashable, list[Deferred[Any]]], question: Hashable, waiting: list[Deferred[Any]]
) -> None:
    if questions.get(question) is waiting:  # it was answered within the turn
        del questions[question]
    for each in waiting[1:]:
        each.callback(result.copy() if isinstance(result, list | dict) else result)
    waiting[0].callback(result)
