"""Nodes on one Redis, as the tests of Redis storage use them."""

from filtered_websocket.storage_objects.base import Keep
from tests.support.backends import message
from tests.support.reactor_thread import call

MODULE = "filtered_websocket.storage_objects.redis"
FAST = {"lease_seconds": 0.6, "redis_heartbeat": 0.1}
KEEP = Keep(1000, 60)


def send(node, channel, payload, keep=None):
    return node.send(message(channel, payload), keep)


def wait_away(node):
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [False])


def wait_back(node, since=0):
    node.recorder.wait_for(lambda: node.recorder.readiness[since:][-1:] == [True])
    call(node.storage.wait_ready)


def atomically(server, *commands):
    """In one MULTI, so that nothing comes between."""
    words = [("MULTI",), *commands, ("EXEC",)]
    request = b""
    for command in words:
        raw = [word if isinstance(word, bytes) else word.encode() for word in command]
        request += b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in raw)
    return server.send_raw(request)
