"""What filters tell `logging` stands in the server's log, with what it is about."""

import json
import os
import pty
import subprocess
import sys
from textwrap import dedent

import pytest

SCRIPT = """
    import logging, sys
    from types import SimpleNamespace
    from twisted.internet.defer import Deferred
    from filtered_websocket.chain.outcomes import report
    from filtered_websocket.filters.base import FilterBase, FilterMeta
    from filtered_websocket.monitoring import logs
    logs.begin(sys.argv[1], "info", worker=sys.argv[2])

    class Chain(FilterBase, metaclass=FilterMeta):
        pass

    class Tell(Chain):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            logging.getLogger("chat").warning("it is %d degrees", 20)
            await later
            logging.getLogger("chat").debug("nobody wants to know")
            try:
                1 / 0
            except ZeroDivisionError:
                logging.getLogger("chat").exception("divided")
            raise ValueError("a fault")

    later = Deferred()
    pipeline = SimpleNamespace(name="/chat")
    done = Chain.run(SimpleNamespace(id="c1", user="ann\\x1b[2J", pipeline=pipeline))
    later.callback(None)
    done.addErrback(lambda failure: report(SimpleNamespace(count=lambda *_: None), failure.value))
    logging.getLogger("chat").info("outside")
"""


def ran(form, worker="", **settings):
    command = [sys.executable, "-W", "error", "-c", dedent(SCRIPT), form, worker]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | settings
    if form == "terminal":
        controller, terminal = pty.openpty()
        command[-2] = "human"
        assert subprocess.run(command, stderr=terminal, env=environment, timeout=60).returncode == 0
        os.close(terminal)
        said = os.read(controller, 65536).decode()
        os.close(controller)
        return said
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (ended.returncode, ended.stdout) == (0, "")
    return ended.stderr


def test_people_see_whose_filter_has_said_it():
    lines = ran("human", "2").splitlines()
    about = r"[connection c1, user ann\x1b[2J, pipeline /chat, worker 2]"
    assert [line[20:] for line in lines if not line.startswith("    ")] == [
        f"warn  it is 20 degrees {about}",
        f"error divided {about}",
        f"error Traceback (most recent call last): {about}",
        "info  outside",
    ]
    assert "    ZeroDivisionError: division by zero" in lines
    assert "    ValueError: a fault" in lines


def test_machines_get_it_as_fields():
    warned, divided, failed, outside = map(json.loads, ran("json", "2").splitlines())
    assert (warned["level"], warned["namespace"], warned["message"]) == ("warn", "chat", "it is 20 degrees")
    for line in (warned, divided, failed):
        whose = [line[name] for name in ("connection", "user", "pipeline", "worker")]
        assert whose == ["c1", "ann\x1b[2J", "/chat", "2"]
    assert divided["traceback"].endswith("ZeroDivisionError: division by zero")
    assert "connection" not in outside


@pytest.mark.parametrize(("settings", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_levels_have_colours_in_a_terminal_that_wants_them(settings, coloured):
    said = ran("terminal", **settings)
    assert ("\x1b[33mwarn \x1b[0m it is" in said) == coloured
    assert ("\x1b[" in said) == coloured
    assert "it is 20 degrees" in said
