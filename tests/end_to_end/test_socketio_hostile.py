"""What has broken other servers of Socket.IO, sent to the real one by each transport.

Each ends in a clear answer, and a bystander on the same server is served on. The names tell where it was reported.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fws_server import FwsServer
from tests.support.http_client import ask, read_answer
from tests.support.raw_client import RawClient, frame, head
from tests.support.socketio_sessions import PATH, TRANSPORTS, Packet, PollingSession, WebSocketSession

APPLICATION = """
from filtered_websocket.filters.socketio import SocketIOEventFilter


class Any(SocketIOEventFilter):
    @classmethod
    def filter(cls, socket, *arguments):
        return arguments
"""
PLACEHOLDER = '451-["a",{"_placeholder":true,"num":%s}]'

ENDED: dict[str, tuple[Packet, ...]] = {
    "socket.io 3036: a packet that only servers send": ('442["some","data"]',),
    "CVE-2022-2421: a method for a placeholder": (PLACEHOLDER % '"splice"', b"x"),
    **{f"CVE-2022-2421: {number}": (PLACEHOLDER % number, b"x") for number in ("-1", "1", "1.5", "null", "true", "{}")},
    "CVE-2023-32695: an object for a name": ('42[{"toString":"foo"}]',),
    **{f"CVE-2023-32695: {name}": (f"42[{name}]",) for name in ("", "null", "true", "[]", "1.5")},
    **{
        f"socket.io-parser: the reserved name {name}": (f'42["{name}"]',)
        for name in ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
    },
    "CVE-2026-33151: attachments without end": ('4510000-["a"]',),
    "CVE-2026-33151: more attachments than there are numbers": ('45999999999999-["a"]',),
    "python-engineio 84: no number of attachments": ('45["a"]',),
    "socket.io 2047: illegal attachments": ('451["a"]',),
    "socket.io 2047: nothing but attachments": ("451-",),
    "socket.io 1980: bytes that belong to nothing": (b"\0\1\2",),
    "socket.io-parser 104: bytes behind an event": ('42["202","0"]', b"\xff\x9a\x00"),
    "python-socketio 37: bytes that nobody waits for any more": (PLACEHOLDER % 0, b"x", b"x"),
    "python-socketio 403: a text where bytes are due": (PLACEHOLDER % 0, '42["b"]'),
    "python-socketio 403: two packets, and then their bytes": (PLACEHOLDER % 0, PLACEHOLDER % 0, b"x", b"x"),
    "python-socketio 39: a type that is none": ("4%",),
    "python-socketio 403: a type that is no number": ("4\u00ff",),
    "python-socketio: a type that is a digit elsewhere": ("4\u0662",),
    **{f"a packet's type: {packet!r}": (packet,) for packet in ("4", "47", "48", "49", "8", "9", "x", "0", "\u0664")},
    "python-engineio 269: nothing": ("",),
    **{
        f"socket.io-parser 110: the payload {payload}": (f"42{payload}",)
        for payload in ("", "{}", "[", '["a"', "null", '"a"', "[,]", '["a"]x', "[NaN]")
    },
    **{f"JSON that is none: {value}": (f'42["a",{value}]',) for value in ("NaN", "-Infinity", "01", "'a'", "1e")},
    "Python: a number of more digits than are read": (f'42["a",{"9" * 100_000}]',),
    "Python: nested too deeply": ("42" + "[" * 100_000,),
    "Python: nested too deeply, and right": ('42["a",' + "[" * 100_000 + "]" * 100_000 + "]",),
    "Python: placeholders nested too deeply": ('451-["a",' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "]", b"x"),
    "CVE-2020-36049: a type without end": ("45" + "1" * 500_000,),
    "CVE-2020-36049: a namespace without end": ("42/" + "a" * 500_000 + ',["a"]',),
    "CVE-2020-36049: the number of an acknowledgement without end": ("42" + "1" * 500_000 + '["a"]',),
    "socket.io: auth that is a list": ("40[1]",),
    "socket.io: auth that is a text": ('40"abc"',),
    "socket.io: auth that is broken": ("40{",),
    "socket.io: a disconnect that says more": ("41{}",),
    "socket.io: an acknowledgement of nothing": ("43[]",),
    "socket.io: an acknowledgement without a list": ("431{}",),
    "socket.io: an acknowledgement without its bytes": ('461-1[{"_placeholder":true,"num":0}]', "430[]"),
}
SERVED: dict[str, tuple[Packet, ...]] = {
    "CVE-2024-38355: an event named error": ('42["error","x"]',),
    **{
        f"JavaScript: an event named {name}": (f'42["{name}"]', f'421["{name}"]')
        for name in ("__proto__", "constructor", "toString", "hasOwnProperty", "message", "", "*")
    },
    "socket.io 4: a name that is a number": ("42[0]", "42[-1]"),
    "Flask-SocketIO 244: for a namespace that it is not in": ('42/nowhere,["a"]', "41/nowhere,", '43/nowhere,1["a"]'),
    "JavaScript: a namespace named __proto__": ("40/__proto__,", "40/constructor,", "40/,", "40//,"),
    "socket.io: it connects twice": ("40", "40"),
    "socket.io: acknowledgements that nobody wants": ('430["x"]', '43123456789["x"]', '430["x"]'),
    "socket.io-parser: a placeholder without attachments": ('42["a",{"_placeholder":true,"num":0}]', '450-["a"]'),
    "python-socketio: half a character": ('421["a","\\ud800"]', '422["a","\\udc00\\u0000"]', '423["\\ud800"]'),
    "engine.io: packets without a meaning here": ("6", "5"),
    "JSON: numbers that are large": ('421["a",1e308,123456789012345678901234567890]',),
    "the same member twice": ('421["a",{"b":1,"b":2}]',),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder: Path = tmp_path_factory.mktemp("server")
    (folder / "application.py").write_text(APPLICATION)
    with FwsServer("-f", "application", "--socketio_eio3", "--socketio_max_payload", "1M", cwd=folder) as running:
        yield running
        # No fault of the server's own was among all that.
        assert "Traceback" not in running.log, running.log


@pytest.fixture(scope="module")
def bystander(server: FwsServer) -> Iterator[WebSocketSession]:
    session = WebSocketSession(server.port, 4)
    yield session
    session.quit()


@pytest.fixture(autouse=True)
def is_served(bystander: WebSocketSession) -> Iterator[None]:
    yield
    assert bystander.answer("there?") == []


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ENDED)
def test_what_no_client_sends_ends_its_session(server: FwsServer, transport: str, name: str) -> None:
    session: Any = TRANSPORTS[transport](server.port)
    session.say(*ENDED[name])
    assert session.answer("still there?") is None
    session.quit()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", SERVED)
def test_what_is_odd_and_no_fault_costs_nothing(server: FwsServer, transport: str, name: str) -> None:
    session: Any = TRANSPORTS[transport](server.port)
    session.say(*SERVED[name])
    assert session.answer("still there?") == []
    session.quit()
    session.quit()


@pytest.mark.parametrize(
    "body", [b"", b"\x1e", b"\x1e\x1e4", b"b!!!", b"\xff\xfe", b"6\x1e" * 10_001], ids=lambda body: repr(body[:9])
)
def test_a_body_that_is_no_payload_ends_its_session(server: FwsServer, body: bytes) -> None:
    session = PollingSession(server.port, 4)
    assert session.post(body) in (200, 400)
    assert session.answer("still there?") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b":",
        b"0:",
        b"1",
        b"-1:4",
        b"1e3:4",
        b"\xc2\xb2:4a",
        b"99999999999999999999:4",
        "3:4\U0001f600".encode() + b"9",
        "2:4\U0001f600".encode(),
        b"2:b!",
        b"3:b4!",
        b"4:b!AA",
        b"\x00",
        b"\x01\xff",
        b"\x00\x01",
        b"\x00" + b"\x09" * 400_000,
        b"\x01" + b"\x09" * 10 + b"\xff4",
        b"\x00\x0a\xff4",
        b"\x01\x01\xff\x05",
        b"\x02\x01\xff4",
        b"\x00\x02\xff4\xff",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_of_engine_io_3_that_is_no_payload_ends_its_session(server: FwsServer, body: bytes) -> None:
    """socketioxide 739, 741: without end, and beyond it; socket.io 2511: lengths of any number of digits."""
    session = PollingSession(server.port, 3)
    assert session.post(body) in (200, 400)
    assert session.answer("still there?") is None


@pytest.mark.parametrize("lengths", ["Content-Length: 100000000", "Transfer-Encoding: chunked"])
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(server: FwsServer, lengths: str) -> None:
    """CVE-2020-36048."""
    session = PollingSession(server.port, 4)
    with RawClient(("127.0.0.1", server.port)) as client:
        path = f"{PATH.format(4, 'polling')}&sid={session.sid}"
        client.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n".encode())
        if "chunked" in lengths:
            client.send(b"200000\r\n" + b"4" * 1_048_577)
        assert client.response().status == 413
    assert session.answer("still there?") == []
    session.quit()


@pytest.mark.parametrize(
    "query",
    [
        "EIO=4&transport=polling",
        "EIO=4&transport=polling&sid=SID",
        "EIO=4&transport=__proto__&sid=SID",
        "EIO=4&transport=constructor",
        "EIO=4&transport=webtransport&sid=SID",
        "EIO=4&transport=",
        "EIO=4&transport=websocket&transport=polling",
        "EIO=4&transport=websocket&sid=nobody",
        "EIO=4&transport=websocket&sid=" + "x" * 5000,
        "EIO=4&transport=websocket&sid=%00%0d%0a",
        "EIO=2&transport=websocket",
        "EIO=&transport=websocket",
        "EIO=4&EIO=3&transport=__proto__",
    ],
    ids=lambda query: query[:40],
)
def test_an_upgrade_for_what_is_no_transport_is_refused(server: FwsServer, query: str) -> None:
    """CVE-2023-31125, engine.io 24."""
    session = PollingSession(server.port, 4)
    with RawClient(("127.0.0.1", server.port)) as client:
        client.send(head(f"/socket.io/?{query.replace('SID', session.sid)}"))
        assert client.response().status == 400
    assert session.answer("still there?") == []
    session.quit()


@pytest.mark.parametrize("rsv", [1, 2, 3, 4])
def test_frames_of_no_extension_end_an_upgrade(server: FwsServer, rsv: int) -> None:
    """CVE-2022-21676: together with the handshake, where nobody had listened for faults yet."""
    session = PollingSession(server.port, 4)
    with RawClient(("127.0.0.1", server.port)) as client:
        path = f"{PATH.format(4, 'websocket')}&sid={session.sid}"
        client.send(head(path) + frame("2probe", rsv=rsv) + frame(b"\0" * 100, opcode=11))
        assert client.response().status == 101
        assert client.closed()[0] == 1002
    assert session.answer("still there?") == []
    session.quit()


@pytest.mark.parametrize("stage", ["a request", "a POST", "a handshake", "a probe", "an upgrade", "an event"])
def test_a_reset_at_any_moment_ends_one_client(server: FwsServer, stage: str) -> None:
    """CVE-2022-41940."""
    session = PollingSession(server.port, 4)
    client = RawClient(("127.0.0.1", server.port))
    sid = f"&sid={session.sid}"
    if stage == "a request":
        client.send(f"GET {PATH.format(4, 'polling')} HTTP/1.1\r\nHo".encode())
    elif stage == "a POST":
        client.send(f"POST {PATH.format(4, 'polling')}{sid} HTTP/1.1\r\nHost: x\r\n".encode())
        client.send(b"Content-Length: 9\r\n\r\n42[")
    elif stage == "a handshake":
        client.send(head(PATH.format(4, "websocket")))
    else:
        client.open(f"{PATH.format(4, 'websocket')}{sid}")
        client.send(*["2probe", "5", '42["a"]'][: ["a probe", "an upgrade", "an event"].index(stage) + 1])
    client.reset()
    # Its session may have gone on to the WebSocket, and then it has ended with it.
    assert session.answer("still there?") == (None if stage in ("an upgrade", "an event") else [])
    session.quit()


def test_a_page_of_another_site_may_not_connect(server: FwsServer) -> None:
    """CVE-2019-13611, CVE-2020-28481."""
    headers = {"Origin": "http://attacker.example"}
    answer = ask(("127.0.0.1", server.port), "GET", PATH.format(4, "polling"), headers=headers)
    assert (answer.status, json.loads(answer.body)["message"]) == (400, "Forbidden")
    with RawClient(("127.0.0.1", server.port)) as client:
        client.send(head(PATH.format(4, "websocket"), [*headers.items()]))
        assert client.response().status == 400


def test_many_headers_and_long_protocols_are_refused(server: FwsServer) -> None:
    """CVE-2024-37890, CVE-2021-32640 of ws, which carries theirs."""
    for headers in (
        [(f"X-{number}", "") for number in range(2000)],
        [("Sec-WebSocket-Protocol", " " * 60_000)],
        [("Sec-WebSocket-Protocol", ", ".join(["a"] * 20_000))],
    ):
        with RawClient(("127.0.0.1", server.port)) as client:
            client.send(head(PATH.format(4, "websocket"), headers))
            assert read_answer(client).status in (400, 431)
