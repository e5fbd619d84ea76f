"""Publications by HTTP."""

import asyncio
import urllib.request

from filtered_websocket.commands import http
from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client.protocols.base import Post

TIMEOUT = 10
"""Seconds for one request."""
MOST = 65536
"""Bytes that are read of an answer."""


class TryAgain(Exception):  # noqa: N818 - what to do
    """The server cannot take it now."""


async def send(post: Post) -> None:
    """Send a publication.

    :raises TryAgain: the server is away, or overloaded
    :raises Ended: it refuses
    """
    await asyncio.to_thread(_send, post)


def _send(post: Post) -> None:
    # The URL is made of one that begins with ws:// or wss://.
    request = urllib.request.Request(post.url, post.body, post.headers, method="POST")  # noqa: S310
    try:
        http.ask(request, TIMEOUT, MOST)
    except http.Refused as refused:
        if refused.status == 429 or refused.status >= 500:
            raise TryAgain(str(refused)) from None
        where = post.url.partition("?")[0]
        raise Ended(f"the server refuses what is published: {where}: {refused}") from None
    except http.Unreachable as away:
        raise TryAgain(str(away)) from None
