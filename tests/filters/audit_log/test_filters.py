"""The filter in a chain: what it writes of connections, messages and publications."""

import json

import pytest

from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing import Server
from tests.support.raw_client import wait_until

AUDIT = "filtered_websocket.filters.audit_log"
BROADCAST = "filtered_websocket.filters.broadcast_messages"


class Named(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.user = "ann"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def lines(path):
    return [json.loads(each) for each in path.read_text().splitlines()]


def test_what_has_passed(path):
    with Server(Named, AUDIT, BROADCAST, audit_file=str(path)) as server:
        client = server.connect("/chat?token=abc")
        client.send("hé")
        client.send(b"\xff\xfe")
        name, peer = client.connection.id, client.connection.request.peer
        client.close(4000, "bye")
    connect, text, binary, disconnect = lines(path)
    whose = {"pipeline": "*", "connection": name, "user": "ann", "peer": peer, "path": "/chat"}
    for each in (connect, text, binary, disconnect):
        assert each.pop("time").endswith("Z")
        assert {field: each.pop(field) for field in whose} == whose
    assert connect == {"event": "connect"}
    assert text == {"event": "message", "kind": "text", "size": 3}
    assert binary == {"event": "message", "kind": "binary", "size": 2}
    assert disconnect == {"event": "disconnect", "code": 4000, "reason": "bye"}


def test_events_and_fields_are_chosen(path):
    options = {"audit_events": "publication message", "audit_fields": "event channel text", "audit_text": 3}
    with Server(AUDIT, BROADCAST, audit_file=str(path), **options) as server:
        a = server.connect()
        server.connect()
        a.send("ééééé")
    assert lines(path) == [
        {"event": "message", "text": "ééé"},
        {"event": "publication", "channel": "broadcast_messages", "text": "ééé"},
    ]


def test_messages_are_sampled_and_connections_are_not(path):
    with Server(AUDIT, audit_file=str(path), audit_sample=0) as server:
        client = server.connect()
        client.send("a")
        client.close()
    assert [each["event"] for each in lines(path)] == ["connect", "disconnect"]


def test_two_uses_write_what_passes_where_they_stand(path):
    second = path.with_name("second")
    uses = [{"filter": AUDIT, "audit_file": str(each), "audit_events": "message"} for each in (path, second)]
    with Server(uses[0], {"filter": "filtered_websocket.filters.only_text"}, uses[1]) as server:
        client = server.connect()
        client.send("a")
        client.send(b"b")
    assert ([each["kind"] for each in lines(path)], len(lines(second))) == (["text", "binary"], 1)


def test_lines_that_cannot_be_written_are_counted(path):
    folder = path.with_name("folder")
    folder.mkdir()
    with Server(AUDIT, audit_file=str(folder / "audit")) as server:
        folder.rmdir()
        client = server.connect()

        def counted():
            server.settle()
            return server.server.counters.totals["dropped", "audit_log: a line cannot be written"]

        assert wait_until(counted) == 1
        assert client.is_open
