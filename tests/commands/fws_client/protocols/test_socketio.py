"""fws_client with a server of Socket.IO: namespaces, events, acknowledgements."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.client_servers import address, of, start
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run
from tests.support.raw_client import DEADLINE


def subscribed(server: FwsServer, stack: ExitStack, *names: str, words: tuple[str, ...] = ()) -> Program:
    program = stack.enter_context(Program("fws_client", *of(server, "socketio", "-v", *words, "subscribe", *names)))
    program.until("connected" + "".join(f", subscribed to {name}" for name in names or "/"))
    return program


def published(server: FwsServer, *words: str, **more: Any) -> Any:
    ran = run("fws_client", *of(server, "socketio", *words), **more)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_without_a_name_it_is_in_the_namespace_that_is_always_there(server: FwsServer, stack: ExitStack) -> None:
    reader = subscribed(server, stack)
    published(server, "publish", "/", "hi")
    assert json.loads(reader.line()) == {"namespace": "/", "event": "message", "arguments": ["hi"]}


def test_events_of_several_namespaces_say_where_they_are_from(server: FwsServer, stack: ExitStack) -> None:
    both, one = subscribed(server, stack, "/news", "/other"), subscribed(server, stack, "/other")
    for name in ("/news", "/other"):
        published(server, "--event", "told", "publish", name, name)
        said = {"namespace": name, "event": "told", "arguments": [name]}
        assert json.loads(both.line()) == said
    assert json.loads(one.line()) == said


def test_lines_may_be_all_arguments_of_an_event(server: FwsServer, stack: ExitStack) -> None:
    reader = subscribed(server, stack)
    published(server, "--arguments", "publish", "/", stdin='[1, {"a": null}, "x"]\n[]\n[[]]\n')
    assert [json.loads(reader.line())["arguments"] for _ in range(3)] == [[1, {"a": None}, "x"], [], [[]]]
    ran = run("fws_client", *of(server, "socketio", "--arguments", "publish", "/"), stdin="[]\n5\n")
    assert ran.returncode == 1
    assert ran.stderr == "fws_client: line 2 of standard input is no JSON list: the arguments of an event are wanted\n"


def test_acknowledgements_are_printed(server: FwsServer) -> None:
    shown = published(server, "--ack", "publish", "/news", stdin="one\ntwo\n")
    lines = [{"namespace": "/news", "acknowledgement": ["heard", text]} for text in ("one", "two")]
    assert [json.loads(line) for line in shown.splitlines()] == lines
    assert json.loads(published(server, "--ack", "--data", "publish", "/", "one")) == ["heard", "one"]


def test_an_acknowledgement_may_take_its_time(server: FwsServer) -> None:
    assert published(server, "--ack", "--data", "--event", "later", "publish", "/", stdin="one\ntwo\n") == "one\ntwo\n"


def test_bytes_are_shown_in_base64(server: FwsServer, stack: ExitStack) -> None:
    reader = stack.enter_context(
        Program("fws_client", *of(server, "socketio", "--ack", "--event", "bytes", "--arguments", "subscribe", "/",
                                  "publish", "/", "[]"))
    )  # fmt: skip
    assert json.loads(reader.line()) == {"namespace": "/", "event": "some", "arguments": [{"bytes": "AQI="}]}
    assert json.loads(reader.line()) == {"namespace": "/", "acknowledgement": ["Aw=="]}


def test_what_the_client_says_of_itself_lets_it_in(server: FwsServer) -> None:
    auth = json.dumps({"word": "sesame"})
    assert published(server, "--auth", auth, "--ack", "--data", "publish", "/locked", "x") == '["heard", "x"]\n'
    assert published(server, "publish", "/locked", "x", FWSC_AUTH=auth) == ""


def test_an_acknowledgement_that_does_not_come_is_1(tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text("from filtered_websocket.filters import socketio\n")
    with FwsServer("-f", "silent", cwd=tmp_path) as server:
        ran = run("fws_client", address(server), "--pack", "socketio", "--ack", "publish", "/", "x")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "fws_client: the server has not acknowledged within 10 s\n"


def test_a_lost_connection_is_made_anew_in_its_namespaces(tmp_path: Path) -> None:
    with ExitStack() as servers, ExitStack() as stack:
        first = servers.enter_context(start(tmp_path, 0))
        reader = subscribed(first, stack, "/news", "/other", words=("--data",))
        writer = stack.enter_context(
            Program("fws_client", *of(first, "socketio", "-v", "--ack", "--data", "publish", "/news"))
        )
        writer.until("connected")
        writer.write("one\n")
        assert (reader.line(), json.loads(writer.line())) == ("one", ["heard", "one"])
        first.process.kill()
        first.process.wait(DEADLINE)
        for each in (reader, writer):
            each.until("again in")
        writer.write("two\n")
        servers.enter_context(start(tmp_path, first.port))
        reader.until("connected, subscribed to /news, subscribed to /other")
        assert json.loads(writer.line()) == ["heard", "two"]
        writer.end_of_input()
        assert writer.wait() == 0


def test_what_is_lost_before_its_acknowledgement_is_sent_again(server: FwsServer) -> None:
    words = of(server, "socketio", "-v", "--event", "end", "--ack", "publish", "/", "x")
    with Program("fws_client", *words) as writer:
        for _ in range(2):
            writer.until("connected, subscribed to /\n")
            writer.until("the connection is lost; again in")
