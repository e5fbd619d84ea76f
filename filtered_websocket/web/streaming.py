"""A stream on an HTTP connection: the connection is its sink, and knows when its client is too slow."""

from filtered_websocket.web.exchange import Exchange
from filtered_websocket.web.http_parts import HTTPParts
from filtered_websocket.web.response import Response, encode_head
from filtered_websocket.web.stream_writer import StreamWriter


class Streaming(HTTPParts):
    """A connection whose answer may go on."""

    # What the writer asks of its sink.

    @property
    def stalled(self) -> bool:
        return self._stalled

    @property
    def pending(self) -> int:
        return self._taking.pending

    def write_part(self, data: bytes) -> None:
        self.transport.write(data)

    def close_stream(self) -> None:
        self._close()

    def abort_stream(self) -> None:
        self.transport.abortConnection()

    # What the connection asks of the writer.

    def _begin_stream(self, writer: StreamWriter, exchange: Exchange) -> None:
        if self._ended:
            writer.end()
            return
        if self.site.closing:
            writer.end()
            self._persistent = False
            self._send(Response(503, {"error": "the server is stopping"}), exchange.request.method != "HEAD")
            self._close()
            return
        self.site.responses[writer.stream.status // 100] += 1
        # A client that asks for the end of the connection, or speaks HTTP/1.0, gets no chunks.
        chunked = self._persistent
        exchange.stream = writer
        self.transport.write(encode_head(writer.stream, chunked))
        if exchange.request.method == "HEAD":
            writer.end()
            self._close()
        else:
            writer.begin(self, chunked)

    def _stream(self) -> StreamWriter | None:
        return None if self._exchange is None else self._exchange.stream

    def _stream_stalls(self) -> None:
        if (writer := self._stream()) is not None:
            self._taking.goes_on()
            self._set_deadline(writer.seconds_to_take)

    def _stream_goes_on(self) -> None:
        if (writer := self._stream()) is not None and not self._ended:
            self._deadline.stop()
            writer.go_on()

    def _stream_waits(self, writer: StreamWriter) -> None:
        """The client had its time to take something."""
        if self._taking.goes_on():
            self._set_deadline(writer.seconds_to_take)
        elif self._stalled:
            writer.too_slow(f"nothing taken for {writer.seconds_to_take:g} s (send_timeout)")
