"""One connection to a Redis for programs without a reactor: it asks, and blocks until the answer is there.

It is made at the first question, and again at the next one after it was lost. What was lost before its answer came is
not asked again: it may have been done.
"""

import select
import socket
from collections.abc import Iterator
from typing import Any

import hiredis

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command import Script, command


class BlockingConnection:
    """
    :param address: where the Redis is
    :param timeout: seconds to connect in, and for each answer, if the address does not say otherwise
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self._address, self._timeout = address, address.timeout or timeout
        self._socket: socket.socket | None = None
        self._reader: Any = None

    def ask(self, *parts: bytes) -> Any:
        """The reply to one command.

        :raises StorageAway: it was not done, or it is unknown whether it was: the text says which
        """
        return self._answer(command(*parts))

    def run(self, script: Script, keys: list[bytes], values: list[bytes]) -> Any:
        """The result of a script. Raises as `ask` does."""
        request = script.request(keys, values)
        try:
            return self._answer(request)
        except _Refused as refused:
            if not str(refused.reply).startswith("NOSCRIPT"):
                raise
            # This reply says that nothing was done, so it may be asked again.
            return self._answer(script.in_full(request))

    def listen(self, *channels: bytes) -> Iterator[tuple[bytes, bytes]]:
        """What is published on these channels, as it comes: pairs of ``(channel, data)``, without an end.

        The connection is of no other use then.

        :raises StorageAway: it is lost
        """
        self._be_connected()
        assert self._socket is not None
        try:
            reply = self._exchange(command(b"SUBSCRIBE", *channels))
            self._socket.settimeout(None)
            while not isinstance(reply, Exception):
                if reply[0] == b"message":
                    yield reply[1], reply[2]
                reply = self._exchange(b"")
        except OSError as error:
            raise StorageAway(f"Redis at {self._address.name} was lost ({_reason(error)})") from None
        finally:
            self.close()
        raise _Refused(self._address.name, reply)

    def close(self) -> None:
        """Close it; the next question opens it again."""
        closing, self._socket = self._socket, None
        if closing is not None:
            closing.close()

    def _answer(self, request: bytes) -> Any:
        self._be_connected()
        try:
            reply = self._exchange(request)
        except OSError as error:
            self.close()
            raise StorageAway(
                f"Redis at {self._address.name} was lost ({_reason(error)}): it is unknown whether this was done"
            ) from None
        except BaseException:
            # Interrupted: the answer would be taken for that of the next question.
            self.close()
            raise
        if isinstance(reply, Exception):
            raise _Refused(self._address.name, reply)
        return reply

    def _exchange(self, request: bytes) -> Any:
        assert self._socket is not None
        self._socket.sendall(request)
        while (reply := self._reader.gets()) is False:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("connection closed")
            self._reader.feed(data)
        return reply

    def _be_connected(self) -> None:
        # Readable where nothing was asked: Redis, or what stands between, has closed an idle connection.
        if self._socket is not None and _readable(self._socket):
            self.close()
        if self._socket is not None:
            return
        try:
            self._socket = self._at_address()
            self._reader = hiredis.Reader()
            self._greet()
        except (OSError, hiredis.HiredisError) as error:
            self.close()
            raise StorageAway(f"Redis at {self._address.name} is away: {_reason(error)}: not done") from None
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        address = self._address
        questions: list[tuple[bytes, ...]] = [(b"PING",)]
        if address.db:
            questions.insert(0, (b"SELECT", b"%d" % address.db))
        if address.client_name:
            questions.insert(0, (b"CLIENT", b"SETNAME", address.client_name.encode()))
        if address.password is not None:
            user = () if address.username is None else (address.username.encode(),)
            questions.insert(0, (b"AUTH", *user, address.password.encode()))
        for question in questions:
            reply = self._exchange(command(*question))
            if isinstance(reply, Exception):
                raise reply
        if address.master and self._exchange(command(b"ROLE"))[0] != b"master":
            raise ConnectionError("it is no master (any more)")

    def _at_address(self) -> socket.socket:
        address = self._address
        if address.path:
            plain = socket.socket(socket.AF_UNIX)
            plain.settimeout(self._timeout)
            try:
                plain.connect(address.path)
            except BaseException:
                plain.close()
                raise
            return plain
        host, port = self._master() if address.master else (address.host, address.port)
        return self._at(host, port, address.tls)

    def _at(self, host: str, port: int, tls: bool = False) -> socket.socket:
        plain = socket.create_connection((host, port), self._address.connect_timeout or self._timeout)
        plain.settimeout(self._timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._address.keepalive:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not tls:
            return plain
        try:
            return self._address.trust.context().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

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


class _Refused(StorageAway):
    """Redis has said no."""

    def __init__(self, name: str, reply: Exception) -> None:
        super().__init__(f"Redis at {name} refused: {reply}: not done")
        self.reply = reply


def _readable(connection: socket.socket) -> bool:
    poll = select.poll()  # select() itself knows no descriptor above 1,023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error)
