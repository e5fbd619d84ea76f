"""Each limit, with attackers that try to exceed it: one connection, many of one address, many of as many addresses,
over each transport that it holds for. What it has cost the server at most goes into docs/security.md (``make limits``).

`tests/end_to_end/test_abuse.py` has floods that go on, and times a bystander; here a limit is met, told and counted,
and what was taken is given back.
"""

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from docs.options import declarations
from tests.support import limit_ledger
from tests.support.fws_server import FwsServer
from tests.support.http_client import read_answer
from tests.support.limit_ledger import Cost, Meter
from tests.support.raw_client import CLOSE, RawClient, close_frame, close_of, frame, head

APP = """
import json

from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketMessageFilter


class Obeys(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        what, *words = data.decode().split()
        if what == "join":
            return connection.subscribe(words[0])
        if what == "hang":
            return Deferred()
        if what == "large":
            connection.sendMessage(bytes(60_000), True)
        elif what == "publish":
            return connection.publish(words[0], "x" * int(words[1]))
        elif what == "timers":
            server = connection.factory
            counted = {f"{kind}: {reason}": count for (kind, reason), count in server.counters.totals.items()}
            connection.sendMessage(json.dumps([len(server.reactor.getDelayedCalls()), counted]))
        else:
            connection.sendMessage(data)
"""
NEWS = """
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.response import Stream


class News(Endpoint):
    path = "/news"

    @classmethod
    def handle(cls, pipeline, request):
        return Stream(pipeline, ["news"])
"""
PUSHER = {"filters": ["filtered_websocket.filters.pusher"],
          "pusher_apps": [{"id": "1", "key": "k", "secret": "sixteen characters", "client_events": True}],
          "pusher_max_channel_name": 20}  # fmt: skip
SOCKETIO = {"filters": ["filtered_websocket.filters.socketio"], "socketio_max_payload": "2K", "socketio_max_packets": 5,
            "socketio_max_attachments": 2}  # fmt: skip
KEPT = {"filters": ["filtered_websocket.filters.history", "app"], "channels": {"*": {"history": 1000}},
        "history_channel": "room", "history_bytes": "16K", "history_channels": 4,
        "recovery_publications": 5}  # fmt: skip
PIPELINES = {
    "/messages": {"filters": ["app"], "message_rate": 10, "over_rate": "close"},
    "/bytes": {"filters": ["app"], "byte_rate": "1K", "over_rate": "close"},
    "/kept": KEPT,
    "/socket.io/*": SOCKETIO,
    "/late/*": {**SOCKETIO, "socketio_connect_timeout": 0.5},
    "/app/* /apps/*": PUSHER,
}
PATIENCE = "--close_timeout 0.5 --send_timeout 0.5 --filter_timeout 0.5 --http_request_timeout 1"
SIZES = "--max_message_size 64K --max_handshake_size 2K --send_buffer 64K --max_channels 4 --max_channel_name 16"
SERVERS = {
    "sizes": f"{PATIENCE} {SIZES} --http_idle_timeout 1 --ping_interval 0 --compression",
    "counts": "--max_connections 12 --max_connections_per_address 10 --max_http_connections 5 --ping_interval 0",
    "pace": "--accept_rate 15 --ping_interval 0",
    "pings": "--ping_interval 1 --ping_timeout 2 --handshake_timeout 1",
}
"""The servers, one for several limits each."""
MANY = 20
ONE, ADDRESS, ADDRESSES = "one connection", "one address", "many addresses"
SOURCES = {
    ONE: ["127.0.0.2"],
    ADDRESS: ["127.0.0.2"] * MANY,
    ADDRESSES: [f"127.0.1.{number}" for number in range(1, MANY + 1)],
}


Act = Callable[[RawClient], object]


