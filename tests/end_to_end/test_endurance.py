"""A thousand endings of every kind leave users, hub and memory where they were, and disturb nobody."""

import itertools
import json
from typing import Any

from tests.support.fws_server import FwsServer, Start
from tests.support.ledger.real_server import RealServer
from tests.support.raw_client import RawClient, frame, head, wait_until

FILTERS = """
    import gc, json
    from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter

    class Join(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.subscribe("all")
            connection.subscribe("own " + connection.id)

    class Tell(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            if data != b"sizes":
                connection.publish("all", data)
                return
            gc.collect()
            server, hub = connection.pipeline.server, connection.pipeline.hub
            connection.sendMessage(json.dumps({
                "users": len(connection.users),
                "channels": len(hub.channels),
                "subscribers": sum(len(each.subscribers) for each in hub.channels.values()),
                "dirty": len(hub.dirty),
                "connections": len(server.connections),
                "counted": server.countConnections,
                "blocked": len(server.blocked),
                "ending": len(server._ending),
                "slots": sum(map(len, server.heartbeat._slots)),
                # One that has ended may still be in a local variable of the reactor's loop.
                "protocols": sum(type(each).__name__ == "Connection" for each in gc.get_objects()) // 5 * 5,
            }))
"""


def closes(client: RawClient) -> None:
    client.open().quit()


def resets(client: RawClient) -> None:
    client.open().reset()


def half_open(client: RawClient) -> None:
    client.open().socket.shutdown(1)
    client.body()


def half_a_handshake(client: RawClient) -> None:
    client.send(head()[:40])
    client.reset()


def garbage(client: RawClient) -> None:
    client.send(b"\x16\x03\x01\x02\x00garbage\r\n\r\n")
    client.body()


def oversized(client: RawClient) -> None:
    client.open().send(frame(b"x" * 20_000))
    client.closed()


def unmasked(client: RawClient) -> None:
    client.open().send(frame("x", mask=None))
    client.closed()


def half_a_frame(client: RawClient) -> None:
    client.open().send(frame("x" * 5000)[:3000])
    client.reset()


def while_it_is_sent_to(client: RawClient) -> None:
    client.open().send("a message for all")
    client.reset()


KINDS = [closes, resets, half_open, half_a_handshake, garbage, oversized, unmasked, half_a_frame, while_it_is_sent_to]


def sizes(bystander: RawClient) -> Any:
    bystander.send("sizes")
    while not (text := bystander.text()).startswith("{"):
        assert text == "a message for all"
    return json.loads(text)


def end_some(server: FwsServer, count: int) -> None:
    for kind in itertools.islice(itertools.cycle(KINDS), count):
        with server.client() as client:
            kind(client)


def test_a_thousand_endings_of_every_kind_leave_nothing_behind(fws_server: Start) -> None:
    server = fws_server("-f", "my_filters", "--max_message_size", "10000", "--ping_interval", "0", module=FILTERS)
    bystanders = [server.open() for _ in range(10)]
    expected = sizes(bystanders[0])
    assert expected["users"] == 10
    end_some(server, 100)
    wait_until(lambda: sizes(bystanders[0]) == expected)
    before, book = server.resident(), RealServer(server.process.pid, server.port)
    end_some(server, 1000)
    wait_until(lambda: sizes(bystanders[0]) == expected)
    assert server.resident() - before < 2_000_000
    # Each bystander was told all that was published, in order, and nothing else.
    published = (1100 + len(KINDS) - 1) // len(KINDS) if KINDS[-1] is while_it_is_sent_to else 0
    bystanders[1].send("the end")
    for bystander in bystanders[1:]:
        told = list(iter(bystander.text, "the end"))
        assert set(told) == {"a message for all"}
        assert published - 1 <= len(told) <= published
    for bystander in bystanders:
        bystander.quit()
    assert book.left() == []
    server.signal()
    assert server.wait() == 0
    assert "Traceback" not in server.log
