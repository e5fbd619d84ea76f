"""Where clients are, behind trusted proxies or without: address, TLS, and the page that a request comes from.

What a proxy says counts only as far as ``trusted_proxies`` reaches: the entry that the outermost of them has added.
"""

from collections.abc import Mapping

from filtered_websocket.chain.admission import Socket
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.request import Request
from filtered_websocket.limits import origins
from filtered_websocket.limits.addresses import forwarded, host_name, is_loopback, without_port
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.web.head import is_forwarded


class Peers:
    """What a server finds out about its clients.

    :ivar is_secure: whether its own port speaks TLS
    """

    options: Options
    counters: Counters
    is_secure: bool

    def client_of(self, transport: Socket, headers: Mapping[str, str]) -> str:
        """The client's address: what the trusted proxies say, else the socket's peer."""
        trusted = self.options.trusted_proxies
        if trusted and (entry := forwarded(headers.get("x-forwarded-for", ""), trusted)):
            return without_port(entry)
        peer = transport.getPeer()
        address = getattr(peer, "host", None) or getattr(peer, "name", None) or "unix"
        return address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)

    def is_secure_for(self, headers: Mapping[str, str], itself: bool) -> bool:
        """Whether the client speaks TLS, to us or to the outermost trusted proxy.

        :param itself: whether it speaks TLS to us
        """
        trusted, said = self.options.trusted_proxies, headers.get("x-forwarded-proto", "")
        if not (trusted and said):
            return itself
        return forwarded(said, min(trusted, said.count(",") + 1)).lower() == "https"

    def origin_allowed(self, request: Request, patterns: list[str]) -> bool:
        """Whether the page that a request comes from may connect.

        :param patterns: as the option allowed_origins has them
        """
        if request.origin is None:
            return True
        headers, host = request.headers, request.host
        trusted, said = self.options.trusted_proxies, headers.get("x-forwarded-host", "")
        if trusted and said:
            host = forwarded(said, min(trusted, said.count(",") + 1)) or host
        return origins.allowed(
            request.origin, host, patterns, self.is_secure_for(headers, self.is_secure), self.may_be_rebound(request)
        )

    def refuses_origin(self, request: Request, patterns: list[str]) -> bool:
        """Whether the page that a request comes from may not connect, which is counted."""
        if self.origin_allowed(request, patterns):
            return False
        self.counters.count("refused", "origin", (request.origin or "")[: origins.MAX_ORIGIN])
        return True

    def may_be_rebound(self, request: Request) -> bool:
        """Whether Host may be a web page's own name that its name server has turned to this machine (DNS rebinding)."""
        return not (
            self.options.trusted_proxies
            or is_loopback(host_name(request.host))
            or not is_loopback(request.peer)
            or is_forwarded(request.headers)
        )
