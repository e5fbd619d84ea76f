"""The Pushi pack as an operator meets it: the original's environment, the second port, web hooks, what survives."""

import http.client
import json
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.filters.shared.signatures import sign
from tests.support import certificates
from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer, command
from tests.support.ports import free_port
from tests.support.receiver import receiving
from tests.support.redis_server import RedisServer

PUSHI = "filtered_websocket.filters.pushi"
KEY, SECRET = "k" * 64, "secret"
APPS = [{"id": "app1", "key": KEY, "secret": SECRET}]
LOGIN = f"/login?app_id=app1&app_key={KEY}&app_secret={SECRET}"


class Http:
    """Users that have logged in."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._port, self._context, self._sid = port, context, ""
        self._sid = self.ask("GET", LOGIN)["token"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        path += f"{'&' if '?' in path else '?'}sid={self._sid}"
        if self._context is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        else:
            connection = http.client.HTTPSConnection("localhost", self._port, timeout=15, context=self._context)
        with closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = json.loads(response.read())
        assert response.status == 200, answer
        return answer


def test_the_originals_environment_is_honoured(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    environment = {"SERVER_HOST": "127.0.0.1", "SERVER_PORT": str(ports[0]), "APP_PORT": str(ports[1]), "APP_SSL": "0"}
    environment |= {"FWS_PUSHI_APPS": json.dumps(APPS), "SERVER_SSL": "0"}
    # --host, which the environment gives, is given again: the tests' server would else choose an address itself.
    with FwsServer("-f", PUSHI, "--host", "127.0.0.1", cwd=tmp_path, environment=environment) as server:
        assert server.port == ports[0]
        for port in ports:
            assert Http(port).ask("POST", "/events", {"data": "x"}) == {"result": "success"}
        with server.open(f"/{KEY}") as client:
            assert "connection_established" in client.text()


def test_the_originals_environment_may_ask_for_tls_on_both_ports(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    ports = free_port(), free_port()
    environment = {"SERVER_HOST": "localhost", "SERVER_PORT": str(ports[0]), "SERVER_SSL": "1"}
    environment |= {"APP_HOST": "localhost", "APP_PORT": str(ports[1]), "APP_SSL": "1", "APP_SERVER": "netius"}
    for part in ("SERVER", "APP"):
        environment |= {f"{part}_SSL_KEY": files.key, f"{part}_SSL_CER": files.cert}
    environment["FWS_PUSHI_APPS"] = json.dumps(APPS)
    with FwsServer("-f", PUSHI, "--host", "localhost", cwd=tmp_path, environment=environment) as server:
        assert server.url == f"wss://127.0.0.1:{ports[0]}"
        context = ssl.create_default_context(cafile=files.root)
        for port in ports:
            assert Http(port, context).ask("GET", "/events") == {"events": []}


def test_the_second_port_speaks_tls_when_it_has_a_certificate(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    rest = {"pushi_rest_port": 0, "pushi_rest_key": files.key, "pushi_rest_cert": files.cert}
    with running(tmp_path, filters=[PUSHI], pushi_apps=APPS, **rest, pushi_rest_host="localhost") as server:
        port = int(server.wait_for(r"Pushi's HTTP on https://\S+:(\d+)").group(1))
        context = ssl.create_default_context(cafile=files.root)
        assert Http(port, context).ask("GET", "/events") == {"events": []}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"pushi_server_ssl": True}, "SERVER_SSL (pushi_server_ssl) is 1: give SERVER_SSL_KEY and SERVER_SSL_CER"),
        ({"pushi_rest_port": 0, "pushi_rest_ssl": True}, "pushi_rest_key and pushi_rest_cert: no key and certificate"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"filters": [PUSHI], "port": 0, **options}))
    ran = command("-c", "c.json", cwd=tmp_path)
    assert ran.returncode == 1
    assert says in ran.stderr.splitlines()[-1]


@pytest.mark.parametrize("signed", [False, True])
def test_web_hooks_get_the_events_of_a_channel_and_of_a_users_channels(tmp_path: Path, signed: bool) -> None:
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving(500))
        options = {"pushi_webhook_private": True, "pushi_sign_webhooks": signed}
        server = stack.enter_context(running(tmp_path, filters=[PUSHI], pushi_apps=APPS, **options))
        http = Http(server.port)
        personal = f"{KEY}:{sign(SECRET, f'{receiver.url}:personal-u')}"
        http.ask("POST", "/webs", {"url": receiver.url, "event": "room"})
        http.ask("POST", f"/webs?auth={personal}", {"url": receiver.url, "event": "personal-u"})
        http.ask("POST", "/subscriptions", {"user_id": "u", "event": "news"})
        # In both, and told once; the first attempt meets a 500.
        http.ask("POST", "/subscriptions", {"user_id": "u", "event": "room"})
        http.ask("POST", "/events", {"channel": "room", "data": "first"})
        http.ask("POST", "/events", {"channel": "other", "data": "not told"})
        http.ask("POST", "/events", {"channel": "news", "data": "second", "persist": False})
        told = [receiver.next() for _ in range(3)]
        assert told[0].body == told[1].body
        first, second = json.loads(told[1].body), json.loads(told[2].body)
        assert first.keys() == {"channel", "event", "data", "mid", "timestamp"}
        assert (first["channel"], first["data"]) == ("room", "first")
        assert second == {"channel": "news", "event": "message", "data": "second"}
        headers = told[2].headers
        assert headers["content-type"] == "application/json"
        assert headers.get("x-pushi-signature") == (sign(SECRET, told[2].body) if signed else None)


def test_hooks_reach_no_private_address_without_the_option(tmp_path: Path) -> None:
    with receiving() as receiver, running(tmp_path, filters=[PUSHI], pushi_apps=APPS) as server:
        http = Http(server.port)
        http.ask("POST", "/webs", {"url": receiver.url, "event": "room"})
        http.ask("POST", "/events", {"channel": "room", "data": "x"})
        server.wait_for(r"web hook: the address is private \(127\.0\.0\.1\)")
        assert receiver.requests.empty()


@contextmanager
def kept_by_redis(folder: Path) -> Iterator[tuple[dict[str, Any], Callable[[], None], Callable[[], None]]]:
    with RedisServer(folder / "redis", durable=True) as redis:
        yield {"storage": "redis", "redis_url": redis.url}, redis.kill, redis.start


@contextmanager
def kept_by_sqlite(folder: Path) -> Iterator[tuple[dict[str, Any], Callable[[], None], Callable[[], None]]]:
    yield {"storage": "sqlite", "sqlite_file": str(folder / "events.sqlite")}, lambda: None, lambda: None


@pytest.mark.parametrize("kept", [kept_by_redis, kept_by_sqlite])
def test_what_was_acknowledged_survives_the_kill_of_everything(tmp_path: Path, kept: Any) -> None:
    with kept(tmp_path) as (storage, kill, start):
        options = {"filters": [PUSHI], "pushi_apps": APPS, **storage}
        with running(tmp_path, **options) as server:
            http = Http(server.port)
            http.ask("POST", "/subscriptions", {"user_id": "u", "event": "room"})
            for number in range(5):
                http.ask("POST", "/events", {"channel": "room", "data": str(number)})
            client = server.open(f"/{KEY}")
            client.text()
            client.send('{"event": "pusher:subscribe", "data": {"channel": "room"}}')
            client.text()
            # A socket's event is acknowledged by its echo.
            client.send('{"event": "message", "data": "5", "channel": "room", "echo": true}')
            assert json.loads(client.text())["mid"]
            kill()
            server.signal(signal.SIGKILL)
            server.wait()
        start()
        with running(tmp_path, **options) as server:
            newest_first = ["5", "4", "3", "2", "1", "0"]
            events = Http(server.port).ask("GET", "/events")["events"]
            assert [event["data"]["data"] for event in events] == newest_first
            # The user was away, and gets them on the next connection.
            with server.open(f"/{KEY}") as client:
                socket_id = json.loads(json.loads(client.text())["data"])["socket_id"]
                asked = {"channel": "personal-u", "auth": f"{KEY}:{sign(SECRET, f'{socket_id}:personal-u')}"}
                client.send(json.dumps({"event": "pusher:subscribe", "data": asked}))
                about = json.loads(json.loads(client.text())["data"])
            assert about["alias"] == ["room"]
            assert [event["data"]["data"] for event in about["events"]] == newest_first


def test_a_client_with_only_the_public_key_fills_no_memory(tmp_path: Path) -> None:
    """The kind: a quota for each name, where the client chooses the names. What comes is 260 MB in events as large as
    they may be, each stored twice, in a channel of its own."""
    event = {"event": "e", "data": "x" * 65_000}
    with running(tmp_path, filters=[PUSHI], pushi_apps=APPS) as server:
        before = server.resident()
        for connection in range(40):
            with server.open(f"/{KEY}") as client:
                client.text()
                for number in range(100):
                    channel = f"invented {connection} {number}"
                    client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel}}))
                    client.send(json.dumps(event | {"channel": channel}))
                    client.send(json.dumps({"event": "pusher:unsubscribe", "data": {"channel": channel}}))
                    for answered in ("subscription_succeeded", "unsubscription_succeeded"):
                        assert answered in client.text()
        assert server.peak() - before < 160 * 1024 * 1024
        server.wait_for("dropped: kept publications over history_bytes")
        assert "limits that are off: " in server.log
        assert "pushi_event_rate" not in server.log


def test_the_banner_says_what_is_unlimited_in_a_pack(tmp_path: Path) -> None:
    with running(tmp_path, filters=[PUSHI], pushi_apps=APPS, pushi_event_rate=0, history_bytes=0) as server:
        assert "history_bytes, pushi_event_rate" in server.wait_for("limits that are off: .*").group()
