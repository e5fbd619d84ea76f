"""The URLs of web hooks."""

from collections.abc import Sequence
from urllib.parse import urlsplit

MAX_HOOKS = 1000
"""URLs that one app may have, however it came to them."""


def check_url(url: object) -> str:
    """A hook's URL.

    :raises ValueError: it is none
    """
    if not isinstance(url, str) or len(url) > 2048 or any(not "!" <= each <= "~" for each in url):
        raise ValueError("a web hook's URL is wanted, in printable ASCII")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in parts.netloc:
        raise ValueError("a web hook's URL is wanted: http or https, a host, and no credentials")
    return url


def check_hooks(urls: Sequence[object]) -> tuple[str, ...]:
    """The URLs of an app, each once.

    :raises ValueError: one is none, or they are too many
    """
    if len(urls) > MAX_HOOKS:
        raise ValueError(f"an app may have {MAX_HOOKS} web hooks")
    return tuple(dict.fromkeys(map(check_url, urls)))
