"""The servers that are attacked: one for several limits each, every pack in pipelines with limits that are small."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.fws_server import FwsServer
from tests.support.raw_client import RawClient

BUNDLED = "filtered_websocket.filters"
SECRET = "a secret of thirty-two bytes or so"
PUSHI_KEY = "k" * 64
APP = '''
import json

from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketHandshakeFilter, WebSocketMessageFilter


class Named(WebSocketHandshakeFilter):
    """Whoever names a user is that user."""

    @classmethod
    def filter(cls, connection, request):
        connection.user = request.params.get("user", [None])[0]


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
'''
NEWS = """
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.response import Stream


class News(Endpoint):
    path = "/news"

    @classmethod
    def handle(cls, pipeline, request):
        return Stream(pipeline, ["loud"])
"""
EVENTS = """
import re

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter


class Anywhere(SocketIOConnectFilter):
    namespace = re.compile("/.*")


class Obeys(SocketIOEventFilter):
    @classmethod
    def filter(cls, socket, *words):
        event = socket.event
        if event == "enter":
            try:
                socket.join(*words)
            except NotAllowed:
                pass
        elif event == "rooms":
            socket.emit("are", len(socket.rooms) - 1)
        elif event == "call":
            owes = 0
            for _ in range(words[0]):
                try:
                    socket.call("answer me", timeout=0.3).addErrback(lambda failure: None)
                    owes += 1
                except NotAllowed:
                    pass
            socket.emit("owes", owes)
        elif event == "large":
            socket.emit("heard", "x" * 3000)
        elif event == "tell":
            socket.to("all").emit("heard", "x" * words[0])
        elif event == "one":
            socket.emit("heard", "x")
        return ()
"""
RPC = """
from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo import CentrifugoRPCFilter


class Hangs(CentrifugoRPCFilter):
    method = "hang"

    @classmethod
    def filter(cls, client, call):
        return Deferred()
