"""The opening handshake: which pipeline, may it connect, and what do the handshake filters say.

The head is read by `web.head`, as every other; Autobahn is given what it holds, and writes the 101. Rules:

1. A head that grows beyond its limit is refused while it grows.
2. While a filter decides, the bytes that come wait; reading goes on for a while, so that a client's end is seen, which
   cancels the filter. Nothing is decided twice, and a client that has gone meanwhile is not accepted.
3. A refusal is a complete HTTP response. It says nothing of what went wrong inside.
4. What is HTTP but no WebSocket is handed to the site (`handover.py`) as soon as that shows.
"""

import re
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.outcomes import CANCELLED, FAILURE, outcome, report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.connection.autobahn import CONNECTING
from filtered_websocket.connection.handover import Handover
from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.limits.admission import Refusal
from filtered_websocket.limits.origins import MAX_ORIGIN
from filtered_websocket.messages import deflate
from filtered_websocket.web import upgrade
from filtered_websocket.web.head import Head, Refused, end_of, parse
from filtered_websocket.web.request import Request

_log = Logger()

_HANDSHAKE_ONLY = (
    "http_response_data", "websocket_protocols", "websocket_extensions_in_use", "websocket_protocol_in_use", "_wskey",
    "openHandshakeTimeoutCall", "send_state", "_searched",
)  # fmt: skip
"""What Autobahn leaves on a connection that has opened, and nobody needs again."""

MAX_HELD = 64 * 1024
"""Bytes read ahead while something is waited for: then reading pauses. One read comes on top."""

METHOD = re.compile(rb"[A-Z]{1,20}( |\Z)")
"""How a request line begins, as far as it is there."""

Answer = tuple[str | None, dict[str, list[str]]]


