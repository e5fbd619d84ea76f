import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from filtered_websocket.filters.centrifugo.messages import Command, ConnectRequest, Reply
from filtered_websocket.filters.centrifugo.protobuf_codec import read, write
from tests.filters.centrifugo.clients import CENTRIFUGO, NAMESPACES, SECRET, token
from tests.filters.centrifugo.streaming_clients import PROTOBUF, Streaming, api
from tests.support.centrifugo_clients import Client
from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask, connection
from tests.support.raw_client import DEADLINE, wait_until

KEY = "the-key-of-the-api"
OPTIONS: dict[str, Any] = {
    "filters": [CENTRIFUGO], "centrifugo_token_hmac_secret": SECRET, "centrifugo_allow_anonymous": True,
    "centrifugo_namespaces": NAMESPACES, "centrifugo_api_key": KEY, "admin_secret": KEY,
}  # fmt: skip


ALL = """
from filtered_websocket.filters.centrifugo import (
    CentrifugoConnectFilter, CentrifugoDisconnectFilter, CentrifugoRPCFilter
)


class Door(CentrifugoConnectFilter):
    @classmethod
    def filter(cls, client, event): ...


class Gone(CentrifugoDisconnectFilter):
    @classmethod
    async def filter(cls, client, event): ...


class All(CentrifugoRPCFilter):
    method = "all"

    @classmethod
    def filter(cls, client, event):
        users = client.connection.users.values()
        for each in users:
            each.sendMessage('{"to": "all"}')
        return sorted([each.user, type(each).__name__, each.pending, each.request.path] for each in users)
"""


