"""Attacks on the limits of every server: messages, connections, rates, channels, histories, HTTP."""

import json
import struct
from collections.abc import Callable, Sequence

from tests.support.limits.attack import (
    ADDRESS,
    ADDRESSES,
    Act,
    Attack,
    bomb,
    code,
    is_cut_off,
    nothing,
    on_each,
    opened,
    over_connections,
    request,
    says,
    sent,
    status,
    upgrade,
)  # fmt: skip
from tests.support.raw_client import RawClient, close_frame, frame, head

EVIL = "https://evil.example"
TEN_MIB = b"\x82\xff" + struct.pack("!Q", 10 << 20) + bytes(4)
POLLS = request("GET", "/socket.io/?EIO=4&transport=polling")
STREAMS = request("POST", "/connection/http_stream", b'{"id":1,"connect":{}}')
LIVE = request("GET", "/health/live")
NEWS = request("GET", "/news")


def asked(client: RawClient, since: str, path: str = "/kept") -> dict[str, object]:
    client.open(f"{path}?{since}")
    answer: dict[str, object] = json.loads(client.text())
    return answer


def misses(path: str, *said: str) -> Callable[[Sequence[RawClient]], None]:
    """A client that comes back has missed more than it may get back."""

    def act(client: RawClient) -> None:
        position = asked(client, "last=1", path)["position"]
        client.send(*said, "over")
        while client.text() != "over":
            pass
        with RawClient(client.socket.getpeername(), source=client.socket.getsockname()[0]) as again:
            assert asked(again, f"since={position or 'e:0'}", path)["recovered"] is False

    return on_each(act)


def publishes(*said: str) -> Act:
    """A program that publishes, on a connection of its own."""

    def act(client: RawClient) -> None:
        with RawClient(client.socket.getpeername()) as program:
            program.open()
            program.send(*said, "over")
            while program.text() != "over":
                pass

    return act


def never_read(begin: Act, *said: str) -> Callable[[Sequence[RawClient]], None]:
    """Clients that take nothing of what is published to all of them."""

    def act(clients: Sequence[RawClient]) -> None:
        on_each(begin)(clients)
        publishes(*said)(clients[0])

    return act


def joined(client: RawClient) -> None:
    client.open()
    client.send("join hall", "here")
    assert client.text() == "here"


def streaming(client: RawClient) -> None:
    client.send(NEWS)
    assert client.response().status == 200


