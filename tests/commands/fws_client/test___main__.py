"""fws_client as people run it, against the real server: plain filters and every pack."""

import asyncio
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client import post
from filtered_websocket.commands.fws_client.protocols.base import Post
from filtered_websocket.filters.philote.auth import issue
from tests.support import certificates
from tests.support.answering import answering
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, Terminal, environment, run, run_unread
from tests.support.raw_client import RawClient, wait_until

BUNDLED = "filtered_websocket.filters"
PUSHI_KEY = "a" * 64
PUSHI_SECRET = "b" * 64
OPTIONS: dict[str, Any] = {
    "filters": [f"{BUNDLED}.broadcast_messages"],
    "pipelines": {
        "/wsps": {
            "filters": [f"{BUNDLED}.wsps"],
            "wsps_subscribe_keys": {"locked": "in"},
            "wsps_publish_keys": {"locked": "out"},
        },
        "/philote": {"filters": [f"{BUNDLED}.philote"], "philote_secret": "philote-secret"},
        "/socket.io/* /emit": {
            "filters": [f"{BUNDLED}.ws_emit"],
            "ws_emit_secret": "emit-secret",
            "ws_emit_room_secrets": {"space": "room-secret"},
        },
        f"/{PUSHI_KEY}": {
            "filters": [f"{BUNDLED}.pushi"],
            "pushi_apps": [{"id": "c" * 64, "key": PUSHI_KEY, "secret": PUSHI_SECRET, "name": "app"}],
        },
        "/app/* /apps/*": {
            "filters": [f"{BUNDLED}.pusher"],
            "pusher_apps": [{"id": "1001", "key": "app-key", "secret": "app-secret", "client_events": True}],
        },
        "/echo": ["echo"],
        "/live/*": {
            "filters": [f"{BUNDLED}.pusher"],
            "pusher_apps": [{"id": "1001", "key": "app-key", "secret": "app-secret"}],
        },
        "/past/*": {"filters": [f"{BUNDLED}.pushi"], "pushi_apps": [{"id": "p", "key": PUSHI_KEY, "secret": "s"}]},
        "/rooms/*": {"filters": [f"{BUNDLED}.ws_emit"], "ws_emit_secret": "emit-secret"},
    },
}
ECHO = """\
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter

class Greets(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection, data):
        if "greeting" in connection.request.params:
            connection.sendMessage(connection.request.params["greeting"][0])
        if "headers" in connection.request.params:
            connection.sendMessage(connection.request.headers.get("x-word", "none"))

class Echoes(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data.startswith(b"close "):
            raise Close(int(data[6:]), "as you say")
        connection.sendMessage(data)
"""


RECORDS = """\
from filtered_websocket.filters.base import WebSocketMessageFilter

class Records(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        print(data.decode(), flush=True)
"""


class Pack(NamedTuple):
    """How to talk to a pack: what every call has, and what publishers have beside it."""

    path: str
    words: tuple[str, ...]
    channel: str
    publisher: tuple[str, ...] = ()
    data: Callable[[Any], Any] = lambda text: text


NONE = Pack("/", (), "")
TOKEN = issue({"read": ["news", "other"], "write": ["news", "other"]}, "philote-secret")
PACKS = {
    "wsps": Pack("/wsps", (), "news"),
    "wsps with keys": Pack("/wsps", ("--key", "in"), "locked", ("--publish_key", "out")),
    "philote": Pack("/philote", ("--token", TOKEN), "news"),
    "ws_emit": Pack("/", (), "news", ("--secret", "emit-secret")),
    "ws_emit in a space": Pack("/", ("--key", "room-secret"), "space::a", ("--secret", "emit-secret")),
    "pushi": Pack("/", ("--app_key", PUSHI_KEY), "news"),
    "pushi private": Pack(f"/{PUSHI_KEY}", ("--secret", PUSHI_SECRET), "private-news"),
    "pushi presence": Pack(f"/{PUSHI_KEY}", ("--secret", PUSHI_SECRET), "presence-news"),
    "pusher by HTTP": Pack("/app/app-key", (), "news", ("--app_id", "1001", "--secret", "app-secret")),
    "pusher private": Pack("/", ("--app-key", "app-key", "--secret", "app-secret"), "private-news"),
    "pusher presence": Pack("/", ("--app_key", "app-key", "--secret", "app-secret"), "presence-news"),
}  # fmt: skip
BEHIND_A_PATH = {
    "pusher behind a path": Pack("/live/app/app-key", (), "news", ("--app_id", "1001", "--secret", "app-secret")),
    "pushi behind a path": Pack(f"/past/{PUSHI_KEY}", (), "news"),
    "pushi behind a path, its key given": Pack("/past", ("--app_key", PUSHI_KEY), "news"),
    "ws_emit behind a path": Pack("/rooms/socket.io/", (), "news", ("--secret", "emit-secret")),
}
PACKS |= BEHIND_A_PATH


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder = tmp_path_factory.mktemp("client")
    with start(folder, 0) as server:
        yield server
        server.drop_clients()


