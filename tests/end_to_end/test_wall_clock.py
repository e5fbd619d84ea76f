"""The wall clock is set while the server runs: no interval grows or ends by it, on any reactor."""

from pathlib import Path

import pytest

from filtered_websocket.transport.installing import REACTORS
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import PING

# Imported by every Python that finds it, before anything else: `time.time` as if the machine's clock had been set.
SITE = """
import time

_real = time.time


def _set():
    try:
        with open({by!r}) as file:
            return _real() + float(file.read() or 0)
    except OSError:
        return _real()


time.time = _set
"""

FILTERS = """
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.task import deferLater

    from filtered_websocket.filters.base import *

    waiting = []

    class Answers(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            if data == b"later":
                await deferLater(reactor, 0.05)
            elif data == b"wait":
                waiting.append(Deferred())
                connection.sendMessage("waits")
                await waiting[-1]
            elif data == b"go":
                waiting.pop().callback(None)
            connection.sendMessage(bytes(data).decode())
"""


class Machine:
    """A server, and the clock it goes by."""

    def __init__(self, folder: Path, fws_server: Start, reactor: str, *options: str) -> None:
        self._by = folder / "seconds"
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(SITE.format(by=str(self._by)))
        path = {"PYTHONPATH": str(folder / "site")}
        options = ("--reactor", reactor, "-f", "my_filters", *options)
        self.server: FwsServer = fws_server(*options, module=FILTERS, environment=path)

    def set_clock(self, seconds: float) -> None:
        self._by.write_text(str(seconds))


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_clock_that_is_set_back_refuses_nobody_and_stops_no_timer(
    fws_server: Start, tmp_path: Path, reactor: str
) -> None:
    options = ("--accept_rate", "20", "--message_rate", "20", "--byte_rate", "20000", "--ping_interval", "1")
    machine = Machine(tmp_path, fws_server, reactor, *options)
    client = machine.server.open()
    client.send("before")
    assert client.text() == "before"
    machine.set_clock(-3600)
    client.send("later")
    assert client.text() == "later"
    other = machine.server.open()
    for number in range(120):
        # More than was saved: what is owed is paid in seconds, not when the clock has come back.
        other.send(str(number))
    assert [other.text() for _ in range(120)] == [str(number) for number in range(120)]
    got = client.receive_any()
    assert got is not None
    assert got.opcode == PING


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_clock_that_is_set_forward_ends_no_wait(fws_server: Start, tmp_path: Path, reactor: str) -> None:
    machine = Machine(tmp_path, fws_server, reactor, "--filter_timeout", "60", "--ping_interval", "0")
    client, other = machine.server.open(), machine.server.open()
    client.send("wait")
    assert client.text() == "waits"
    machine.set_clock(3600)
    other.send("later")
    assert other.text() == "later"
    other.send("go")
    assert client.text() == "wait"
    assert other.text() == "go"