class Attack(NamedTuple):
    """
    :ivar over: which transport
    :ivar sees: what the attacker gets
    :ivar counted: kind and reason
    :ivar of: where they come from that can exceed it
    :ivar act: what an attacker does on its connections; what it does not see fails
    """

    limit: str
    over: str
    sees: str
    counted: str
    act: Callable[[Sequence[RawClient]], object]
    server: str = "sizes"
    of: tuple[str, ...] = (ONE, ADDRESS, ADDRESSES)


def on_each(act: Act) -> Callable[[Sequence[RawClient]], object]:
    def each(clients: Sequence[RawClient]) -> None:
        for client in clients:
            act(client)

    return each


def sent(begin: Act, then: Act) -> Any:
    """All begin, and then each is waited for."""

    def act(clients: Sequence[RawClient]) -> None:
        for client in clients:
            begin(client)
        for client in clients:
            then(client)

    return act


def code(wanted: int | None) -> Act:
    """It is closed, with this code, and answers."""

    def closed(client: RawClient) -> None:
        while (got := client.receive()) is not None and got.opcode != CLOSE:
            pass
        assert got is not None
        assert wanted in (None, close_of(got)[0]), got
        try:
            client.send(frame(got.payload, CLOSE))
        except (BrokenPipeError, ConnectionResetError):
            pass  # nobody waits for it
        is_cut_off(client)

    return closed


def status(wanted: int) -> Act:
    def answered(client: RawClient) -> None:
        assert client.response().status == wanted

    return answered


def opened(*parts: bytes | str, path: str = "/", headers: Sequence[tuple[str, str]] = ()) -> Act:
    def send(client: RawClient) -> None:
        client.open(path, headers)
        try:
            client.send(*parts)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was told already

    return send


def says(*parts: bytes) -> Act:
    return lambda client: client.send(*parts)


def is_cut_off(client: RawClient) -> None:
    while client._more():
        client._data = b""


def bomb() -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return frame(deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4], 2, rsv=4)


TEN_MIB = b"\x82\xff" + struct.pack("!Q", 10 << 20) + bytes(4)
POST = "POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n"
EIO = "/socket.io/?EIO=4&transport="
LIVE = b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n"


