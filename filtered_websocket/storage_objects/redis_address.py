"""Where a Redis is: from the options to addresses, and from an address to an endpoint that connects there.

    redis://[[USER:]PASSWORD@]HOST[:PORT][/DB]      rediss://... the same over TLS      unix://PATH[?db=DB]

A Sentinel address is ``MASTER@HOST[:PORT][,HOST[:PORT]...]``: the Sentinels are asked anew at every connect.
"""

from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError
from filtered_websocket.parsers import unix_path

REDIS_PORT, SENTINEL_PORT = 6379, 26379


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
    authorities: str = ""

    def check(self) -> None:
        """
        :raises ConfigError: what it needs, other than the server, is not there
        """
        try:
            self.reached_at(self.host, self.port, 1)
        except OSError as error:
            raise ConfigError(f"redis_ca {self.authorities}: {error.strerror or error}") from None
        except Exception:
            # OpenSSL's errors are of several kinds, and tell of its own functions.
            raise ConfigError(f"redis_ca {self.authorities}: not a PEM file of certificates") from None

    def endpoint(self, timeout: float) -> Any:
        """What connects to it, giving up after ``timeout`` seconds."""
        if self.master:
            return SentinelEndpoint(self, timeout)
        if self.path:
            from twisted.internet import reactor
            from twisted.internet.endpoints import UNIXClientEndpoint

            return UNIXClientEndpoint(reactor, self.path, timeout=timeout)
        return self.reached_at(self.host, self.port, timeout)

    def reached_at(self, host: str, port: int, timeout: float) -> Any:
        """The same at another host: a master that a Sentinel named."""
        from twisted.internet import reactor, ssl
        from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS

        from filtered_websocket.resolving import STORAGE, Resolving

        plain: Any = HostnameEndpoint(Resolving(reactor, STORAGE), host, port, timeout=timeout)
        if not self.tls:
            return plain
        trusted = None
        if self.authorities:
            with open(self.authorities, "rb") as file:
                blocks = file.read().partition(b"-----BEGIN")
            certificates = [
                ssl.Certificate.loadPEM(b"-----BEGIN" + block) for block in blocks[2].split(b"-----BEGIN") if block
            ]
            trusted = ssl.trustRootFromCertificates(certificates)
        return wrapClientTLS(ssl.optionsForClientTLS(host, trustRoot=trusted), plain)


def parse_url(url: str) -> Address:
    """
    :raises ValueError: no URL of the kinds above; the text does not repeat the URL, which may hold a password
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("redis://, rediss:// or unix:// is wanted")
    query = parse_qs(parts.query)
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if parts.scheme == "unix" and parts.path:
        unix_path(unquote(parts.path))
    try:
        if parts.scheme == "unix":
            path = unquote(parts.path)
            if not path:
                raise ValueError("unix:///path/of/socket is wanted")
            db = int(query.get("db", ["0"])[0])
            return Address(f"unix:{path}", path=path, username=username, password=password, db=db)
        host, port = parts.hostname or "localhost", parts.port or REDIS_PORT
        db = int(parts.path.strip("/") or query.get("db", ["0"])[0])
    except ValueError as error:
        raise ValueError(f"a Redis URL with a port and a database that are numbers is wanted ({error})") from None
    return Address(
        f"{host}:{port}/{db}" if db else f"{host}:{port}",
        host,
        port,
        "",
        parts.scheme == "rediss",
        username,
        password,
        db,
    )


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


def addresses(options: Any) -> list[Address]:
    """The Redis, or with shards the several, that the options name.

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
    return [_completed(address, options) for address in found]


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
    return address._replace(
        username=address.username or options.redis_username or None,
        password=address.password or options.redis_password or None,
        db=address.db or options.redis_db,
        authorities=options.redis_ca or "",
    )


class SentinelEndpoint:
    """Connects to whatever the first Sentinel that answers calls the master. (txredisapi's knows no TLS to it.)"""

    def __init__(self, address: Address, timeout: float) -> None:
        self._address, self._timeout = address, timeout

    @inlineCallbacks
    def connect(self, factory: Any) -> Any:
        """Fails with ConnectionError when no Sentinel knows the master."""
        from twisted.internet import reactor
        from twisted.internet.endpoints import HostnameEndpoint

        from filtered_websocket.resolving import STORAGE, Resolving

        reasons = []
        for host, port in self._address.sentinels:
            try:
                own = Resolving(reactor, STORAGE)
                endpoint: Any = HostnameEndpoint(own, host, port, timeout=self._timeout)
                question = yield endpoint.connect(_Questions(self._address.master))
                try:
                    place = yield question.answer.addTimeout(self._timeout, reactor)
                finally:
                    question.transport.abortConnection()
            except Exception as error:
                reasons.append(f"{host}:{port}: {error}")
                continue
            return (yield self._address.reached_at(place[0], place[1], self._timeout).connect(factory))
        raise ConnectionError(f"no Sentinel names the master {self._address.master!r} ({'; '.join(reasons)})")


class _Questions(Factory):
    noisy = False

    def __init__(self, master: str) -> None:
        self._master = master

    def buildProtocol(self, addr: object) -> Protocol:
        return _Question(self._master.encode())


class _Question(Protocol):
    """One question to a Sentinel; its answer is small: ``*2 $n host $n port``, or ``*-1``."""

    transport: Any

    def __init__(self, master: bytes) -> None:
        self.answer: Deferred[tuple[str, int]] = Deferred()
        self._master = master
        self._received = b""

    def connectionMade(self) -> None:
        question = b"*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$%d\r\n%b\r\n"
        self.transport.write(question % (len(self._master), self._master))

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        lines = self._received.split(b"\r\n")
        if self.answer.called or len(lines) < 2 or (lines[0] == b"*2" and len(lines) < 6):
            return
        if lines[0] == b"*2":
            self.answer.callback((lines[2].decode(), int(lines[4])))
        else:
            self.answer.errback(ConnectionError("it does not know this master"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.answer.called:
            self.answer.errback(reason)
