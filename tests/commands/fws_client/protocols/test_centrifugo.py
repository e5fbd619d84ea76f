"""fws_client with the Centrifugo pack: numbers of commands, and what a connection missed."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from filtered_websocket.commands.fws_client.protocols.base import (
    Acknowledged,
    Answer,
    BadTerms,
    Denied,
    Established,
    Event,
    Heard,
    Incomplete,
    Post,
    Subscribed,
    Terms,
)
from filtered_websocket.commands.fws_client.protocols.centrifugo import Centrifugo
from filtered_websocket.filters.shared.tokens import issue
from tests.support.cable import Cable
from tests.support.client_servers import address
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run

URL = urlsplit("ws://a/")


def connected(**terms: Any) -> Centrifugo:
    protocol = Centrifugo(URL, Terms(**terms))
    opening = json.loads(str(protocol.opening()))
    assert list(protocol.hear(json.dumps({"id": opening["id"], "connect": {"client": "c"}}))) == [Established()]
    return protocol


def command(frame: Any) -> Any:
    return json.loads(str(frame))


def answered(protocol: Centrifugo, frame: Any, **answer: Any) -> list[Event]:
    return list(protocol.hear(json.dumps({"id": command(frame)["id"], **answer})))


def test_what_is_said_first():
    protocol = Centrifugo(URL, Terms(token="t", auth='{"a": 1}'))
    assert protocol.address() == "ws://a/connection/websocket"
    assert command(protocol.opening()) == {"id": 1, "connect": {"name": "fws_client", "token": "t", "data": {"a": 1}}}
    assert list(protocol.hear('{"id":1,"error":{"code":109,"message":"token expired"}}')) == [
        Denied("109 token expired")
    ]
    with pytest.raises(BadTerms):
        Centrifugo(URL, Terms(auth="5"))


def test_several_messages_of_one_frame_and_pings():
    protocol = connected()
    push = '{"push":{"channel":"a","pub":{"data":[1]}}}'
    assert list(protocol.hear(f'{push}\n{{}}\n{{"push":{{"message":{{"data":2}}}}}}')) == [
        Heard(push, "a", [1]), Answer("{}"), Heard('{"push":{"message":{"data":2}}}', "", 2),
    ]  # fmt: skip
    assert list(protocol.hear("what")) == [Heard("what", "", "what")]
    for strange in ('{"id":99,"publish":{}}', '{"id":"x","error":5}', '{"push":5}', '{"push":{"join":{}}}'):
        assert list(protocol.hear(strange)) == []


def test_a_subscription_goes_on_where_the_last_one_was():
    protocol = connected()
    asked = protocol.subscribe("a")
    assert command(asked)["subscribe"] == {"channel": "a", "recoverable": True}
    result = {"recoverable": True, "epoch": "e", "offset": 5}
    assert answered(protocol, asked, subscribe=result) == [Subscribed("a")]
    list(protocol.hear('{"push":{"channel":"a","pub":{"data":1,"offset":6}}}'))
    protocol.begin()
    asked = protocol.subscribe("a")
    since = {"recover": True, "epoch": "e", "offset": 6}
    assert command(asked)["subscribe"] == {"channel": "a", "recoverable": True} | since
    missed = {"publications": [{"data": 2, "offset": 7}], "recovered": True, "recoverable": True, "epoch": "e"}
    first, last = answered(protocol, asked, subscribe=missed)
    assert (first.data, last) == (2, Subscribed("a"))  # type: ignore[union-attr]
    ended = list(protocol.hear('{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":"insufficient state"}}}'))
    assert command(ended[0].frame)["subscribe"]["offset"] == 7  # type: ignore[union-attr]
    lost = answered(protocol, ended[0].frame, subscribe=result | {"epoch": "f"})  # type: ignore[union-attr]
    assert lost == [Incomplete("what was published to a meanwhile cannot be had"), Subscribed("a")]
    protocol.unsubscribe("a")
    assert "recover" not in command(protocol.subscribe("a"))["subscribe"]


def test_what_is_refused_and_who_is_put_out():
    protocol = connected()
    assert answered(protocol, protocol.subscribe("a"), error={"code": 103, "message": "permission denied"}) == [
        Denied("103 permission denied", "a")
    ]
    (out,) = protocol.hear('{"push":{"channel":"a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}')
    assert out == Denied("the server has put this client out: 2000 server unsubscribe", "a")


def test_what_is_published_is_acknowledged_also_on_the_next_connection():
    protocol = connected()
    call = protocol.publish("a", {"b": 1})
    assert command(call.frame) == {"id": call.number, "publish": {"channel": "a", "data": {"b": 1}}}  # type: ignore[union-attr]
    protocol.begin()
    assert list(protocol.hear(json.dumps({"id": call.number, "publish": {}}))) == [Acknowledged(call.number)]  # type: ignore[union-attr]


def test_with_the_key_of_the_server_api_that_publishes():
    post = Centrifugo(urlsplit("wss://a/x/connection/websocket"), Terms(key="k")).publish("a", 5)
    assert isinstance(post, Post)
    assert (post.url, json.loads(post.body)) == ("https://a/x/api/publish", {"channel": "a", "data": 5})
    assert post.headers["X-API-Key"] == "k"


def test_a_client_that_was_cut_off_shows_what_was_published_meanwhile_once(tmp_path: Path) -> None:
    names = [{"name": "kept", "allow_subscribe_for_client": True, "allow_publish_for_client": True,
              "history_size": 10, "history_ttl": "60s", "force_recovery": True}]  # fmt: skip
    options = {"centrifugo_token_hmac_secret": "s", "centrifugo_namespaces": names}
    (tmp_path / "c.json").write_text(json.dumps({"filters": ["filtered_websocket.filters.centrifugo"]} | options))
    pack = ("--pack", "centrifugo", "--token", issue({"sub": "u"}, "s"))
    with FwsServer("-c", "c.json", cwd=tmp_path) as server, Cable(server.port) as cable:

        def publish(*texts: str) -> None:
            ran = run("fws_client", address(server), *pack, "publish", "kept:a", stdin="\n".join(texts))
            assert (ran.returncode, ran.stderr) == (0, "")

        where = f"ws://127.0.0.1:{cable.port}/"
        words = ("-v", "--data", "--count", "4", "subscribe", "kept:a")
        with Program("fws_client", where, *pack, *words) as reader:
            reader.until("connected, subscribed to kept:a\n")
            publish("zero")
            assert reader.line() == "zero"
            cable.cut()
            reader.until("; again in ")
            publish("one", "two")
            cable.plug_in()
            assert [reader.line(), reader.line()] == ["one", "two"]
            publish("three")
            assert reader.line() == "three"
            assert reader.wait() == 0
