"""The Pushi pack with Pushi's own clients, unmodified: PyPI's pushi (HTTP) and pushi-service (its socket client)."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.channel_servers import PLACES, place, running, storage_options
from tests.support.fws_server import FwsServer
from tests.support.lines import PushiSocket, PythonApi
from tests.support.raw_client import DEADLINE

KEY, SECRET = "k" * 64, "s" * 64
APP = {"id": "app1", "key": KEY, "secret": SECRET, "name": "first"}
OPTIONS = {"filters": ["filtered_websocket.filters.pushi"], "pushi_apps": [APP]}

Connect = Callable[[], PushiSocket]


def api_of(server: FwsServer, **app: str) -> PythonApi:
    names = {"app_id": "app1", "app_key": KEY, "app_secret": SECRET} | app
    root = root_of(server)
    where = f"https://localhost:{server.port}/" if root else f"http://127.0.0.1:{server.port}/"
    return PythonApi("pushi", "pushi", "API", root, **names, base_url=where)


def socket_of(server: FwsServer) -> PushiSocket:
    where = f"wss://localhost:{server.port}/" if root_of(server) else f"ws://127.0.0.1:{server.port}/"
    return PushiSocket(where, "app1", KEY, SECRET)


def root_of(server: FwsServer) -> str:
    """The certificate to be trusted, where it speaks TLS."""
    root = server.folder / "root.pem"
    return str(root) if root.exists() else ""


@pytest.fixture(scope="module", params=PLACES, ids=place)
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder, (kind, tls) = tmp_path_factory.mktemp("pushi"), request.param
    with (
        storage_options(kind, folder) as storage,
        running(folder, tls, **OPTIONS, **storage, pushi_open_apps=True) as server,
    ):
        yield server


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def connect(server: FwsServer, stack: ExitStack) -> Connect:
    return lambda: stack.enter_context(socket_of(server))


@pytest.fixture
def api(server: FwsServer, stack: ExitStack) -> PythonApi:
    return stack.enter_context(api_of(server))


def data_of(record: dict[str, Any]) -> Any:
    return record["data"]["data"]


def test_what_the_api_triggers_reaches_the_sockets_of_a_channel(connect: Connect, api: PythonApi) -> None:
    a, b = connect(), connect()
    for client in (a, b):
        client.subscribe("global")
        client.subscribe("private-room")
    assert api.call("trigger_event", "global", "é😀") == {"result": "success"}
    assert api.call("trigger_event", ["global", "private-room"], {"x": [1]}) == {"result": "success"}
    for client in (a, b):
        assert client.wait("message")["data"] == "é😀"
        # One copy, although it is in both channels.
        assert json.loads(client.wait("message")["data"]) == {"x": [1]}
    api.call("trigger_event", "private-room", "last", persist=False)
    for client in (a, b):
        assert client.wait("message")["mid"] is None
        assert client.heard("message") == []


def test_a_socket_sends_to_the_others_and_asks_for_the_latest(connect: Connect) -> None:
    a, b = connect(), connect()
    name = f"private-{a.id}"
    a.subscribe(name)
    about = b.subscribe(name)
    assert about == {"name": name, "members": {}, "alias": [], "events": []}
    a.calls(*(("send_channel", ("message", str(number), name), {}) for number in range(12)))
    assert [b.wait("message")["data"] for _ in range(12)] == [str(number) for number in range(12)]
    a.call("latest_pushi", name, skip=1, count=3)
    assert [data_of(event) for event in a.wait("latest")["data"]["events"]] == ["10", "9", "8"]
    assert a.heard("message") == []
    a.call("send_channel", "message", "echoed", name, echo=True, persist=False)
    assert a.wait("message")["data"] == b.wait("message")["data"] == "echoed"
    b.call("unsubscribe_pushi", name)
    assert b.wait("unsubscribe")["data"]["name"] == name


def test_members_come_and_go_once_and_peers_write_to_each_other(connect: Connect) -> None:
    watcher, first, second = connect(), connect(), connect()
    name = f"presence-{watcher.id}"
    watcher.subscribe(name, channel_data={"user_id": "w", "peer": True})
    for client in (first, second):
        members = client.subscribe(name, channel_data={"user_id": "u", "peer": True, "name": "U"})["members"]
        assert members == {"w": {"user_id": "w", "peer": True}, "u": {"user_id": "u", "peer": True, "name": "U"}}
    assert watcher.wait("added")["member"]["user_id"] == "u"
    peer = f"peer-{watcher.id}:u&w"
    watcher.call("send_channel", "message", "psst", peer)
    assert (first.wait("message")["data"], second.wait("message")["data"]) == ("psst", "psst")
    first.call("latest_pushi", peer)
    assert [data_of(event) for event in first.wait("latest")["data"]["events"]] == ["psst"]
    for client in (first, second):
        client.call("unsubscribe_pushi", name)
        client.wait("unsubscribe")
    assert watcher.wait("removed")["member"]["user_id"] == "u"
    assert watcher.heard("added") == watcher.heard("removed") == []


def test_a_personal_channel_brings_what_its_user_was_sent_while_away(connect: Connect, api: PythonApi) -> None:
    user = connect().id
    news = f"news-{user}"
    record = api.call("subscribe", user, news)
    assert (record["user_id"], record["event"]) == (user, news)
    assert api.call("subscribe", user, news)["id"] == record["id"]
    for number in range(12):
        api.call("create_event", news, f"away {number}")
    client = connect()
    about = client.subscribe(f"personal-{user}")
    assert about["alias"] == [news]
    assert [data_of(event) for event in about["events"]] == [f"away {number}" for number in range(11, 1, -1)]
    client.wait("subscribe", channel=news)
    api.call("create_event", news, "live")
    assert client.wait("message")["channel"] == news
    # Subscriptions that change while the user is there are followed.
    api.call("subscribe", user, f"more-{user}")
    client.wait("subscribe", channel=f"more-{user}")
    api.call("create_event", f"more-{user}", "of the new one")
    assert client.wait("message")["data"] == "of the new one"
    assert api.call("unsubscribe", user, news)["event"] == news
    client.wait("unsubscribe", channel=news)
    api.call("create_event", news, "nobody hears")
    api.call("create_event", f"more-{user}", "last")
    assert client.wait("message")["data"] == "last"


def test_apps_are_made_renamed_and_kept_apart(server: FwsServer, connect: Connect, api: PythonApi) -> None:
    name = f"second {server.port}"
    app = api.call("create_app", name)
    assert [len(app[part]) for part in ("ident", "key", "secret")] == [64, 64, 64]
    assert api.fail("create_app", name) == "HTTPError"
    client = connect()
    client.subscribe("global")
    with api_of(server, app_id=app["ident"], app_key=app["key"], app_secret=app["secret"]) as other:
        assert other.call("update_app", name=f"renamed {server.port}")["name"] == f"renamed {server.port}"
        assert other.call("trigger_event", "global", "of another app") == {"result": "success"}
    api.call("trigger_event", "global", "of this app")
    assert client.wait("message")["data"] == "of this app"


def test_the_api_client_logs_in_again_when_its_session_has_ended(server: FwsServer, api: PythonApi) -> None:
    first = api.call("login")
    assert len(first) == 64
    api.call("logout")
    assert api.call("trigger_event", "global", "x") == {"result": "success"}
    assert api.call("get_token") != first
    with api_of(server, app_secret="wrong") as wrong:
        assert wrong.fail("login") == "HTTPError"


def test_stored_events_and_subscriptions_outlive_a_kill_on_sqlite(tmp_path: Path) -> None:
    storage = {"storage": "sqlite", "sqlite_file": str(tmp_path / "events.sqlite")}
    with running(tmp_path, **OPTIONS, **storage, pushi_open_apps=True) as server, api_of(server) as api:
        api.call("subscribe", "offline", "news")
        made = api.call("create_app", "made")
        for number in range(3):
            assert api.call("create_event", "news", f"event {number}") == {"result": "success"}
        server.process.kill()
        server.process.wait(DEADLINE)
    with running(tmp_path, **OPTIONS, **storage) as server, socket_of(server) as client, api_of(server) as api:
        about = client.subscribe("personal-offline")
        assert about["alias"] == ["news"]
        assert [data_of(event) for event in about["events"]] == ["event 2", "event 1", "event 0"]
        api.call("create_event", "news", "event 3")
        assert client.wait("message")["data"] == "event 3"
        client.call("latest_pushi", "news", count=2)
        assert [data_of(event) for event in client.wait("latest")["data"]["events"]] == ["event 3", "event 2"]
        with api_of(server, app_id=made["ident"], app_key=made["key"], app_secret=made["secret"]) as other:
            assert other.call("trigger_event", "global", "x") == {"result": "success"}
        # This one was started without pushi_open_apps.
        assert api.fail("create_app", "another") == "HTTPError"
