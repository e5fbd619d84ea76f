"""Every pack in a pipeline of its own path: what it serves by HTTP is behind that path, as its WebSockets are."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.shared.tokens import issue
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.raw_client import RawClient, head

FILTERS = "filtered_websocket.filters"
KEY, SECRET = "app-key", "app-secret"
PUSHI_KEY = "k" * 64
PUSHER = {"filters": [f"{FILTERS}.pusher"], "pusher_apps": [{"id": "1001", "key": KEY, "secret": SECRET}]}


def running(folder: Path, **pipelines: Any) -> FwsServer:
    (folder / "config.json").write_text(json.dumps({"pipelines": pipelines}))
    return FwsServer("-c", "config.json", cwd=folder)


def packet(client: RawClient) -> dict[str, Any]:
    frame = client.receive()
    assert frame is not None
    found: dict[str, Any] = json.loads(frame.payload)
    return found


def published(server: FwsServer, path: str, signed_path: str) -> int:
    """The status of an event that is posted to one path, and signed for another."""
    body = json.dumps({"name": "x", "data": "d", "channel": "room"})
    query = f"auth_key={KEY}&auth_timestamp={int(time.time())}&auth_version=1.0"
    query += f"&body_md5={hashlib.md5(body.encode()).hexdigest()}"
    signature = sign(SECRET, f"POST\n{signed_path}\n{query}")
    return ask(("127.0.0.1", server.port), "POST", f"{path}?{query}&auth_signature={signature}", body).status


@pytest.mark.parametrize(
    ("patterns", "prefix"),
    [
        ("/live/*", "/live"),
        ("/live*", "/live"),
        ("/a/live/*", "/a/live"),
        ("/*/live/*", "/7/live"),
        ("/app/app/* /app/apps/*", "/app"),
        ("/app/* /apps/*", ""),
    ],
)
def test_pushers_requests_are_served_and_signed_behind_a_pipelines_path(
    tmp_path: Path, patterns: str, prefix: str
) -> None:
    with running(tmp_path, **{patterns: PUSHER}) as server:
        client = server.open(f"{prefix}/app/{KEY}?protocol=7")
        assert packet(client)["event"] == "pusher:connection_established"
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "room"}}))
        assert packet(client)["event"] == "pusher_internal:subscription_succeeded"
        path = f"{prefix}/apps/1001/events"
        for signed in (path, "/apps/1001/events"):
            assert published(server, path, signed) == 200
            assert packet(client)["event"] == "x"
        assert published(server, path, f"/other{path}") == 401


@pytest.mark.parametrize("path", ["/app/app/KEY", "/app/KEY", "/x/app/app/KEY"])
def test_the_key_is_the_last_segment_also_where_the_pipelines_path_holds_app(tmp_path: Path, path: str) -> None:
    with running(tmp_path, **{"/app/app/* /app/* /x/*": PUSHER}) as server:
        client = server.open(path.replace("KEY", KEY) + "?protocol=7")
        assert packet(client)["event"] == "pusher:connection_established"


def test_the_http_of_all_other_packs_is_behind_the_path_too(tmp_path: Path) -> None:
    pushi = {"filters": [f"{FILTERS}.pushi"], "pushi_apps": [{"id": "a", "key": PUSHI_KEY, "secret": SECRET}]}
    philote = {"filters": [f"{FILTERS}.philote"], "philote_secret": SECRET}
    ws_emit = {"filters": [f"{FILTERS}.ws_emit"], "ws_emit_secret": SECRET}
    with running(tmp_path, **{"/p/*": pushi, "/q/*": philote, "/r/*": ws_emit}) as server:
        at = ("127.0.0.1", server.port)
        login = ask(at, "GET", f"/p/login?app_id=a&app_key={PUSHI_KEY}&app_secret={SECRET}")
        assert login.status == 200
        assert "Path=/p;" in login.headers["set-cookie"]
        sid = login.json["token"]
        client = server.open(f"/p/{PUSHI_KEY}")
        assert packet(client)["event"] == "pusher:connection_established"
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "room"}}))
        packet(client)
        posted = ask(at, "POST", f"/p/events?sid={sid}", {"data": "d", "channel": "room"})
        assert posted.json == {"result": "success"}
        assert packet(client)["data"] == "d"
        for path in ("/p/subscriptions", "/p/webs", "/p/apps", "/p/sockets", "/p/apps/a"):
            assert ask(at, "GET", f"{path}?sid={sid}").status == 200
        assert ask(at, "GET", "/p/health/live").json == {"status": "ok"}
        assert ask(at, "GET", "/p/nothing").json["name"] == "NotFoundError"
        assert ask(at, "GET", "/login").status == 404
        token = issue({"read": [], "write": [], "api": True}, SECRET)
        assert ask(at, "GET", f"/q/api/info?auth={token}").json["version"]
        begun = ask(at, "GET", "/r/socket.io/?EIO=4&transport=polling")
        assert begun.status == 200
        sid = json.loads(begun.body[1:])["sid"]
        assert ask(at, "POST", f"/r/socket.io/?EIO=4&transport=polling&sid={sid}", b"1").status == 200
        emitted = ask(at, "POST", "/r/emit", {"event": "e", "secret": SECRET}, {"Content-Type": "application/json"})
        assert emitted.status == 200


def test_the_servers_own_endpoints_are_at_one_place_only(tmp_path: Path) -> None:
    with running(tmp_path, **{"/live/*": PUSHER}) as server:
        at = ("127.0.0.1", server.port)
        assert ask(at, "GET", "/health/ready").status == 200
        assert ask(at, "GET", "/live/health/ready").status == 426
        assert ask(at, "GET", "/live/metrics").status == 426


@pytest.mark.parametrize(
    ("pattern", "path", "status"),
    [
        ("*", "/api/info", 404),
        ("*", "/chat", 101),
        ("/api/*", "/api/chat", 101),
        ("/api/*", "/api/api/info", 404),
        ("/live/*", "/live/chat", 101),
        ("/live/*", "/live/api/info", 404),
    ],
)
def test_what_philote_keeps_for_its_api_is_behind_the_pipelines_path(
    tmp_path: Path, pattern: str, path: str, status: int
) -> None:
    philote = {"filters": [f"{FILTERS}.philote"], "philote_secret": SECRET}
    token = issue({"read": ["a"], "write": []}, SECRET)
    with running(tmp_path, **{pattern: philote}) as server, server.client() as client:
        client.send(head(f"{path}?auth={token}"))
        assert client.response().status == status
