"""Filters that several tests of the core use: rooms to join and publish to, a consumer that does what it is told."""

from contextlib import contextmanager
from typing import ClassVar

from filtered_websocket.filters.base import WebSocketConsumerFilter, WebSocketMessageFilter
from filtered_websocket.messages.publication import Publication
from filtered_websocket.testing.server import Server


class Rooms(WebSocketMessageFilter):
    """``+room`` joins, ``-room`` leaves, ``room,room text`` publishes."""

    @classmethod
    def filter(cls, web_socket_instance, data):
        text = data.decode()
        if text[0] == "+":
            return web_socket_instance.subscribe(text[1:])
        if text[0] == "-":
            return web_socket_instance.unsubscribe(text[1:])
        rooms, _, text = text.partition(" ")
        web_socket_instance.publish(rooms.split(","), text)
        return None


class Consumes(WebSocketConsumerFilter):
    """Does what the test says, in `does`; None: nothing."""

    does = None
    items: ClassVar[list] = []

    @classmethod
    def filter(cls, web_socket_instance, data):
        cls.items.append(data.payload.decode() if isinstance(data, Publication) else data)
        return cls.does(web_socket_instance, data) if cls.does else None


def members(server, *rooms):
    """A client that is in these rooms."""
    client = server.connect()
    for room in rooms:
        client.send(f"+{room}")
    return client


@contextmanager
def consuming(**options):
    """A server whose publications run through `Consumes`, and a client that is in the room ``x``."""
    with Server(Rooms, Consumes, **options) as server:
        yield server, members(server, "x")


def publish(server, *payloads):
    """Publish these to the room ``x``, one after another."""
    for payload in payloads:
        server.pipeline().publish("x", payload)


def counted(server):
    return {f"{what}: {reason}": times for (what, reason), times in server.server.counters.totals.items()}
