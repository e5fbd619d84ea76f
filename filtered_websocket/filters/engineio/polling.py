"""A session that polls: what is sent to its client waits for the next GET."""

from collections.abc import MutableMapping
from typing import Protocol

from twisted.internet.defer import Deferred, succeed

from filtered_websocket.chain.clock import called_off
from filtered_websocket.filters.engineio import packets, payloads
from filtered_websocket.filters.engineio.handover import Handover
from filtered_websocket.filters.engineio.last_words import LastWords
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.polling_backlog import PollingBacklog, Taken
from filtered_websocket.filters.engineio.polling_total import Group, Total
from filtered_websocket.filters.engineio.posting import PostingSession, Refused
from filtered_websocket.filters.engineio.session import PROTOCOL_ERROR, Engine
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message
from filtered_websocket.web.request import HTTPRequest

UPGRADE_SECONDS = 10.0
"""How long a WebSocket has to take over; so long after its probe GETs are answered at once, which lets the client."""
HELD_SECONDS = 0.05
"""How long a GET behind a probe is held where the upgrade may be on its way from another node, and it is too late."""


class PollingEngine(Engine, Protocol):
    """What a session that polls knows of its engine."""

    @property
    def polling(self) -> "MutableMapping[str, PollingSession]": ...
    @property
    def waiting(self) -> Total: ...
    @property
    def last_words(self) -> LastWords: ...
    def remember(self, sid: str) -> None: ...
    def make_room(self) -> None:
        """End sessions, if more waits in all than may."""


class PollingSession(PostingSession):
    """One client that polls."""

    engine: PollingEngine
    goes_on = False

    def __init__(self, engine: PollingEngine, sid: str, protocol: int, request: HTTPRequest) -> None:
        super().__init__(engine, sid, protocol, request)
        engine.polling[sid] = self
        self._waiting = self._new_backlog()
        self._waits_since: float | None = None
        self._reads_until = 0.0
        self._get: Deferred[Payload] | None = None
        self._base64_only = request.argument("b64") in ("1", "true")
        self._upgrades_until = -1.0
        self._own |= frozenset(vars(self))

    def _new_backlog(self) -> PollingBacklog:
        return PollingBacklog(self.pipeline.options.send_buffer, self.engine.waiting)

    @property
    def upgrades(self) -> list[str]:
        return [name for name in self.engine.options.transports if name != "polling"]

    # Out.

    def send(self, *messages: Message) -> None:
        if self.ended:
            return
        if self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        for each in messages:
            self._waiting.add(Group(None, (each,)))
        self._check_wait()
        # Not at once: one GET takes all that is sent in this turn.
        self.pipeline.server.at_turn_end(self._respond)

    def deliver(self, batch: Batch, policy: str) -> None:
        if self.ended:
            return  # for the sake of another one of this turn
        encoding = self.engine.encodings[4]
        if encoding is not None:
            batch = batch.in_encoding(encoding)
        # A client that polls just now is not slow.
        lost = self._waiting.keep(batch, policy if self._get is None else "")
        for _ in range(lost):
            self.pipeline.server.counters.count("dropped", f"slow client, {policy}")
        self._respond()
        self._check_wait()

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
        if now > max(self._waits_since, self._reads_until) + self.silence:
            self.too_slow("no GET for as long as a client may be silent")
        else:
            self.engine.make_room()

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

    def _encoded(self, taken: Taken) -> Payload:
        messages, batch = taken if taken.messages else Taken((packets.NOOP_MESSAGE,))
        self._waits_since = self._now() if self._waiting else None
        if batch is None:
            return payloads.payload(messages, self.protocol, self._base64_only)
        # A client that reads for a while can neither poll nor answer a ping meanwhile.
        self._reads_until = self._now() + self.silence
        encoded: Payload = batch.encoded((self.protocol, self._base64_only), self._encode)
        return encoded

    def _encode(self, batch: Batch) -> Payload:
        return payloads.payload(batch.messages, self.protocol, self._base64_only)

    # Requests.

    def poll(self) -> Deferred[Payload]:
        """The body of the answer to a GET, when there is something to say.

        :raises Refused: another GET waits; both end the session, the protocol allows one
        """
        if self._get is not None:
            self.close()
            raise Refused("two GETs at a time")
        if self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        self._waits_since, self._reads_until = None, 0.0
        probed = self._now() < self._upgrades_until
        if self._waiting or (probed and not self._holds):
            return succeed(self._encoded(self._waiting.take()))
        get = self._get = Deferred(self._cancelled)
        if probed:
            get.addBoth(called_off, self._reactor.callLater(HELD_SECONDS, self._let_go, get))
        return get

    @property
    def _holds(self) -> bool:
        return self.engine.options.is_strict and self.pipeline.storage_object.shared

    def _let_go(self, get: Deferred[Payload]) -> None:
        if self._get is get:
            self._answer_get(self._waiting.take())

    def _cancelled(self, _: object) -> None:
        # A client that goes away while it polls begins anew, if it comes again.
        self._get = None
        self.gone()

    async def post(self, body: bytes) -> None:
        self._check_wait()
        await super().post(body)

    # Upgrade and end.

    def probed(self) -> None:
        """A WebSocket wants to take over: the client waits for its GET to be answered before it goes on."""
        self._upgrades_until = self._now() + UPGRADE_SECONDS
        if self._get is not None:
            self._answer_get(self._waiting.take())

    @property
    def open_id(self) -> str:
        """The id for a WebSocket that asks to take over; "" where another does. `ws_emit` lets several try."""
        return "" if self.engine.options.is_strict and self._now() < self._upgrades_until else self.id

    def unprobed(self) -> None:
        """It does not take over after all: GETs wait again."""
        self._upgrades_until = self._now()

    def go_on(self) -> None:
        """It is about to move to another node: requests come too late."""
        self.goes_on = True
        get, self._get = self._get, None
        if get is not None and self._now() < self._upgrades_until:
            get.errback(Refused("it polls no more"))
        elif get is not None:
            get.callback(self._encoded(self._waiting.take()))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End; the client is told, by this GET or the next, unless it has broken the protocol."""
        if self.successor is not None:
            self.successor.close(code, reason)
        else:
            self._end(packets.CLOSE_MESSAGE, code != PROTOCOL_ERROR)

    def gone(self) -> None:
        self._end(packets.NOOP_MESSAGE, False)

    def hung_up(self) -> None:
        # The client knows, so its GET gets a noop and no packet 1, and nothing that waits.
        self._waiting.take_all()
        self._end(packets.NOOP_MESSAGE, True)

    def _end(self, last: Message, is_told: bool) -> None:
        if self.ended:
            return
        if self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        self._respond()
        if self._get is not None:
            self._answer_get(Taken((last,)))
        elif is_told:
            left, self._waiting = self._waiting, self._new_backlog()
            self.engine.last_words.keep(self.sid, left, last, (self.protocol, self._base64_only))
        self.leave()

    def move(self) -> Handover:
        if self.engine.options.is_strict:
            self.engine.remember(self.sid)
            self.go_on()
        return super().move()

    def leave(self) -> Handover:
        if not self.ended and self.pipeline.hub.dirty:
            # What was published before, in this turn too, is for what takes the session over.
            self.pipeline.hub.settle(self)
        if self.ended:
            return super().leave()
        handover = super().leave()
        del self.engine.polling[self.sid]
        handover = handover._replace(messages=self._waiting.take_all())
        # A GET that still waits is the client's last.
        self._answer_get(Taken())
        self._left()
        return handover

    def standing_still(self) -> bool:
        return bool(self._posting.locked) or self._now() < self._reads_until
