"""Servers of every pack for fws_client, and the words it needs for each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from filtered_websocket.filters.shared.tokens import issue
from tests.support.fws_server import FwsServer

BUNDLED = "filtered_websocket.filters"
PUSHI_KEY = "a" * 64
PUSHI_SECRET = "b" * 64
OPTIONS: dict[str, Any] = {
    "filters": [f"{BUNDLED}.broadcast_messages"],
    "pipelines": {
        "/wsps": {
            "filters": [f"{BUNDLED}.wsps"],
            "wsps_subscribe_keys": {"locked": "in"},
            "wsps_publish_keys": {"locked": "out"},
        },
        "/philote": {"filters": [f"{BUNDLED}.philote"], "philote_secret": "philote-secret"},
        "/socket.io/* /emit": {
            "filters": [f"{BUNDLED}.ws_emit"],
            "ws_emit_secret": "emit-secret",
            "ws_emit_room_secrets": {"space": "room-secret"},
        },
        f"/{PUSHI_KEY}": {
            "filters": [f"{BUNDLED}.pushi"],
            "pushi_apps": [{"id": "c" * 64, "key": PUSHI_KEY, "secret": PUSHI_SECRET, "name": "app"}],
        },
        "/app/* /apps/*": {
            "filters": [f"{BUNDLED}.pusher"],
            "pusher_apps": [{"id": "1001", "key": "app-key", "secret": "app-secret", "client_events": True}],
        },
        "/connection/* /api/*": {
            "filters": [f"{BUNDLED}.centrifugo"],
            "centrifugo_token_hmac_secret": "centrifugo-secret",
            "centrifugo_api_key": "api-key",
            "centrifugo_namespaces": [
                {
                    "name": "kept",
                    "allow_subscribe_for_client": True,
                    "allow_publish_for_client": True,
                    "history_size": 100,
                    "history_ttl": "300s",
                    "force_recovery": True,
                },
                {"name": "closed"},
            ],
        },
        "/events/*": ["events"],
        "/echo": ["echo"],
        "/live/*": {
            "filters": [f"{BUNDLED}.pusher"],
            "pusher_apps": [{"id": "1001", "key": "app-key", "secret": "app-secret"}],
        },
        "/past/*": {"filters": [f"{BUNDLED}.pushi"], "pushi_apps": [{"id": "p", "key": PUSHI_KEY, "secret": "s"}]},
        "/rooms/*": {"filters": [f"{BUNDLED}.ws_emit"], "ws_emit_secret": "emit-secret"},
    },
}
ECHO = """\
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter

class Greets(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection, data):
        if "greeting" in connection.request.params:
            connection.sendMessage(connection.request.params["greeting"][0])
        if "headers" in connection.request.params:
            connection.sendMessage(connection.request.headers.get("x-word", "none"))

class Echoes(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data.startswith(b"close "):
            raise Close(int(data[6:]), "as you say")
        connection.sendMessage(data)
"""
EVENTS = """\
from twisted.internet import reactor
from twisted.internet.task import deferLater

from filtered_websocket.errors import Reject
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter

EVERYWHERE = ("/", "/news", "/other", "/locked")

class Enter(SocketIOConnectFilter):
    namespace = EVERYWHERE
    @classmethod
    def filter(cls, socket, auth):
        if socket.namespace == "/locked" and auth.get("word") != "sesame":
            raise Reject(403, "the word is wanted")

class PassOn(SocketIOEventFilter):
    namespace = EVERYWHERE
    @classmethod
    def filter(cls, socket, *arguments):
        if socket.event == "out":
            socket.disconnect()
        if socket.event == "end":
            socket.connection.abortConnection()
        socket.broadcast.emit(socket.event, *arguments)
        return ("heard", *arguments)

class Later(SocketIOEventFilter):
    event = "later"
    @classmethod
    async def filter(cls, socket, text):
        await deferLater(reactor, 0.2)
        return text

class Bytes(SocketIOEventFilter):
    event = "bytes"
    @classmethod
    def filter(cls, socket):
        socket.emit("some", {"bytes": b"\\1\\2"})
        return b"\\3"
"""


class Pack(NamedTuple):
    """How to talk to a pack: what every call has, and what publishers have beside it."""

    path: str
    words: tuple[str, ...]
    channel: str
    publisher: tuple[str, ...] = ()
    data: Callable[[Any], Any] = lambda text: text


NONE = Pack("/", (), "")
TOKEN = issue({"read": ["news", "other"], "write": ["news", "other"]}, "philote-secret")
USER = issue({"sub": "u"}, "centrifugo-secret")
PACKS = {
    "wsps": Pack("/wsps", (), "news"),
    "wsps with keys": Pack("/wsps", ("--key", "in"), "locked", ("--publish_key", "out")),
    "philote": Pack("/philote", ("--token", TOKEN), "news"),
    "ws_emit": Pack("/", (), "news", ("--secret", "emit-secret")),
    "ws_emit in a space": Pack("/", ("--key", "room-secret"), "space::a", ("--secret", "emit-secret")),
    "pushi": Pack("/", ("--app_key", PUSHI_KEY), "news"),
    "pushi private": Pack(f"/{PUSHI_KEY}", ("--secret", PUSHI_SECRET), "private-news"),
    "pushi presence": Pack(f"/{PUSHI_KEY}", ("--secret", PUSHI_SECRET), "presence-news"),
    "socketio": Pack("/events/socket.io/", (), "/news"),
    "pusher by HTTP": Pack("/app/app-key", (), "news", ("--app_id", "1001", "--secret", "app-secret")),
    "pusher private": Pack("/", ("--app-key", "app-key", "--secret", "app-secret"), "private-news"),
    "pusher presence": Pack("/", ("--app_key", "app-key", "--secret", "app-secret"), "presence-news"),
    "centrifugo": Pack("/", ("--token", USER), "kept:news"),
    "centrifugo by HTTP": Pack("/connection/websocket", ("--token", USER), "kept:other", ("--key", "api-key")),
}  # fmt: skip
BEHIND_A_PATH = {
    "pusher behind a path": Pack("/live/app/app-key", (), "news", ("--app_id", "1001", "--secret", "app-secret")),
    "pushi behind a path": Pack(f"/past/{PUSHI_KEY}", (), "news"),
    "pushi behind a path, its key given": Pack("/past", ("--app_key", PUSHI_KEY), "news"),
    "ws_emit behind a path": Pack("/rooms/socket.io/", (), "news", ("--secret", "emit-secret")),
}


def start(folder: Path, port: int, **options: Any) -> FwsServer:
    (folder / "echo.py").write_text(ECHO)
    (folder / "events.py").write_text(EVENTS)
    (folder / "config.json").write_text(json.dumps(OPTIONS | options))
    return FwsServer("-c", "config.json", "-p", str(port), "--host", "127.0.0.1", cwd=folder)


def address(server: FwsServer, path: str = "/") -> str:
    return f"ws://127.0.0.1:{server.port}{path}"


def of(server: FwsServer, name: str, *words: str, publishes: bool = False) -> list[str]:
    pack = PACKS[name]
    own = pack.publisher if publishes else ()
    return [address(server, pack.path), "--pack", name.split(maxsplit=1)[0], *pack.words, *own, *words]
