"""The backend: asked within a deadline, so many times at once, again where that is safe, and not while it is away."""

import random
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import defer
from twisted.internet.task import deferLater
from twisted.logger import Logger

from filtered_websocket import __version__
from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.filters.http_callback.breaker import Breaker
from filtered_websocket.filters.http_callback.events import Answer, Broken, Question
from filtered_websocket.filters.http_callback.forms import FORMS
from filtered_websocket.filters.http_callback.options import PLACE, pairs
from filtered_websocket.filters.http_callback.slots import Full, Slots
from filtered_websocket.filters.shared.http_client.bounded import TooLarge
from filtered_websocket.filters.shared.http_client.client import Client, NotAnswered, NotSent
from filtered_websocket.filters.shared.signatures import sign

_log = Logger()

ATTEMPTS = 3
"""Of one question, where it may be asked again."""
REST_SECONDS = 0.05
"""Before the second attempt; twice as long before the third."""
TRY_AGAIN = frozenset((502, 503, 504))
"""What says that it may go better the next time."""

Headers = list[tuple[bytes, bytes]]


class Unanswered(Exception):  # noqa: N818 - what it is
    """There is no good answer; the text says why.

    :ivar seconds: after which another question may have one
    """

    def __init__(self, fault: str, seconds: float = 1.0) -> None:
        super().__init__(fault)
        self.seconds = seconds


def _away(seconds: float) -> Unanswered:
    return Unanswered("it is away, and not asked for a while", seconds)


class Backend:
    """
    :param options: of the use, as they stay
    :ivar figures: what became of questions: (event, what) -> how many; what is asked, refused or failed
    """

    def __init__(self, reactor: Any, options: Options, counters: Counters, figures: Counter[tuple[str, str]]) -> None:
        self._reactor, self._options, self._counters, self.figures = reactor, options, counters, figures
        url = urlsplit(options.http_callback_url)
        self.name = url.netloc
        self._path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        self.form: Any = FORMS[options.http_callback_form]
        self._client = Client(reactor, options.http_callback_url.replace(PLACE, ""), options.http_callback_max_answer)
        self._slots = Slots(options.http_callback_connections, options.http_callback_waiting)
        self.breaker = Breaker(
            reactor.seconds, options.http_callback_failures, options.http_callback_pause, self._breaker_changed
        )
        given = (
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("User-Agent", f"filtered_websocket/{__version__}"),
        )
        static = pairs(options.http_callback_static_headers)
        names = {name.lower() for name, _ in static}
        headers = [*(each for each in given if each[0].lower() not in names), *static]
        self._headers: Headers = [(name.encode(), value.encode()) for name, value in headers]

    @property
    def under_way(self) -> int:
        """Requests that are."""
        return self._slots.taken

    async def ask(self, question: Question, forwarded: Headers) -> Answer:
        """What it says. Cancelled, the request is given up, and its connection ended.

        :raises Unanswered: nothing that could be relied on
        """
        self.figures[question.event, "asked"] += 1
        try:
            answer = await self._ask(question, forwarded)
        except Unanswered as fault:
            self.figures[question.event, "failed"] += 1
            self._counters.count("failed", f"http_callback: {question.event} not answered", f"{self.name}: {fault}")
            raise
        if answer.status >= 400:
            self.figures[question.event, "refused"] += 1
        return answer

    async def _ask(self, question: Question, forwarded: Headers) -> Answer:
        self._check_open()
        ends = self._reactor.seconds() + self._options.http_callback_timeout
        try:
            await self._slots.take(question.event).addTimeout(ends - self._reactor.seconds(), self._reactor)
        except Full:
            raise Unanswered("too many wait for an answer (http_callback_waiting)") from None
        except defer.TimeoutError:
            raise Unanswered("its turn has not come in time (http_callback_connections)") from None
        attempt = None
        fault: str | None = None
        try:
            self._check_open()
            attempt = self.breaker.enter()
            answer = await self._try(question, forwarded, ends)
            fault = ""
            return answer
        except Unanswered as failed:
            fault = str(failed)
            raise
        finally:
            if attempt is not None:
                attempt.over(fault)
            self._slots.free()

    def _check_open(self) -> None:
        if wait := self.breaker.wait:
            raise _away(wait)

    async def _try(self, question: Question, forwarded: Headers, ends: float) -> Answer:
        path = self._path.replace(PLACE, question.word)
        headers = [*self._headers, *forwarded, (b"Idempotency-Key", question.id.encode())]
        if self._options.http_callback_secret:
            signature = sign(self._options.http_callback_secret, question.body)
            headers.append((b"X-Http-Callback-Signature", signature.encode()))
        may_be_twice = question.event in self._options.http_callback_retry
        attempts = 0
        while True:
            attempts += 1
            asked = start(self._client.post(path, headers, question.body))
            try:
                status, body = await asked.addTimeout(max(ends - self._reactor.seconds(), 0), self._reactor)
                if status not in TRY_AGAIN:
                    answer: Answer = self.form.read(question, status, body)
                    return answer
                fault, again = f"status {status}", may_be_twice
            except defer.TimeoutError:
                raise Unanswered("no answer in time (http_callback_timeout)") from None
            except (Broken, TooLarge) as error:
                raise Unanswered(f"no good answer: {error}") from None
            except NotSent as error:
                fault, again = str(error), True
            except NotAnswered as error:
                fault, again = str(error), may_be_twice
            rest = REST_SECONDS * 2 ** (attempts - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by a guess
            if not again or attempts == ATTEMPTS or self._reactor.seconds() + rest >= ends:
                raise Unanswered(fault)
            await deferLater(self._reactor, rest)

    def _breaker_changed(self, fault: str, seconds: float) -> None:
        if fault:
            _log.error(
                "http_callback: {backend} fails ({fault}): it is not asked for {seconds:.1f} s, then once",
                backend=self.name,
                fault=fault,
                seconds=seconds,
            )
            self._slots.fail(_away(seconds))
        else:
            _log.info("http_callback: {backend} answers again", backend=self.name)

    def close(self) -> None:
        """What is under way goes on; no connection is kept."""
        self._client.close()