TO_ALL = {"push": {"message": {"data": {"to": "all"}}}}
"""As on a WebSocket. Alone it would be a ping to SDKs, which they answer, and are ended for."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder = tmp_path_factory.mktemp("streaming")
    (folder / "everybody.py").write_text(ALL)
    with running(folder, **OPTIONS | {"filters": [CENTRIFUGO, "everybody"]}) as started:
        yield started


@pytest.mark.parametrize("kind", ["http_stream", "sse"])
def test_commands_come_by_requests_and_answers_on_the_stream(server: FwsServer, kind: str) -> None:
    client = Streaming.connected(server, kind)
    assert (client.greeting["ping"], client.greeting["pong"]) == (25, True)
    channel = f"kept:{kind}"
    commands = {"id": 2, "subscribe": {"channel": channel}}, {"id": 3, "presence": {"channel": channel}}
    assert client.say(*commands).status == 204
    assert client.next()["subscribe"]["recoverable"]
    assert client.next()["error"]["code"] == 108
    api(server, "publish", KEY, channel=channel, data={"n": 1})
    push = client.next()["push"]
    assert (push["channel"], push["pub"]["data"], push["pub"]["offset"]) == (channel, {"n": 1}, 1)
    client.say({"id": 4, "publish": {"channel": channel, "data": 2}})
    answers = [client.next(), client.next()]
    assert {"id": 4, "publish": {}} in answers
    client.close()


def test_clients_on_streams_are_among_the_users_of_their_pipeline(server: FwsServer) -> None:
    kinds = "http_stream", "sse"
    clients = [Streaming.connected(server, kind, token=token(kind)) for kind in kinds]
    clients[0].say({"id": 2, "rpc": {"method": "all"}})
    # One that a test before has left may still be there.
    assert [each.next() for each in clients] == [TO_ALL] * 2
    found = [each for each in clients[0].next()["rpc"]["data"] if each[0]]
    assert found == [[kind, "StreamCarrier", 0, f"/connection/{kind}"] for kind in kinds]
    clients[1].close()

    def users() -> list[Any]:
        clients[0].say({"id": 3, "rpc": {"method": "all"}})
        assert clients[0].next() == TO_ALL
        return [each[0] for each in clients[0].next()["rpc"]["data"] if each[0]]

    wait_until(lambda: users() == ["http_stream"])
    clients[0].close()


@pytest.mark.parametrize("kind", ["http_stream", "sse"])
def test_an_operator_lists_and_ends_clients_on_streams(server: FwsServer, kind: str) -> None:
    client = Streaming.connected(server, kind, token=token("operated"))
    client.say({"id": 2, "subscribe": {"channel": "open:operated"}})
    assert client.next()["id"] == 2
    steer, address = {"Authorization": f"Bearer {KEY}"}, ("127.0.0.1", server.port)
    for filters in ("user=operated", "channel=open:operated"):
        (row,) = ask(address, "GET", f"/connections?{filters}", headers=steer).json["connections"]
        assert (row["transport"], row["user"], row["path"]) == ("stream", "operated", f"/connection/{kind}")
        assert row["channels"] == ["open:operated"]
    assert ask(address, "DELETE", "/connections?user=operated&code=4001&reason=bye", headers=steer).json["ended"] == 1
    assert client.next()["push"]["disconnect"] == {"code": 4001, "reason": "bye", "reconnect": True}
    assert client.next() is None
    client.close()


def test_a_stream_of_events_may_be_asked_for_by_get(server: FwsServer) -> None:
    commands = {"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": "open:a"}}
    client = Streaming(server, "sse", *commands, method="GET")
    assert client.response.getheader("content-type") == "text/event-stream"
    assert client.response.getheader("cache-control") == "private, no-cache, no-store"
    assert client.response.getheader("x-accel-buffering") == "no"
    assert [client.next()["id"], client.next()["id"]] == [1, 2]
    client.close()


def test_protobuf_goes_both_ways(server: FwsServer) -> None:
    command = write(Command(1, connect=ConnectRequest()))
    client = connection(("127.0.0.1", server.port))
    client.request("POST", "/connection/http_stream", bytes([len(command)]) + command, {"Content-Type": PROTOBUF})
    response = client.getresponse()
    assert response.getheader("content-type") == PROTOBUF
    (size, more) = response.read(2)
    size = size & 127 | more << 7 if size > 127 else size
    first = b"" if size > 127 else bytes([more])
    greeting = read(Reply, first + response.read(size - len(first))).connect
    assert greeting.session
    response.close()
    client.close()


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        (["x"], 3501), ([""], 3501), ([{"id": 1, "subscribe": {"channel": "open:a"}}], 3501),
        ([{"id": 1, "connect": {"token": "x"}}], 3500), ([{"id": 1, "connect": {}}, "{}"], 3501),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_with_commands_is_told_on_the_stream(server: FwsServer, commands: list[Any], code: int) -> None:
    client = Streaming(server, "http_stream", *commands)
    assert client.response.status == 200
    said = []
    while (message := client.next()) is not None:
        said.append(message)
    end = said[-1]["push"]["disconnect"]
    assert (end["code"], end.get("reconnect", False)) == (code, False)
    client.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/connection/sse", 400), ("GET", "/connection/sse?cf_connect=", 400),
        ("GET", "/connection/http_stream", 405),
        ("PUT", "/connection/sse", 405), ("GET", "/emulation", 405), ("POST", "/connection/sse/", 404),
    ],
)  # fmt: skip
def test_what_is_no_such_request(server: FwsServer, method: str, path: str, status: int) -> None:
    assert ask(("127.0.0.1", server.port), method, path).status == status


def test_pages_of_other_origins_are_refused_and_asked_for_beforehand(server: FwsServer) -> None:
    address = ("127.0.0.1", server.port)
    for path in ("/connection/http_stream", "/connection/sse", "/emulation"):
        assert ask(address, "POST", path, "{}", {"Origin": "http://evil.example"}).status == 403
        asked = {"Origin": f"http://127.0.0.1:{server.port}", "Access-Control-Request-Method": "POST"}
        allowed = ask(address, "OPTIONS", path, headers=asked)
        assert allowed.status == 204
        assert allowed.headers["access-control-allow-origin"] == asked["Origin"]


def test_a_client_that_closes_its_stream_has_gone(server: FwsServer) -> None:
    client = Streaming.connected(server)
    client.say({"id": 2, "subscribe": {"channel": "joins:a"}})
    assert client.next() == {"id": 2, "subscribe": {}}
    assert api(server, "presence_stats", KEY, channel="joins:a")["num_clients"] == 1
    client.close()
    wait_until(lambda: api(server, "presence_stats", KEY, channel="joins:a")["num_clients"] == 0)
    assert client.say({"id": 3, "rpc": {}}).status == 204


def test_the_server_ends_a_stream_with_a_word(server: FwsServer) -> None:
    client = Streaming.connected(server)
    api(server, "disconnect", KEY, client=client.greeting["client"])
    assert client.next()["push"]["disconnect"] == {"code": 3503, "reason": "force disconnect"}
    assert client.next() is None


def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    with running(tmp_path, **OPTIONS) as server:
        client = Streaming.connected(server)
        server.signal()
        assert client.next()["push"]["disconnect"] == {"code": 3001, "reason": "shutdown", "reconnect": True}
        assert client.next() is None
        server.wait()
        assert "critical" not in server.log


def test_streams_may_be_off_and_are_asked_of_handshake_filters(tmp_path: Path) -> None:
    (tmp_path / "strict.py").write_text(
        "from filtered_websocket.errors import Reject\n"
        "from filtered_websocket.filters.base import WebSocketHandshakeFilter\n"
        "class Strict(WebSocketHandshakeFilter):\n"
        "    @classmethod\n"
        "    async def filter(cls, connection, request):\n"
        "        if request.headers.get('x-word') != 'please':\n"
        "            raise Reject(401, 'say please')\n"
        "        connection.accept(headers={'X-Answer': 'yes'})\n"
    )
    options = OPTIONS | {"filters": ["strict", CENTRIFUGO], "centrifugo_transports": ["http_stream"]}
    with running(tmp_path, **options) as server:
        address = ("127.0.0.1", server.port)
        assert ask(address, "POST", "/connection/sse", "{}").status == 404
        refused = ask(address, "POST", "/connection/http_stream", "{}")
        assert (refused.status, refused.body) == (401, b"say please")
        client = http.client.HTTPConnection(*address, timeout=DEADLINE)
        body = json.dumps({"id": 1, "connect": {}})
        client.request("POST", "/connection/http_stream", body, {"X-Word": "please"})
        response = client.getresponse()
        assert (response.status, response.getheader("x-answer")) == (200, "yes")
        assert b'"session"' in response.readline()
        response.close()
        client.close()


@contextmanager
def traced(server: FwsServer, query: str) -> Iterator[Iterator[dict[str, Any]]]:
    """A trace that has begun, and what it tells."""
    asked = Request(f"http://127.0.0.1:{server.port}/trace?{query}", headers={"Authorization": f"Bearer {KEY}"})
    with urlopen(asked, timeout=60) as answer:
        told = (json.loads(line[6:]) for line in answer if line.startswith(b"data: "))
        assert next(told)["what"] == "begun"
        yield told


def steps(told: Iterator[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The steps of one client, to its end, as (what, chain, filter, name) where there are such."""
    found = []
    for each in told:
        found.append(tuple(each[name] for name in ("what", "event", "filter", "method", "channel") if each.get(name)))
        if each["what"] == "closed":
            assert each["transport"] == "stream"
            break
    return found


