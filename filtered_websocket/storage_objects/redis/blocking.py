"""One connection to a Redis for programs without a reactor: it asks, and blocks until the answer is there.

It is made at the first question, and again at the next one after it was lost. What was lost before its answer came is
not asked again: it may have been done. So of redis-py the connection alone is used, without a retry. Its client would
ask again, and its pool would open more connections.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from redis.connection import AbstractConnection, Connection, UnixDomainSocketConnection
from redis.exceptions import ReadOnlyError, RedisError

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.redis.home import FORMAT, GREET, READ_ONLY, home_of, reign_of
from filtered_websocket.storage_objects.redis.refusals import NotDone, Refused, is_reply, reason_of
from filtered_websocket.transport.trust import Trust

SILENT_SECONDS = 5.0
"""After which one that listens asks whether anybody is there."""


class BlockingConnection:
    """
    :param address: where the Redis is
    :param timeout: seconds to connect in, and for each answer, if the address does not say otherwise
    :ivar address: the same
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address, self._timeout = address, address.timeout or timeout
        self._connection: AbstractConnection | None = None
        # What is known of the server that it is connected to.
        self._reigns: dict[bytes, bytes] = {}
        self._known: dict[bytes, bool] = {}

    def ask(self, *parts: bytes) -> Any:
        """The reply to one command.

        :raises NotDone: it was not done: the server has said no, or it cannot be reached
        :raises StorageAway: it is unknown whether it was done
        """
        return self._ask(self._connected(), *parts)

    def knows(self, command: bytes) -> bool:
        """Whether the server has a command that takes arguments. Raises as `ask` does."""
        connection = self._connected()
        if command not in self._known:
            try:
                self._ask(connection, command)
            except Refused as refused:
                self._known[command] = "unknown command" not in refused.said
        return self._known[command]

    def run(
        self,
        script: Script,
        keys: list[bytes],
        values: Callable[[bytes], Sequence[bytes]],
        prefix: bytes,
        guards: Sequence[bytes] = (),
    ) -> Any:
        """The result of a script that writes to histories. Raises as `ask` does.

        :param values: its arguments, made when it is known in which reign they arrive (`home.py`)
        :param prefix: of all keys
        :param guards: keys that whatever is done beside that is to declare
        """
        connection = self._connected()
        if prefix not in self._reigns:
            self._reigns[prefix] = self._greet(connection, prefix, guards)
        return self.call(script, keys, values(self._reigns[prefix]))

    def call(self, script: Script, keys: Sequence[bytes], values: Sequence[bytes]) -> Any:
        """The result of a script. Raises as `ask` does."""
        arguments = b"%d" % len(keys), *keys, *values
        try:
            return self.ask(b"EVALSHA", script.sha, *arguments)
        except Refused as refused:
            if not refused.said.startswith("NOSCRIPT"):
                raise
            # This reply says that nothing was done, so it may be asked again.
            return self.ask(b"EVAL", script.source, *arguments)

    def listen(self, *channels: bytes, verb: bytes = b"SUBSCRIBE") -> Iterator[tuple[bytes, bytes]]:
        """What is published on these channels, as it comes: pairs of ``(channel, data)``, without an end.

        The connection is of no other use then.

        :param verb: ``SSUBSCRIBE`` for sharded channels, which are all of one slot; ``PSUBSCRIBE`` for patterns
        :raises StorageAway: it is lost, or is not where they are published any more
        """
        connection = self._connected()
        try:
            connection.send_command(verb, *channels)
            reply: Any = connection.read_response()
            while True:
                if reply[0] in (b"message", b"smessage"):
                    yield reply[1], reply[2]
                elif reply[0] == b"pmessage":
                    yield reply[2], reply[3]
                elif reply[0] == b"sunsubscribe":
                    raise StorageAway(f"Redis at {self.address.name} has given these channels to another server")
                asked = False
                while not connection.can_read(timeout=SILENT_SECONDS):
                    if asked:
                        raise StorageAway(f"Redis at {self.address.name} was lost (no answer in time)")
                    connection.send_command(b"PING")
                    asked = True
                reply = connection.read_response()
        except RedisError as error:
            if is_reply(error):
                raise Refused(self.address.name, error) from None
            raise StorageAway(f"Redis at {self.address.name} was lost ({reason_of(error)})") from None
        finally:
            self.close()

    def close(self) -> None:
        """Close it; the next question opens it again."""
        closing, self._connection = self._connection, None
        self._reigns, self._known = {}, {}
        if closing is not None:
            closing.disconnect()

    def interrupt(self) -> None:
        """End what another thread waits for."""
        connection = self._connection
        if connection is not None:
            with suppress(OSError, AttributeError):  # it may be closing just now
                connection._get_socket().shutdown(socket.SHUT_RDWR)

    def _ask(self, connection: AbstractConnection, *parts: bytes) -> Any:
        try:
            connection.send_command(*parts)
            return connection.read_response()
        except RedisError as error:
            if is_reply(error):
                if isinstance(error, ReadOnlyError) or READ_ONLY in str(error):
                    self.close()  # it is no master any more: the next question looks for one
                raise Refused(self.address.name, error) from None
            self.close()
            raise StorageAway(
                f"Redis at {self.address.name} was lost ({reason_of(error)}): it is unknown whether this was done"
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
            raise NotDone(f"Redis at {self.address.name} is away: {reason_of(error)}: not done") from None
        except BaseException:
            self.close()
            raise
        return connection

    def _check(self, connection: AbstractConnection) -> None:
        connection.send_command(b"PING")  # NOAUTH and LOADING show here
        connection.read_response()
        if self.address.master:
            connection.send_command(b"ROLE")
            role: Any = connection.read_response()
            if role[0] != b"master":
                raise ConnectionError("it is no master (any more)")

    def _greet(self, connection: AbstractConnection, prefix: bytes, guards: Sequence[bytes]) -> bytes:
        """The reign of the data."""
        home = b""
        try:
            home = home_of(self._ask(connection, b"INFO", b"replication"))
        except Refused:  # not allowed
            if guards:
                with suppress(Refused):
                    home = self._ask(connection, b"CLUSTER", b"MYID")
        keys = prefix + b"about", *guards
        arguments = b"%d" % len(keys), *keys, b"%d" % FORMAT, home
        reply = self._ask(connection, b"EVAL", GREET.source, *arguments)
        try:
            return reign_of(reply, prefix, self.address.name)
        except ConfigError as error:
            raise StorageAway(f"{error}: not done") from None

    def _made(self) -> AbstractConnection:
        """A connection that is not connected yet."""
        address = self.address
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
        for host, port in self.address.sentinels:
            sentinel = BlockingConnection(Address(f"{host}:{port}", host, port), self._timeout)
            try:
                place = sentinel.ask(b"SENTINEL", b"get-master-addr-by-name", self.address.master.encode())
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