def _pairs(headers: Any) -> list[tuple[str, str]]:
    """Headers as pairs, from pairs or a dict. Raises ValueError for one that would end before its end."""
    pairs = [(str(name), str(value)) for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    for name, value in pairs:
        if not name.isprintable() or not value.isprintable():
            raise ValueError(f"the header {name!r} holds characters that no header may hold")
    return pairs


class Handshake(Handover):
    """A connection until it is open."""

    request: Request
    pipeline: Any
    # What Autobahn takes from the head. The extensions are negotiated here.
    websocket_protocols: list[str]
    websocket_extensions = ()
    _wskey: str
    unwelcome: Refusal | None = None
    """Why it was not let in, to be told when it speaks."""
    _deciding: Deferred[Any] | None = None
    _searched = 0
    """Bytes of an unfinished head that hold no end of it."""
    _accepted: Answer = (None, {})
    _refusal: tuple[str, tuple[tuple[str, str], ...]] = ("malformed handshake", ())

    def accept(self, protocol: str | None = None, headers: Any = ()) -> None:
        """Say how to accept, from a handshake filter; without it the answer is a plain 101.

        What several filters say adds up; of several protocols the last one counts.

        :param protocol: one of `request.protocols`
        :param headers: pairs of ``(name, value)`` for the 101; a name may come several times
        :raises ValueError: a protocol the client did not offer, or a header that would end before its end
        """
        if protocol is not None and protocol not in self.request.protocols:
            raise ValueError(f"the client offers {self.request.protocols}, not the subprotocol {protocol!r}")
        before, said = self._accepted
        chosen = {name: [*values] for name, values in said.items()}
        for name, value in _pairs(headers):
            chosen.setdefault(name, []).append(value)
        self._accepted = (protocol or before, chosen)

    @property
    def chosen_protocol(self) -> str | None:
        """What `accept` has chosen so far."""
        return self._accepted[0]

    def processHandshake(self) -> None:
        if self._deciding is not None:
            if len(self.data) >= MAX_HELD:
                self.transport.pauseProducing()
            return
        if self.unwelcome is not None:
            self._refusal = ("", self.unwelcome.headers)
            self.failHandshake(self.unwelcome.text, self.unwelcome.status)
            return
        data = self.data
        size = end_of(data, self.factory.options.max_handshake_size, self._searched)
        if isinstance(size, Refused):
            self._refuse(size)
        elif data.startswith(b"GET ") and size:
            head = parse(data[:size])
            if isinstance(head, Refused):
                self._refuse(head)
            elif upgrade.is_asked(head):
                self.data = data[size:]
                self._handshake(head)
            else:
                self._hand_over()
        elif not b"GET ".startswith(data[:4]):
            if METHOD.match(data):
                self._hand_over()
            else:
                self.failHandshake("Bad Request", 400)
        else:
            self._searched = len(data)

    def _refuse(self, refused: Refused) -> None:
        self._refusal = ("handshake too large" if refused.status == 431 else "malformed handshake", refused.headers)
        self.failHandshake(refused.text, refused.status)

    def _handshake(self, head: Head) -> None:
        """What Autobahn does between its parser and its answer."""
        asked = upgrade.read(head)
        if isinstance(asked, Refused):
            self._refuse(asked)
            return
        self._wskey, self.websocket_protocols = asked
        self.request = request = Request(head, self.factory.client_of(self.transport, head.headers))
        unwelcome = self._unwelcome(request)
        if unwelcome is not None:
            self.failHandshake(*unwelcome)
            return
        chain = self.pipeline.chains["handshake"]
        if chain:
            try:
                result = run(chain, self, request)
            except BaseException as error:
                self._failed_to_decide(error)
                return
            if isinstance(result, Deferred):
                self._decide_later(result)
                return
        self.succeedHandshake(self._accepted)

    def _unwelcome(self, request: Request) -> tuple[str, int] | None:
        """What is decided before any filter: pipeline, connections, origin."""
        server = self.factory
        self.pipeline = server.pipeline_for(request.path)
        if self.pipeline is None:
            return self._denied(404, "Not Found", "no such path", request.path)
        if server.countConnections > server.options.max_connections:
            return self._denied(503, "Service Unavailable", "max_connections")
        unwelcome = server.admission.opening(self, request.peer)
        if unwelcome is not None:
            return self._denied(unwelcome.status, unwelcome.text, unwelcome.reason, request.peer)
        if not server.origin_allowed(request, self.pipeline.options.allowed_origins):
            detail = f"{(request.origin or '')[:MAX_ORIGIN]}; the option allowed_origins would allow it"
            if server.may_be_rebound(request):
                detail += f", or trusted_proxies if a proxy on this machine sends Host {request.host[:MAX_ORIGIN]}"
            return self._denied(403, "Forbidden", "origin", detail)
        return None

    def _decide_later(self, result: Deferred[Any]) -> None:
        # The time of the filters has a limit of its own.
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
        self._deciding = result
        limit_time(result, self.pipeline.options.filter_timeout, self.factory.reactor)
        result.addBoth(self._decided)

    def _decided(self, result: Any) -> None:
        self._deciding = None
        if self.state == CONNECTING:
            self.transport.resumeProducing()
        if isinstance(result, Failure):
            self._failed_to_decide(result.value)  # type: ignore[arg-type]  # None only while a Failure is pickled
        else:
            self.succeedHandshake(self._accepted)

    def _failed_to_decide(self, error: BaseException) -> None:
        """The handshake chain has been ended by an exception."""
        if self.state != CONNECTING and isinstance(error, CANCELLED):
            return  # the client has gone
        meant = outcome(error, (StopChain, Close, Reject))
        if not meant.status:
            self.succeedHandshake(self._accepted)
            return
        try:
            headers = tuple(_pairs(meant.headers))
        except ValueError as wrong:
            error, meant, headers = wrong, FAILURE, ()
        if meant.failed:
            report(self.factory.counters, error, "refused", "a handshake filter failed")
        self._refusal = ("" if meant.failed else "a handshake filter", headers)
        self.failHandshake(meant.text, meant.status)

    def _denied(self, status: int, text: str, reason: str, detail: str = "") -> tuple[str, int]:
        self.factory.counters.count("refused", reason, detail)
        self._refusal = ("", ())
        return text, status

    def succeedHandshake(self, res: Any) -> None:
        if self.state != CONNECTING:
            return
        try:
            super().succeedHandshake(self._agree(res) if self.factory.options.compression else res)
        except Exception:
            # Autobahn would leave it in a Deferred that nobody sees, and the socket open.
            _log.failure("an opening handshake failed")
            self.transport.abortConnection()

    def _agree(self, answer: Answer) -> Answer:
        """Answer the client's offers of extensions."""
        agreed = deflate.negotiate(self.request.headers.get("sec-websocket-extensions", ""))
        if agreed is None:
            return answer
        self._perMessageCompress, text = agreed
        protocol, headers = answer
        return protocol, {**headers, "Sec-WebSocket-Extensions": [text]}

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        if self.state != CONNECTING:
            return
        counted, headers = self._refusal
        if counted:
            self.factory.counters.count("refused", counted, f"{code} {reason}")
        super().failHandshake(reason, code, [*(responseHeaders or ()), *headers])

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        # The reason may quote the client: nothing of it may end the line.
        text = "".join(each if " " <= each <= "~" else "?" for each in reason)[:200]
        body = text.encode() + b"\n"
        lines = [f"HTTP/1.1 {code} {text}", "Content-Type: text/plain; charset=utf-8", "Connection: close"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in responseHeaders or ())]
        self.sendData("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)

    def onOpenHandshakeTimeout(self) -> None:
        self.openHandshakeTimeoutCall = None
        # What has come while the reactor was held is read before it is judged.
        self.factory.reactor.callLater(0, self._too_late)

    def _too_late(self) -> None:
        if self.state != CONNECTING or self._deciding is not None or self.openHandshakeTimeoutCall is not None:
            return
        if self.unwelcome is None:
            self.factory.counters.count("refused", "handshake_timeout")
        super().onOpenHandshakeTimeout()

    def forget_handshake(self) -> None:
        """Drop what only the handshake needed."""
        attributes = self.__dict__
        for name in _HANDSHAKE_ONLY:
            attributes.pop(name, None)
        self.request.forget()
