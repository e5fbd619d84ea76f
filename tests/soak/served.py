"""The server under the load: every pack, each in a pipeline of its own, with histories that are full before long."""

import json
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.support.fws_server import FwsServer
from tests.support.receiver import receiving
from tests.support.redis_server import RedisServer

STORAGES = ("memory", "redis")
BUNDLED = "filtered_websocket.filters"
SECRET = "a secret of thirty-two bytes or so"
PUSHI_KEY = "k" * 64
KEPT_SECONDS = 60.0
"""How long anything is kept: much less than the load is measured for."""
MAY = {f"allow_{what}_for_client": True for what in ("subscribe", "publish", "presence", "history")}
KEPT = {"history_size": 20, "history_ttl": f"{KEPT_SECONDS:g}s", "force_recovery": True}
EVENTS = """
    from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter

    class Enter(SocketIOConnectFilter):
        namespace = ("/", "/news")

        @classmethod
        def filter(cls, socket, auth):
            socket.join("all")

    class Say(SocketIOEventFilter):
        namespace = ("/", "/news")

        @classmethod
        def filter(cls, socket, *arguments):
            socket.to("all").emit(socket.event, *arguments)
            return arguments
"""
PUSHER_APP = {"id": "1001", "key": "app-key", "secret": SECRET, "client_events": True}
OPTIONS: dict[str, Any] = {
    "filters": [f"{BUNDLED}.broadcast_messages"],
    "publish_secret": SECRET,
    "admin_secret": SECRET,
    "ping_interval": 5,
    "ping_timeout": 60,
    "filter_time_warn": 0,  # a busy machine holds the reactor, too
    "pipelines": {
        "/history": {
            "filters": [f"{BUNDLED}.history", f"{BUNDLED}.broadcast_messages"],
            "channels": {"broadcast_messages": {"history": 50, "history_seconds": KEPT_SECONDS}},
        },
        "/wsps": {"filters": [f"{BUNDLED}.wsps"], "wsps_stats_seconds": 3600},
        "/philote": {"filters": [f"{BUNDLED}.philote"], "philote_secret": SECRET},
        "/socket.io/* /emit": {
            "filters": [f"{BUNDLED}.ws_emit"],
            "ws_emit_secret": SECRET,
            "ws_emit_recovery": KEPT_SECONDS,
        },
        "/events/*": {"filters": ["events"], "socketio_recovery": KEPT_SECONDS},
        f"/{PUSHI_KEY}": {
            "filters": [f"{BUNDLED}.pushi"],
            "pushi_apps": [{"id": "soak", "key": PUSHI_KEY, "secret": SECRET, "name": "soak"}],
            "pushi_keep_events": 20,
            "pushi_keep_seconds": KEPT_SECONDS,
        },
        "/app/* /apps/*": {
            "filters": [f"{BUNDLED}.pusher"],
            "pusher_apps": [PUSHER_APP],
            "pusher_cache_seconds": KEPT_SECONDS,
            "pusher_webhook_private": True,
            "pusher_webhook_delay": 0.5,
        },
        "/connection/* /emulation /api/*": {
            "filters": [f"{BUNDLED}.centrifugo"],
            "centrifugo_token_hmac_secret": SECRET,
            "centrifugo_api_key": SECRET,
            "centrifugo_namespaces": [
                {"name": "kept", **MAY, **KEPT},
                {"name": "room", **MAY, **KEPT, "presence": True, "join_leave": True, "force_push_join_leave": True},
            ],
        },
    },
}


class Served:
    """A server on one kind of storage, for the length of a ``with`` block.

    :param storage: of `STORAGES`
    :param anew: as `FwsServer` has it
    """

    def __init__(self, storage: str, folder: Path, *, anew: bool) -> None:
        self.storage, self._folder, self._anew = storage, folder, anew
        self._running = ExitStack()

    def __enter__(self) -> FwsServer:
        self._folder.mkdir(parents=True, exist_ok=True)
        options = deepcopy(OPTIONS)
        with ExitStack() as starting:
            hooks = starting.enter_context(receiving())
            options["pipelines"]["/app/* /apps/*"]["pusher_apps"] = [PUSHER_APP | {"webhooks": [hooks.url]}]
            if self.storage == "redis":
                redis = starting.enter_context(RedisServer(self._folder / "redis"))
                options |= {"storage": "redis", "redis_url": redis.url}
            (self._folder / "events.py").write_text(dedent(EVENTS))
            (self._folder / "config.json").write_text(json.dumps(options))
            server = starting.enter_context(FwsServer("-c", "config.json", cwd=self._folder, anew=self._anew))
            self._running = starting.pop_all()
        return server

    def __exit__(self, *error: Any) -> None:
        self._running.__exit__(*error)
