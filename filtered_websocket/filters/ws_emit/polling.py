"""A session that polls: a subscriber of the hub whose messages wait for the next GET.

To filters it is what a connection is: the messages of its client run through the message chain, and it has one connect
and one disconnect chain.
"""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredLock, succeed
from twisted.internet.task import deferLater

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.chain.running import run
from filtered_websocket.errors import Close, Reject, StopChain, StorageAway
from filtered_websocket.filters.ws_emit.polling_backlog import Backlog, Taken
from filtered_websocket.filters.ws_emit.engineio import packets, payloads
from filtered_websocket.filters.ws_emit.engineio.packets import PING_INTERVAL, PING_TIMEOUT
from filtered_websocket.filters.ws_emit.handover import Estate
from filtered_websocket.filters.ws_emit.session import Session
from filtered_websocket.limits.pace import Pace
from filtered_websocket.messages.message import Message, in_binary_message, messages

UPGRADE_SECONDS = 10.0
"""How long a WebSocket has to take over; so long after its probe GETs are answered at once, which lets the client."""
AT_ONCE = 100
"""Messages of one POST that are obeyed before others have their turn."""


class Refused(Exception):  # noqa: N818 - what it is
    """Polling that no client of the protocol does; the session, if there was one, has ended."""


class PollingSession(Session):
    """
    :param request: the HTTP request that began it
    """

    upgrades = ("websocket",)
    direct = None
    token: Any = None
    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self, pipeline: Any, estate: Estate, request: Any) -> None:
        super().__init__(pipeline, estate)
        self.subscriber = self.session = self
        self.request = request
        self.channels: set[str] = set()
        self.state.polling[self.sid] = self
        pipeline.users[self.id] = self
        self._waiting = Backlog(pipeline.options.send_buffer, self.state.waiting)
        self._waits_since: float | None = None
        self._reads_until = 0.0
        self._get: Deferred[payloads.Payload] | None = None
        self._base64_only = request.argument("b64") in ("1", "true")
        self._posting = DeferredLock()
        self._pace = Pace(pipeline.options, self._now())
        self._upgrades_until = -1.0

    # What a connection is to its filters, where a session is not that already.

    @property
    def users(self) -> Any:
        return self.pipeline.users

    @property
    def storage_object(self) -> Any:
        return self.pipeline.storage_object

    @property
    def queue(self) -> Any:
        return self.pipeline.queue

    def sendMessage(self, payload: Any, isBinary: bool | None = None) -> None:
        self.send(*messages(payload, isBinary))

    def subscribe(self, channel: str) -> Any:
        return self.pipeline.subscribe(channel, self)

    def unsubscribe(self, channel: str) -> Any:
        return self.pipeline.unsubscribe(channel, self)

    def publish(self, channel: Any, payload: Any, exclude: Any = None) -> Any:
        return self.pipeline.publish(channel, payload, exclude)

    # Out.

    def send(self, *messages: Message) -> None:
        if self.ended:
            return
        if self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        for each in messages:
            self._waiting.add(each)
        self._check_wait()
        # Not at once: one GET takes all that is sent in this turn.
        self.pipeline.server.at_turn_end(self._respond)

    def deliver(self, batch: Any, policy: str) -> None:
        if self.ended:
            return  # for the sake of another one of this turn
        # Who polls just now is not slow.
        lost = self._waiting.keep(batch, policy if self._get is None else "")
        for _ in range(lost):
            self.pipeline.server.counters.count("dropped", f"slow client, {policy}")
        self._respond()
        self._check_wait()

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent directly."""

    @property
    def waits(self) -> int:
        """Bytes that wait for the next GET."""
        return self._waiting.size

    def _check_wait(self) -> None:
        """Something waits: for the time that a client may be silent, or until all that waits is too much."""
        if self.ended or self._get is not None or not self._waiting:
            return
        now = self._now()
        if self._waits_since is None:
            self._waits_since = now
        if now > max(self._waits_since, self._reads_until) + PING_INTERVAL + PING_TIMEOUT:
            self.too_slow("no GET for as long as a client may be silent")
        else:
            self.state.make_room()

    def too_slow(self, why: str) -> None:
        """End, for the sake of the others."""
        self.pipeline.server.counters.count("closed", "slow client", f"{self.request.peer}: polls too slowly, {why}")
        self.gone()

    def _respond(self) -> None:
        if self._get is not None and self._waiting:
            self._answer_get(self._waiting.take())

    def _answer_get(self, taken: Taken) -> None:
        get, self._get = self._get, None
        if get is not None:
            get.callback(self._encoded(taken))

    def _encoded(self, taken: Taken) -> payloads.Payload:
        messages, batch = taken if taken.messages else Taken((packets.NOOP_MESSAGE,))
        self._waits_since = self._now() if self._waiting else None
        if batch is None:
            return payloads.payload(messages, self.protocol, self._base64_only)
        # A client that reads for a while can neither poll nor answer a ping meanwhile.
        self._reads_until = self._now() + PING_INTERVAL + PING_TIMEOUT
        encoded: payloads.Payload = batch.encoded((self.protocol, self._base64_only), self._encode)
        return encoded

    def _encode(self, batch: Any) -> payloads.Payload:
        return payloads.payload(batch.messages, self.protocol, self._base64_only)

    # Requests.

    def _now(self) -> float:
        return float(self.pipeline.server.reactor.seconds())

    def poll(self) -> Deferred[payloads.Payload]:
        """The body of the answer to a GET, when there is something to say.

        :raises Refused: another GET waits; both end the session, the protocol allows one
        """
        if self._get is not None:
            self.close()
            raise Refused("two GETs at a time")
        if self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        self._waits_since, self._reads_until = None, 0.0
        if self._waiting or self._now() < self._upgrades_until:
            return succeed(self._encoded(self._waiting.take()))
        self._get = Deferred(self._cancelled)
        return self._get

    def _cancelled(self, _: Any) -> None:
        # Who goes away while it polls begins anew, if it comes again.
        self._get = None
        self.gone()

    async def post(self, body: bytes) -> None:
        """Run the messages of a POST through the chain, in order.

        :raises Refused: it is no payload, which ends the session
        """
        self._check_wait()
        await self._posting.run(start, self._obey(body))

    async def _obey(self, body: bytes) -> None:
        try:
            for count, (data, binary) in enumerate(payloads.decode_payload(body, self.protocol)):
                if count % AT_ONCE == AT_ONCE - 1:
                    await deferLater(self.pipeline.server.reactor, 0)
                if not self.ended:
                    await self._keep_pace(len(data))
                if self.ended:
                    return
                await self.run("message", bytearray(data), binary)
        except packets.Malformed as error:
            self.close()
            raise Refused(str(error)) from None

    async def _keep_pace(self, size: int) -> None:
        limit, debt = self._pace.spend(size, self._now())
        if limit:
            counters, peer = self.pipeline.server.counters, self.request.peer
            counters.count("closed" if self._pace.closes else "slowed", limit, peer)
            if self._pace.closes:
                self.close()
            else:
                await deferLater(self.pipeline.server.reactor, debt)

    async def run(self, event: str, data: Any = None, binary: bool = False) -> None:
        """Run a chain of the pipeline on this session; one that fails ends it, as it would end a connection."""
        pipeline = self.pipeline
        if event == "message":
            pipeline.messages_in += 1
            pipeline.bytes_in += len(data)
        kind = in_binary_message.set(binary)
        try:
            result = run(pipeline.chains[event], self, data)
            if isinstance(result, Deferred):
                await result.addTimeout(pipeline.options.filter_timeout, pipeline.server.reactor)
        except StopChain:
            pass
        except CancelledError:
            self.gone()
        except BaseException as error:
            self._failed(error)
        finally:
            in_binary_message.reset(kind)

    def _failed(self, error: BaseException) -> None:
        counters, meant = self.pipeline.server.counters, outcome(error, (Close, Reject, StorageAway, *CANCELLED))
        if meant.failed:
            report(counters, error)
        elif meant.counted:
            counters.count("closed", meant.counted)
        self.close()

    # The end.

    def probed(self, seconds: float = UPGRADE_SECONDS) -> None:
        """A WebSocket wants to take over: the client waits for its GET to be answered before it goes on."""
        self._upgrades_until = self._now() + seconds
        if self._get is not None and seconds:
            self._answer_get(self._waiting.take())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Tell the client, if it polls, and end."""
        self._end((packets.CLOSE_MESSAGE,))

    loseConnection = close

    def gone(self) -> None:
        self._end(())

    abortConnection = gone

    def leave(self) -> Estate:
        if self.ended:
            return super().leave()
        estate = super().leave()
        del self.state.polling[self.sid]
        self.pipeline.server.admission.leave_session(self.sid)
        for channel in tuple(self.channels):
            self.unsubscribe(channel)
        # A GET that still waits is the client's last.
        estate = estate._replace(messages=self._waiting.take_all())
        self._answer_get(Taken())
        if dict.get(self.pipeline.users, self.id) is self:
            del self.pipeline.users[self.id]
        self.pipeline.server.ending(start(self._disconnected()))
        return estate

    def hung_up(self) -> None:
        # It knows, so its GET gets a noop and no packet 1.
        self.gone()

    def _end(self, last: tuple[Message, ...]) -> None:
        if not self.ended:
            if left := (*self._waiting.take().messages, *last):
                self._answer_get(Taken(left))
            self.leave()

    async def _disconnected(self) -> None:
        self.close_code, self.close_reason = 1000, ""
        for step in self.pipeline.chains["disconnect"]:
            try:
                result = run((step,), self, None)
                if isinstance(result, Deferred):
                    await result
            except StopChain:
                return
            except BaseException as error:
                self._failed(error)

    def standing_still(self) -> bool:
        return bool(self._posting.locked) or self._now() < self._reads_until
