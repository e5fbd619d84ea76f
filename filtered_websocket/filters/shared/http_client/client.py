"""POST requests to one server, and their answers."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    PotentialDataLoss,
    Request,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http_headers import Headers

from filtered_websocket.filters.shared.http_client.body import Body
from filtered_websocket.filters.shared.http_client.bounded import TooLarge
from filtered_websocket.filters.shared.http_client.connections import HTTP, Connections
from filtered_websocket.transport.trust import Refused


class NotSent(Exception):  # noqa: N818 - what it is
    """The server cannot be connected to: nothing was sent."""


class NotAnswered(Exception):  # noqa: N818 - what it is
    """It was sent, wholly or in part, and has no answer that can be read: nobody knows what became of it."""


class Answer(NamedTuple):
    status: int
    body: bytes


class Client:
    """
    :param url: of the server: http or https, a host, a port
    :param longest: bytes that an answer may have, head and body
    """

    def __init__(self, reactor: Any, url: str, longest: int) -> None:
        self._host = urlsplit(url).netloc.encode("ascii")
        self._connections = Connections(reactor, URI.fromBytes(url.encode("ascii")), longest)

    async def post(self, path: str, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Answer:
        """The answer to one request. Cancelled, it ends its connection.

        Servers that end a kept connection with a 408 have not waited for a request. Where the two cross, it is asked
        again (RFC 9110, 15.5.9).

        :param path: with the query, as it is sent
        :raises NotSent: nothing was sent
        :raises NotAnswered: something was
        :raises TooLarge: the answer is
        """
        while True:
            try:
                connection = await self._connections.take()
            except (CancelledError, ConnectingCancelledError):
                raise CancelledError from None
            except Exception as error:
                raise NotSent(_said(error)) from None
            was_kept = connection.is_kept
            answer = await self._ask(connection, path, headers, body)
            if answer.status != HTTPStatus.REQUEST_TIMEOUT or not was_kept:
                return answer

    async def _ask(self, connection: HTTP, path: str, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Answer:
        fields = Headers({b"Host": [self._host]})
        for name, value in headers:
            fields.addRawHeader(name, value)
        transport: Any = connection.transport
        is_over = False
        try:
            response = await connection.request(
                Request(b"POST", path.encode("ascii"), fields, Body(body), persistent=True)
            )
            read = await _body(response)
            is_over = True
            return Answer(int(response.code), read)
        except (ResponseFailed, RequestGenerationFailed, RequestTransmissionFailed) as error:
            if transport.too_large:
                raise TooLarge("the answer is too large") from None
            reason = _reason(error)
            if isinstance(reason, CancelledError):
                raise reason from None
            if isinstance(reason, (SSL.Error, Refused)):
                # Before there is trust nothing of the request is sent.
                raise NotSent(f"its certificate is not trusted ({_said(reason)})") from None
            if isinstance(reason, (ConnectionDone, ConnectionLost)):
                raise NotAnswered("the connection ended without an answer") from None
            raise NotAnswered(f"no answer of HTTP ({type(reason).__name__})") from None
        finally:
            if not is_over:
                transport.abortConnection()

    def close(self) -> None:
        """Keep no connections any more."""
        self._connections.close()


def _reason(error: Any) -> BaseException:
    """What is behind an exception of Twisted's client."""
    reasons = getattr(error, "reasons", None)
    return error if not reasons or reasons[0].value is None else _reason(reasons[0].value)


def _said(error: BaseException) -> str:
    if isinstance(error, SSL.Error):
        parts = error.args[0] if error.args else ()
        return "; ".join(str(part[2]) for part in parts) or "TLS"
    return str(error) or type(error).__name__


def _body(response: Any) -> "Deferred[bytes]":
    collected = _Collected()
    response.deliverBody(collected)
    return collected.whole


class _Collected(Protocol):
    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.whole: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self.whole.called:
            return  # cancelled
        # Where neither length nor chunks say it, the end of the connection does.
        if reason is None or reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)
