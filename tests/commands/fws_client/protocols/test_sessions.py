"""A client of Socket.IO that comes back goes on with its session where the server can."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from filtered_websocket.commands.fws_client.protocols.base import Answer, Event, Heard, Incomplete, Subscribed, Terms
from filtered_websocket.commands.fws_client.protocols.sessions import Sessions
from filtered_websocket.commands.fws_client.protocols.socketio import SocketIO
from filtered_websocket.commands.fws_client.protocols.ws_emit import WsEmit
from tests.support.cable import Cable
from tests.support.client_servers import address
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run

URL = urlsplit("ws://a/")


def heard(protocol: Any, *frames: str) -> list[Event]:
    return [event for frame in frames for event in protocol.hear(frame)]


def said(event: Event) -> Any:
    assert isinstance(event, Answer)
    return json.loads(str(event.frame)[2:] or "{}")


def told(events: Iterable[Any]) -> list[Any]:
    return [event.data for event in events if isinstance(event, Heard)]


def test_the_session_and_the_offset_of_the_last_event_are_said_on_the_next_connection():
    protocol = WsEmit(URL, Terms())
    assert [said(each) for each in heard(protocol, "0{}")] == [{}]
    heard(protocol, '40{"sid":"s","pid":"p"}')
    assert told(heard(protocol, '42["update",{"a":1},"o1"]', '42["update","text","o2"]')) == [{"a": 1}, "text"]
    protocol.begin()
    assert [said(each) for each in heard(protocol, "0{}")] == [{"pid": "p", "offset": "o2"}]
    assert not [each for each in heard(protocol, '40{"sid":"s","pid":"p"}') if isinstance(each, Incomplete)]


def test_a_new_session_is_told_and_begins_without_the_old_offset():
    protocol = WsEmit(URL, Terms())
    heard(protocol, "0{}", '40{"sid":"s","pid":"p"}', '42["update",1,"o1"]')
    protocol.begin()
    assert Incomplete("the session is a new one") in heard(protocol, "0{}", '40{"sid":"t","pid":"q"}')
    protocol.begin()
    assert [said(each) for each in heard(protocol, "0{}")] == [{"pid": "q"}]


@pytest.mark.parametrize("answer", ["40", '40{"sid":"s"}', '40{"pid":5}', "40[]", "40null"])
def test_without_a_session_that_can_be_gone_on_with_all_arguments_are_the_events(answer):
    protocol = WsEmit(URL, Terms())
    heard(protocol, "0{}", answer)
    assert told(heard(protocol, '42["update",1,"text"]')) == [[1, "text"]]
    protocol.begin()
    assert [said(each) for each in heard(protocol, "0{}")] == [{}]


def test_each_namespace_has_its_own_and_what_the_user_says_counts_more():
    protocol = SocketIO(URL, Terms(auth='{"token":"t","offset":"mine"}'))
    assert json.loads(str(protocol.subscribe("/a"))[5:]) == {"token": "t", "offset": "mine"}
    heard(protocol, '40/a,{"pid":"p"}', '40/b,{"pid":"q"}', '42/a,["m",1,"o"]')
    assert json.loads(str(protocol.subscribe("/a"))[5:]) == {"pid": "p", "token": "t", "offset": "mine"}
    assert json.loads(str(protocol.subscribe("/b"))[5:]) == {"pid": "q", "token": "t", "offset": "mine"}
    assert heard(protocol, '40/b,{"pid":"r"}') == [Incomplete("the session of /b is a new one"), Subscribed("/b")]
    heard(protocol, "41/a,")
    assert "pid" not in str(protocol.subscribe("/a"))


def test_what_is_to_be_acknowledged_has_no_offset():
    sessions = Sessions()
    list(sessions.connected("/", {"pid": "p"}))
    assert sessions.arguments("/", ["ask", "text"], 7) == ["text"]
    assert sessions.asked("/") == {"pid": "p"}
    assert sessions.arguments("/", ["told"], None) == []


def test_a_client_of_ws_emit_that_was_cut_off_shows_what_was_emitted_meanwhile_once(tmp_path: Path) -> None:
    options = ("-f", "filtered_websocket.filters.ws_emit", "--ws_emit_secret", "s", "--ws_emit_recovery", "60")
    with FwsServer(*options, cwd=tmp_path) as server, Cable(server.port) as cable:

        def emit(*texts: str) -> None:
            publish = ("--pack", "ws_emit", "--secret", "s", "publish", "room")
            assert run("fws_client", address(server), *publish, stdin="\n".join(texts)).returncode == 0

        where = f"ws://127.0.0.1:{cable.port}/"
        with Program(
            "fws_client", where, "--pack", "ws_emit", "-v", "--data", "--count", "4", "subscribe", "room"
        ) as reader:
            reader.until("connected, subscribed to room\n")
            emit("zero")
            assert reader.line() == "zero"
            cable.cut()
            reader.until("; again in ")
            emit("one", "two")
            cable.plug_in()
            assert [reader.line(), reader.line()] == ["one", "two"]
            emit("three")
            assert reader.line() == "three"
            assert reader.wait() == 0
