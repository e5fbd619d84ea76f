"""What the package brings to pytest, in runs of pytest as users have them."""

import subprocess
import sys
from pathlib import Path

from _pytest.assertion.rewrite import AssertionRewriter

import filtered_websocket

PLAIN = """\
import sys

LARGE = {"twisted", "autobahn", "websockets", "zope"}
loaded = set(sys.modules)


def test_the_plugin_has_loaded_nothing():
    ours = {name for name in loaded if name.partition(".")[0] == "filtered_websocket"}
    assert ours == {"filtered_websocket" + rest for rest in ("", ".testing", ".testing.pytest_plugin")}
    assert not loaded & LARGE
"""
USED = """\
import asyncio

from filtered_websocket.filters.base import WebSocketMessageFilter


class Echo(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance, data):
        if data == b"sleep":
            await asyncio.sleep(0.001)
        if data == b"fail":
            raise ValueError("a fault of the filter")
        web_socket_instance.sendMessage(data)


def test_on_the_clock(fws_server):
    client = fws_server(Echo, max_message_size=10).connect()
    client.send("hi")
    assert client.received() == ["hi"]


def test_on_asyncio(fws_server):
    first, second = fws_server(Echo, reactor="asyncio"), fws_server(Echo, reactor="asyncio")
    for client in (first.connect(), second.connect()):
        client.send("sleep")
        assert client.received() == ["sleep"]


def test_that_nobody_asks_for_the_failure(fws_server):
    fws_server(Echo).connect().send("fail")
"""


def test_the_plugin_loads_nothing_until_its_fixture_is_used_which_starts_servers_that_end_with_the_test(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_a_plain_one.py").write_text(PLAIN)
    (tmp_path / "test_used.py").write_text(USED)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = ran.stdout
    assert ran.stderr == ""
    assert "4 passed, 1 error" in said, said
    assert "ERROR test_used.py::test_that_nobody_asks_for_the_failure" in said
    assert "ValueError: a fault of the filter" in said


def test_a_program_that_has_imported_the_package_may_run_pytest() -> None:
    # An installed wheel's, not that of an editable install, would be warned of.
    assert AssertionRewriter.is_rewrite_disabled(filtered_websocket.__doc__ or "")