@pytest.mark.parametrize("kind", ["js http_stream json", "js sse json"])
def test_a_trace_shows_every_step_of_a_client_on_a_stream(server: FwsServer, kind: str) -> None:
    with traced(server, "user=traced") as told, Client(server, kind, "traced") as client:
        client.subscribe("open:traced")
        assert "traced" in [each[0] for each in client.call("rpc", "all", {})]
        api(server, "publish", KEY, channel="open:traced", data={"n": 1})
        assert client.data("open:traced") == [{"n": 1}]
        client.do("disconnect")
        events: list[dict[str, Any]] = []
        found = steps(events.append(each) or each for each in told)  # type: ignore[func-returns-value]
    admitted = ("filter", "handshake", "filtered_websocket.filters.centrifugo.filters.Admit")
    own = "filtered_websocket.filters.centrifugo.filters."
    assert found[:6] == [
        admitted, ("filter", "connect", f"{own}Open"), ("received",),
        ("filter", "centrifugo connect", "everybody.Door"), ("opened",), ("sent",),
    ]  # fmt: skip
    obeyed = ("filter", "message", f"{own}Obey")
    assert obeyed in found
    assert [each for each in found[6:] if each[0] == "filter" and each != obeyed] == [
        ("filter", "centrifugo rpc", "everybody.All", "all"),
        ("filter", "centrifugo disconnect", "everybody.Gone"),
        ("filter", "disconnect", f"{own}Leave"),
    ]
    # Replies to three commands, what the filter sends, the publication.
    assert [each[0] for each in found].count("sent") == 5
    assert found[-1] == ("closed",)
    greeting = next(each for each in events if each["what"] == "sent")
    assert '"session":"(hidden)"' in greeting["payload"]


def test_one_that_only_listens_is_traced_by_its_channel_and_by_its_id(server: FwsServer) -> None:
    client = Streaming(server, "uni_sse", {"token": token("listens"), "subs": {"open:heard": {}}})
    number = client.next()["connect"]["client"]
    with traced(server, "channel=open:heard") as told, traced(server, f"id={number}") as its:
        api(server, "publish", KEY, channel="open:heard", data=5)
        assert client.next()["pub"]["data"] == 5
        api(server, "disconnect", KEY, user="listens")
        assert client.next()["disconnect"]["code"] == 3503
        leave = ("filter", "disconnect", "filtered_websocket.filters.centrifugo.filters.Leave")
        whole = [("sent",), ("close",), ("filter", "centrifugo disconnect", "everybody.Gone"), leave, ("closed",)]
        assert steps(its) == whole
        assert [each for each in steps(told) if each[:2] != ("filter", "consumer") and each[0] != "published"] == whole
    client.close()
