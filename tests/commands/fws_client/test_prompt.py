"""fws_client at a terminal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.client_servers import address, of, start
from tests.support.fws_server import FwsServer
from tests.support.programs import Terminal
from tests.support.raw_client import RawClient

# At a terminal.


@pytest.fixture
def terminal(server: FwsServer, stack: ExitStack, tmp_path: Path) -> Callable[..., Terminal]:
    """Starts one that is connected when it is there."""

    def begin(*words: str) -> Terminal:
        started = stack.enter_context(Terminal("fws_client", *words, XDG_STATE_HOME=str(tmp_path / "state")))
        started.until("fws_client: connected")
        started.until(">")
        return started

    return begin


@pytest.fixture
def other(server: FwsServer) -> Iterator[RawClient]:
    with server.open("/") as other:
        yield other


def test_at_the_prompt_lines_are_sent_and_answers_shown(
    server: FwsServer, other: RawClient, terminal: Callable[..., Terminal]
) -> None:
    client = terminal(address(server))
    client.press("hello\r")
    assert other.text() == "hello"
    client.press("//slash\r")
    assert other.text() == "/slash"
    other.send('{"a": {"b": [1, "é"]}}')
    client.until(r'\d\d:\d\d:\d\d \{\r\n    "a": \{\r\n        "b": \[\r\n            1,\r\n            "é"\r\n')
    client.press("/ping\r")
    client.until(r"fws_client: \d+\.\d{3} ms")
    client.press("\x04")
    assert client.wait() == 0


def test_what_a_message_would_do_to_the_terminal_is_shown_and_not_done(
    server: FwsServer, other: RawClient, terminal: Callable[..., Terminal]
) -> None:
    client = terminal(address(server))
    other.send("a\x1b]0;title\x07b\x9b2J\nc")
    client.until(r"a\\x1b\]0;title\\x07b\\x9b2J\r\nc")
    other.send('{"x": "\\u001b[2J\x7f"}')
    client.until(r'"x": "\\u001b\[2J\\x7f"')
    assert "\x1b]0;title" not in client.text
    assert "\x9b" not in client.text


def test_a_client_of_socketio_is_in_a_namespace_from_the_first_moment_and_sees_acknowledgements(
    server: FwsServer, terminal: Callable[..., Terminal]
) -> None:
    client, other = terminal(*of(server, "socketio", "--ack", "--data")), terminal(*of(server, "socketio", "--data"))
    client.press("hi\r")
    client.until(r"\[\r\n    \"heard\",\r\n    \"hi\"\r\n\]")
    other.until(r"\d\d:\d\d:\d\d / hi")
    client.press("/to /news\r")
    client.until("news>")
    client.press("hello\r")
    client.until(r"\d\d:\d\d:\d\d /news \[\r\n    \"heard\",\r\n    \"hello\"")
    client.press("/subscribe /locked\r")
    client.until("the server refuses: /locked: the word is wanted")
    client.press("/to nowhere\r")
    client.until("nowhere is no namespace, such as / or /chat")
    client.press("\x04")
    assert client.wait() == 0


def test_commands_subscribe_leave_and_choose_the_channel(server: FwsServer, terminal: Callable[..., Terminal]) -> None:
    client = terminal(*of(server, "pushi"))
    client.press("hi\r")
    client.until("to which channel\\? /to NAME says so")
    client.press("/subscribe news\r")
    client.until("subscribed to news")
    client.press("/to news\r")
    client.until("news>")
    client.press("hello\r")
    client.until(r'"data": "hello"')
    client.press("/subscribe private-x\r")
    client.until("--secret is wanted")
    client.press("/unsubscribe news\r")
    client.press("/nonsense\r")
    client.until("/subscribe NAME... ")
    client.press("/quit\r")
    assert client.wait() == 0


def test_the_tab_key_completes_and_the_up_key_brings_back_what_an_earlier_run_typed(
    server: FwsServer, other: RawClient, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    client = terminal(address(server))
    client.press("said before\r")
    assert other.text() == "said before"
    client.press("/pi\t")
    client.until("/ping")
    client.press("\r")
    client.until(r"fws_client: \d+\.\d{3} ms")
    client.press("/q\t")
    client.until("/quit")
    client.press("\r")
    assert client.wait() == 0
    again = terminal(address(server))
    again.press("\x1b[A\x1b[A\x1b[A\r")
    assert other.text() == "said before"
    (history,) = (tmp_path / "state" / "filtered_websocket").iterdir()
    assert history.stat().st_mode & 0o077 == 0
    again.press("\x03")
    assert again.wait() == 130


def test_a_refusal_leaves_the_prompt_and_names_are_completed(
    server: FwsServer, terminal: Callable[..., Terminal]
) -> None:
    client = terminal(*of(server, "pusher private", "--secret", "wrong", "subscribe", "news"))
    client.press("/subscribe private-x\r")
    client.until("the server refuses: private-x: the signature of this subscription is wrong")
    client.until("subscribed to news")
    client.press("/unsubscribe ne\t")
    client.until("/unsubscribe news")
    client.press("\r")
    client.press("/subscribe ne\t")
    client.until("/subscribe news")
    client.press("\r")
    client.until("subscribed to news")
    client.press("/quit\r")
    assert client.wait() == 0


def test_the_prompt_outlives_a_server(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with start(tmp_path, 0) as first, Terminal("fws_client", address(first, "/echo"), XDG_STATE_HOME=state) as client:
        client.until("fws_client: connected")
        first.signal()
        first.wait()
        client.until("the server has closed: 1001.*again in")
        with start(tmp_path, first.port):
            client.until("fws_client: connected")
            client.press("still here\r")
            client.until(r"\d\d:\d\d:\d\d still here")
            client.press("\x04")
            assert client.wait() == 0
