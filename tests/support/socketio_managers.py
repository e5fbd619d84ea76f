"""Programs that emit by the managers of python-socketio, of each generation of their messages."""

import sys
from typing import Any

from tests.support.lines import TESTS, Lines
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import python_path

GENERATIONS = {
    "5.13, a pickle": ("socketio-5.13.0", "socketio"),
    "5.14, JSON": ("socketio-5.14.0", "socketio"),
    "5.15, JSON with binary": ("socketio-5.15.0", "socketio"),
    "newest": ("socketio",),
}


def call(packages: tuple[str, ...], redis: RedisServer, kind: str, *calls: Any) -> None:
    """Have a program of these packages make calls of its manager."""
    script, url = str(TESTS / "python" / "socketio_emit.py"), f"redis://127.0.0.1:{redis.port}/0"
    with Lines(sys.executable, script, kind, url, **python_path(*packages)) as program:
        for each in calls:
            program.do(*each)
