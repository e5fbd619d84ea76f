"""The Pusher pack with the clients that people use: npm's pusher-js and pusher, PyPI's pusher; unmodified."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.channel_servers import PLACES, place, running, storage_options
from tests.support.fws_server import FwsServer
from tests.support.lines import PACKAGES, PusherJs, PythonApi
from tests.support.receiver import receiving

APP = {"id": "1001", "key": "app-key", "secret": "app-secret", "client_events": True}
NODE_APP = {"appId": "1001", "key": "app-key", "secret": "app-secret"}

Connect = Callable[[str], PusherJs]


@pytest.fixture(scope="module", params=PLACES, ids=place)
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder, (kind, tls) = tmp_path_factory.mktemp("pusher"), request.param
    with storage_options(kind, folder) as storage:
        options = {"filters": ["filtered_websocket.filters.pusher"], "pusher_apps": [APP], **storage}
        with running(folder, tls, **options) as server:
            server.root = str(folder / "root.pem") if tls else ""  # type: ignore[attr-defined]
            yield server


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def connect(server: FwsServer, stack: ExitStack) -> Connect:
    def begin(user: str) -> PusherJs:
        root: str = server.root  # type: ignore[attr-defined]
        where = {"host": "localhost" if root else "127.0.0.1", "port": server.port, "useTLS": bool(root)}
        return stack.enter_context(PusherJs(NODE_APP | where, user, root))

    return begin


def test_events_of_the_node_sdk_reach_subscribers_and_not_the_socket_left_out(connect: Connect) -> None:
    a, b = connect("a").connected(), connect("b").connected()
    for client in (a, b):
        client.subscribe("room")
        client.subscribe("private-room")
    assert a.api("trigger", ["room", "private-room"], "said", {"text": "é😀"}, {"socket_id": a.id}) == (200, {})
    batch = [{"channel": "room", "name": "batched", "data": number} for number in range(3)]
    assert a.api("triggerBatch", batch) == (200, {})
    assert b.event("room", "said") == b.event("private-room", "said") == {"text": "é😀"}
    assert [a.event("room", "batched") for _ in range(3)] == [b.event("room", "batched") for _ in range(3)] == [0, 1, 2]
    assert [line for line in a.heard("event") if line["event"] == "said"] == []


def test_presence_is_told_once_whatever_number_of_sockets_a_user_has(connect: Connect) -> None:
    watcher = connect("w").connected()
    assert watcher.subscribe("presence-once")["count"] == 1
    sockets = [connect("u").connected() for _ in range(3)]
    for socket in sockets:
        members = socket.subscribe("presence-once")
        assert members["members"] == {"u": {"name": "name of u"}, "w": {"name": "name of w"}}
    info = {"info": "user_count,subscription_count"}
    answer = watcher.api("get", {"path": "/channels/presence-once", "params": info})
    assert answer == (200, {"occupied": True, "user_count": 2, "subscription_count": 4})
    users = watcher.api("get", {"path": "/channels/presence-once/users"})[1]["users"]
    assert sorted(user["id"] for user in users) == ["u", "w"]
    for socket in sockets:
        socket.do("disconnect")
        socket.wait("disconnected")
    assert watcher.event("presence-once", "pusher:member_removed")["id"] == "u"
    assert watcher.event("presence-once", "pusher:member_added") == {"id": "u", "info": {"name": "name of u"}}
    assert watcher.heard("event") == []


def test_client_events_go_to_the_others_with_the_true_user_id(connect: Connect) -> None:
    a, b = connect("a").connected(), connect("b").connected()
    a.subscribe("presence-typing")
    b.subscribe("presence-typing")
    a.do("send", "client-typing", {"at": [1, None]}, "presence-typing")
    assert b.event("presence-typing", "client-typing") == {"at": [1, None]}
    assert b.wait("from")["user"] == "a"
    a.do("send", "pusher_internal:member_removed", '{"user_id":"b"}', "presence-typing")
    assert a.wait("error")["code"] == 4300
    a.do("trigger", "presence-typing", "client-last", 1)
    assert b.event("presence-typing", "client-last") == 1
    assert "pusher:member_removed" not in [line["event"] for line in b.heard("event")]


def test_an_encrypted_channel_is_read_with_the_shared_secret(connect: Connect) -> None:
    a, b = connect("a").connected(), connect("b").connected()
    a.subscribe("private-encrypted-vault")
    assert b.api("trigger", "private-encrypted-vault", "secret", {"x": "é"}) == (200, {})
    assert a.event("private-encrypted-vault", "secret") == {"x": "é"}


def test_a_cache_channel_gives_its_last_event_to_a_client_that_comes_later(connect: Connect) -> None:
    a, b = connect("a").connected(), connect("b").connected()
    a.do("subscribe", "private-cache-price")
    a.event("private-cache-price", "pusher:cache_miss")
    for price in (1, 2):
        a.api("trigger", "private-cache-price", "price", price)
    assert [a.event("private-cache-price", "price") for _ in range(2)] == [1, 2]
    b.subscribe("private-cache-price")
    assert b.event("private-cache-price", "price") == 2


def test_a_user_signs_in_is_sent_to_and_terminated(connect: Connect) -> None:
    a, b = connect("a").connected(), connect("a").connected()
    for client in (a, b):
        client.do("signin")
        assert client.wait("signed in")["user"] == {"id": "a"}
    # The channel of a user is subscribed to behind the sign-in; a later answer means that it is over.
    for client in (a, b):
        client.subscribe("room")
    assert a.api("sendToUser", "a", "mail", {"count": 1}) == (200, {})
    for client in (a, b):
        assert client.wait("user", event="mail")["data"] == {"count": 1}
    other = connect("c").connected()
    assert other.api("terminateUserConnections", "a") == (200, {})
    for client in (a, b):
        assert client.wait("error")["code"] == 4009
        client.wait("disconnected")


@pytest.fixture
def python_sdk(server: FwsServer, stack: ExitStack, tmp_path: Path) -> Callable[[str], PythonApi]:
    """PyPI's pusher, with a secret."""
    root: str = server.root  # type: ignore[attr-defined]
    where = {"ssl": bool(root), "host": "localhost" if root else "127.0.0.1", "port": server.port}
    if root:
        # It trusts the roots in a file of its own, and no others.
        shutil.copytree(PACKAGES / "pusher" / "pusher", tmp_path / "pusher")
        (tmp_path / "pusher" / "cacert.pem").write_text(Path(root).read_text())

    def begin(secret: str) -> PythonApi:
        app = {"app_id": "1001", "key": "app-key", "secret": secret}
        return stack.enter_context(PythonApi("pusher", "pusher", "Pusher", before=str(tmp_path), **app, **where))

    return begin


