"""Clients of every pack, as raw as can be: what they send is written out, and what they get is kept as it comes."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from filtered_websocket.filters.centrifugo.streaming import SSE, HTTPStream
from filtered_websocket.filters.centrifugo.unidirectional import UniSSE
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.socketio import Socket as SocketIOSocket
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter
from filtered_websocket.filters.ws_emit import emit
from filtered_websocket.messages.batch import Batch
from filtered_websocket.testing import Server
from filtered_websocket.web.request import HTTPRequest
from tests.filters.centrifugo.clients import NAMESPACES
from tests.filters.pusher.clients import APP as PUSHER_APP
from tests.filters.pushi.clients import APP as PUSHI_APP
from tests.filters.ws_emit.clients import Poller
from tests.support.philote_tokens import SECRET, token

FILTERS = "filtered_websocket.filters."
JWT_SECRET = "the secret of jwt_auth, of 32 bytes or more"


def query(user: str) -> str:
    """What jwt_auth takes, in the URL: of every client, whether somebody reads it or not."""
    return "token=" + token({"sub": user}, JWT_SECRET)


class Client:
    """On a WebSocket."""

    def __init__(self, server: Server, path: str, user: str = "ann") -> None:
        self.server = server
        self.client = server.connect(f"{path}{'&' if '?' in path else '?'}{query(user)}")
        self._texts: list[str] = []

    @property
    def texts(self) -> list[str]:
        """All that it has got."""
        self._texts += map(str, self.client.received())
        return self._texts

    def send(self, *messages: Any) -> None:
        for each in messages:
            self.client.send(each if isinstance(each, str | bytes) else json.dumps(each))

    def leave(self) -> None:
        self.client.close()

    def one(self, part: str) -> str:
        """The only text that it has got with this in it."""
        (found,) = [each for each in self.texts if part in each]
        return found


class Polling(Client):
    """Of Engine.IO; ``upgrades``: a WebSocket takes over before it says anything else."""

    def __init__(self, server: Server, path: str, user: str = "ann", upgrades: bool = False) -> None:
        self.server, self._texts, self._websocket = server, [], None
        self.poller = Poller(server, connect=False, uri=f"{path}?EIO=4&transport=polling&{query(user)}")
        self._texts += self.poller.greeting.split("\x1e")
        if upgrades:
            self._websocket = self.poller.websocket()
            self._websocket.send("2probe")
            self._websocket.send("5")

    @property
    def texts(self) -> list[str]:
        if self._websocket is not None:
            self._texts += map(str, self._websocket.received())
            return self._texts
        self.server.settle()
        pipeline: Any = self.server.pipeline()
        engine = getattr(pipeline, "engineio", None) or (getattr(pipeline, "socketio", None) or pipeline.ws_emit)
        session = engine.engine.polling.get(self.poller.sid)
        if session is not None and session.waits:
            self._texts += self.poller.received()
        return self._texts

    def send(self, *messages: Any) -> None:
        for each in messages:
            if self._websocket is not None:
                self._websocket.send(each)
            else:
                self.poller.post(each)

    def leave(self) -> None:
        self.send("1")


class Body:
    """What writes a response, as the session knows it: nothing waits for this client."""

    waits, pending = False, 0

    def __init__(self, stream: Any) -> None:
        self._stream, self.texts, self.ended = stream, [], False

    def deliver(self, batch: Batch, policy: str) -> None:
        self.send(self._stream.encode(batch.messages))

    def send(self, blob: bytes) -> None:
        self.texts += [each.removeprefix("data: ") for each in blob.decode().split("\n") if each]

    def complete(self, last: bytes | None = None) -> None:
        self.send(last or b"")
        self.end()

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self._stream.ended()


class Stream(Client):
    """Of Centrifugo, on a response that goes on."""

    def __init__(self, server: Server, endpoint: Any, *commands: Any, user: str = "ann") -> None:
        self.server = server
        frame, headers = "\n".join(map(json.dumps, commands)), {"content-type": "application/json"}
        uri = f"{endpoint.path}?{query(user)}"
        request = HTTPRequest("POST", uri, headers, frame.encode(), peer="::1", server=server.server)
        before = set(server.pipeline().users)
        stream = server.result(endpoint.handle(server.pipeline(), request))
        self.body = Body(stream)
        stream.opened(self.body)
        (id,) = set(server.pipeline().users) - before
        self._session = server.pipeline().users[id].centrifugo  # type: ignore[attr-defined]

    @property
    def texts(self) -> list[str]:
        self.server.settle()
        return self.body.texts

    def send(self, *messages: Any) -> None:
        for each in messages:
            self._session.take(json.dumps(each).encode())
        self.server.settle()

    def leave(self) -> None:
        self.body.end()
        self.server.settle()


class Joins(SocketIOConnectFilter):
    @classmethod
    def filter(cls, socket: SocketIOSocket, auth: Any) -> None: ...


class Say(SocketIOEventFilter):
    event = "say"

    @classmethod
    def filter(cls, socket: SocketIOSocket, text: Any) -> None:
        socket.broadcast.emit("say", text)


class Pack(NamedTuple):
    """A pack, and the usual journey of its clients.

    :ivar filters: behind those of the shelf
    :ivar opens: a new client of a user, that can be spoken to
    :ivar says: has the client say a text, which the others get
    :ivar word: what stands in front of what presence tells; "": nothing is told
    :ivar first: what stands in front of the shelf
    :ivar speaks: clients say something that filters see
    """

    name: str
    filters: tuple[Any, ...]
    options: dict[str, Any]
    opens: Callable[[Server, str], Client]
    says: Callable[[Client, str], object]
    word: str = ""
    first: tuple[str, ...] = ()

    @property
    def speaks(self) -> bool:
        return self.says not in (_emits, _others_publish)

    def __str__(self) -> str:
        return self.name


def _plain(server: Server, user: str) -> Client:
    return Client(server, "/", user)


def _philote(server: Server, user: str) -> Client:
    mine = token({"read": ["room"], "write": ["room"]})
    return Client(server, f"/?auth={mine}", user)


def _wsps(server: Server, user: str) -> Client:
    client = Client(server, "/", user)
    client.send({"type": "subscribe", "channel": "room"})
    return client


def _pusher(server: Server, user: str) -> Client:
    client = Client(server, f"/app/{PUSHER_APP['key']}?protocol=7&client=js", user)
    assert "pusher:connection_established" in client.texts[0]
    id = json.loads(json.loads(client.texts[0])["data"])["socket_id"]
    auth = f"{PUSHER_APP['key']}:{sign(str(PUSHER_APP['secret']), f'{id}:private-room')}"
    client.send({"event": "pusher:subscribe", "data": {"channel": "private-room", "auth": auth}})
    assert client.one("subscription_succeeded")
    return client


def _pushi(server: Server, user: str) -> Client:
    client = Client(server, f"/{PUSHI_APP['key']}", user)
    assert "connection_established" in client.texts[0]
    client.send({"event": "pusher:subscribe", "data": {"channel": "room"}})
    assert client.one("subscription_succeeded")
    return client


def _centrifugo(server: Server, user: str) -> Client:
    client = Client(server, "/connection/websocket", user)
    client.send({"id": 1, "connect": {}})
    assert '{"id":1,"connect"' in client.texts[0]
    client.send('{"id": 2, "subscribe": {"channel": "open:room"}}\n{"id": 3, "presence": {"channel": "open:room"}}')
    assert client.one('{"id":3,"presence"')
    return client


def _stream(endpoint: Any) -> Callable[[Server, str], Client]:
    def opens(server: Server, user: str) -> Client:
        client = Stream(server, endpoint, {"id": 1, "connect": {}}, user=user)
        assert '{"id":1,"connect"' in client.texts[0]
        client.send({"id": 2, "subscribe": {"channel": "open:room"}})
        assert client.one('{"id":2,"subscribe"')
        return client

    return opens


def _listens(server: Server, user: str) -> Client:
    client = Stream(server, UniSSE, {"subs": {"open:room": {}}}, user=user)
    assert client.one('"connect"')
    return client


def _publishes(client: Client, text: str) -> None:
    client.send({"id": 9, "publish": {"channel": "open:room", "data": {"text": text}}})


def _others_publish(client: Client, text: str) -> None:
    client.server.result(client.server.pipeline().publish("open:room", json.dumps({"text": text})))


def _socketio(kind: str) -> Callable[[Server, str], Client]:
    def opens(server: Server, user: str) -> Client:
        path = "/socket.io/"
        client = (
            Client(server, f"{path}?EIO=4&transport=websocket", user)
            if kind == "websocket"
            else Polling(server, path, user, kind == "upgraded")
        )
        assert client.texts[0].startswith("0{")
        client.send("40")
        assert client.one('40{"sid"')
        client.send('42["join",{"room":"r"}]')  # which WS-Emit knows
        return client

    return opens


def _engineio(kind: str) -> Callable[[Server, str], Client]:
    def opens(server: Server, user: str) -> Client:
        path = "/engine.io/"
        if kind == "websocket":
            return Client(server, f"{path}?EIO=4&transport=websocket", user)
        return Polling(server, path, user, kind == "upgraded")

    return opens


def _emits(client: Client, text: str) -> None:
    """Clients say nothing to each other: programs emit, to those that have joined a room."""
    emit(client.server.pipeline(), "say", text, room="r")


KINDS = ("websocket", "polling", "upgraded")
CENTRIFUGO = {"centrifugo_namespaces": NAMESPACES, "centrifugo_allow_anonymous": True}
BROADCAST = FILTERS + "broadcast_messages"
PLAIN = Pack("plain", (BROADCAST,), {}, _plain, lambda client, text: client.send({"text": text}), "{")


def _packs() -> Iterator[Pack]:
    yield Pack("philote", (FILTERS + "philote",), {"philote_secret": SECRET}, _philote,
               lambda client, text: client.send({"channel": "room", "data": text}))  # fmt: skip
    yield Pack("wsps", (FILTERS + "wsps",), {}, _wsps,
               lambda client, text: client.send({"type": "publish", "channel": "room", "data": text}))  # fmt: skip
    yield Pack("pusher", (FILTERS + "pusher",), {"pusher_apps": [PUSHER_APP]}, _pusher,
               lambda client, text: client.send(
                   {"event": "client-say", "channel": "private-room", "data": {"text": text}}
               ), '{"event":"presence","data":')  # fmt: skip
    yield Pack("pushi", (FILTERS + "pushi",), {"pushi_apps": [PUSHI_APP]}, _pushi,
               lambda client, text: client.send(
                   {"event": "say", "channel": "room", "data": text, "persist": False}
               ), '{"event":"presence","channel":"presence","data":')  # fmt: skip
    pushed = '{"push":{"message":{"data":'
    for name, opens in (("centrifugo", _centrifugo), ("http_stream", _stream(HTTPStream)), ("sse", _stream(SSE))):
        yield Pack(name, (FILTERS + "centrifugo",), CENTRIFUGO, opens, _publishes, pushed)
    yield Pack("uni_sse", (FILTERS + "centrifugo",), CENTRIFUGO, _listens, _others_publish, '{"message":{"data":')
    for kind in KINDS:
        yield Pack(f"socketio {kind}", (FILTERS + "socketio", Joins, Say), {"socketio_cors": ["*"]}, _socketio(kind),
                   lambda client, text: client.send(f'42["say","{text}"]'), '42["presence",')  # fmt: skip
        yield Pack(f"ws_emit {kind}", (FILTERS + "ws_emit",), {}, _socketio(kind), _emits, '42["presence",')
    for kind in KINDS:
        yield Pack(f"engineio {kind}", (BROADCAST,), {}, _engineio(kind),
                   lambda client, text: client.send(f"4{json.dumps({'text': text}, separators=(',', ':'))}"), "4{",
                   (FILTERS + "engineio",))  # fmt: skip


PACKS: Sequence[Pack] = (PLAIN, *_packs())


@contextmanager
def serving(pack: Pack, *filters: Any, **options: Any) -> Iterator[Server]:
    # What asks about requests stands in front of every pack, also of those that only carry messages.
    doors = [each for each in filters if each == f"{FILTERS}jwt_auth"]
    others = [each for each in filters if each not in doors]
    chain = (*doors, *pack.first, *others) if pack.first else filters
    with Server(*chain, *pack.filters, **(pack.options | options)) as server:
        yield server


def journey(pack: Pack, server: Server) -> tuple[Client, Client]:
    """Two come, the first says something, the second hears it."""
    ann, bob = pack.opens(server, "ann"), pack.opens(server, "bob")
    pack.says(ann, "hello")
    assert any("hello" in each for each in bob.texts), bob.texts
    return ann, bob