"""
SOCKETIO = {"filters": [f"{BUNDLED}.socketio", "events"], "socketio_max_payload": "2K", "socketio_max_packets": 5,
            "socketio_max_attachments": 2, "socketio_max_namespaces": 3, "socketio_max_rooms": 3,
            "socketio_max_acknowledgements": 3}  # fmt: skip
KEPT = {"filters": [f"{BUNDLED}.history", "app"], "channels": {"*": {"history": 1000}},
        "history_channel": "room", "history_bytes": "16K", "history_channels": 4,
        "recovery_publications": 5}  # fmt: skip
MAY = {f"allow_{what}_for_client": True for what in ("subscribe", "publish", "presence", "history")}
CENTRIFUGO = {"filters": [f"{BUNDLED}.centrifugo", "calls"], "centrifugo_token_hmac_secret": SECRET,
              "centrifugo_api_key": SECRET, "centrifugo_without_namespace": MAY, "centrifugo_rpc_ping": True,
              "centrifugo_namespaces": [{"name": "kept", **MAY, "history_size": 10, "history_ttl": "60s"}],
              "centrifugo_expired_delay": 0, "allowed_origins": ["same-host"]}  # fmt: skip
SILENT = "http://127.0.0.1:1/"
"""A backend that takes connections and never answers, once its port is known."""
ASKED = f"{BUNDLED}.http_callback?http_callback_url={SILENT}&http_callback_on=handshake&http_callback_failures=0"
PIPELINES: dict[str, dict[str, Any]] = {
    "/messages": {"filters": ["app"], "message_rate": 10, "over_rate": "close"},
    "/bytes": {"filters": ["app"], "byte_rate": "1K", "over_rate": "close"},
    "/messages/socket.io/*": {**SOCKETIO, "socketio_max_payload": "20K", "socketio_max_packets": 100,
                              "message_rate": 10, "over_rate": "close"},
    "/bytes/socket.io/*": {**SOCKETIO, "socketio_max_payload": "20K", "byte_rate": "1K", "over_rate": "close"},
    "/kept": KEPT,
    "/kept/bytes": {**KEPT, "recovery_publications": 100, "recovery_bytes": "4K"},
    "/socket.io/*": SOCKETIO,
    "/engine.io/*": {"filters": [f"{BUNDLED}.engineio", "app"], "engineio_max_payload": "2K", "engineio_max_packets": 5,
                     "engineio_ping_interval": 0.3, "engineio_ping_timeout": 0.3},
    "/late/*": {**SOCKETIO, "socketio_connect_timeout": 0.5},
    "/silent/*": {**SOCKETIO, "socketio_ping_interval": 0.3, "socketio_ping_timeout": 0.3},
    "/small/*": {**SOCKETIO, "socketio_polling_buffer": "4K"},
    "/back/*": {**SOCKETIO, "socketio_recovery": 30, "socketio_recovery_events": 5, "socketio_recovery_bytes": "8K"},
    "/app/* /apps/*": {"filters": [f"{BUNDLED}.pusher"],
                       "pusher_apps": [{"id": "1", "key": "k", "secret": SECRET, "client_events": True}],
                       "pusher_max_channel_name": 20, "pusher_max_event_size": "1K", "pusher_client_event_rate": 3,
                       "pusher_max_members": 2, "pusher_max_member_size": "1K"},
    f"/{PUSHI_KEY}": {"filters": [f"{BUNDLED}.pushi"],
                      "pushi_apps": [{"id": "1", "key": PUSHI_KEY, "secret": SECRET, "name": "one"}],
                      "pushi_max_event_size": "1K", "pushi_event_rate": 20, "pushi_keep_events": 4},
    "/connection/* /emulation /api/*": {
        **CENTRIFUGO, "centrifugo_ping_interval": 1, "centrifugo_pong_timeout": 0.5, "centrifugo_stale_delay": 1,
        "centrifugo_channel_limit": 4, "centrifugo_channel_max_length": 20, "centrifugo_user_connection_limit": 2,
        "centrifugo_history_limit": 4, "centrifugo_api_max_body": "4K", "max_channels": 100},
    "/counted/*": {**CENTRIFUGO, "message_rate": 1, "over_rate": "close"},
    "/weighed/*": {**CENTRIFUGO, "byte_rate": "1K", "over_rate": "close"},
    "/philote": {"filters": [f"{BUNDLED}.philote"], "philote_secret": SECRET, "philote_max_connections": 5},
    "/exec": {"filters": [f"{BUNDLED}.exec_pipe?exec_pipe=cat&exec_in_flight=2", "app"]},
    "/exec/late": {"filters": [f"{BUNDLED}.exec_pipe?exec_pipe=sleep 60&exec_timeout=0.3", "app"]},
    "/programs": {"filters": [f"{BUNDLED}.exec_pipe?exec_pipe=cat&exec_per_connection=true&exec_programs=5"]},
    "/users": {"filters": [f"{BUNDLED}.max_rate_per_user?max_rate_per_user=20", "app"]},
    "/asked": {"filters": [f"{ASKED}&http_callback_connections=1&http_callback_waiting=2&http_callback_timeout=0.3",
                           "app"], "filter_timeout": 5},
    "/present": {"filters": ["app", f"{BUNDLED}.presence?presence_limit=2"]},
}  # fmt: skip
PATIENCE = "--close_timeout 0.5 --send_timeout 0.5 --filter_timeout 0.5 --http_request_timeout 1"
SIZES = "--max_message_size 64K --max_handshake_size 2K --send_buffer 64K --max_channels 4 --max_channel_name 24"
SERVERS = {
    "sizes": f"{PATIENCE} {SIZES} --ping_interval 0 --compression --handshake_timeout 60",
    "counts": "--max_connections 12 --max_connections_per_address 10 --max_http_connections 5 --ping_interval 0",
    "pace": "--accept_rate 15 --ping_interval 0",
    "pings": "--ping_interval 1 --ping_timeout 2 --handshake_timeout 1 --http_idle_timeout 1",
}
"""The servers, one for several limits each."""
WHOLE = ("sizes", "counts")
"""Those that serve packs, too: what they import takes a second of each."""


@contextmanager
def attacked(folder_of: Any) -> Iterator[dict[str, tuple[FwsServer, RawClient | None]]]:
    """All of them, and of each the client that its meter asks, None where it makes one each time."""
    with ExitStack() as running:
        found: dict[str, tuple[FwsServer, RawClient | None]] = {}
        silent = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        pipelines = json.dumps(PIPELINES).replace(SILENT, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        for name, options in SERVERS.items():
            folder: Path = folder_of(name)
            for module, text in {"app": APP, "news": NEWS, "events": EVENTS, "calls": RPC}.items():
                (folder / f"{module}.py").write_text(text)
            (folder / "options.json").write_text(f'{{"pipelines": {pipelines if name in WHOLE else "{}"}}}')
            arguments = ["-f", "app", "news", "-c", "options.json", *options.split()]
            server = running.enter_context(FwsServer(*arguments, cwd=folder))
            found[name] = server, None if name == "pings" else server.open()
        yield found
