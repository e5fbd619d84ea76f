"""fws_client as people run it, against the real server: plain filters and every pack."""

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.client_servers import BEHIND_A_PATH, PACKS, TOKEN, address, of
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, environment, run, run_unread

PACKS |= BEHIND_A_PATH


def test_both_at_once_ends_by_count_and_hears_itself(server: FwsServer) -> None:
    words = of(server, "wsps", "--data", "--count", "2", "subscribe", "both", "publish", "both")
    ran = run("fws_client", *words, stdin="one\ntwo\nthree\n")
    assert (ran.returncode, ran.stdout) == (0, "one\ntwo\n")


def test_ten_thousand_lines_arrive_in_order(server: FwsServer, subscriber: Callable[..., Program]) -> None:
    reader = subscriber("wsps", "--data", "--count", "10000")
    lines = [str(number) for number in range(10_000)]
    wrote = run("fws_client", *of(server, "wsps", "publish", "news"), stdin="\n".join(lines))
    assert wrote.returncode == 0
    assert reader.rest().split() == lines
    assert reader.wait() == 0


# Plain servers.


def test_without_a_pack_what_is_said_is_sent_and_what_is_answered_printed(server: FwsServer) -> None:
    ran = run("fws_client", address(server, "/echo?greeting=welcome"), stdin="hello\n\nlast, without an end")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "welcome\nhello\n\nlast, without an end\n", "")


def test_subscribe_alone_listens_and_publish_alone_speaks(server: FwsServer, stack: ExitStack) -> None:
    reader = stack.enter_context(Program("fws_client", address(server), "-v", "subscribe"))
    reader.until("connected\n")
    wrote = run("fws_client", address(server), "publish", stdin="one\ntwo\n")
    assert (wrote.returncode, wrote.stdout) == (0, "")
    run("fws_client", address(server), "publish", "three")
    assert [reader.line() for _ in range(3)] == ["one", "two", "three"]


def test_binary_messages_are_sent_as_they_are(server: FwsServer, stack: ExitStack) -> None:
    other = stack.enter_context(server.open("/"))
    ran = run("fws_client", address(server), "--binary", stdin=b"\xff\xfe\n")
    assert ran.returncode == 0
    received = other.receive()
    assert received is not None
    assert (received.opcode, received.payload) == (2, b"\xff\xfe")


def test_a_file_may_be_standard_input_and_lines_of_a_pipe_go_at_once(server: FwsServer, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("from a file\n")
    with (tmp_path / "lines").open() as lines:
        ran = subprocess.run(
            [sys.executable, "-m", "filtered_websocket.commands.fws_client.__main__", address(server, "/echo")],
            stdin=lines, capture_output=True, text=True, env=environment(), timeout=30, check=False,
        )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "from a file\n")
    with Program("fws_client", address(server, "/echo")) as program:
        for text in ("one", "two"):
            program.write(text + "\n")
            assert program.line() == text  # while the pipe is still open, as with tail -f
        program.end_of_input()
        assert (program.wait(), program.rest()) == (0, "")


def test_secrets_may_come_from_the_environment(server: FwsServer) -> None:
    emit = [address(server), "--pack", "ws_emit", "publish", "news", "x"]
    assert run("fws_client", *emit, FWSC_SECRET="emit-secret").returncode == 0
    philote = [address(server, "/philote"), "--pack", "philote", "publish", "news", "x"]
    assert run("fws_client", *philote, FWSC_TOKEN=TOKEN).returncode == 0
    wsps = [address(server, "/wsps"), "--pack", "wsps", "publish", "locked", "x"]
    assert run("fws_client", *wsps, FWSC_KEY="out").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        "", "http://h/", "ws://", "ws://h:x/", "ws://h/ --pack nonsense", "ws://h/ say", "ws://h/ subscribe news",
        "ws://h/ publish a b", "ws://h/ --pack wsps", "ws://h/ --pack wsps subscribe", "ws://h/ --pack wsps publish",
        "ws://h/ --pack wsps publish a b c", "ws://h/ --pack wsps subscribe a subscribe b", "ws://h/ --count 0",
        "ws://h/ --pack wsps publish a --count 1", "ws://h/ --pack wsps --binary publish a", "ws://h/ --json",
        "ws://h/ --pack pushi subscribe a", "ws://h/ --pack pusher subscribe a", "ws://h/ --interval -1 --latency",
        "ws://h/ --pack pusher --app_key k subscribe private-a", "ws://h/ --pack pusher --app_key k publish a",
        "ws://h/ --pack ws_emit publish a", "ws://h/ --pack socketio publish a", "ws://h/ --arguments",
        "ws://h/ --pack socketio --auth 5 subscribe", "ws://h/ --pack socketio --auth x subscribe",
        "ws://h/ --pack socketio subscribe /a,b", "ws://h/ --pack socketio --ack --latency publish /",
        "ws://h/ --pack wsps --ack publish a", "ws://h/ --header x", "ws://h/ --pac wsps",
    ],
)  # fmt: skip
def test_bad_usage_is_2_before_any_server_is_asked(words: str) -> None:
    ran = run("fws_client", *shlex.split(words))
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert ran.stderr.startswith("usage: fws_client URL")


# Exits.


def test_help_has_examples() -> None:
    shown = run("fws_client", "--help")
    assert shown.returncode == 0
    assert "examples:\n  fws_client ws://" in shown.stdout


def test_it_dies_quietly_when_nobody_reads_its_output(server: FwsServer) -> None:
    assert run_unread("fws_client", address(server, "/echo"), stdin="x\n") == (-signal.SIGPIPE, "")


def test_ctrl_c_ends_it_quietly(server: FwsServer) -> None:
    with Program("fws_client", address(server), "-v", "subscribe") as reader:
        reader.until("connected\n")
        reader.interrupt()
        assert (reader.wait(), reader.rest()) == (130, "")
        assert reader.text == "fws_client: connected\n"
