"""One request by HTTP, as every command sends it.

No redirect is followed: what goes with a request, such as a secret, is for the server that was named, and what another
address answers says nothing about it.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LINE = 1 << 20
"""Bytes of one line that is read as it comes."""
REASON = 500
"""Bytes that are read of an answer that refuses."""


class Refused(Exception):  # noqa: N818 - what happened
    """The server answers, and not with success.

    :ivar status: of the answer
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}".rstrip())
        self.status = status


class Unreachable(Exception):  # noqa: N818 - what happened
    """No answer could be had, or it is not HTTP; the text says why."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        """None: the redirect is what the server answers."""


_opener = urllib.request.build_opener(_NoRedirects)


@contextmanager
def _answer(request: urllib.request.Request, timeout: float) -> Iterator[Any]:
    """A successful answer, and what its opening and reading end with as `Refused` or `Unreachable`."""
    try:
        with _opener.open(request, timeout=timeout) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.code, _reason(error)) from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        raise Unreachable(str(getattr(cause, "strerror", None) or cause) or type(cause).__name__) from None


def ask(request: urllib.request.Request, timeout: float, most: int) -> bytes:
    """The body of a successful answer.

    :param timeout: seconds that the server may be silent
    :param most: bytes that are read of the body
    :raises Refused: the status is not 2xx
    :raises Unreachable: there is no answer
    """
    with _answer(request, timeout) as answer:
        body: bytes = answer.read(most)
        return body


def lines(request: urllib.request.Request, timeout: float) -> Iterator[bytes]:
    """The lines of a successful answer, as they come.

    :param timeout: seconds that the server may be silent
    :raises Refused: the status is not 2xx
    :raises Unreachable: there is no answer, or it ends in the middle
    """
    with _answer(request, timeout) as answer:
        while line := answer.readline(LINE):
            yield line


def elsewhere(location: str) -> str:
    """What is said of a redirect, which is not followed."""
    return f"it redirects to {location[:REASON]}; if that is the server, give its address"


def _reason(error: urllib.error.HTTPError) -> str:
    location = error.headers.get("Location")
    if 300 <= error.code < 400 and location:
        return f"{error.reason}: {elsewhere(location)}"
    try:
        body = error.read(REASON)
    except (OSError, http.client.HTTPException):
        body = b""
    return body.decode("utf-8", "replace").strip() or str(error.reason)
