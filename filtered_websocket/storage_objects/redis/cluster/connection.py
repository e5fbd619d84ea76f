"""The two connections to one master, which all partitions share that have their home there.

Importing this module installs the reactor (txredisapi does).
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import txredisapi
from twisted.internet.defer import Deferred, inlineCallbacks

from filtered_websocket.storage_objects.redis.cluster.beat import CLASSIC_BEAT, SHARDED_BEAT
from filtered_websocket.storage_objects.redis.cluster.redirects import Redirect, redirect_of
from filtered_websocket.storage_objects.redis.cluster.requests import key_of
from filtered_websocket.storage_objects.redis.cluster.slots import slot_of
from filtered_websocket.storage_objects.redis.command import Script, command
from filtered_websocket.storage_objects.redis.command_connection import OTHER_SCRIPTS, CommandConnection
from filtered_websocket.storage_objects.redis.connection import RedisConnection
from filtered_websocket.storage_objects.redis.home import GREET
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, SHARDED
from filtered_websocket.storage_objects.values import Convert

MY_ID = command(b"CLUSTER", b"MYID")
PROBE = command(b"SPUBLISH")
"""Without arguments it does nothing; only a Redis that does not know it says so."""


class Asker(Protocol):
    """Who asks again what was refused: `partition.Partition`."""

    open: bool
    prefix: bytes

    def refused(
        self, redirect: Redirect | None, answer: Deferred[Any], convert: Convert, script: Script | None, request: bytes
    ) -> None: ...


class Once(Deferred[Any]):
    """An answer whose question is not asked again when it was refused: that fails."""


class NodeConnection(CommandConnection):
    """For everything but subscribing.

    :ivar sharded: whether it knows sharded channels
    :ivar asker_of: the partition that has asked something and asks it again, by its key or channel
    :ivar whose: what changes when another master, or the same one anew, has the data
    """

    uncertain = (
        "failovers are seen all the same; positions of before a restart of it that lost writes then say nothing certain"
        " of what was missed"
    )
    asker_of: Callable[[bytes], Asker | None] = staticmethod(lambda key: None)

    def __init__(self) -> None:
        super().__init__()
        self.sharded = False
        self.whose = b""

    @inlineCallbacks
    def prepare(self) -> Any:
        try:
            yield self.ask(PROBE)
        except txredisapi.ResponseError as error:
            self.sharded = "unknown command" not in str(error)
        self.load((GREET, *OTHER_SCRIPTS, *((*SHARDED, SHARDED_BEAT) if self.sharded else (*CLASSIC, CLASSIC_BEAT))))
        yield self.find_home()
        self.whose = self.home
        if not self.whose:
            try:
                self.whose = yield self.ask(MY_ID)
            except txredisapi.ResponseError:
                self.whose = b""  # it is no cluster

    def ask_once(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]:
        """Ask what nobody asks again for the one that asks."""
        return self.ask(request, convert, script, Once())

    def watch(self, asker: Asker, done: Callable[[bytes], None]) -> None:
        """Have a function called with the key of whatever this one has asked and Redis does, before the answer fires.

        What is asked for the asker itself is left out.
        """
        watched: deque[tuple[Deferred[Any], Convert, Script | None, bytes]] = deque()
        for answer, convert, script, request in self._waiting:
            if isinstance(answer, Once) or asker.prefix not in request:
                watched.append((answer, convert, script, request))
                continue
            first: Deferred[Any] = Deferred()
            first.addCallback(_tell, done, key_of(request)).addBoth(answer.callback)
            watched.append((first, convert, script, request))
        self._waiting = watched

    def taken_back(
        self, error: Exception, answer: Deferred[Any], convert: Convert, script: Script | None, request: bytes
    ) -> bool:
        if isinstance(answer, Once):
            return False
        text = str(error)
        redirect = redirect_of(text)
        if redirect is None and not text.startswith("NOSCRIPT"):
            return False
        asker = self.asker_of(key_of(request))
        if asker is None or (redirect is None and asker.open):
            return False
        asker.refused(redirect, answer, convert, script, request)
        return True


def _tell(result: Any, done: Callable[[bytes], None], key: bytes) -> Any:
    done(key)
    return result


class NodeEars(RedisConnection):
    """For subscribing. What uses it sets the functions.

    :ivar sharded: whether channels of ours are sharded ones
    :ivar routes: what is told of a name and what has come on it
    :ivar arrived: the same for a name that is not among them
    :ivar arrived_by_pattern: the same with the pattern first
    :ivar left: told of a sharded channel that Redis does not send any more
    :ivar unheard: told of a slot whose channels cannot be subscribed to here
    """

    sharded = False
    arrived: Callable[[bytes, bytes], None]
    arrived_by_pattern: Callable[[bytes, bytes, bytes], None]
    left: Callable[[bytes], None]
    unheard: Callable[[int], None]

    def __init__(self) -> None:
        super().__init__()
        self.routes: dict[bytes, Callable[[bytes, bytes], None]] = {}
        self._confirming: dict[tuple[bytes, bytes], deque[Deferred[None]]] = {}

    def subscribe_to(self, channels: list[bytes]) -> list[Deferred[None]]:
        return self._subscribe(b"SSUBSCRIBE" if self.sharded else b"SUBSCRIBE", channels)

    def subscribe_to_bus(self, channels: list[bytes]) -> list[Deferred[None]]:
        return self._subscribe(b"SUBSCRIBE", channels)

    def subscribe_to_patterns(self, patterns: list[bytes]) -> list[Deferred[None]]:
        return self._subscribe(b"PSUBSCRIBE", patterns)

    def leave(self, channels: list[bytes]) -> None:
        self._write(b"SUNSUBSCRIBE" if self.sharded else b"UNSUBSCRIBE", channels)

    def leave_bus(self, channels: list[bytes]) -> None:
        self._write(b"UNSUBSCRIBE", channels)

    def leave_patterns(self, patterns: list[bytes]) -> None:
        self._write(b"PUNSUBSCRIBE", patterns)

    def _subscribe(self, verb: bytes, names: list[bytes]) -> list[Deferred[None]]:
        confirmed: list[Deferred[None]] = [Deferred() for _ in names]
        kind = verb.lower()
        for name, one in zip(names, confirmed, strict=True):
            self._confirming.setdefault((kind, name), deque()).append(one)
        self._write(verb, names)
        return confirmed

    def _write(self, verb: bytes, names: list[bytes]) -> None:
        if self.connected and names:
            self.transport.write(command(verb, *names))

    def replyReceived(self, reply: Any) -> None:
        if isinstance(reply, list) and len(reply) == 3:
            kind, name, rest = reply
            if kind in (b"smessage", b"message"):
                self.routes.get(name, self.arrived)(name, rest)
                return
            if kind in (b"ssubscribe", b"subscribe", b"psubscribe"):
                self._confirm(kind, name)
                return
            if kind == b"sunsubscribe":
                # Unasked, too: all names of a slot that has gone elsewhere.
                self.left(name)
                return
            if kind in (b"unsubscribe", b"punsubscribe"):
                return
        if isinstance(reply, list) and len(reply) == 4 and reply[0] == b"pmessage":
            self.arrived_by_pattern(*reply[1:])
            return
        if isinstance(reply, Exception) and not self._waiting:
            self._refused(str(reply))
            return
        super().replyReceived(reply)

    def _confirm(self, kind: bytes, name: bytes) -> None:
        waiting = self._confirming.get((kind, name))
        if waiting:
            first = waiting.popleft()
            if not waiting:
                del self._confirming[kind, name]
            first.callback(None)

    def _refused(self, error: str) -> None:
        """One error answers a whole command. That of a slot which is elsewhere names it."""
        redirect = redirect_of(error)
        if redirect is None:
            self.link.refused(error)
            self.link.abort()
            return
        waiting = [name for kind, name in self._confirming if kind == b"ssubscribe"]
        slots = {redirect.slot} if redirect.slot is not None else {slot_of(name) for name in waiting}
        for name in waiting:
            if slot_of(name) in slots:
                del self._confirming[b"ssubscribe", name]
        for slot in slots:
            self.unheard(slot)