def start(folder: Path, port: int, **options: Any) -> FwsServer:
    (folder / "echo.py").write_text(ECHO)
    (folder / "config.json").write_text(json.dumps(OPTIONS | options))
    return FwsServer("-c", "config.json", "-p", str(port), "--host", "127.0.0.1", cwd=folder)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def address(server: FwsServer, path: str = "/") -> str:
    return f"ws://127.0.0.1:{server.port}{path}"


def of(server: FwsServer, name: str, *words: str, publishes: bool = False) -> list[str]:
    pack = PACKS[name]
    own = pack.publisher if publishes else ()
    return [address(server, pack.path), "--pack", name.split(maxsplit=1)[0], *pack.words, *own, *words]


@pytest.fixture
def subscriber(server: FwsServer, stack: ExitStack) -> Callable[..., Program]:
    """Starts one that has subscribed when it is there."""

    def begin(name: str, *words: str) -> Program:
        program = stack.enter_context(
            Program("fws_client", *of(server, name, "-v", "subscribe", PACKS[name].channel), *words)
        )
        program.until(f"connected, subscribed to {PACKS[name].channel}\n")
        return program

    return begin


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


def test_binary_messages_are_sent_as_they_are(server: FwsServer) -> None:
    other = server.open("/")
    ran = run("fws_client", address(server), "--binary", stdin=b"\xff\xfe\n")
    assert ran.returncode == 0
    received = other.receive()
    assert received is not None
    assert (received.opcode, received.payload) == (2, b"\xff\xfe")


def test_headers_and_subprotocols_are_offered(server: FwsServer) -> None:
    ran = run(
        "fws_client", address(server, "/echo?headers=1"), "--header", "X-Word: sesame", "--count", "1", "subscribe"
    )
    assert (ran.returncode, ran.stdout) == (0, "sesame\n")


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


