import json
from collections.abc import Iterator

import pytest

from filtered_websocket.testing.client import Refused
from tests.filters.centrifugo.clients import Speaking, connected, later, token
from tests.filters.centrifugo.requests import call, with_api
from tests.filters.centrifugo.streaming_clients import Streaming, api
from tests.filters.centrifugo.test_streaming import KEY, OPTIONS
from tests.support.channel_servers import running
from tests.support.fws_server import FwsServer

PATH = "/connection/uni_websocket"


def listening(server, **request):
    client = Speaking(server, PATH)
    client.say(request)
    return client


def test_a_client_that_listens_is_told_and_gets_pushes():
    with with_api() as server:
        client = listening(server, token=token("u", channels=["kept:a"]), subs={"open:b": {}})
        (first,) = client.hear()
        said = first["connect"]
        assert said.keys() == {"client", "version", "subs", "ping", "session"}
        assert said["subs"].keys() == {"kept:a", "open:b"}
        call(server, "publish", channel="kept:a", data=[1])
        (push,) = client.hear()
        assert (push["channel"], push["pub"]["data"], push["pub"]["offset"]) == ("kept:a", [1], 1)
        client.wire.send('{"id":5,"rpc":{}}')
        call(server, "subscribe", user="u", channel="open:c", session=said["session"])
        assert client.hear() == [{"channel": "open:c", "subscribe": {}}]
        call(server, "unsubscribe", user="u", channel="open:c", session="another")
        assert client.hear() == []


def test_what_was_missed_is_in_the_first_message():
    with with_api() as server:
        first = call(server, "publish", channel="kept:a", data=1)
        call(server, "publish", channel="kept:a", data=2)
        subs = {"kept:a": {"recover": True, "epoch": first["epoch"], "offset": 1}}
        (greeting,) = listening(server, subs=subs).hear()
        assert [each["data"] for each in greeting["connect"]["subs"]["kept:a"]["publications"]] == [2]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"token": "x"}, 3500), ({"token": token(exp=5)}, 3005), ({"token": token(expire_at=5)}, 3005),
        ({"token": token(channels=["nope:a"])}, 3004), ({"subs": {"nope:a": {}}}, 3501), ({"token": 5}, 3501),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_why_a_client_may_not_listen_is_said_and_closes(request_, code):
    with with_api() as server:
        client = listening(server, **request_)
        (end,) = client.hear()
        assert end["disconnect"]["code"] == code
        assert client.closed[0] == code


def test_pings_are_sent_and_nobody_is_gone_for_want_of_pongs():
    with with_api() as server:
        client = listening(server)
        client.hear()
        pings = 0
        for _ in range(100):
            server.advance(1)
            pings += client.hear().count({})
        assert pings in (3, 4)
        assert client.closed == (None, None)


def test_an_expiring_token_ends_the_connection(monkeypatch):
    now = [2_000_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    with with_api() as server:
        client = listening(server, token=token(exp=later(60)))
        client.hear()
        now[0] += 100
        server.advance(61)
        assert client.hear()[-1]["disconnect"] == {"code": 3005, "reason": "connection expired", "reconnect": True}


def test_transports_may_be_off():
    with with_api(centrifugo_transports=["sse", "websocket"]) as server:
        assert connected(server).result["client"]
        with pytest.raises(Refused) as refused:
            server.connect(PATH)
        assert refused.value.status == 404


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    with running(tmp_path_factory.mktemp("listening"), **OPTIONS) as started:
        yield started


@pytest.mark.parametrize("kind", ["uni_http_stream", "uni_sse"])
def test_a_stream_of_pushes(server: FwsServer, kind: str) -> None:
    client = Streaming(server, kind, {"token": token("u", channels=[f"kept:{kind}"])})
    said = client.next()["connect"]
    assert said["session"]
    assert "node" not in said
    api(server, "publish", KEY, channel=f"kept:{kind}", data=1)
    assert client.next()["pub"]["data"] == 1
    api(server, "disconnect", KEY, user="u", session=said["session"])
    assert client.next()["disconnect"]["code"] == 3503
    assert client.next() is None


def test_events_may_be_asked_for_without_a_word(server: FwsServer) -> None:
    client = Streaming(server, "uni_sse", method="GET")
    assert client.next()["connect"]["client"]
    client.close()


@pytest.mark.parametrize("kind", ["uni_http_stream", "uni_sse"])
@pytest.mark.parametrize("body", ["", "x", json.dumps({"token": 5})])
def test_what_is_no_request_is_400(server: FwsServer, kind: str, body: str) -> None:
    client = Streaming(server, kind, body)
    assert client.response.status == 400
    client.close()
