"""Where a Redis is: from the options to addresses, and from an address to an endpoint that connects there.

    redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?OPTION=VALUE&...]    rediss://... the same over TLS
    unix://[[USER]:PASSWORD@]PATH[?db=DB&...]                         the options are those of `query.py`

A Sentinel address is ``MASTER@HOST[:PORT][,HOST[:PORT]...]``: the Sentinels are asked anew at every connect.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from filtered_websocket.config.parsers import unix_path
from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.query import read_query
from filtered_websocket.storage_objects.redis.sentinel import SentinelEndpoint
from filtered_websocket.transport.trust import Trust

REDIS_PORT, SENTINEL_PORT = 6379, 26379
Reach = Callable[[str, int, float], Any]
"""Gives an endpoint that connects to a host and port within so many seconds."""


def reach_by_name(host: str, port: int, timeout: float) -> Any:
    """How a Redis is reached where nothing else is said: its name is looked up, and what comes of it connected to."""
    from twisted.internet import reactor
    from twisted.internet.endpoints import HostnameEndpoint

    from filtered_websocket.transport.resolving import STORAGE, Resolving

    named: Any = Resolving(reactor, STORAGE)
    return HostnameEndpoint(named, host, port, timeout=timeout)


class Address(NamedTuple):
    """One Redis. ``name`` is how it is called in logs and when channels are sharded: no credentials in it."""

    name: str
    host: str = "localhost"
    port: int = REDIS_PORT
    path: str = ""
    tls: bool = False
    username: str | None = None
    password: str | None = None
    db: int = 0
    master: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    trust: Trust = Trust()
    client_name: str = ""
    connect_timeout: float | None = None
    timeout: float | None = None
    keepalive: bool = False
    reach: Reach = reach_by_name

    def channels(self, prefix: bytes) -> bytes:
        """What the names of channels in its publish/subscribe begin with. That knows no databases, so the number stands
        in the names, but for 0.

        :param prefix: of all keys, with its colon
        """
        return b"%b@%d:c:" % (prefix, self.db) if self.db else prefix + b"c:"

    def check(self) -> None:
        """
        :raises ConfigError: what it needs, other than the server, is not there
        """
        try:
            self.reached_at(self.host, self.port, 1)
        except OSError as error:
            trusted = error.filename == self.trust.authorities
            option = "redis_ca" if trusted else f"Redis at {self.name}:"
            raise ConfigError(f"{option} {error.filename}: {error.strerror or error}") from None
        except Exception as error:
            if self.trust.authorities and not self.trust.certificate:
                # OpenSSL's errors are of several kinds, and tell of its own functions.
                text = f"redis_ca {self.trust.authorities}: not a PEM file of certificates"
                raise ConfigError(text) from None
            raise ConfigError(f"Redis at {self.name}: {error}") from None

    def endpoint(self, timeout: float) -> Any:
        """What connects to it, giving up after ``timeout`` seconds, or after those of its own."""
        timeout = self.connect_timeout or timeout
        if self.master:
            return SentinelEndpoint(self.master, self.sentinels, self.reach, self.reached_at, timeout)
        if self.path:
            from twisted.internet import reactor
            from twisted.internet.endpoints import UNIXClientEndpoint

            return UNIXClientEndpoint(reactor, self.path, timeout=timeout)
        return self.reached_at(self.host, self.port, timeout)

    def reached_at(self, host: str, port: int, timeout: float) -> Any:
        """The same at another host: a master that a Sentinel named."""
        plain = self.reach(host, port, timeout)
        return self.trust.wrap(plain, host) if self.tls else plain


def parse_url(url: str) -> Address:
    """
    :raises ValueError: no URL of the kinds above; the text does not repeat the URL, which may hold a password
    """
    try:
        parts = urlsplit(url)
        port = parts.port or REDIS_PORT
    except ValueError:
        # Its own text may quote the password.
        raise ValueError(
            "a Redis URL with a port that is a number is wanted, / # ? @ in a password as %2F..."
        ) from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("redis://, rediss:// or unix:// is wanted")
    if parts.fragment:
        raise ValueError("a Redis URL without # is wanted: write %23")
    fields, trust = read_query(parts.query, parts.scheme == "rediss")
    # As in redis-py: the user is what stands in front of @, the database what the query says.
    for field, value in (("username", parts.username), ("password", parts.password)):
        if value:
            fields[field] = unquote(value)
    if parts.scheme == "unix":
        path = unquote(parts.path)
        if not path:
            raise ValueError("unix:///path/of/socket is wanted")
        unix_path(path)
        return Address(f"unix:{path}", path=path)._replace(**fields)
    number = parts.path.strip("/")
    if number and not (number.isascii() and number.isdigit()):
        raise ValueError("a Redis URL with a database that is a number is wanted")
    fields.setdefault("db", int(number or 0))
    host = unquote(parts.hostname) if parts.hostname else "localhost"
    name = f"{host}:{port}/{fields['db']}" if fields["db"] else f"{host}:{port}"
    return Address(name, host, port, tls=parts.scheme == "rediss", trust=trust)._replace(**fields)


def parse_place(place: str, default_port: int = REDIS_PORT) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT``, ``[V6]:PORT``. :raises ValueError: none of these"""
    parts = urlsplit(f"//{place}")
    if not parts.hostname or parts.path or parts.username:
        raise ValueError("HOST:PORT is wanted")
    return parts.hostname, parts.port or default_port


