"""One program for all clients of a pipeline: a line to it, a line from it.

Rules:

1. Answers come in the order of the lines. The program owes exactly one for each, so a line that nobody awaits, or one
   that does not come in time, means that no answer can be told from another's: the program is ended. So that one too
   many is seen, all that it has said is read, and found to be no more than is awaited, before it is told anything
   more; with one line at a time, after `SETTLE_SECONDS` in which it has said nothing.
2. What it had been told and not answered then fails. What waits to be told goes to its next run.
3. A line whose sender has left is still awaited: its answer is nobody's.
4. The next run begins at once, or after a while if the last ones ended too.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.filters.exec_pipe.program import Program

_log = Logger()

FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0
"""Seconds until it is started again, doubled with each run that has answered nothing. The first time it is at once."""
SETTLE_SECONDS = 0.001
"""With one line at a time: from an answer to the next line."""


class ProgramEnded(Exception):  # noqa: N818 - an end, told as an exception
    """The program has ended with a line that was not answered; the text says how."""


class Coprocess:
    """
    :param start: makes a run of the program: called with what takes its lines, and what is called at its end
    :param in_flight: lines that it is told before it has answered the first of them
    :param seconds: that an answer may take
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        start: Callable[[Callable[[list[bytes]], object], Callable[[str], object]], Program],
        in_flight: int,
        seconds: float,
    ) -> None:
        self._reactor, self._name, self._start_program = reactor, name, start
        self._in_flight, self._seconds = in_flight, seconds
        self._program: Program | None = None
        #: this run is being ended: it is told nothing more
        self._ending = False
        #: what it has said is being given on
        self._answering = False
        self._more: list[tuple[Deferred[bytes], bytes]] = []
        self._waiting: deque[tuple[bytes, Deferred[bytes]]] = deque()
        #: the lines under way: what awaits each answer, and when it is late
        self._asked: deque[tuple[Deferred[bytes], float]] = deque()
        self._late: Any = None
        self._settling: Any = None
        self._again: Any = None
        self._wait = 0.0
        self._stopped: Deferred[None] | None = None

    def start(self) -> None:
        """
        :raises OSError: the program cannot be started
        """
        self._again = None
        self._ending = False
        self._program = self._start_program(self._answered, self._ended)
        self._tell()

    def ask(self, line: bytes) -> "Deferred[bytes]":
        """
        :param line: without its end, which it has nowhere within
        :returns: the answer. Fails with `ProgramEnded`. May be cancelled.
        """
        answer: Deferred[bytes] = Deferred(self._forget)
        self._waiting.append((line, answer))
        self._tell()
        return answer

    def stop(self) -> "Deferred[None]":
        """End the program for good. What was asked fails."""
        if self._stopped is None:
            self._stopped = Deferred()
            if self._again is not None:
                self._again.cancel()
                self._again = None
            if self._program is None:
                self._end_for_good("ended with the server")
            else:
                self._ending = True
                self._program.stop("ended with the server")
        return self._stopped

    def _end_for_good(self, why: str) -> None:
        assert self._stopped is not None
        self._fail(why, self._all())
        self._stopped.callback(None)

    def _tell(self) -> None:
        """Tell the program as many lines as may be under way, in one write."""
        room = self._in_flight - len(self._asked)
        if self._program is None or self._ending or self._answering or room <= 0 or not self._waiting:
            return
        lines: list[bytes] = []
        late = self._reactor.seconds() + self._seconds
        while self._waiting and len(lines) < room:
            line, answer = self._waiting.popleft()
            lines.append(line)
            self._asked.append((answer, late))
        lines.append(b"")
        self._program.write(b"\n".join(lines))
        if self._late is None:
            self._late = self._reactor.callLater(self._seconds, self._check)

    def _answered(self, lines: list[bytes]) -> None:
        if len(lines) > len(self._asked):
            self._end("said a line that nobody awaits")
            return
        self._wait = min(self._wait, FIRST_WAIT)
        answered = [self._asked.popleft()[0] for _ in lines]
        if self._answering:  # it said more while answers were given on
            self._more += zip(answered, lines, strict=True)
            return
        self._answering = True
        self._more = list(zip(answered, lines, strict=True))
        while self._more and self._program is not None:
            given, self._more = self._more, []
            for answer, line in given:
                if not answer.called:
                    answer.callback(line)
            if not self._ending:
                self._program.look()
        if self._in_flight == 1 and self._program is not None:
            self._settling = self._reactor.callLater(SETTLE_SECONDS, self._settled)
        else:
            self._answering = False
            self._tell()

    def _settled(self) -> None:
        self._settling = None
        if self._program is not None and not self._ending:
            self._program.look()
        self._answering = False
        self._tell()

    def _check(self) -> None:
        """Is an answer late?"""
        self._late = None
        if not self._asked:
            return
        left = self._asked[0][1] - self._reactor.seconds()
        if left > 0:
            self._late = self._reactor.callLater(left, self._check)
        else:
            self._end(f"did not answer within {self._seconds:g} s (exec_timeout)")

    def _forget(self, answer: "Deferred[bytes]") -> None:
        """Its sender has left. If the program has been told, the answer is still awaited, by nobody."""
        for index, (_, waiting) in enumerate(self._waiting):
            if waiting is answer:
                del self._waiting[index]
                return

    def _end(self, why: str) -> None:
        """End this run: what is under way has no answer that could be trusted."""
        if self._program is not None and not self._ending:
            self._ending = True
            _log.error("exec_pipe: {name} {why}: it is ended, and started again", name=self._name, why=why)
            self._program.stop(why, at_once=True)
            self._fail(why, self._under_way())

    def _ended(self, why: str) -> None:
        self._program = None
        for timer in (self._late, self._settling):
            if timer is not None:
                timer.cancel()
        self._late = self._settling = None
        self._answering = False
        if self._stopped is not None:
            self._end_for_good(why)
            return
        if not self._ending:
            _log.error("exec_pipe: {name} {why}: it is started again", name=self._name, why=why)
        self._fail(why, self._under_way())
        self._again = self._reactor.callLater(self._wait, self._begin_again)
        self._wait = min(max(self._wait * 2, FIRST_WAIT), LONGEST_WAIT)

    def _begin_again(self) -> None:
        try:
            self.start()
        except OSError as error:
            self._ended(f"cannot be started ({error.strerror})")

    def _under_way(self) -> "list[Deferred[bytes]]":
        asked, self._asked = self._asked, deque()
        return [answer for answer, _ in asked]

    def _all(self) -> "list[Deferred[bytes]]":
        waiting, self._waiting = self._waiting, deque()
        return [*self._under_way(), *(answer for _, answer in waiting)]

    def _fail(self, why: str, answers: "list[Deferred[bytes]]") -> None:
        for answer in answers:
            if not answer.called:
                answer.errback(ProgramEnded(f"{self._name} {why}"))
