"""Opening a connection: one try, and in words why it failed."""

import os
import re
from collections.abc import Sequence
from socket import gaierror

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, ProxyError
from websockets.http11 import Response
from websockets.typing import Subprotocol

from filtered_websocket.commands import http
from filtered_websocket.commands.exits import Ended

MAX_SIZE = 64 << 20
"""Bytes of the largest message taken."""
CLOSE_TIMEOUT = 2
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of a handshake after which another try makes sense."""


class Unavailable(Exception):  # noqa: N818 - what the server is
    """There is no connection; the text says why.

    :ivar passing: whether another try makes sense
    """

    def __init__(self, text: str, passing: bool) -> None:
        super().__init__(text)
        self.passing = passing


class _Connect(connect):
    """Follows no redirect: keys and tokens, in headers, in the address and in what is said then, are for the server
    that was named."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def opened(
    address: str, headers: Sequence[tuple[str, str]], subprotocols: Sequence[Subprotocol]
) -> ClientConnection:
    """A new connection.

    :raises Unavailable: the server cannot be reached, or refuses
    :raises Ended: the address is none
    """
    try:
        return await _Connect(
            address, additional_headers=headers, subprotocols=subprotocols or None, max_size=MAX_SIZE,
            close_timeout=CLOSE_TIMEOUT, user_agent_header="fws_client",
        )  # fmt: skip
    except InvalidStatus as error:
        busy = error.response.status_code in BUSY
        raise Unavailable(f"{address} refuses: {_refusal(error.response)}", busy) from None
    except InvalidURI:
        raise Ended(f"{address} is no address of a WebSocket") from None
    except (InvalidHandshake, ProxyError, OSError, TimeoutError) as error:
        raise Unavailable(f"cannot reach {address}: {_reason(error)}", True) from None


def _refusal(response: Response) -> str:
    status, reason, elsewhere = response.status_code, response.reason_phrase, response.headers.get_all("Location")
    if 300 <= status < 400 and elsewhere:
        return f"{status} {reason}: {http.elsewhere(elsewhere[0])}"
    return f"{status} {((response.body or b'').decode('utf-8', 'replace').strip() or reason)[:200]}"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = error.__cause__ or error
    # asyncio has words of its own, and joins those of several addresses, but keeps the numbers.
    if isinstance(cause, gaierror):
        return cause.strerror or "no such host"
    number = re.search(r"\[Errno ([0-9]+)\]", str(cause))
    return os.strerror(int(number[1])) if number else str(cause) or type(cause).__name__