MUCH = ["publish loud 60000"] * 60
# Each attack that goes on beside the other has a channel of its own, or one's clients are cut off by the other's.
ONE_LARGE = "publish loud 4000000"
ONE_LARGE_IN_HALL = "publish hall 4000000"
ATTACKS = (
    Attack("max_message_size", "WebSocket", "1009", "closed: protocol error 1009", sent(opened(TEN_MIB), code(1009))),
    Attack("max_message_size", "WebSocket, inflated a thousandfold", "1009", "closed: protocol error 1009",
           sent(opened(bomb(), headers=[("Sec-WebSocket-Extensions", "permessage-deflate")]), code(1009))),
    Attack("max_message_size", "HTTP streaming", "413", "refused: http",
           sent(says(request("POST", "/connection/http_stream", b"x" * 70_000)), status(413))),
    Attack("handshake_timeout", "WebSocket", "the end", "refused: handshake_timeout",
           sent(says(head()[:20]), is_cut_off), "pings", (ADDRESSES,)),
    Attack("max_handshake_size", "WebSocket", "431", "refused: handshake too large",
           sent(says(head()[:-2] + b"X: " + b"x" * 3000), status(431))),
    Attack("max_handshake_size", "HTTP", "431", "refused: handshake too large",
           sent(says(b"POST / HTTP/1.1\r\nX: " + b"x" * 3000), status(431))),
    Attack("close_timeout", "WebSocket", "the end", "closed: protocol error 1002",
           sent(opened(frame("x", rsv=7)), is_cut_off)),
    Attack("ping_timeout", "WebSocket", "the end", "closed: ping timeout",
           sent(opened(), is_cut_off), "pings", (ADDRESSES,)),
    Attack("max_connections", "WebSocket", "503, or closed", "refused: max_connections",
           over_connections(says(head()), 503), "counts", (ADDRESSES,), once=True),
    Attack("max_connections_per_address", "WebSocket", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(head()), 429), "counts", (ADDRESS,), once=True),
    Attack("max_connections_per_address", "HTTP", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(LIVE), 429), "counts", (ADDRESS,), once=True),
    Attack("max_connections_per_address", "polling", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(POLLS), 429), "counts", (ADDRESS,), once=True),
    Attack("max_connections_per_address", "HTTP streaming", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(STREAMS), 429), "counts", (ADDRESS,), once=True),
    Attack("max_http_connections", "HTTP", "503", "refused: max_http_connections",
           over_connections(says(LIVE), 503), "counts", (ADDRESSES,), once=True),
    Attack("max_http_connections", "HTTP streaming", "503", "refused: max_http_connections",
           over_connections(says(NEWS), 503), "counts", (ADDRESSES,), once=True),
    Attack("accept_rate", "WebSocket", "503, or closed", "refused: accept_rate",
           over_connections(says(head()), 503), "pace", (ADDRESS, ADDRESSES), once=True),
    Attack("accept_rate", "HTTP", "503, or closed", "refused: accept_rate",
           over_connections(says(LIVE), 503), "pace", (ADDRESS, ADDRESSES), once=True),
    Attack("message_rate", "WebSocket", "1008", "closed: message_rate",
           sent(opened(*["x"] * 80, path="/messages"), code(1008))),
    Attack("byte_rate", "WebSocket", "1008", "closed: byte_rate",
           sent(opened(frame(b"x" * 9000), path="/bytes"), code(1008))),
    Attack("send_buffer", "WebSocket", "the end", "closed: slow client", sent(opened(*["large"] * 120), nothing)),
    Attack("send_buffer", "HTTP streaming", "the end", "closed: slow client",
           never_read(streaming, *MUCH)),
    Attack("send_timeout", "WebSocket", "the end", "closed: slow client",
           never_read(joined, ONE_LARGE_IN_HALL), of=(ADDRESSES,)),
    Attack("send_timeout", "HTTP streaming", "the end", "closed: slow client",
           never_read(streaming, ONE_LARGE), of=(ADDRESSES,)),
    Attack("max_channels", "WebSocket", "1008", "closed: max_channels",
           sent(opened(*[f"join {number}" for number in range(6)]), code(1008))),
    Attack("max_channel_name", "WebSocket", "1008", "closed: max_channel_name",
           sent(opened("join " + "x" * 30), code(1008))),
    Attack("allowed_origins", "WebSocket", "403", "refused: origin",
           sent(says(upgrade("/", EVIL)), status(403))),
    Attack("allowed_origins", "HTTP streaming", "403", "refused: origin",
           sent(says(request("POST", "/connection/http_stream", b"{}", [("Origin", EVIL)])), status(403))),
    Attack("filter_timeout", "WebSocket", "1011", "failed: filter", sent(opened("hang"), code(1011)), of=(ADDRESSES,)),
    Attack("http_request_timeout", "HTTP", "408", "refused: http",
           sent(says(request("POST", "/", b"x" * 5)[:-5]), status(408)), of=(ADDRESSES,)),
    Attack("http_idle_timeout", "HTTP", "the end", "", sent(says(LIVE), is_cut_off), "pings", (ADDRESSES,)),
    Attack("history_bytes", "WebSocket", "the oldest go", "dropped: kept publications over history_bytes",
           sent(opened(*["publish room 4000"] * 10, path="/kept"), nothing)),
    Attack("history_channels", "WebSocket", "the oldest go", "dropped: kept publications over history_channels",
           sent(opened(*[f"publish {number} 9" for number in range(9)], close_frame(), path="/kept"), is_cut_off)),
    Attack("recovery_publications", "WebSocket", "recovered: false", "not recovered: too many",
           misses("/kept", *["publish room 10"] * 20)),
    Attack("recovery_bytes", "WebSocket", "recovered: false", "not recovered: too many",
           misses("/kept/bytes", *["publish room 1000"] * 4)),
)  # fmt: skip
