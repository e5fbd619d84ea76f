"""One connection to a Redis, made of txredisapi's protocols: its greeting, and replies matched to what was asked.

What of txredisapi 1.6 is not used, and why: its factories park commands without bound while Redis is away and end all
attempts for good after a failed AUTH; its reply queue and its timer per command cost more than Redis does. So replies
are matched here, in order, and the time-out of a reply is the heartbeat of ``shard``, one for all.

Importing this module installs the reactor (txredisapi does).
"""

from collections import deque
from typing import Any, Protocol

import txredisapi
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command import Script, command
from filtered_websocket.storage_objects.redis.home import READ_ONLY
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.values import Convert
from filtered_websocket.transport.reactor import at_turn_end

_at_turn_end = at_turn_end(reactor)


class Maker(Protocol):
    """What makes connections and is told of their coming and going: `link.Link`."""

    def usable(self, connection: "RedisConnection") -> None: ...

    def lost(self, connection: "RedisConnection", why: Failure) -> None: ...

    def refused(self, reason: str) -> None: ...

    def impossible(self, error: ConfigError) -> None: ...

    def abort(self) -> None: ...


class RedisConnection(txredisapi.RedisProtocol):
    """One connection. What makes it sets ``address``, ``link`` and ``prefix``, which is that of all keys."""

    address: Address
    link: Maker
    prefix: bytes

    def __init__(self) -> None:
        # Otherwise "007" would come back as 7, and bytes as text where they happen to be some.
        super().__init__(charset=None, convertNumbers=False)
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[Deferred[Any], Convert, Script | None, bytes]] = deque()

    def ask(
        self,
        request: bytes,
        convert: Convert = None,
        script: Script | None = None,
        answer: Deferred[Any] | None = None,
    ) -> Deferred[Any]:
        """Write a command; its reply, converted. A script is known from the greeting; if not, it is sent in full.

        Fails with StorageAway when the connection ends before the reply comes. What is asked in one reactor turn is
        sent at its end, together.

        :param answer: what fires, if it is to be another than a new one
        """
        if not self.connected:
            return away()
        if answer is None:
            answer = Deferred()
        self._waiting.append((answer, convert, script, request))
        if not self._unsent:
            _at_turn_end(self.flush)
        self._unsent.append(request)
        return answer

    def flush(self) -> None:
        """Send what was asked so far."""
        unsent, self._unsent = self._unsent, []
        if unsent and self.connected:
            self.transport.write(b"".join(unsent))

    def execute_command(self, *args: Any, post_proc: Any = None, **_: Any) -> Deferred[Any]:
        """What txredisapi's own methods call."""
        return self.ask(self._build_command(*args), post_proc)

    def connectionMade(self) -> None:
        self.connected = 1
        # Unix sockets have no delay to turn off, and over TLS the socket lies deeper.
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
            if self.address.keepalive:
                self.transport.setTcpKeepAlive(True)
        self._greet().addErrback(self._greeting_failed)

    @inlineCallbacks
    def _greet(self) -> Any:
        address = self.address
        if address.password is not None:
            yield self.auth(address.password, address.username)
        if address.client_name:
            yield self.ask(command(b"CLIENT", b"SETNAME", address.client_name.encode()))
        if address.db:
            yield self.select(address.db)
        yield self.ping()  # NOAUTH and LOADING show here
        if address.master:
            role = yield self.role()
            if role[0] != b"master":
                raise ConnectionError("it is no master (any more)")
        yield self.prepare()
        self.link.usable(self)

    def prepare(self) -> Any:
        """What else is asked before the connection is used."""

    def _greeting_failed(self, failure: Failure) -> None:
        # The reason of a lost connection is told by connectionLost.
        if isinstance(failure.value, ConfigError):
            self.link.impossible(failure.value)
        elif not failure.check(StorageAway):
            self.link.refused(failure.getErrorMessage())
        self.link.abort()

    def replyReceived(self, reply: Any) -> None:
        if not self._waiting:
            # "-DENIED Redis is running in protected mode" comes unasked.
            self.link.refused(str(reply))
            self.link.abort()
            return
        answer, convert, script, request = self._waiting.popleft()
        if isinstance(reply, Exception):
            if self.taken_back(reply, answer, convert, script, request):
                return
            if script is not None and str(reply).startswith("NOSCRIPT"):
                # This reply says that nothing was done, so it may be asked again; what follows it in the pipeline got
                # the same reply and follows it again.
                self._waiting.append((answer, convert, script, request))
                self.flush()  # what was asked before is answered before
                self.transport.write(script.in_full(request))
                return
            if READ_ONLY in str(reply):
                self.link.refused("it is no master (any more)")
                self.link.abort()
            answer.errback(reply)
            return
        try:
            result = reply if convert is None else convert(reply)
        except Exception:
            answer.errback(Failure())
            return
        answer.callback(result)

    def taken_back(
        self, error: Exception, answer: Deferred[Any], convert: Convert, script: Script | None, request: bytes
    ) -> bool:
        """Whether somebody will ask again what was answered with this error."""
        return False

    if txredisapi.hiredis is not None:

        def dataReceived(self, data: bytes, unpause: bool = False) -> None:
            reader = self._reader
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                self.replyReceived(reply)

    def connectionLost(self, why: Failure) -> None:
        self.connected = 0
        waiting, self._waiting = self._waiting, deque()
        self.link.lost(self, why)
        for answer, *_ in waiting:
            answer.errback(StorageAway("the connection to Redis was lost: it is unknown whether this was done"))
