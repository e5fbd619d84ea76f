"""Publications by HTTP."""

import asyncio
import urllib.error
import urllib.request

from filtered_websocket.commands.manners import Ended
from filtered_websocket.commands.speech.base import Post

TIMEOUT = 10
"""Seconds for one request."""


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
        urllib.request.urlopen(request, timeout=TIMEOUT).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 429 or error.code >= 500:
                raise TryAgain(f"{error.code} {error.reason}") from None
            reason = error.read(500).decode("utf-8", "replace").strip()
        where = post.url.partition("?")[0]
        raise Ended(f"the server refuses what is published: {where}: {error.code} {reason or error.reason}") from None
    except OSError as error:
        raise TryAgain(str(getattr(error, "reason", error))) from None