def polls(*bodies: bytes, last: int) -> Act:
    """A session that polls and says this; the status of the last answer."""

    def act(client: RawClient) -> None:
        client.send(f"GET {EIO}polling HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        sid = json.JSONDecoder().raw_decode(read_answer(client).body[1:].decode())[0]["sid"]
        for body in bodies:
            client.send(POST.format(f"{EIO}polling&sid={sid}", len(body)).encode() + body)
            found = read_answer(client).status
        assert found == last

    return act


def in_socketio(*parts: bytes | str) -> Act:
    return opened("40", *parts, path=f"{EIO}websocket")


def pusher(event: dict[str, Any], error: bytes) -> Act:
    def act(client: RawClient) -> None:
        client.open("/app/k?protocol=7")
        client.send(json.dumps(event), close_frame())
        assert error in client.body()

    return act


def asks(client: RawClient, since: str) -> Any:
    client.open(f"/kept?{since}")
    return json.loads(client.text())


def misses_too_much(client: RawClient) -> None:
    position = asks(client, "last=1")["position"]
    client.send(*["publish room 10"] * 20, "over")
    while client.text() != "over":
        pass
    with RawClient(client.socket.getpeername(), source=client.socket.getsockname()[0]) as again:
        assert asks(again, f"since={position or 'e:0'}")["recovered"] is False


def nothing(client: RawClient) -> None:
    """It reads nothing."""


def over_connections(speak: Act, wanted: int) -> Callable[[Sequence[RawClient]], None]:
    """Those that are too many are told so."""

    def act(clients: Sequence[RawClient]) -> None:
        told = []
        for client in clients:
            try:
                speak(client)
                told.append(client.response().status)
            except (OSError, AssertionError):
                told.append(0)  # closed unanswered, as those are that are not told
        assert wanted in told or 0 in told, told

    return act


ATTACKS = (
    Attack("max_message_size", "WebSocket", "1009", "closed: protocol error 1009", sent(opened(TEN_MIB), code(1009))),
    Attack("max_message_size", "WebSocket, inflated a thousandfold", "1009", "closed: protocol error 1009",
           sent(opened(bomb(), headers=[("Sec-WebSocket-Extensions", "permessage-deflate")]), code(1009))),
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
           over_connections(says(head()), 503), "counts", (ADDRESSES,)),
    Attack("max_connections_per_address", "WebSocket", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(head()), 429), "counts", (ADDRESS,)),
    Attack("max_connections_per_address", "HTTP", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(LIVE), 429), "counts", (ADDRESS,)),
    Attack("max_connections_per_address", "polling", "429, or closed", "refused: max_connections_per_address",
           over_connections(says(f"GET {EIO}polling HTTP/1.1\r\nHost: h\r\n\r\n".encode()), 429), "counts", (ADDRESS,)),
    Attack("max_http_connections", "HTTP", "503", "refused: max_http_connections",
           over_connections(says(LIVE), 503), "counts", (ADDRESSES,)),
    Attack("max_http_connections", "HTTP streaming", "503", "refused: max_http_connections",
           over_connections(says(b"GET /news HTTP/1.1\r\nHost: h\r\n\r\n"), 503), "counts", (ADDRESSES,)),
    Attack("accept_rate", "WebSocket", "503, or closed", "refused: accept_rate",
           over_connections(says(head()), 503), "pace", (ADDRESS, ADDRESSES)),
    Attack("accept_rate", "HTTP", "503, or closed", "refused: accept_rate",
           over_connections(says(LIVE), 503), "pace", (ADDRESS, ADDRESSES)),
    Attack("message_rate", "WebSocket", "1008", "closed: message_rate",
           sent(opened(*["x"] * 80, path="/messages"), code(1008))),
    Attack("byte_rate", "WebSocket", "1008", "closed: byte_rate",
           sent(opened(frame(b"x" * 9000), path="/bytes"), code(1008))),
    Attack("send_buffer", "WebSocket", "the end", "closed: slow client", sent(opened(*["large"] * 120), nothing)),
    Attack("max_channels", "WebSocket", "1008", "closed: max_channels",
           sent(opened(*[f"join {number}" for number in range(6)]), code(1008))),
    Attack("max_channel_name", "WebSocket", "1008", "closed: max_channel_name",
           sent(opened("join " + "x" * 30), code(1008))),
    Attack("allowed_origins", "WebSocket", "403", "refused: origin",
           sent(says(head(headers=[("Origin", "https://evil.example")])), status(403))),
    Attack("filter_timeout", "WebSocket", "1011", "failed: filter", sent(opened("hang"), code(1011)), of=(ADDRESSES,)),
    Attack("http_request_timeout", "HTTP", "408", "refused: http",
           sent(says(POST.format("/", 5).encode()), status(408)), of=(ADDRESSES,)),
    Attack("http_idle_timeout", "HTTP", "the end", "", sent(says(LIVE), is_cut_off), of=(ADDRESSES,)),
    Attack("history_bytes", "WebSocket", "the oldest go", "dropped: kept publications over history_bytes",
           sent(opened(*["publish room 4000"] * 10, path="/kept"), nothing)),
    Attack("history_channels", "WebSocket", "the oldest go", "dropped: kept publications over history_channels",
           sent(opened(*[f"publish {number} 9" for number in range(9)], close_frame(), path="/kept"), is_cut_off)),
    Attack("recovery_publications", "WebSocket", "recovered: false", "", on_each(misses_too_much)),
    Attack("socketio_max_payload", "polling", "413", "refused: http", on_each(polls(b"4" * 3000, last=413))),
    Attack("socketio_max_packets", "polling", "400", "closed: socketio_max_packets",
           on_each(polls(b"\x1e".join([b"6"] * 6), last=400))),
    Attack("socketio_max_attachments", "WebSocket", "the end", "closed: socketio",
           sent(in_socketio('453-["a"]'), code(None))),
    Attack("socketio_max_attachments", "polling", "400", "closed: socketio",
           on_each(polls(b"40", b'453-["a"]', b"6", last=400))),
    Attack("socketio_connect_timeout", "WebSocket", "the end", "closed: socketio",
           sent(opened(path=f"/late{EIO}websocket"), is_cut_off), of=(ADDRESSES,)),
    Attack("pusher_max_channel_name", "WebSocket", "an error", "",
           on_each(pusher({"event": "pusher:subscribe", "data": {"channel": "x" * 30}}, b"20"))),
)  # fmt: skip


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[FwsServer, RawClient]]]:
    with ExitStack() as running:
        found = {}
        for name, options in SERVERS.items():
            folder: Path = tmp_path_factory.mktemp(name)
            (folder / "app.py").write_text(APP)
            (folder / "news.py").write_text(NEWS)
            (folder / "options.json").write_text(json.dumps({"pipelines": PIPELINES}))
            arguments = ["-f", "app", "news", "-c", "options.json", *options.split()]
            server = running.enter_context(FwsServer(*arguments, cwd=folder))
            found[name] = server, None if name == "pings" else server.open()
        yield found
        if os.environ.get("FIGURES"):
            assert len(COSTS) == len(ATTACKS), "all tests of this file are wanted"
            limit_ledger.write([limit_ledger.row(said_of(each), COSTS[at]) for at, each in enumerate(ATTACKS)])


