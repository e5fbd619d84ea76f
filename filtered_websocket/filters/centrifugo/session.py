"""One client's session: its commands in their order, the answers to them, and whether it is still there."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.observed import observer_of
from filtered_websocket.chain.outcomes import CANCELLED, report
from filtered_websocket.chain.speech import greeted
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.errors import Close, NotAllowed, StopChain, StorageAway
from filtered_websocket.filters.centrifugo import connecting
from filtered_websocket.filters.centrifugo.carriers import Carrier
from filtered_websocket.filters.centrifugo.client import Client
from filtered_websocket.filters.centrifugo.codes import (
    CLOSED,
    INTERNAL,
    LIMIT_EXCEEDED,
    NO_PONG,
    PERMISSION_DENIED,
    STALE,
    Disconnect,
    Error,
)
from filtered_websocket.filters.centrifugo.commands import HANDLERS
from filtered_websocket.filters.centrifugo.encodings import Encoding
from filtered_websocket.filters.centrifugo.events import CentrifugoDisconnectFilter, Disconnected
from filtered_websocket.filters.centrifugo.leaving import leave
from filtered_websocket.filters.centrifugo.messages import ConnectRequest, ConnectResult, ErrorResult
from filtered_websocket.filters.centrifugo.observed import look
from filtered_websocket.filters.centrifugo.publishing import goes_on
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.wire import Asked, Malformed
from filtered_websocket.filters.shared.endings import under_way
from filtered_websocket.limits.heartbeat import Heartbeat

_log = Logger()

FAILED_SECONDS = 4
"""How long a client that was refused by an error may stay: it connects anew, after it has brought a new token."""


class Session(Client):
    """
    :ivar awaiting_pong: as the heartbeat has it: True until the client answers a ping
    :ivar refused: its connect command was answered by an error, and nothing more is read
    """

    __slots__ = ("awaiting_pong", "heartbeat", "refused", "slot", "uses_frames")

    attribute: ClassVar[str] = "centrifugo"

    def __init__(self, state: State, connection: Carrier, encoding: Encoding, uses_frames: bool = False) -> None:
        super().__init__(state, connection, encoding)
        self.refused, self.uses_frames = False, uses_frames
        self.awaiting_pong: bool | None = None
        self.slot = 0
        self.heartbeat = state.heartbeat

    @classmethod
    def of(cls, connection: Subscriber) -> Self | None:
        """The session of a connection; None: it has none."""
        session: Self | None = getattr(connection, cls.attribute, None)
        return session

    def attach(self) -> None:
        """Be the session of the connection."""
        setattr(self.connection, self.attribute, self)
        if observer_of(self.connection) is not None:
            look(self.connection)

    def begin(self) -> None:
        """The connection is open: wait for its connect command."""
        stale = Disconnect(STALE, limit="centrifugo_stale_delay")
        self.deadline = self.state.call_later(self.pipeline.options.centrifugo_stale_delay, lambda: self.end(stale))

    # Commands.

    def receive(self, frame: bytes | bytearray) -> Deferred[None] | None:
        """Obey the commands of a frame.

        :returns: fires when all have been obeyed, if that takes time
        """
        commands = self.encoding.codec.commands(frame)
        waits = self._next(commands)
        return None if waits is None else start(self._rest(waits, commands))

    def _next(self, commands: Iterator[Asked]) -> Deferred[None] | None:
        """Obey commands until one takes time; that one, None if there are no more."""
        try:
            for command in commands:
                if self.ended or self.refused:
                    return None
                waits = self._take(command)
                if waits is not None:
                    return waits
        except Malformed as malformed:
            self.pipeline.server.counters.count("closed", "centrifugo: malformed", malformed.why)
            self.end(malformed)
        return None

    async def _rest(self, waits: Deferred[None] | None, commands: Iterator[Asked]) -> None:
        # A loop: a frame holds thousands of commands, and each that is awaited within another is a level of the stack.
        while waits is not None:
            await waits
            waits = self._next(commands)

    def _take(self, command: Asked) -> Deferred[None] | None:
        """Obey one command."""
        number, name, request = command
        if request is None:
            self._pong()
            return None
        if self.connected == (name == "connect"):
            raise Malformed("connect is the first command, and comes once")
        handler = self._connect if name == "connect" else HANDLERS.get(name)
        if handler is None:
            raise Malformed(f"no client of today says {name}")

        try:
            result = handler(self, request, number)
        except BaseException as error:
            self._failed(number, error)
            return None
        if isinstance(result, tuple):  # as all messages are
            self.reply(number, name, result)
            return None
        if result is None or result is DONE:
            return None
        result.addCallbacks(self._answer, self._fail, (number, name), errbackArgs=(number,))
        # Most have fired already: what is published through memory, say.
        if (result.called and not result.paused) or (name == "publish" and goes_on(self, request, result)):
            return None
        return result

    def _answer(self, result: Any, number: int, name: str) -> None:
        if result is not None:
            self.reply(number, name, result)

    def _fail(self, failure: Failure, number: int) -> Failure | None:
        if failure.check(*CANCELLED):
            return failure  # the connection has ended, or the filter has taken too long: no command follows
        assert failure.value is not None
        self._failed(number, failure.value)
        return None

    def _failed(self, number: int, error: BaseException) -> None:
        """A command has been ended by an exception."""
        counters = self.pipeline.server.counters
        if isinstance(error, Malformed):
            counters.count("closed", "centrifugo: malformed", error.why)
        if isinstance(error, Close):
            self.end(error if isinstance(error, Disconnect) else Disconnect(error.code, error.reason))
            return
        if not isinstance(error, Error):
            error = self._meant(error)
        self.count(error.limit)
        if number:
            self.reply(number, "error", ErrorResult(error.code, error.message, error.temporary))
        if not self.connected and not self.ended:
            self.refused = True
            self._watch(FAILED_SECONDS, lambda: self.disconnect(CLOSED))

    def _meant(self, error: BaseException) -> Error:
        """What an exception means that is none of the protocol's."""
        counters = self.pipeline.server.counters
        if isinstance(error, NotAllowed):
            return Error(LIMIT_EXCEEDED)
        if isinstance(error, StorageAway):
            counters.count("refused", "the storage object is away")
        elif isinstance(error, StopChain):
            return Error(PERMISSION_DENIED)
        else:
            report(counters, error)
        return Error(INTERNAL)

    def _connect(self, _: Client, request: ConnectRequest, number: int) -> Deferred[Any]:
        def answer_connect(result: ConnectResult) -> None:
            self._unwatch()
            if not self.uses_frames:
                self.heartbeat = self.pinged_by()
                self.heartbeat.add(self)
            self.reply(number, "connect", self.greeting(result))
            greeted(self.connection)

        return self.steps.take(connecting.connect(self, request, answer_connect))

    @property
    def ping(self) -> int:
        return 0 if self.uses_frames else max(1, round(self.pipeline.options.centrifugo_ping_interval))

    def greeting(self, result: ConnectResult) -> ConnectResult:
        """What connect is answered with."""
        return result

    # Whether the client is still there.

    def pinged_by(self) -> Heartbeat:
        """What pings it."""
        return self.state.heartbeat

    def _watch(self, seconds: float, call: Callable[[], object]) -> None:
        self._unwatch()
        self.deadline = self.state.call_later(seconds, call)

    def _unwatch(self) -> None:
        deadline, self.deadline = self.deadline, None
        if deadline is not None:
            deadline.cancel()

    def _pong(self) -> None:
        if not self.awaiting_pong:
            raise Malformed("a pong that no ping has asked for")
        self.awaiting_pong = False

    def standing_still(self) -> bool:
        return self.connection.standing_still()

    def sendPing(self) -> None:
        codec = self.encoding.codec
        self.connection.send_encoded(((codec.ping, codec.binary),))

    def ping_timed_out(self) -> None:
        self.pipeline.server.counters.count("closed", "centrifugo: no pong")
        self.disconnect(NO_PONG)

    # The end.

    def leave(self, code: int, reason: str) -> Deferred[Any]:
        """The connection has ended: leave everything. The server's end waits for it."""
        self.ended = True
        self._unwatch()
        self.heartbeat.remove(self)
        if self.connected:
            self.state.leave(self)
        return under_way(start(self._leave_all(code, reason)).addBoth(self.state.left, self), self.pipeline.server)

    async def _leave_all(self, code: int, reason: str) -> None:
        await self.steps.idle()
        channels = tuple(self.subscriptions)
        left = [start(leave(self, each, code, reason)) for each in tuple(self.subscriptions.values())]
        for success, failure in await DeferredList(left, consumeErrors=True):
            if not success:
                _log.failure("what others see of a client that has left", failure)
        if await self.state.departures.disappear(self) and self.connected:
            await self.chains.tell(CentrifugoDisconnectFilter, self, Disconnected(code, reason, channels))