def test_the_python_sdk_publishes_and_asks(connect: Connect, python_sdk: Callable[[str], PythonApi]) -> None:
    sdk = python_sdk("app-secret")
    a = connect("a").connected()
    a.subscribe("presence-sdk")
    a.subscribe("sdk")
    assert sdk.call("trigger", "sdk", "said", {"text": "é"}) == {}
    assert a.event("sdk", "said") == {"text": "é"}
    assert sdk.call("trigger_batch", [{"channel": "sdk", "name": "n", "data": "1"}]) == {}
    assert a.event("sdk", "n") == 1
    told = sdk.call("channels_info", "presence-", ["user_count"])
    assert told["channels"]["presence-sdk"] == {"user_count": 1}
    assert sdk.call("channel_info", "sdk", ["subscription_count"]) == {"occupied": True, "subscription_count": 1}
    assert sdk.call("channel_info", "nobody") == {"occupied": False}
    assert sdk.call("users_info", "presence-sdk") == {"users": [{"id": "a"}]}
    assert sdk.fail("users_info", "sdk") == "PusherBadRequest"
    a.do("signin")
    a.wait("signed in")
    assert sdk.call("terminate_user_connections", "a") == {}
    assert a.wait("error")["code"] == 4009
    assert python_sdk("wrong").fail("trigger", "sdk", "said", "x") == "PusherBadAuth"


def test_web_hooks_tell_what_happened_and_the_sdks_find_them_signed(tmp_path: Path, stack: ExitStack) -> None:
    receiver = stack.enter_context(receiving())
    options = {"filters": ["filtered_websocket.filters.pusher"], "pusher_webhook_private": True}
    app = APP | {"webhooks": [receiver.url]}
    server = stack.enter_context(running(tmp_path, **options, pusher_apps=[app]))
    where = {"host": "127.0.0.1", "port": server.port, "useTLS": False}
    python = PythonApi("pusher", "pusher", "Pusher", app_id="1001", key="app-key", secret="app-secret")
    sdk = stack.enter_context(python)
    a, b = (stack.enter_context(PusherJs(NODE_APP | where, user)).connected() for user in ("a", "b"))

    def told(count: int) -> list[dict[str, str]]:
        events: list[dict[str, str]] = []
        while len(events) < count:
            hook = receiver.next()
            a.do("webhook", hook.headers, hook.body.decode())
            assert a.wait("answer")["status"] == 200
            a.do("webhook", hook.headers, hook.body.decode() + " ")
            assert a.wait("answer")["status"] == 401
            key, signature = hook.headers["x-pusher-key"], hook.headers["x-pusher-signature"]
            events += sdk.call("validate_webhook", key, signature, hook.body.decode())["events"]
        return events

    a.subscribe("presence-x")
    assert told(2) == [
        {"name": "channel_occupied", "channel": "presence-x"},
        {"name": "member_added", "channel": "presence-x", "user_id": "a"},
    ]
    b.subscribe("presence-x")
    assert told(1) == [{"name": "member_added", "channel": "presence-x", "user_id": "b"}]
    a.do("trigger", "presence-x", "client-typing", {"at": 1})
    about = {"name": "client_event", "channel": "presence-x", "event": "client-typing", "data": '{"at":1}'}
    assert told(1) == [about | {"socket_id": a.id, "user_id": "a"}]
    b.do("disconnect")
    assert told(1) == [{"name": "member_removed", "channel": "presence-x", "user_id": "b"}]
    a.do("unsubscribe", "presence-x")
    assert {event["name"] for event in told(2)} == {"channel_vacated", "member_removed"}


def test_hooks_reach_no_private_address_without_the_option(tmp_path: Path, stack: ExitStack) -> None:
    receiver = stack.enter_context(receiving())
    app = APP | {"webhooks": [receiver.url]}
    options = {"filters": ["filtered_websocket.filters.pusher"], "pusher_apps": [app]}
    server = stack.enter_context(running(tmp_path, **options))
    where = {"host": "127.0.0.1", "port": server.port, "useTLS": False}
    stack.enter_context(PusherJs(NODE_APP | where, "a")).connected().subscribe("room")
    server.wait_for(r"web hook: the address is private \(127\.0\.0\.1\)")
    assert receiver.requests.empty()
    assert "secret=1" not in server.log
