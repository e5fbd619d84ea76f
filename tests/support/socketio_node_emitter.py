"""The program of Node's `@socket.io/redis-emitter`."""

import json
import subprocess
from typing import Any

from tests.support.lines import TESTS
from tests.support.redis_server import RedisServer


def emit_by_node(redis: RedisServer, *calls: Any) -> None:
    """Have Node's emitter make calls, each behind the other: [[method, *arguments], ...]."""
    folder = TESTS / "node"
    assert (folder / "node_modules" / "@socket.io" / "redis-emitter").is_dir(), "not installed: make test-tools"
    done = subprocess.run(
        ["node", str(folder / "redis_emitter.js"), str(redis.port)],
        input="".join(json.dumps(each) + "\n" for each in calls),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == ["done"] * len(calls), done.stderr
