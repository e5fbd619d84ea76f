"""The request that opened a connection: its head, kept as the bytes it came in and read again when somebody asks."""

from urllib.parse import parse_qs

from filtered_websocket.web.head import Head, elements, parse, path_of


class Request:
    """An opening handshake's request. Lives as long as its connection.

    :param head: as it was read from the client
    :param peer: address of the client, behind trusted proxies the one they report
    """

    __slots__ = ("_headers", "_raw", "path", "peer", "uri")

    def __init__(self, head: Head, peer: str = "") -> None:
        self._raw = head.raw
        self._headers: dict[str, str] | None = head.headers
        self.peer = peer
        #: path and query as sent
        self.uri = head.target
        #: the path, percent-decoded, without the query
        self.path = path_of(head.target)

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's parameters: name -> values."""
        return parse_qs(self.uri.partition("?")[2], keep_blank_values=True)

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name; a header sent several times is joined by commas (RFC 9110, 5.3)."""
        if self._headers is None:
            head = parse(self._raw)
            assert isinstance(head, Head)
            self._headers = head.headers
        return self._headers

    def forget(self) -> None:
        """Drop what was parsed: it can be parsed again."""
        self._headers = None

    @property
    def host(self) -> str:
        """The Host header: the name, with the port if one was sent."""
        return self.headers.get("host", "")

    @property
    def origin(self) -> str | None:
        """The Origin header, None when there is none: browsers always send one, other clients need not."""
        return self.headers.get("origin")

    @property
    def protocols(self) -> list[str]:
        """The subprotocols the client offers, in its order of preference."""
        return elements(self.headers.get("sec-websocket-protocol", ""))

    def __repr__(self) -> str:
        # Without the query: tokens travel there.
        return f"<Request {self.path!r} from {self.peer}>"
