"""Which pages may connect: a browser says where a page came from, and by default that must be here.

Without this check any page on the web could open a connection with the cookies of the user that looks at it
(cross-site WebSocket hijacking). Clients that are no browsers send no Origin and are not concerned.
"""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from filtered_websocket.config.patterns import match
from filtered_websocket.limits.addresses import is_loopback

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


def read(written: list[str]) -> list[str]:
    """Patterns as `allowed` compares them: what a browser would write otherwise is written so.

    >>> read(["https://Example.com:443/", "http://[::0001]:8080", "https://a.example,https://*.b.example"])
    ['https://example.com', 'http://[::1]:8080', 'https://a.example', 'https://*.b.example']

    :raises ValueError: one of them fits no page; with what is meant, where that can be told
    """
    words = [word for each in written for word in re.split(r"[\s,]+", each) if word]
    return list(dict.fromkeys(map(_read, words)))


def _read(word: str) -> str:
    pattern = re.sub(r"\*+", "*", word.lower())
    if pattern in (SAME_HOST, "*", "null", "file://"):
        return pattern
    pattern = pattern.rstrip("/")
    scheme, separator, rest = pattern.partition("://")
    starred = pattern.startswith("*")
    if not separator:
        scheme, rest = ("", pattern) if starred else ("", "")
    found = re.fullmatch(r"(\[[0-9a-f:.*]+\]|[^/?#@\\:\[\]]+)(?::([0-9*]{1,5}))?|\*.*", rest)
    if found is None or re.search(r"[/?#@\\]", rest) or (scheme and not re.fullmatch(r"[a-z*][a-z0-9+.*-]*", scheme)):
        raise ValueError(f'"{word}" fits no page: {_meant(pattern)}')
    if scheme in ("ws", "wss"):
        raise ValueError(f'"{word}" fits no page: pages have http{scheme[2:]}://, "http{scheme[2:]}://{rest}" is meant')
    host, port = found[1], found[2]
    if host is None:
        return pattern
    if port and port.isdecimal():
        port = str(int(port))
        if not 0 < int(port) < 65536:
            raise ValueError(f'"{word}" fits no page: a port is 1 to 65535')
        if (scheme, port) in (("http", "80"), ("https", "443")):
            port = ""  # browsers leave it out
    return f"{scheme}{separator}{_name(host, word)}{f':{port}' if port else ''}"


def _name(host: str, word: str) -> str:
    """A host as browsers write it."""
    try:
        if host.startswith("[") and "*" not in host:
            return f"[{ip_address(host[1:-1])}]"
        if any("*" in each and not each.isascii() for each in host.split(".")):
            raise ValueError("a part of a name in another alphabet is written as a whole")
        return ".".join(each if each.isascii() else each.encode("idna").decode() for each in host.split("."))
    except ValueError:
        raise ValueError(f'"{word}" fits no page: its host is none') from None


def _meant(pattern: str) -> str:
    found = re.fullmatch(r"(?:(https?)://)?((?:[a-z0-9-]+\.)*[a-z0-9-]+(?::[0-9]+)?)(?:/.*)?", pattern)
    if found is None or found[2] in ("self", "any", "all", "none", "same-origin", "samehost"):
        return f"{SAME_HOST}, null, * or an origin is wanted, such as https://example.com"
    scheme = found[1] or ("http" if ":" in found[2] or is_loopback(found[2]) else "https")
    return f'an origin is a scheme, a host and perhaps a port, "{scheme}://{found[2]}" is meant'


@lru_cache(128)  # few, since clients choose how long a Host is
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
