"""The choice of a reactor."""

import os
import subprocess
import sys

import pytest

from tests.support.fws_server import STARTING


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("auto", "LeanEPollReactor"),
        ("select", "SelectReactor"),
        ("asyncio", "AsyncioSelectorReactor"),
    ],
)
def test_each_reactor_can_be_installed(name: str, kind: str) -> None:
    code = f"from filtered_websocket.transport.installing import install_reactor; install_reactor({name!r}); "
    code += "from twisted.internet import reactor; print(type(reactor).__name__)"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=STARTING,
        check=False,
        env=os.environ,
    )
    assert run.stdout.strip() == kind, run.stderr
