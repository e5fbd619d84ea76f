"""One request and its response."""

from twisted.internet.defer import Deferred

from filtered_websocket.web.body import Chunked, Sized
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import Response
from filtered_websocket.web.routes import Route
from filtered_websocket.web.stream_writer import StreamWriter


class Exchange:
    """A request from its head to its response.

    :ivar body: what has come of its body
    :ivar waiting: the response that is not there yet
    :ivar stream: what writes the response, if that goes on
    """

    def __init__(self, request: HTTPRequest, route: Route, body: Sized | Chunked) -> None:
        self.request, self.route, self.body = request, route, body
        self.waiting: Deferred[Response | StreamWriter] | None = None
        self.stream: StreamWriter | None = None

    def cancel(self) -> None:
        """End a wait; the client, if it is still there, gets 503. A stream ends."""
        if self.waiting is not None:
            self.waiting.cancel()
        if self.stream is not None:
            self.stream.end()

    @property
    def at_work(self) -> bool:
        """Whether it is being answered, and may change something."""
        return self.waiting is not None and self.request.method not in ("GET", "HEAD")

    @property
    def is_long_poll(self) -> bool:
        """Whether it is given up when the client closes its side of the connection."""
        return self.stream is not None or self.request.method in self.route.endpoint.long_poll
