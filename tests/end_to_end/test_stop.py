"""How the server ends: on a signal, with every kind of client connected."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support import certificates
from tests.support.deadlines import limited
from tests.support.fws_server import STARTING, FwsServer, Start, command
from tests.support.raw_client import DEADLINE, close_of, head, wait_until
from tests.support.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def fws_server(fws_server: Start) -> Start:
    """Begins and ends with Python itself, which waits at its end for much."""
    return partial(fws_server, anew=True)


FILTERS = """
    from filtered_websocket.filters.base import *

    class Opened(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection, data):
            print("open", flush=True)

    class Flood(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage("x" * 20_000_000)
            print("flooded", flush=True)

    class Ended(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection, data):
            print("end", connection.close_code, flush=True)

    class Stopped(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline, data):
            print("stop", len(pipeline.users), flush=True)
"""


def begin(fws_server: Start, *arguments: str) -> FwsServer:
    return fws_server("-f", "my_filters", "--send_buffer", "100000000", *arguments, module=FILTERS)


@pytest.mark.quiet
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_signal_closes_every_client_and_ends_within_2_seconds(
    fws_server: Start, number: int, tls: bool, tmp_path: Path
) -> None:
    files = certificates.write(tmp_path)
    server = begin(fws_server, *(("-key", files.key, "-cert", files.cert) if tls else ()))
    clean = [server.open(tls=tls) for _ in range(3)]
    silent = server.open(tls=tls)
    never_reads = server.client(tls, receive_buffer=4096).open()
    never_reads.send("flood")
    begun = server.client(tls)
    begun.send(head()[:20])
    idle = server.client()
    wait_until(lambda: "flooded" in server.printed)
    asked = time.monotonic()
    server.signal(number)
    for client in clean:
        assert client.closed() == (1001, "server is stopping")
    assert server.wait() == 0
    assert time.monotonic() - asked < 2.5, "2 s, and what a busy machine adds"
    assert [close_of(each) for each in silent.frames()] == [(1001, "server is stopping")]
    told = server.printed.splitlines()
    assert told.count("open") == told.count("end 1001") == 5
    assert told[-1] == "stop 0"
    assert server.log.rstrip().endswith("stopped")
    assert "Traceback" not in server.log
    assert " error " not in server.log
    for client in [*clean, silent, never_reads, begun, idle]:
        client.socket.close()


@pytest.mark.quiet
def test_with_nobody_connected_it_ends_at_once(fws_server: Start) -> None:
    server = begin(fws_server)
    asked = time.monotonic()
    server.signal()
    assert server.wait() == 0
    assert time.monotonic() - asked < 1


@pytest.mark.quiet
def test_a_second_signal_ends_it_at_once(fws_server: Start) -> None:
    server = begin(fws_server)
    silent = server.open()
    server.signal()
    # It has begun to stop when the first close frame is there.
    received = silent.receive()
    assert received is not None
    assert close_of(received)[0] == 1001
    asked = time.monotonic()
    server.signal()
    assert server.wait() == 1
    assert time.monotonic() - asked < 1
    silent.socket.close()


def test_a_stopping_server_takes_no_new_client(fws_server: Start) -> None:
    server = begin(fws_server)
    silent = server.open()
    server.signal()
    assert silent.receive() is not None
    with pytest.raises(ConnectionError):
        server.client()
    assert server.wait() == 0
    silent.socket.close()
    assert not os.path.exists(f"/proc/{server.process.pid}/fd")


WAITS = """
    import os, time
    from filtered_websocket.filters import broadcast_messages

    print("importing", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
"""


def importing(folder: Path, *before: str) -> subprocess.Popen[str]:
    """A server that is importing its filter module, and will until there is a file "go"."""
    (folder / "my_filters.py").write_text(dedent(WAITS))
    command = [
        *before,
        sys.executable,
        "-m",
        "filtered_websocket",
        "-f",
        "my_filters",
        "--host",
        "127.0.0.1",
        "-p",
        "0",
    ]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with limited(process):
        assert process.stdout.readline() == "importing\n"
    return process


def rest(process: subprocess.Popen[str]) -> str:
    """What it has said when it has ended; a process that does not is killed."""
    try:
        return process.communicate(timeout=DEADLINE)[1]
    finally:
        process.kill()


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--reload"]], ids=["one", "workers", "reload"])
def test_sigterm_ends_process_1_while_it_imports(tmp_path: Path, options: list[str]) -> None:
    spaces = ["unshare", "--pid", "--fork"] if os.getuid() == 0 else ["unshare", "-r", "--pid", "--fork"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False, timeout=DEADLINE).returncode:
        pytest.skip("NO PROCESS NAMESPACES here, so what process 1 does is not tried")
    process = importing(tmp_path, *spaces)
    child = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    os.kill(child, signal.SIGTERM)
    assert rest(process) == ""
    assert process.returncode == 128 + signal.SIGTERM


def test_sigterm_ends_any_other_process_while_it_imports(tmp_path: Path) -> None:
    process = importing(tmp_path)
    process.terminate()
    assert rest(process) == ""
    assert process.returncode == -signal.SIGTERM


def test_ctrl_c_ends_a_process_that_imports_without_a_traceback(tmp_path: Path) -> None:
    process = importing(tmp_path)
    process.send_signal(signal.SIGINT)
    assert rest(process) == ""
    assert process.returncode == 130


def test_sighup_while_it_imports_ends_nothing_and_is_heeded_later(tmp_path: Path) -> None:
    process = importing(tmp_path)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGUSR2)
    (tmp_path / "go").touch()
    assert process.stderr is not None
    said = ""
    with limited(process):
        while "listening on" not in said or "reloaded: " not in said or "SIGUSR2 is for the parent" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        # It has no workers to replace, and does not end for that later either.
        process.send_signal(signal.SIGUSR2)
        while "SIGUSR2" not in process.stderr.readline():
            assert process.poll() is None
    process.terminate()
    assert rest(process).endswith("stopped\n")
    assert process.returncode == 0


AT_WORK = """
    import multiprocessing, os, re, signal, threading, time
    from twisted.internet.threads import deferToThread
    from filtered_websocket.filters.base import *

    def ignores(pipe):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pipe.send(os.getpid())
        time.sleep(60)

    def ordinary(pipe):
        pipe.send(os.getpid())
        time.sleep(60)

    def child(target, **options):
        ours, theirs = multiprocessing.Pipe()
        multiprocessing.get_context("fork").Process(target=target, args=(theirs,), **options).start()
        return str(ours.recv())

    class Work(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            what = data.decode()
            if what == "pool":
                deferToThread(time.sleep, 60)
            elif what == "thread":
                threading.Thread(target=time.sleep, args=(60,)).start()
            elif what == "a child that ignores signals":
                what = child(ignores)
            elif what == "a daemon that ignores signals":
                what = child(ignores, daemon=True)
            elif what == "an ordinary child":
                what = child(ordinary)
            elif what == "held":
                print("held", flush=True)
                time.sleep(60)
            connection.sendMessage(what)
"""


@pytest.mark.quiet
@pytest.mark.parametrize(
    "what", ["pool", "thread", "a child that ignores signals", "a daemon that ignores signals", "an ordinary child"]
)
def test_it_ends_in_time_whatever_threads_and_children_do(fws_server: Start, what: str) -> None:
    server = fws_server("-f", "my_filters", module=AT_WORK)
    client = server.open()
    client.send(what)
    answer = client.text()
    client.quit()
    asked = time.monotonic()
    server.signal()
    try:
        # Not wait(): a child keeps standard error open.
        assert server.process.wait(DEADLINE) == 0
    finally:
        if answer.isdecimal():
            os.kill(int(answer), signal.SIGKILL)
    assert time.monotonic() - asked < 2.5, "2 s, and what a busy machine adds"
    assert server.wait() == 0
    at_work = f"child process {answer}" if answer.isdecimal() else r"\S*Thread-.*"
    assert re.search(
        rf"stopped\n.* warn  ended by force, the time to stop is over; still at work: {at_work}\n$", server.log
    )


def test_a_forked_child_has_not_the_servers_signals(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", module=AT_WORK)
    client = server.open()
    client.send("an ordinary child")
    child = int(client.text())
    client.quit()
    os.kill(child, signal.SIGTERM)
    # A zombie, until its parent asks for it.
    wait_until(lambda: " (zombie)" in Path(f"/proc/{child}/status").read_text())
    server.signal()
    assert server.wait() == 0
    assert "ended by force" not in server.log


@pytest.mark.quiet
def test_a_filter_that_holds_the_reactor_does_not_hold_the_end(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", module=AT_WORK)
    client = server.open()
    client.send("held")
    wait_until(lambda: "held" in server.printed)
    asked = time.monotonic()
    server.signal()
    assert server.wait() == 1
    assert time.monotonic() - asked < 3.5, "2.5 s, and what a busy machine adds"
    assert "ended by force, the time to stop is over; still at work: MainThread (my_filters.Work.filter)" in server.log
    client.socket.close()


THREAD = """
    import threading, time
    from filtered_websocket.filters import broadcast_messages
    threading.Thread(target=time.sleep, args=(60,)).start()
"""


@pytest.mark.parametrize(("words", "code"), [(["--check"], 0), (["-h"], 0), (["--host", "192.0.2.1"], 1)])
def test_a_thread_of_a_filter_module_does_not_hold_a_command_that_is_through(
    tmp_path: Path, words: list[str], code: int
) -> None:
    (tmp_path / "my_filters.py").write_text(dedent(THREAD))
    # Within `command`'s deadline, long before the thread ends.
    ended = command("-f", "my_filters", *words, cwd=tmp_path)
    assert (ended.returncode, "Traceback" in ended.stderr) == (code, False)


def test_a_server_that_still_waits_for_redis_ends_as_asked(tmp_path: Path) -> None:
    arguments = ["--storage", "redis", "--redis_host", "127.0.0.1", "--redis_port", "1"]
    with FwsServer(*arguments, cwd=tmp_path, listens=False) as server:
        server.wait_for("It is tried until it works")
        server.signal()
        assert server.wait() == 0
        assert "cannot start" not in server.log


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGUSR2], ids=["stop", "a worker's end"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_engine_io_ends_without_a_close_frame_that_javas_clients_would_heed_and_then_hear_no_end(
    fws_server: Start, redis: RedisServer, way: int, tls: bool, tmp_path: Path
) -> None:
    files = certificates.write(tmp_path)
    options = (
        ["--workers", "2", "--storage", "redis", "--redis_url", redis.url]
        if way == signal.SIGUSR2
        else ["--drain_seconds", "0.2"]
    )
    options += ["-key", files.key, "-cert", files.cert] if tls else []
    server = fws_server("-f", "filtered_websocket.filters.ws_emit", *options)
    uri = "/socket.io/?EIO=4&transport=websocket"
    clients = [server.client(tls).open(uri) for _ in range(4)]
    for client in clients:
        client.socket.settimeout(2 * STARTING)  # two workers begin before the last of them ends
        client.send('42["x"]', "40", '427["dance"]')
        assert [client.text()[:2] for _ in range(3)] == ["0{", "40", "43"]
    server.signal(way)
    for client in clients:
        # Its end, and no packet before it: not even a ping, which would come after 25 seconds.
        assert list(client.frames()) == []
        client.socket.close()
    if way == signal.SIGTERM:
        assert server.wait() == 0
        assert "Traceback" not in server.log
