"""The way in: bytes -> data chain -> frames (the fast path, or Autobahn) -> message chain.

The fast path begins only at a frame boundary of an open connection. A frame that it takes and of which the end is yet
to come is a `PartialFrame` until then. What else `frames.read` does not take goes to Autobahn untouched, and so does
all that follows it in the same read.
"""

from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.failures import unusable
from filtered_websocket.chain.running import run
from filtered_websocket.connection.autobahn import CLOSED, CONNECTING, OPEN
from filtered_websocket.connection.parts import Part
from filtered_websocket.limits.fair_share import SHARE, SHARE_SECONDS
from filtered_websocket.limits.pace import Pace
from filtered_websocket.messages import frames
from filtered_websocket.messages.message import in_binary_message
from filtered_websocket.messages.partial_frame import PartialFrame
from filtered_websocket.web.head import METHOD, begin_of


class Receiving(Part):
    """What a connection receives."""

    asks_http = False
    """Whether the first bytes, which a data filter has, ask for no WebSocket."""

    def dataReceived(self, data: bytes) -> None:
        if self.awaiting_pong:
            self.awaiting_pong = False
        over = self.pace is not None and self.is_over(self.pace, "byte_rate", len(data))
        if self.waits:
            self.hold(data)
        elif self.factory.has_data_filters:
            self.filter_data(data)
        else:
            self.feed(data)
        if over:
            self.slow_down("byte_rate")

    def filter_data(self, data: bytes) -> None:
        """Run the data chain on bytes, and parse what it leaves."""
        if self.pipeline is None:
            # Which pipeline's data filters see these bytes, the request line tells.
            data, self.held = self.held + data, b""
            begin = begin_of(data)
            may_be_one = METHOD.match(data, begin) or data[begin:] in (b"", b"\r")
            if data.find(b"\r\n", begin) < 0 and len(data) < self.factory.options.max_handshake_size and may_be_one:
                self.held = data
                return
            self.pipeline = self.factory.pipeline_of_line(data)
        chain = self.pipeline.chains["data"] if self.pipeline is not None else ()
        if not chain:
            self.feed(data)
            return
        try:
            result = run(chain, self, data)
        except BaseException as error:
            self.failed(error)
            return
        if isinstance(result, Deferred):
            # What a request's first bytes ask for, an HTTP client that has closed its side still gets.
            self.asks_http = self.state == CONNECTING and b"websocket" not in data.lower()
            self.wait_for(result.addCallback(self._filtered))
        else:
            self._filtered(result)

    def _filtered(self, data: Any) -> None:
        if self.state != CLOSED or self.http is not None:
            if not isinstance(data, (bytes, bytearray)):
                self.failed(unusable(data, "bytes", self.pipeline.chains["data"]))
            elif self.waits:
                self.data += bytes(data)
            else:
                self.feed(bytes(data))

    def feed(self, data: bytes) -> None:
        """Parse bytes that have passed the data chain."""
        if self.state == OPEN and self.current_frame is None and not self.inside_message:
            if self.data:
                # The last read ended within the head of a frame.
                data, self.data = self.data + data, b""
            at, left, limit = 0, SHARE, self.message_limit
            frame = frames.read(data, 0, limit)
            while frame is not None:
                payload, binary, at = frame
                if self.pace is None:
                    self._received(payload, binary)
                else:
                    self._received_in_pace(self.pace, payload, binary)
                if at == len(data):
                    return
                if self.waits or self.state != OPEN:
                    break
                left -= 1
                if not left:
                    self.yield_turn()
                    break
                frame = frames.read(data, at, limit)
            if self.waits:
                self.data = data[at:] + self.data
                self.look_ahead()
                return
            if frame is None and self.state == OPEN:
                # The state of a partial frame stands where every read looks anyway.
                self.current_frame = PartialFrame.begin(data, at, limit)
                if self.current_frame is not None:
                    return
            if at:
                data = data[at:]
        elif self.http is not None:
            self.http.dataReceived(data)
            return
        elif isinstance(self.current_frame, PartialFrame):
            self._go_on_with(self.current_frame, data)
            return
        self.parse(data)

    def _go_on_with(self, frame: PartialFrame, data: bytes) -> None:
        end = frame.missing
        if self.state != OPEN or not frame.add(data):
            self.current_frame = None
            self.parse(frame.given_back() + data)
            return
        if frame.missing:
            return
        self.current_frame = None
        self.onMessage(frame.payload, frame.binary)
        rest = data[end:]
        if not rest:
            return
        if self.waits:
            self.data = rest + self.data
            self.look_ahead()
        else:
            self.feed(rest)

    def parse(self, data: bytes) -> None:
        """Let Autobahn's parser have these bytes, for as long as the connection's share of the turn lasts."""
        if self.state == CLOSED:
            return  # Autobahn would read nothing of it, and keep it
        # On the factory: one connection is parsed at a time, and each would have to keep it.
        self.factory.turn_ends = perf_counter() + SHARE_SECONDS
        if self.state == CONNECTING:
            self.data += data
            self.processHandshake()
        else:
            self._dataReceived(data)
        if self.waits and self.data:
            self.look_ahead()

    def processData(self) -> bool:
        # Autobahn's loop stops at a frame boundary while a filter is awaited; what is parsed after a close may go on.
        if self.waits and (self.state == OPEN or self.yielded):
            return False
        more = bool(super().processData())
        # Behind the step, so that there is at least one in each turn.
        if more and self.data and perf_counter() > self.factory.turn_ends and not self.waits:
            self.yield_turn()
            return False
        return more

    def onMessage(self, payload: bytearray, isBinary: bool) -> None:
        if self.state != OPEN:
            return
        if self.pace is None:
            self._received(payload, isBinary)
        else:
            self._received_in_pace(self.pace, payload, isBinary)

    def _received_in_pace(self, pace: Pace, payload: bytearray, binary: bool) -> None:
        over = self.is_over(pace, "message_rate")
        if self.state != OPEN:
            return
        self._received(payload, binary)
        if over:
            self.slow_down("message_rate")

    def _received(self, payload: bytearray, binary: bool) -> None:
        pipeline = self.pipeline
        pipeline.messages_in += 1
        pipeline.bytes_in += len(payload)
        try:
            # Set back too: a chain may run inside another's, and the asyncio reactor hands its contexts on.
            if binary or in_binary_message.get():
                kind = in_binary_message.set(binary)
                try:
                    result = run(pipeline.chains["message"], self, payload)
                finally:
                    in_binary_message.reset(kind)
            else:
                result = run(pipeline.chains["message"], self, payload)
        except BaseException as error:
            self.failed(error)
            return
        # The first test spares the second, which costs more than a short chain: Deferred has an abstract base class.
        if result is not payload and isinstance(result, Deferred):
            self.wait_for(result)
