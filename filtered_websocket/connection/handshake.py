"""The opening handshake: which pipeline, may it connect, and what do the handshake filters say.

The head is read by `web.head`, as every other. The answer is `answering.py`. Rules:

1. A head that grows beyond its limit is refused while it grows.
2. While a filter decides, the bytes that come wait; reading goes on for a while, so that a client's end is seen, which
   cancels the filter. Nothing is decided twice, and a client that has gone meanwhile is not accepted.
3. A refusal is a complete HTTP response. It says nothing of what went wrong inside.
4. What is HTTP but no WebSocket is handed to the site (`handover.py`) as soon as that shows.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.failures import check_decision
from filtered_websocket.chain.outcomes import CANCELLED, FAILURE, outcome, report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.connection.autobahn import CONNECTING
from filtered_websocket.connection.decision import Decision, pairs
from filtered_websocket.connection.parts import Part
from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.limits.admission import Refusal
from filtered_websocket.limits.origins import MAX_ORIGIN
from filtered_websocket.web import upgrade
from filtered_websocket.web.head import METHOD, Head, Refused, begin_of, end_of, parse
from filtered_websocket.web.request import Request

MAX_HELD = 64 * 1024
"""Bytes read ahead while something is waited for: then reading pauses. One read comes on top."""


class Handshake(Part):
    """A connection until it is open."""

    decision: Decision | None
    """What is decided while it goes on."""
    _chosen: str | None

    def accept(self, protocol: str | None = None, headers: Any = ()) -> None:
        """Say how to accept, from a handshake filter; without it the answer is a plain 101.

        What several filters say adds up; of several protocols the last one counts.

        :param protocol: one of `request.protocols`
        :param headers: pairs of ``(name, value)`` for the 101; a name may come several times
        :raises ValueError: a protocol the client did not offer, or a header that would end before its end
        """
        if protocol is not None and protocol not in self.request.protocols:
            # What it does offer may be a token, and this is logged.
            raise ValueError(f"the client does not offer the subprotocol {protocol!r}")
        if self.decision is not None:
            self.decision.accept(protocol, headers)

    @property
    def chosen_protocol(self) -> str | None:
        """What `accept` has chosen so far."""
        return self._chosen if self.decision is None else self.decision.answer[0]

    def turn_away(self, refusal: Refusal, seconds: float) -> None:
        """Let this connection, which is not let in, be told so when it speaks, which it has so long for."""
        self._deciding.unwelcome = refusal
        self.openHandshakeTimeout = seconds

    def is_welcome(self) -> bool:
        """Whether it was let in."""
        return self.decision is None or self.decision.unwelcome is None

    @property
    def _deciding(self) -> Decision:
        assert self.decision is not None
        return self.decision

    def processHandshake(self) -> None:
        decision = self.decision
        assert decision is not None
        if decision.running is not None:
            if len(self.data) >= MAX_HELD:
                self.transport.pauseProducing()
            return
        unwelcome = decision.unwelcome
        if unwelcome is not None:
            self.refuse(unwelcome.text, unwelcome.status, headers=unwelcome.headers)
            return
        data = self.data
        size = end_of(data, self.factory.options.max_handshake_size, decision.searched)
        if isinstance(size, Refused):
            self._refuse_head(size)
        elif data.startswith(b"GET ") and size:
            head = parse(data[:size])
            if isinstance(head, Refused):
                self._refuse_head(head)
            elif upgrade.is_asked(head):
                self.data = data[size:]
                self._handshake(head)
            else:
                self.hand_over()
        elif not b"GET ".startswith(data[:4]):
            begin = begin_of(data)
            if begin:
                self.data, decision.searched = data[begin:], 0
                if self.data:
                    self.processHandshake()
            elif METHOD.match(data):
                self.hand_over()
            elif data != b"\r":
                self.failHandshake("Bad Request", 400)
        else:
            decision.searched = len(data)

    def _refuse_head(self, refused: Refused) -> None:
        counted = "handshake too large" if refused.status == 431 else "malformed handshake"
        self.refuse(refused.text, refused.status, counted, refused.headers)

    def refuse(self, text: str, status: int, counted: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer with a refusal.

        :param counted: what it is counted as; "" where it is counted already
        """
        self._deciding.refuse(counted, headers)
        self.failHandshake(text, status)

    def _handshake(self, head: Head) -> None:
        """What Autobahn does between its parser and its answer."""
        asked = upgrade.read(head)
        if isinstance(asked, Refused):
            self._refuse_head(asked)
            return
        self._deciding.asked = asked
        self.request = request = Request(head, self.factory.client_of(self.transport, head.headers))
        if self._is_refused(request):
            return
        chain = self.pipeline.chains["handshake"]
        if chain:
            try:
                result = run(chain, self, request)
                if result is not request and not isinstance(result, Deferred):
                    check_decision(result, request, chain)
            except BaseException as error:
                self._failed_to_decide(error)
                return
            if result is not request:
                self._decide_later(result)
                return
        self.succeedHandshake(self._deciding.answer)

    def _is_refused(self, request: Request) -> bool:
        """Decide what is decided before any filter: pipeline, connections, origin."""
        server = self.factory
        pipeline = server.pipeline_for(request.path)
        if pipeline is None:
            return self._deny(404, "Not Found", "no such path", request.path)
        self.pipeline = pipeline
        if server.countConnections > server.options.max_connections:
            return self._deny(503, "Service Unavailable", "max_connections")
        unwelcome = server.admission.opening(self, request.peer)
        if unwelcome is not None:
            return self._deny(unwelcome.status, unwelcome.text, unwelcome.reason, request.peer)
        if server.origin_allowed(request, pipeline.options.allowed_origins):
            return False
        detail = f"{(request.origin or '')[:MAX_ORIGIN]}; the option allowed_origins would allow it"
        if server.may_be_rebound(request):
            detail += f", or trusted_proxies if a proxy on this machine sends Host {request.host[:MAX_ORIGIN]}"
        return self._deny(403, "Forbidden", "origin", detail)

    def _deny(self, status: int, text: str, counted: str, detail: str = "") -> bool:
        self.factory.counters.count("refused", counted, detail)
        self.refuse(text, status)
        return True

    def _decide_later(self, result: Deferred[Any]) -> None:
        # The time of the filters has a limit of its own.
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
        self._deciding.running = result
        self.factory.deciding.add(self)
        limit_time(result, self.pipeline.options.filter_timeout, self.factory.reactor, self.pipeline.storage_object)
        result.addCallback(check_decision, self.request, self.pipeline.chains["handshake"])
        result.addBoth(self._decided)

    def _decided(self, result: Any) -> None:
        self._deciding.running = None
        self.factory.deciding.discard(self)
        if self.state == CONNECTING:
            self.transport.resumeProducing()
        if isinstance(result, Failure):
            self._failed_to_decide(result.value)  # type: ignore[arg-type]  # None only while a Failure is pickled
        else:
            self.succeedHandshake(self._deciding.answer)

    def _failed_to_decide(self, error: BaseException) -> None:
        """The handshake chain has been ended by an exception."""
        if self.state != CONNECTING and isinstance(error, CANCELLED):
            return  # the client has gone
        meant = outcome(error, (StopChain, Close, Reject))
        if not meant.status:
            self.succeedHandshake(self._deciding.answer)
            return
        try:
            headers = tuple(pairs(meant.headers))
        except ValueError as wrong:
            error, meant, headers = wrong, FAILURE, ()
        if meant.failed:
            report(self.factory.counters, error, "refused", "a handshake filter failed")
        self.refuse(meant.text, meant.status, "" if meant.failed else "a handshake filter", headers)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        if self.state != CONNECTING:
            return
        decision = self._deciding
        if decision.counted:
            self.factory.counters.count("refused", decision.counted, f"{code} {reason}")
        super().failHandshake(reason, code, [*(responseHeaders or ()), *decision.headers])
