"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): a request that is repeated gets the first answer.

Kept in this process: a repetition that another process gets is done again.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred

from filtered_websocket.web.response import HTTPError, Response

KEEP_SECONDS = 300.0
MAX_KEYS = 10_000
MAX_KEY_LENGTH = 255


class _Entry(NamedTuple):
    digest: bytes  # of the body, which may be large
    since: float
    answer: Response | None


class Idempotency:
    """What was answered, by key.

    :param seconds: gives the time
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def find(self, key: str, body: bytes) -> Response | None:
        """The answer to this request if it was made before.

        :raises HTTPError: 400, a key nobody should choose; 409, the key belongs to another body, or to a request that
            is still under way
        """
        if not 0 < len(key) <= MAX_KEY_LENGTH:
            raise HTTPError(400, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters")
        self._forget_old()
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.digest != hashlib.sha256(body).digest():
            raise HTTPError(409, "this Idempotency-Key was used with another body")
        if entry.answer is None:
            raise HTTPError(409, "the first request with this Idempotency-Key is still under way")
        return Response(
            entry.answer.status, entry.answer.body, (("Idempotency-Replayed", "true"),), entry.answer.content_type
        )

    def remember(self, key: str, body: bytes, answer: "Deferred[Response]") -> "Deferred[Response]":
        """Keep the answer that is under way; a failure is forgotten, so that the request may be repeated."""
        self._entries[key] = _Entry(hashlib.sha256(body).digest(), self._seconds(), None)
        if len(self._entries) > MAX_KEYS:
            self._entries.popitem(last=False)

        def answered(response: Response) -> Response:
            if key in self._entries:
                self._entries[key] = self._entries[key]._replace(answer=response)
            return response

        def failed(failure: object) -> object:
            self._entries.pop(key, None)
            return failure

        return answer.addCallbacks(answered, failed)  # type: ignore[arg-type]

    def _forget_old(self) -> None:
        oldest = self._seconds() - KEEP_SECONDS
        while self._entries and next(iter(self._entries.values())).since <= oldest:
            self._entries.popitem(last=False)