def parse_sentinel(text: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """The master's name and the Sentinels. :raises ValueError: not of the form above"""
    master, at, places = text.partition("@")
    if not at or not master or not places:
        raise ValueError("MASTER@HOST:PORT,HOST:PORT is wanted")
    return master, tuple(parse_place(place, SENTINEL_PORT) for place in places.split(","))


def addresses(options: Any, reach: Reach = reach_by_name) -> list[Address]:
    """The Redis, or with shards the several, that the options name; of a Redis Cluster, where to ask for its servers.

    :param reach: how they are reached, but for Unix sockets
    :raises ConfigError: options that exclude each other
    """
    named = [name for name in ("redis_shards", "redis_url", "redis_sentinel") if getattr(options, name)]
    if len(named) > 1:
        raise ConfigError(f"{' and '.join(named)} exclude each other")
    if options.redis_shards:
        found = [parse_shard(text) for text in options.redis_shards]
        if len({address.name for address in found}) < len(found):
            raise ConfigError("redis_shards names one address twice")
    elif options.redis_url:
        found = [parse_url(options.redis_url)]
    elif options.redis_sentinel:
        master, sentinels = parse_sentinel(options.redis_sentinel)
        found = [Address(f"{master} of Sentinel", master=master, sentinels=sentinels)]
    else:
        place = f"{options.redis_host}:{options.redis_port}"
        found = [Address(place, options.redis_host, options.redis_port)]
    completed = [_completed(address, options)._replace(reach=reach) for address in found]
    if options.redis_cluster:
        _check_cluster(completed, options)
    return completed


def _check_cluster(seeds: list[Address], options: Any) -> None:
    """
    :raises ConfigError: what a Redis Cluster does not have
    """
    if options.redis_sentinel:
        raise ConfigError("redis_cluster and redis_sentinel exclude each other: a cluster replaces its masters itself")
    if {"{", "}"} & set(options.redis_key):
        raise ConfigError("redis_key has no { and } with redis_cluster: they say where a Redis Cluster keeps a key")
    for seed in seeds:
        if seed.path:
            raise ConfigError(f"redis_cluster: servers of a cluster are reached by TCP, not at {seed.name}")
        if seed.db:
            raise ConfigError(f"redis_cluster: a cluster has no database {seed.db}: use redis_key instead")


def fit(address: Address, name: bytes) -> bytes:
    """How well a channel or key fits one of several Redises: the largest has it, so that one more moves no more names
    than it must."""
    return blake2b(address.name.encode() + name, digest_size=8).digest()


def parse_shard(text: str) -> Address:
    """A URL, or ``HOST:PORT``. :raises ValueError: neither"""
    if "://" in text:
        return parse_url(text)
    host, port = parse_place(text)
    return Address(f"{host}:{port}", host, port)


def _completed(address: Address, options: Any) -> Address:
    """With the options' values where the URL has none."""
    trust = address.trust
    if options.redis_ca and not (trust.authorities or trust.folder or trust.data):
        trust = trust._replace(authorities=options.redis_ca)
    return address._replace(
        username=address.username or options.redis_username or None,
        password=address.password or options.redis_password or None,
        db=address.db or options.redis_db,
        trust=trust,
    )
