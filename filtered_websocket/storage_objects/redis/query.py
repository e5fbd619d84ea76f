"""What may stand behind the ``?`` of a Redis URL: the options that redis-py documents for its URLs, by their names.

Those that say where Redis is, as which user, how long and over what TLS are honoured. Those with which redis-py tunes
itself (`PASSED_OVER`) are checked and passed over, so that one URL serves several programs. Others are refused by name.
"""

import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from filtered_websocket.transport.trust import Trust

FALSE = ("", "0", "f", "false", "n", "no")
"""As redis-py reads them, in any case; all else is true."""
PASSED_OVER = (
    "decode_responses",
    "encoding",
    "encoding_errors",
    "health_check_interval",
    "legacy_responses",
    "lib_name",
    "lib_version",
    "max_connections",
    "protocol",
    "retry_on_error",
    "retry_on_timeout",
    "socket_read_size",
    "timeout",
)
_WHOLE = ("health_check_interval", "max_connections", "protocol", "socket_read_size")
_LOWEST = {version.value: version for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)}


def read_query(query: str, tls: bool) -> tuple[dict[str, Any], Trust]:
    """The fields of an ``Address`` that a query names, and the TLS that it asks for.

    :param tls: whether the URL is one of TLS
    :raises ValueError: an option that there is not, is there twice, or has a wrong value; the text does not repeat it
    """
    given: dict[str, str] = {}
    for name, value in parse_qsl(query):
        if name in given:
            raise ValueError(f"the option {name} once is wanted")
        given[name] = value
    fields: dict[str, Any] = {}
    trusted: dict[str, Any] = {}
    for name, value in given.items():
        if name in _TRUST:
            if not tls:
                raise ValueError(f"rediss:// is wanted for the option {name}")
            field, read = _TRUST[name]
            trusted[field] = _read(name, value, read)
        elif name in _FIELDS:
            field, read = _FIELDS[name]
            fields[field] = _read(name, value, read)
        elif name in PASSED_OVER:
            if name in _WHOLE or name == "timeout":
                _read(name, value, int if name in _WHOLE else float)
        else:
            raise ValueError(f"options that redis-py knows are wanted, and {name[:50]!r} is none that is known here")
    trust = Trust(**trusted)
    if trust.key and not trust.certificate:
        raise ValueError("the option ssl_certfile is wanted beside ssl_keyfile")
    return fields, trust


def _read(name: str, value: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(value)
    except (KeyError, ValueError):
        raise ValueError(f"another value is wanted for the option {name}") from None


def _boolean(value: str) -> bool:
    return value.lower() not in FALSE


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds < 1e6:
        raise ValueError
    return seconds


def _db(value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise ValueError
    return int(value)


_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "db": ("db", _db),
    "username": ("username", str),
    "password": ("password", str),
    "client_name": ("client_name", str),
    "socket_connect_timeout": ("connect_timeout", _seconds),
    "socket_timeout": ("timeout", _seconds),
    "socket_keepalive": ("keepalive", _boolean),
}
_TRUST: dict[str, tuple[str, Callable[[str], Any]]] = {
    "ssl_ca_certs": ("authorities", str),
    "ssl_ca_path": ("folder", str),
    "ssl_ca_data": ("data", str),
    "ssl_certfile": ("certificate", str),
    "ssl_keyfile": ("key", str),
    "ssl_password": ("password", str),
    "ssl_cert_reqs": ("verify", {"none": False, "optional": True, "required": True}.__getitem__),
    "ssl_check_hostname": ("names", _boolean),
    "ssl_min_version": ("lowest", lambda value: _LOWEST[int(value)]),
    "ssl_ciphers": ("ciphers", str),
}
