"""One connection to a Redis for programs without a reactor: it asks, and blocks until the answer is there.

It is made at the first question, and again at the next one after it was lost. What was lost before its answer came is
not asked again: it may have been done. So of redis-py the connection alone is used, without a retry. Its client would
ask again, and its pool would open more connections.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from redis.connection import AbstractConnection, Connection, UnixDomainSocketConnection
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.redis.home import FORMAT, GREET, READ_ONLY, home_of, reign_of
from filtered_websocket.transport.trust import Trust


class BlockingConnection:
    """
    :param address: where the Redis is
    :param timeout: seconds to connect in, and for each answer, if the address does not say otherwise
    :param prefix: of all keys that it writes, for one that writes to histories
    """

    def __init__(self, address: Address, timeout: float, prefix: bytes = b"") -> None:
        self._address, self._timeout, self._prefix = address, address.timeout or timeout, prefix
        self._connection: AbstractConnection | None = None
        self._greeted: AbstractConnection | None = None
        self._reign = b"0"

    def ask(self, *parts: bytes) -> Any:
        """The reply to one command.

        :raises StorageAway: it was not done, or it is unknown whether it was: the text says which
        """
        return self._ask(self._connected(), *parts)

    def run(self, script: Script, keys: list[bytes], values: Callable[[bytes], Sequence[bytes]]) -> Any:
        """The result of a script. Raises as `ask` does.

        :param values: its arguments, made when it is known in which reign they arrive (`home.py`)
        """
        connection = self._connected()
        if connection is not self._greeted:
            self._greet(connection)
        arguments = b"%d" % len(keys), *keys, *values(self._reign)
        try:
            return self._ask(connection, b"EVALSHA", script.sha, *arguments)
        except _Refused as refused:
            if not isinstance(refused.reply, NoScriptError):
                raise
            # This reply says that nothing was done, so it may be asked again.
            return self._ask(connection, b"EVAL", script.source, *arguments)

    def listen(self, *channels: bytes) -> Iterator[tuple[bytes, bytes]]:
        """What is published on these channels, as it comes: pairs of ``(channel, data)``, without an end.

        The connection is of no other use then.

        :raises StorageAway: it is lost
        """
        connection = self._connected()
        try:
            connection.send_command(b"SUBSCRIBE", *channels)
            reply: Any = connection.read_response()
            while True:
                if reply[0] == b"message":
                    yield reply[1], reply[2]
                reply = connection.read_response(timeout=None)  # for ever
        except RedisError as error:
            if _is_reply(error):
                raise _Refused(self._address.name, error) from None
            raise StorageAway(f"Redis at {self._address.name} was lost ({_reason(error)})") from None
        finally:
            self.close()

    def close(self) -> None:
        """Close it; the next question opens it again."""
        closing, self._connection = self._connection, None
        if closing is not None:
            closing.disconnect()

    def _ask(self, connection: AbstractConnection, *parts: bytes) -> Any:
        try:
            connection.send_command(*parts)
            return connection.read_response()
        except RedisError as error:
            if _is_reply(error):
                if isinstance(error, ReadOnlyError) or READ_ONLY in str(error):
                    self.close()  # it is no master any more: the next question looks for one
                raise _Refused(self._address.name, error) from None
            self.close()
            raise StorageAway(
                f"Redis at {self._address.name} was lost ({_reason(error)}): it is unknown whether this was done"
            ) from None
        except BaseException:
            # Interrupted: the answer would be taken for that of the next question.
            self.close()
            raise

    def _connected(self) -> AbstractConnection:
        connection = self._connection
        if connection is not None and connection.is_connected:
            # Readable where nothing was asked: Redis, or what stands between, has closed an idle connection.
            with suppress(RedisError):
                if not connection.can_read():
                    return connection
        self.close()
        try:
            connection = self._connection = self._made()
            connection.connect()
            self._check(connection)
        except (OSError, RedisError) as error:
            self.close()
            raise StorageAway(f"Redis at {self._address.name} is away: {_reason(error)}: not done") from None
        except BaseException:
            self.close()
            raise
        return connection

    def _check(self, connection: AbstractConnection) -> None:
        connection.send_command(b"PING")  # NOAUTH and LOADING show here
        connection.read_response()
        if self._address.master:
            connection.send_command(b"ROLE")
            role: Any = connection.read_response()
            if role[0] != b"master":
                raise ConnectionError("it is no master (any more)")

    def _greet(self, connection: AbstractConnection) -> None:
        """Learn the reign of the data."""
        home = b""
        with suppress(_Refused):  # not allowed
            home = home_of(self._ask(connection, b"INFO", b"replication"))
        reply = self._ask(connection, b"EVAL", GREET.source, b"1", self._prefix + b"about", b"%d" % FORMAT, home)
        try:
            self._reign = reign_of(reply, self._prefix, self._address.name)
        except ConfigError as error:
            raise StorageAway(f"{error}: not done") from None
        self._greeted = connection

    def _made(self) -> AbstractConnection:
        """A connection that is not connected yet."""
        address = self._address
        given: dict[str, Any] = {
            "db": address.db,
            "username": address.username,
            "password": address.password,
            "client_name": address.client_name,
            "socket_timeout": self._timeout,
            "socket_connect_timeout": address.connect_timeout or self._timeout,
            "protocol": 2,  # Redis 5 knows no HELLO
            "driver_info": None,
        }
        if address.path:
            return UnixDomainSocketConnection(address.path, **given)
        host, port = self._master() if address.master else (address.host, address.port)
        given |= {"host": host, "port": port}
        given |= {"socket_keepalive": address.keepalive, "socket_keepalive_options": None}
        return _TLSConnection(address.trust, **given) if address.tls else Connection(**given)

    def _master(self) -> tuple[str, int]:
        """Where the first Sentinel that answers says the master is."""
        reasons = []
        for host, port in self._address.sentinels:
            sentinel = BlockingConnection(Address(f"{host}:{port}", host, port), self._timeout)
            try:
                place = sentinel.ask(b"SENTINEL", b"get-master-addr-by-name", self._address.master.encode())
                if place is not None:
                    return place[0].decode(), int(place[1])
                reasons.append(f"{host}:{port} does not know this master")
            except StorageAway as error:
                reasons.append(str(error))
            finally:
                sentinel.close()
        raise ConnectionError("; ".join(reasons))


class _TLSConnection(Connection):
    """TLS as all other connections have it. redis-py's own trusts the system's authorities beside those it is given."""

    def __init__(self, trust: Trust, **given: Any) -> None:
        self.trust = trust
        super().__init__(**given)

    def _connect(self) -> Any:
        plain = super()._connect()
        try:
            return self.trust.context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


class _Refused(StorageAway):
    """Redis has said no."""

    def __init__(self, name: str, reply: RedisError) -> None:
        super().__init__(f"Redis at {name} refused: {_reason(reply)}: not done")
        self.reply = reply


def _is_reply(error: RedisError) -> bool:
    """Whether Redis itself has said so. Of some replies, such as LOADING, redis-py makes a lost connection."""
    return isinstance(error, ResponseError) or error.status_code is not None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return "no answer in time"
    if isinstance(error, RedisError):
        if error.status_code is not None:  # which redis-py takes off the text
            return f"{error.status_code} {error}"
        if isinstance(error.__context__, OSError):
            return _reason(error.__context__)
    return getattr(error, "strerror", None) or str(error).rstrip(".")
