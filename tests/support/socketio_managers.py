"""Programs that emit by the managers of python-socketio, of each generation of their messages."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.support.lines import TESTS
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
    done = subprocess.run(
        [sys.executable, str(TESTS / "python" / "socketio_emit.py"), kind, f"redis://127.0.0.1:{redis.port}/0"],
        env=os.environ | python_path(*packages),
        input="".join(json.dumps(each) + "\n" for each in calls),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == ["done"] * len(calls), done.stderr