def test_a_server_with_a_certificate_of_its_own_is_trusted_by_its_root_alone(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    with FwsServer(
        "-key", files.key, "-cert", files.cert, "-f", "echo", "-p", "0", "--host", "", cwd=write_echo(tmp_path)
    ) as server:
        url = f"wss://localhost:{server.port}/"
        good = run("fws_client", url, stdin="hi\n", SSL_CERT_FILE=str(tmp_path / "root.pem"))
        assert (good.returncode, good.stdout, good.stderr) == (0, "hi\n", "")
        bad = run("fws_client", url, stdin="hi\n")
        assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (1, "", 1)
        assert "CERTIFICATE_VERIFY_FAILED" in bad.stderr


def write_echo(folder: Path) -> Path:
    (folder / "echo.py").write_text(ECHO)
    return folder


# What goes wrong.


def test_a_lost_connection_is_made_anew_with_its_subscriptions(tmp_path: Path) -> None:
    with start(tmp_path, 0) as first:
        words = of(first, "wsps", "-v", "--data", "subscribe", "news", "other")
        with Program("fws_client", *words) as reader:
            reader.until("connected, subscribed to news, subscribed to other")
            first.process.kill()
            first.process.wait()
            reader.until(r"fws_client: the connection is lost; again in 0\.\d s\n")
            reader.until(r"cannot reach ws://.*: Connection refused; again in [01]\.\d s\n")
            with start(tmp_path, first.port) as second:
                reader.until("connected, subscribed to news, subscribed to other")
                for channel in ("other", "news"):
                    run("fws_client", *of(second, "wsps", "publish", channel, channel))
                    assert reader.line() == channel


def test_no_line_is_missing_after_a_loss_not_even_one_on_its_way(tmp_path: Path) -> None:
    (tmp_path / "records.py").write_text(RECORDS)
    arguments = ("-f", "records", "--host", "127.0.0.1", "-p")
    with ExitStack() as stack:
        first = stack.enter_context(FwsServer(*arguments, "0", cwd=tmp_path))
        writer = stack.enter_context(Program("fws_client", address(first), "-v", "publish"))
        writer.until("connected")
        writer.write("one\n")
        wait_until(lambda: first.printed == "one\n")
        first.signal(signal.SIGSTOP)
        writer.write("two\n")  # the system takes it, and the server never sees it
        wait_until(lambda: waiting(first.port))
        first.process.kill()
        first.process.wait()
        writer.until("the connection is lost; again in")
        writer.write("three\n")
        second = stack.enter_context(FwsServer(*arguments, str(first.port), cwd=tmp_path))
        writer.write("four\n")
        writer.end_of_input()
        assert writer.wait() == 0
        assert second.printed == "one\ntwo\nthree\nfour\n"


def waiting(port: int) -> bool:
    """Whether a server has bytes that it has not read, of a connection that it has accepted."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local, established = f"0100007F:{port:04X}", "01"
    return any(row[1] == local and row[3] == established and int(row[4].partition(":")[2], 16) for row in rows)


def test_a_server_that_stops_is_come_back_to(tmp_path: Path) -> None:
    with start(tmp_path, 0) as first, Program("fws_client", address(first), "-v", "subscribe") as reader:
        reader.until("connected")
        first.signal()
        first.wait()
        reader.until("the server has closed: 1001.*; again in")
        with start(tmp_path, first.port):
            reader.until("connected")
            run("fws_client", address(first), "publish", "back")
            assert reader.line() == "back"


def test_without_reconnect_it_ends_with_the_reason(tmp_path: Path) -> None:
    with (
        start(tmp_path, 0) as server,
        Program("fws_client", address(server), "-v", "--no_reconnect", "subscribe") as reader,
    ):
        reader.until("connected")
        server.process.kill()
        assert reader.wait() == 1
        reader.until("fws_client: the connection is lost\n$")


def test_a_server_that_is_not_there_is_1_or_waited_for(tmp_path: Path) -> None:
    with start(tmp_path, 0) as server:
        port, url = server.port, address(server)
    ran = run("fws_client", url, stdin="x\n")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"fws_client: cannot reach {url}: Connection refused\n"
    with Program("fws_client", url, "--wait", "-v", "subscribe") as reader:
        reader.until("Connection refused; again in")
        with start(tmp_path, port):
            reader.until("connected")


SIGNATURE = "the signature of this subscription is wrong"
REFUSED = {
    "a wrong key": ("wsps --key no subscribe locked", "the server has closed: 1002 Authorization failed"),
    "a wrong key to publish": ("wsps publish locked x", "the server has closed: 1002 Authorization failed"),
    "no token": ("philote --token= subscribe", "refuses: 401 a token is wanted"),
    "a wrong secret of rooms": ("ws_emit --secret hunter2 publish news x", "/emit: 403 "),
    "a wrong secret": ("pushi --secret hunter2 subscribe private-x", f"the server refuses: private-x: {SIGNATURE}"),
    "Pusher's": ("pusher --app_key app-key --secret hunter2 subscribe private-x", f"refuses: private-x: {SIGNATURE}"),
    "by HTTP": ("pusher --app_key app-key --secret hunter2 --app_id 1001 publish a x", "/apps/1001/events: 401 "),
    "an unknown app": ("pusher --app_key nobody subscribe news", "the server refuses: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_server_refuses_is_1_with_its_reason_and_no_secret(server: FwsServer, case: str) -> None:
    words, says = REFUSED[case]
    name, *rest = words.split()
    path = "/" if name == "pusher" else PACKS[name].path
    ran = run("fws_client", address(server, path), "--pack", name, *PACKS.get(name, NONE).words, *rest)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert ran.stderr.startswith("fws_client: ")
    assert says in ran.stderr
    assert "hunter2" not in ran.stderr


@pytest.mark.parametrize(("code", "again"), [(1000, False), (1008, False), (4001, False), (1013, True), (4200, True)])
def test_it_comes_back_only_after_closes_that_may_end(server: FwsServer, code: int, again: bool) -> None:
    with Program("fws_client", address(server, "/echo"), "-v") as program:
        program.until("connected")
        program.write(f"close {code}\n")
        says = f"fws_client: the server has closed: {code} as you say"
        program.until(rf"{says}; again in 0\.\d s\n" if again else f"{says}\n")
        if not again:
            assert program.wait() == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_of_the_handshake_is_followed(server: FwsServer, status: int) -> None:
    to = address(server, "/wsps")
    with answering(status, "", Location=to) as (other, asked):
        words = ("--header", "Authorization: sesame", "subscribe", "news")
        ran = run("fws_client", other.replace("http", "ws") + "/", "--pack", "wsps", *words)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert f" refuses: {status} " in ran.stderr
    assert f"it redirects to {to}" in ran.stderr
    assert asked == ["sesame"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_publication_that_is_redirected_has_not_succeeded(status: int) -> None:
    with answering(200, "{}") as (other, others), answering(status, "", Location=other) as (first, asked):
        with pytest.raises(Ended, match=f"{status} .*it redirects to {other}; if that is the server"):
            asyncio.run(post.send(Post(f"{first}/emit", b"{}", {"Authorization": "sesame"})))
        assert (asked, others) == (["sesame"], [])


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 70000])
def test_what_answers_a_publication_without_http_is_tried_again(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listens:

        def answers() -> None:
            accepted, _ = listens.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(answer)

        thread = threading.Thread(target=answers)
        thread.start()
        with pytest.raises(post.TryAgain):
            asyncio.run(post.send(Post(f"http://127.0.0.1:{listens.getsockname()[1]}/emit", b"{}", {})))
        thread.join()


def test_lines_that_cannot_be_sent_are_named(server: FwsServer) -> None:
    ran = run("fws_client", address(server, "/echo"), stdin=b"good\n\xff\n")
    assert (ran.returncode, ran.stderr) == (1, "fws_client: line 2 of standard input is no text in UTF-8\n")
    assert ran.stdout == "good\n"
    ran = run("fws_client", *of(server, "wsps", "--json", "publish", "news"), stdin="5\n{\n")
    assert ran.returncode == 1
    assert ran.stderr.startswith("fws_client: line 2 of standard input is no JSON: ")


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
        "ws://h/ --pack ws_emit publish a", "ws://h/ --header x", "ws://h/ --pac wsps",
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


# Latency.


def test_round_trips_of_pings_are_measured_and_summed_up(server: FwsServer) -> None:
    ran = run("fws_client", address(server), "--latency", "--count", "3", "--interval", "0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(
        r"1: \d+\.\d{3} ms\n2: \d+\.\d{3} ms\n3: \d+\.\d{3} ms\n"
        r"3 round trips: least \d+\.\d{3} ms, median \d+\.\d{3} ms, most \d+\.\d{3} ms\n",
        ran.stdout,
    )
    stopped = Program("fws_client", address(server), "--latency", "--interval", "0")
    with stopped:
        for _ in range(2):
            stopped.line()
        stopped.interrupt()
        assert stopped.wait() == 130
        assert re.search(r"^\d+ round trips: least", stopped.rest(), re.MULTILINE)


@pytest.mark.parametrize("name", [*PACKS, "plain", "echo"])
def test_own_messages_are_measured_on_their_way_back(server: FwsServer, name: str) -> None:
    if name in PACKS:
        words = of(server, name, "publish", PACKS[name].channel, publishes=True)
    else:
        words = [address(server, "/" if name == "plain" else "/echo"), "publish"]
    ran = run("fws_client", *words, "--latency", "--count", "2", "--interval", "0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[2].startswith("2 round trips: least ")


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


def test_at_the_prompt_lines_are_sent_and_answers_shown(server: FwsServer, terminal: Callable[..., Terminal]) -> None:
    other: RawClient = server.open("/")
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
    server: FwsServer, terminal: Callable[..., Terminal]
) -> None:
    other = server.open("/")
    client = terminal(address(server))
    other.send("a\x1b]0;title\x07b\x9b2J\nc")
    client.until(r"a\\x1b\]0;title\\x07b\\x9b2J\r\nc")
    other.send('{"x": "\\u001b[2J\x7f"}')
    client.until(r'"x": "\\u001b\[2J\\x7f"')
    assert "\x1b]0;title" not in client.text
    assert "\x9b" not in client.text


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
    server: FwsServer, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    other = server.open("/")
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
