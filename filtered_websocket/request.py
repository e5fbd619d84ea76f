"""The request that opened a connection, kept as the bytes it came in and read when somebody asks."""

from urllib.parse import parse_qs, unquote


class Request:
    """An opening handshake's request. Lives as long as its connection.

    :param head: the request line and headers as received, up to the empty line; headers are Latin-1 (RFC 9110, 5.5)
    :param peer: address of the client, behind trusted proxies the one they report
    """

    __slots__ = ("_head", "_headers", "path", "peer", "uri")

    def __init__(self, head: bytes, peer: str = "") -> None:
        self._head = head
        self._headers: dict[str, str] | None = None
        self.peer = peer
        line = head[: head.find(b"\r\n")].decode("latin-1").split(" ")
        #: the request target as sent, query included
        self.uri = line[1] if len(line) > 1 else "/"
        #: the path, percent-decoded, without the query
        self.path = unquote(self.uri.partition("?")[0]) or "/"

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's parameters: name -> values."""
        return parse_qs(self.uri.partition("?")[2], keep_blank_values=True)

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name; a header sent several times is joined by commas (RFC 9110, 5.3)."""
        if self._headers is None:
            headers: dict[str, str] = {}
            for line in self._head.split(b"\r\n")[1:]:
                name, colon, value = line.decode("latin-1").partition(":")
                if colon:
                    name, value = name.strip().lower(), value.strip()
                    headers[name] = f"{headers[name]},{value}" if name in headers else value
            self._headers = headers
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
        return [name.strip() for name in self.headers.get("sec-websocket-protocol", "").split(",") if name.strip()]

    def __repr__(self) -> str:
        # Without the query: tokens travel there.
        return f"<Request {self.path!r} from {self.peer}>"
