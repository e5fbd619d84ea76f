"""One connection: how it is made, lost, and made anew."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import certificates
from tests.support.client_servers import ECHO, NONE, PACKS, address, of, start
from tests.support.fws_server import FwsServer
from tests.support.programs import Program, run
from tests.support.raw_client import DEADLINE, wait_until


def test_headers_and_subprotocols_are_offered(server: FwsServer) -> None:
    ran = run(
        "fws_client", address(server, "/echo?headers=1"), "--header", "X-Word: sesame", "--count", "1", "subscribe"
    )
    assert (ran.returncode, ran.stdout) == (0, "sesame\n")


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
    with ExitStack() as servers:
        first = servers.enter_context(start(tmp_path, 0))
        words = of(first, "wsps", "-v", "--data", "subscribe", "news", "other")
        with Program("fws_client", *words) as reader:
            reader.until("connected, subscribed to news, subscribed to other")
            first.process.kill()
            first.process.wait(DEADLINE)
            reader.until(r"fws_client: the connection is lost; again in 0\.\d s\n")
            reader.until(r"cannot reach ws://.*: Connection refused; again in [01]\.\d s\n")
            second = servers.enter_context(start(tmp_path, first.port))
            reader.until("connected, subscribed to news, subscribed to other")
            for channel in ("other", "news"):
                run("fws_client", *of(second, "wsps", "publish", channel, channel))
                assert reader.line() == channel


RECORDS = """\
import os, signal
from pathlib import Path
from filtered_websocket.filters.base import WebSocketMessageFilter

class Records(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data == b"two" and not (killed := Path("killed")).exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        print(data.decode(), flush=True)
"""


def test_no_line_is_missing_after_a_loss_not_even_one_on_its_way(tmp_path: Path) -> None:
    (tmp_path / "records.py").write_text(RECORDS)
    arguments = ("-f", "records", "--host", "127.0.0.1", "-p")
    with ExitStack() as stack:
        first = stack.enter_context(FwsServer(*arguments, "0", cwd=tmp_path))
        writer = stack.enter_context(Program("fws_client", address(first), "-v", "publish"))
        writer.until("connected")
        writer.write("one\n")
        wait_until(lambda: first.printed == "one\n")
        writer.write("two\n")  # sent once the pong behind the first has come: it is this one alone that is on its way
        first.process.wait(DEADLINE)
        writer.until("the connection is lost; again in")
        writer.write("three\n")
        second = stack.enter_context(FwsServer(*arguments, str(first.port), cwd=tmp_path))
        writer.write("four\n")
        writer.end_of_input()
        assert writer.wait() == 0
        assert second.printed == "one\ntwo\nthree\nfour\n"


def test_a_server_that_stops_is_come_back_to(tmp_path: Path) -> None:
    with ExitStack() as servers:
        first = servers.enter_context(start(tmp_path, 0))
        with Program("fws_client", address(first), "-v", "subscribe") as reader:
            reader.until("connected")
            first.signal()
            first.wait()
            reader.until("the server has closed: 1001.*; again in")
            servers.enter_context(start(tmp_path, first.port))
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
    with ExitStack() as servers, Program("fws_client", url, "--wait", "-v", "subscribe") as reader:
        reader.until("Connection refused; again in")
        servers.enter_context(start(tmp_path, port))
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
    "no word for a namespace": ("socketio subscribe /locked", "the server refuses: /locked: the word is wanted"),
    "a wrong word": ('socketio --auth {"word":"hunter2"} publish /locked x', "/locked: the word is wanted"),
    "no such namespace": ("socketio subscribe /nowhere", "the server refuses: /nowhere: Invalid namespace"),
    "put out": (
        "socketio --event out publish /news x",
        "the server refuses: /news: the server has put this client out",
    ),
    "no token of Centrifugo's": ("centrifugo --token= subscribe kept:a", "the server has closed: 3501 bad request"),
    "no permission": ("centrifugo subscribe closed:a", "the server refuses: closed:a: 103 permission denied"),
    "no permission to publish": ("centrifugo publish closed:a x", "the server refuses: closed:a: 103 "),
    "a wrong key of the API": ("centrifugo --key hunter2 publish kept:a x", "/api/publish: 401 "),
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
