from collections.abc import Iterator
from pathlib import Path

import pytest

from filtered_websocket.filters.centrifugo.messages import EmulationRequest
from filtered_websocket.filters.centrifugo.protobuf_codec import write
from tests.filters.centrifugo.streaming_clients import PROTOBUF, Streaming, api
from tests.filters.centrifugo.test_streaming import KEY, OPTIONS
from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.raw_client import wait_until
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    with running(tmp_path_factory.mktemp("emulation"), **OPTIONS) as started:
        yield started


def post(server: FwsServer, body: bytes | str, kind: str = "application/json") -> int:
    return ask(("127.0.0.1", server.port), "POST", "/emulation", body, {"Content-Type": kind}).status


@pytest.mark.parametrize("body", ["{}", '{"session":"a","node":"b"}', '{"session":"a","node":null,"data":"c"}'])
def test_a_request_without_a_node_of_ours_is_404(server: FwsServer, body: str) -> None:
    assert post(server, body) == 404


@pytest.mark.parametrize("body", ["", "x", "[]", '{"session":1,"node":"b","data":"c"}', "[" * 10_000])
def test_what_is_no_request_is_400(server: FwsServer, body: str) -> None:
    assert post(server, body) == 400
    assert post(server, b"\xff" + body.encode(), PROTOBUF) == 400


def test_an_unknown_node_is_404_an_unknown_session_nothing_and_too_much_413(server: FwsServer) -> None:
    client = Streaming.connected(server)
    assert client.say({}, node="nobody").status == 404
    assert client.say({}, session="nobody").status == 204
    assert client.say("x" * 70_000).status == 413
    client.close()


def test_commands_may_be_protobuf_whatever_the_stream_speaks(server: FwsServer) -> None:
    client = Streaming.connected(server)
    node, session = client.greeting["node"], client.greeting["session"]
    data = b'{"id":2,"subscribe":{"channel":"open:a"}}'
    assert post(server, write(EmulationRequest(node, session, data)), PROTOBUF) == 204
    assert client.next() == {"id": 2, "subscribe": {}}
    client.close()


def test_what_is_wrong_with_them_ends_the_stream(server: FwsServer) -> None:
    client = Streaming.connected(server)
    assert client.say("x").status == 204
    assert client.next()["push"]["disconnect"]["code"] == 3501
    assert client.next() is None


def test_many_requests_are_obeyed_in_order(server: FwsServer) -> None:
    client = Streaming.connected(server)
    for number in range(2, 40):
        client.say({"id": number, "publish": {"channel": "kept:order", "data": number}})
    assert [client.next()["id"] for _ in range(2, 40)] == list(range(2, 40))
    client.close()


def test_any_node_takes_a_request(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        shared = OPTIONS | {"storage": "redis", "redis_url": redis.url}
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        with running(tmp_path / "a", **shared) as a, running(tmp_path / "b", **shared) as b:
            wait_until(lambda: len(api(b, "info", KEY)["nodes"]) == 2)
            client = Streaming.connected(a)
            assert client.say({"id": 2, "subscribe": {"channel": "kept:a"}}, server=b).status == 204
            assert client.next()["subscribe"]["positioned"]
            api(b, "publish", KEY, channel="kept:a", data=1)
            assert client.next()["push"]["pub"]["data"] == 1
            assert api(b, "channels", KEY)["channels"] == {"kept:a": {"num_clients": 1}}
            api(b, "disconnect", KEY, client=client.greeting["client"])
            assert client.next()["push"]["disconnect"]["code"] == 3503


def counted(server: FwsServer, name: str) -> float:
    told = ask(("127.0.0.1", server.port), "GET", "/metrics", headers={"Authorization": f"Bearer {KEY}"}).body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in told.splitlines() if line.startswith(name))


@pytest.mark.parametrize("rate", [{"message_rate": 2}, {"byte_rate": 100}])
def test_a_client_above_its_rate_waits_and_loses_nothing(tmp_path: Path, rate: dict[str, int]) -> None:
    (limit,) = rate
    with running(tmp_path, **OPTIONS, **rate) as server:
        client = Streaming.connected(server)
        for number in range(2, 14):
            assert client.say({"id": number, "publish": {"channel": "open:a", "data": "x" * 10}}).status == 204
        wait_until(lambda: counted(server, f'fws_slowed_total{{reason="{limit}"}}') > 0)
        assert client.next()["id"] == 2
        # Its stream ends while commands wait: they are not obeyed, and no timer holds up the server's end.
        client.close()
        wait_until(lambda: counted(server, "fws_connections{") == 0)


@pytest.mark.parametrize("rate", [{"message_rate": 2}, {"byte_rate": 100}])
def test_or_is_closed(tmp_path: Path, rate: dict[str, int]) -> None:
    (limit,) = rate
    with running(tmp_path, **OPTIONS, **rate, over_rate="close") as server:
        client = Streaming.connected(server)
        for number in range(2, 14):
            client.say({"id": number, "publish": {"channel": "open:a", "data": "x" * 40}})
        while "disconnect" not in (said := client.next()).get("push", {}):
            assert said["id"] < 13
        assert (said["push"]["disconnect"]["code"], said["push"]["disconnect"]["reason"]) == (1008, limit)
        assert client.next() is None
        assert counted(server, f'fws_closed_total{{reason="{limit}"}}') == 1
