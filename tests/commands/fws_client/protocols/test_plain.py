"""A server without a pack: messages as they are, and those of a server that tells their positions."""

import json
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from filtered_websocket.commands.fws_client.protocols.base import Event, Frame, Heard, Incomplete, Terms
from filtered_websocket.commands.fws_client.protocols.plain import Plain
from tests.support.cable import Cable
from tests.support.client_servers import address
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run
from tests.support.raw_client import DEADLINE, wait_until

FILTERS = ("-f", "filtered_websocket.filters.history", "filtered_websocket.filters.broadcast_messages")
ANSWER = '{"position": "e:4"}'


def plain(positions: str | None, url: str = "ws://a/") -> Plain:
    made = Plain(urlsplit(url), Terms())
    made.begin()
    made.accepted({} if positions is None else {"History-Positions": positions})
    return made


def heard(protocol: Plain, *frames: Frame) -> list[Event]:
    return [event for frame in frames for event in protocol.hear(frame)]


@pytest.mark.parametrize("positions", [None, "none"])
def test_what_any_server_says_is_for_the_user_as_it_is(positions):
    frames = (ANSWER, "hello", b"\xff", "e:5 hello")
    protocol = plain(positions)
    assert heard(protocol, *frames) == [Heard(frame, "", frame) for frame in frames]
    assert protocol.address() == "ws://a/"


def test_positions_in_json_are_no_part_of_what_was_said_and_go_into_the_next_address():
    protocol = plain("json", "ws://a/x?last=20&room=a%20b&since=d:1")
    assert protocol.address() == "ws://a/x?last=20&room=a%20b&since=d:1"
    text, binary = '{"position":"e:5","data":"hello"}', '{"position":"e:6","binary":"/w=="}'
    assert heard(protocol, ANSWER, text) == [Heard(text, "", "hello")]
    assert protocol.address() == "ws://a/x?room=a+b&since=e%3A5"
    assert heard(protocol, binary) == [Heard(binary, "", "/w==")]
    assert protocol.address().endswith("since=e%3A6")


def test_positions_in_front_are_no_part_of_what_was_said_and_go_into_the_next_address():
    protocol = plain("prefix")
    said = heard(protocol, ANSWER, "e:5 hello all", b"e:6 \xff", '{"position": "mine"}')
    assert said == [
        Heard("e:5 hello all", "", "hello all"),
        Heard(b"e:6 \xff", "", b"\xff"),
        Heard('{"position": "mine"}', "", '{"position": "mine"}'),
    ]
    assert protocol.address() == "ws://a/?since=e%3A6"


@pytest.mark.parametrize("positions", ["json", "prefix"])
def test_what_a_filter_says_to_this_client_alone_has_no_position(positions):
    replies = ("no links, please", "[1]", "{", "ratio 5:6 is good", b"\xff", "", "[" * 100_000)
    protocol = plain(positions)
    assert heard(protocol, ANSWER, *replies) == [Heard(reply, "", reply) for reply in replies]
    assert protocol.address() == "ws://a/?since=e%3A4"


@pytest.mark.parametrize("positions", ["json", "prefix"])
def test_what_may_be_missing_is_told(positions):
    protocol = plain(positions)
    answers = [{"position": "e:1", "recovered": True}, {"position": None, "recovered": False, "reason": "no history"}]
    assert heard(protocol, json.dumps(answers[0])) == []
    protocol.begin()
    protocol.accepted({"History-Positions": positions})
    assert heard(protocol, json.dumps(answers[1])) == [Incomplete("no history")]
    assert protocol.address() == "ws://a/"


def test_a_client_that_was_cut_off_shows_what_was_said_meanwhile_once(tmp_path: Path) -> None:
    with FwsServer(*FILTERS, cwd=tmp_path) as server, Cable(server.port) as cable:
        run("fws_client", address(server), "publish", stdin="zero\n")
        where = f"ws://127.0.0.1:{cable.port}/?last=20"
        with Program("fws_client", where, "-v", "--data", "--count", "4", "subscribe") as reader:
            reader.until("connected\n")
            assert reader.line() == "zero"
            cable.cut()
            reader.until("; again in ")
            run("fws_client", address(server), "publish", stdin="one\ntwo\n")
            cable.plug_in()
            assert [reader.line(), reader.line()] == ["one", "two"]
            run("fws_client", address(server), "publish", stdin="three\n")
            assert reader.line() == "three"
            assert reader.wait() == 0


def test_a_client_of_a_server_that_has_lost_the_past_is_told_so(tmp_path: Path) -> None:
    with ExitStack() as servers:
        first = servers.enter_context(FwsServer(*FILTERS, cwd=tmp_path))
        with Program("fws_client", address(first), "-v", "--data", "subscribe") as reader:
            reader.until("connected\n")
            run("fws_client", address(first), "publish", stdin="one\n")
            assert reader.line() == "one"
            first.process.kill()
            first.process.wait(DEADLINE)
            here = ("-p", str(first.port), "--host", "127.0.0.1")
            servers.enter_context(FwsServer(*FILTERS, *here, cwd=tmp_path))
            reader.until("fws_client: something may be missing: epoch\n")
            wait_until(lambda: run("fws_client", address(first), "publish", stdin="two\n").returncode == 0)
            assert reader.line() == "two"
