"""What every pack's protocol does, for each pack."""

import json
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.support.client_servers import PACKS, address, of
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run

# Packs.


@pytest.mark.parametrize("name", PACKS)
def test_lines_of_one_end_are_the_lines_of_the_other(
    server: FwsServer, subscriber: Callable[..., Program], name: str
) -> None:
    reader = subscriber(name, "--data", "--count", "3")
    said = ["hello all", '{"é": "😀"}', "5"]
    wrote = run("fws_client", *of(server, name, "publish", PACKS[name].channel, publishes=True), stdin="\n".join(said))
    assert (wrote.returncode, wrote.stdout, wrote.stderr) == (0, "", "")
    heard = [reader.line() for _ in range(3)]
    assert reader.wait() == 0
    assert (heard, reader.rest()) == (said, "")


@pytest.mark.parametrize("name", [name for name in PACKS if not name.startswith("philote")])
def test_values_of_json_stay_what_they_are(server: FwsServer, subscriber: Callable[..., Program], name: str) -> None:
    reader = subscriber(name, "--data")
    values = [5, {"a": [1, None, "é"]}, [], "text"]
    lines = "".join(json.dumps(value) + "\n" for value in values)
    wrote = run("fws_client", *of(server, name, "--json", "publish", PACKS[name].channel, publishes=True), stdin=lines)
    assert (wrote.returncode, wrote.stderr) == (0, "")
    for value in values:
        line = reader.line()
        assert line == value or json.loads(line) == value


def test_a_whole_packet_is_one_line_of_json(server: FwsServer, subscriber: Callable[..., Program]) -> None:
    expected = {
        "wsps": {"type": "message", "channel": "news", "data": "hi"},
        "ws_emit": ["update", "hi"],
        "pusher by HTTP": {"event": "update", "channel": "news", "data": "hi"},
    }
    for name, packet in expected.items():
        reader = subscriber(name)
        event = [] if name == "wsps" else ["--event", "update"]
        run("fws_client", *of(server, name, *event, "publish", "news", "hi", publishes=True))
        assert json.loads(reader.line()) == packet
    reader = subscriber("philote")
    run("fws_client", *of(server, "philote", "publish", "news", "hi"))
    packet = json.loads(reader.line())
    assert (packet["channel"], packet["data"]) == ("news", "hi")


def test_several_channels_are_subscribed_to_and_others_not_heard(server: FwsServer, stack: ExitStack) -> None:
    for name in ("wsps", "philote", "ws_emit", "pushi"):
        words = of(server, name, "-v", "--data", "subscribe", "news", "other")
        both = stack.enter_context(Program("fws_client", *words))
        both.until("connected, subscribed to news, subscribed to other\n")
        one = stack.enter_context(Program("fws_client", *of(server, name, "-v", "--data", "subscribe", "other")))
        one.until("connected, subscribed to other\n")
        for channel in ("news", "other"):
            assert run("fws_client", *of(server, name, "publish", channel, channel, publishes=True)).returncode == 0
        assert [both.line(), both.line()] == ["news", "other"]
        assert one.line() == "other"


def test_lines_that_cannot_be_sent_are_named(server: FwsServer) -> None:
    ran = run("fws_client", address(server, "/echo"), stdin=b"good\n\xff\n")
    assert (ran.returncode, ran.stderr) == (1, "fws_client: line 2 of standard input is no text in UTF-8\n")
    assert ran.stdout == "good\n"
    ran = run("fws_client", *of(server, "wsps", "--json", "publish", "news"), stdin="5\n{\n")
    assert ran.returncode == 1
    assert ran.stderr.startswith("fws_client: line 2 of standard input is no JSON: ")