COSTS: dict[int, Cost] = {}


def said_of(attack: Attack) -> str:
    return limit_ledger.cells(*attack[:4])


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=[f"{each.limit}, {each.over}" for each in ATTACKS])
def test_an_attacker_meets_the_limit_and_what_it_took_is_given_back(servers: Any, number: int) -> None:
    attack = ATTACKS[number]
    server, asks = servers[attack.server]
    for sources in map(SOURCES.__getitem__, attack.of):
        with Meter(server, asks) as meter, ExitStack() as held:
            clients = [
                held.enter_context(RawClient(("127.0.0.1", server.port), receive_buffer=4096, source=source))
                for source in sources
            ]
            meter.note()
            attack.act(clients)
            meter.note()
            if attack.counted:
                # Of too many connections some are within the limit.
                meter.until_counted(attack.counted, 1 if attack.server in ("counts", "pace") else len(clients))
        COSTS[number] = COSTS.get(number, Cost()).most(meter.cost)


NO_ROW = {
    "ping_interval": "ping_timeout's attackers are pinged",
    "over_rate": "what happens above message_rate and byte_rate",
    "send_timeout": "test_abuse.py: clients that read nothing",
    "slow_client": "what is lost above send_buffer",
    "backlog": "the kernel's: limits/test_backlog.py",
    "compression": "no limit; inflated messages have max_message_size",
    "channels": "rules, whose sizes history_bytes bounds",
    "recovery_bytes": "pipeline/test_recoveries.py, as recovery_publications",
    "recovery_tails": "what the server holds by itself: pipeline/test_tails.py",
    "publish_secret": "no limit",
    "admin_port": "no limit",
    "admin_host": "no limit",
    "admin_secret": "no limit",
}
"""Options among the limits that no client can exceed here, and why, or where they are met."""


def test_every_limit_has_an_attacker() -> None:
    every = declarations()
    own = {option.name for owner in ("limits", "web") for option in every[owner]}
    met = {attack.limit for attack in ATTACKS}
    assert own - met == set(NO_ROW), "a limit is new: give it an attacker, or a reason in NO_ROW"
    assert met <= {option.name for options in every.values() for option in options}


def test_the_page_has_a_row_for_each_attack() -> None:
    assert limit_ledger.rows_of_page() == [said_of(each) for each in ATTACKS], "make limits"
