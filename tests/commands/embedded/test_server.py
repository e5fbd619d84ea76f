"""The server inside other programs: a Twisted application in this process, the examples in their own."""

import gc
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from twisted.application.service import MultiService
from twisted.internet import reactor

from filtered_websocket.commands.embedded import EmbeddedServer
from filtered_websocket.errors import ConfigError
from filtered_websocket.monitoring.heap import Heap
from filtered_websocket.transport.ends import ends_of
from tests.support import reactor_thread
from tests.support.fws_server import STARTING
from tests.support.small_filters import BROADCAST
from tests.support.websocket_client import connect

EXAMPLES = Path(__file__).parents[3] / "examples" / "embedded"
OPTIONS = {"filters": [BROADCAST], "port": 0, "host": "127.0.0.1"}


def left():
    """What a server may leave in the reactor."""
    return len(reactor.getReaders()), len(reactor.getWriters()), len(reactor.getDelayedCalls())


@pytest.fixture
def embedded():
    """Makes servers, which leave nothing behind."""
    made = []

    def make(**options):
        given = {**OPTIONS, **options}
        made.append(EmbeddedServer(**{name: value for name, value in given.items() if value is not None}))
        return made[-1]

    reactor_thread.call(ends_of, reactor)  # of a process, made when a connection's end first comes while it is not read
    before = reactor_thread.call(left)
    yield make
    for each in made:
        reactor_thread.call(each.stop)
    reactor_thread.until(lambda: left() == before)


def say_hi(server):
    with connect(server.address) as a, connect(server.address) as b:
        b.ping().wait(15)
        a.send("hi")
        assert b.recv(15) == "hi"


def test_it_serves_when_started_and_may_be_started_and_stopped_twice_and_again(embedded):
    server = embedded(filters=None, pipelines={"/": [BROADCAST], "/other": [BROADCAST]})
    for _ in range(2):
        reactor_thread.call(lambda: [server.start(), server.start()][1])
        say_hi(server)
        assert reactor_thread.call(server.pipeline).users == {}
        with pytest.raises(LookupError, match="no pipeline serves /elsewhere"):
            server.pipeline("/elsewhere")
        reactor_thread.call(lambda: [server.stop(), server.stop()][1])
        with pytest.raises(RuntimeError, match="the server is not started"):
            server.address  # noqa: B018


def test_the_memory_of_the_program_is_managed_as_the_program_has_it(embedded):
    ours, pythons = gc.get_threshold(), (700, 10, 10)
    gc.set_threshold(*pythons)
    try:
        reactor_thread.call(embedded().start)
        assert gc.get_threshold() == pythons
    finally:
        gc.set_threshold(*ours)
    calls = reactor_thread.call(reactor.getDelayedCalls)
    assert not [each for each in calls if isinstance(getattr(each.func, "__self__", None), Heap)]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"filters": ["no_such_module"]}, "no_such_module"),
        ({"max_mesage_size": 1}, 'EmbeddedServer: unknown option "max_mesage_size"; did you mean "max_message_size"'),
        ({"workers": 2}, "EmbeddedServer: workers is the program's own affair"),
        ({"log_level": "debug"}, "EmbeddedServer: log_level is the program's own affair"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_started(embedded, options, fault):
    with pytest.raises(ConfigError, match=fault):
        reactor_thread.call(embedded(**options).start)


def test_a_port_in_use_is_told_and_the_program_and_its_other_server_live_on(embedded):
    first = embedded()
    reactor_thread.call(first.start)
    second = embedded(port=int(first.address.rpartition(":")[2]))
    with pytest.raises(ConfigError, match="in use"):
        reactor_thread.call(second.start)
    say_hi(first)
    reactor_thread.call(first.stop)
    reactor_thread.call(second.start)
    say_hi(second)


def test_a_start_that_waits_is_given_up_by_a_stop(embedded):
    # Nobody listens there: it waits until a Redis does.
    server = embedded(storage="redis", redis_host="127.0.0.1", redis_port=1)
    outcome = []

    def begin():
        server.start().addBoth(outcome.append)

    reactor_thread.call(begin)
    reactor_thread.call(server.stop)
    assert len(outcome) == 1


def test_as_a_service_it_starts_and_ends_with_its_parent_whose_others_a_failed_start_leaves_alone(embedded):
    parent, good, bad = MultiService(), embedded(), embedded(filters=["no_such_module"])
    for each in (good, bad):
        each.setServiceParent(parent)
    reactor_thread.call(parent.startService)
    reactor_thread.until(lambda: good._service is not None)
    say_hi(good)
    assert bad.running
    reactor_thread.call(parent.stopService)
    with pytest.raises(RuntimeError):
        good.address  # noqa: B018


@pytest.mark.parametrize(
    ("name", "program", "asked"),
    [
        ("chat.tac", [str(Path(sys.executable).parent / "twistd"), "--pidfile=", "-noy"], signal.SIGTERM),
        ("clock.py", [], signal.SIGINT),
    ],
)
def test_the_examples_serve_and_end_when_they_are_told(name, program, asked, tmp_path):
    source = (EXAMPLES / name).read_text()
    assert "port=9000" in source
    (tmp_path / name).write_text(source.replace("port=9000", "port=0"))
    command = [sys.executable, *program, name]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        late = threading.Timer(STARTING, running.kill)
        late.start()
        said = []
        for line in running.stdout:
            said.append(line)
            if found := re.search(r"listening on ws://0\.0\.0\.0:(\d+)", line):
                break
        assert found, "".join(said)
        with connect(f"ws://127.0.0.1:{found[1]}") as a, connect(f"ws://127.0.0.1:{found[1]}") as b:
            a.send("hi")
            assert "hi" in (b.recv(15) for _ in range(100))
            if name == "clock.py":
                assert any(text.startswith("it is ") for text in (b.recv(15) for _ in range(100)))
        running.send_signal(asked)
        said += running.stdout
        late.cancel()
    assert running.returncode in (0, -asked), "".join(said)  # twistd ends by the signal
    assert "Traceback" not in "".join(said)
