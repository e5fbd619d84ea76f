"""Which pages may connect: a browser says where a page came from, and by default that must be here.

Without this check any page on the web could open a connection with the cookies of whoever looks at it (cross-site
WebSocket hijacking). Clients that are no browsers send no Origin and are not concerned.
"""

from urllib.parse import urlsplit

from filtered_websocket.addresses import is_loopback
from filtered_websocket.paths import match

SAME_HOST = "same-host"
"""The default: the page's host and port are those the client connects to, or page and server are both on loopback."""


MAX_ORIGIN = 512
"""Characters of an Origin: a scheme, a name of 253 at most, a port."""


def allowed(origin: str | None, host: str, patterns: list[str], secure: bool = False, by_name: bool = False) -> bool:
    """Whether a request with this Origin may connect.

    :param origin: the Origin header, None if there is none
    :param host: the Host header
    :param patterns: `SAME_HOST`, ``*``, ``null``, an origin such as ``https://example.com``, or one with ``*`` in it
    :param secure: whether the client speaks TLS, which settles the port a Host header leaves out
    :param by_name: being of the same host is not enough: what the page and this host are called proves nothing
    """
    if origin is None:
        return True
    if len(origin) > MAX_ORIGIN:
        return False
    origin = origin.lower()
    for pattern in patterns:
        if pattern == SAME_HOST:
            if not by_name and _same_host(origin, host.lower(), secure):
                return True
        elif pattern == "*" or match(pattern.lower(), origin) is not None:
            return True
    return False


def _same_host(origin: str, host: str, secure: bool) -> bool:
    page, server = _split(origin), _split(f"{'https' if secure else 'http'}://{host}")
    if page is None or server is None:
        return False
    # A page may be served by TLS in front of a server that speaks none: equal names with default ports are one host.
    same_port = page[1] == server[1] or (":" not in host.rpartition("]")[2] and page[1] in (80, 443))
    return (page[0] == server[0] and same_port) or (is_loopback(page[0]) and is_loopback(server[0]))


def _split(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
