"""Attacks on sessions of Engine.IO and Socket.IO, by WebSockets and by polling."""

import json
from collections.abc import Sequence

from tests.support.http_client import read_answer
from tests.support.limits.attack import (
    ADDRESSES,
    Act,
    Attack,
    asks,
    code,
    is_cut_off,
    nothing,
    on_each,
    opened,
    request,
    says,
    sent,
    status,
    until,
)  # fmt: skip
from tests.support.limits.common import EVIL
from tests.support.raw_client import RawClient, close_frame

EIO = "/socket.io/?EIO=4&transport="
ENGINE = EIO.replace("socket", "engine")


def begins(client: RawClient, before: str = "", path: str = EIO) -> str:
    """A session that polls; its path."""
    answer = asks(client, "GET", f"{before}{path}polling")
    sid = json.JSONDecoder().raw_decode(answer.body[1:].decode())[0]["sid"]
    return f"{before}{path}polling&sid={sid}"


def polls(*bodies: bytes, last: int, before: str = "", path: str = EIO) -> Act:
    """A session that polls and says this; the status of the last answer."""

    def act(client: RawClient) -> None:
        at, found = begins(client, before, path), 0
        for body in bodies:
            found = asks(client, "POST", at, body).status
        assert found == last

    return act


def hears(client: RawClient, at: str, *words: str) -> str:
    """What a session that polls gets until these words come; with none, until it ends."""
    heard = ""
    while not words or not all(word in heard for word in words):
        answer = asks(client, "GET", at)
        if answer.status != 200:
            assert not words, heard
            break
        heard += answer.body.decode()
    return heard


def polled(*bodies: bytes, heard: str, before: str = "") -> Act:
    """A session that polls, says this, and hears that."""

    def act(client: RawClient) -> None:
        at = begins(client, before)
        for body in (b"40", *bodies):
            assert asks(client, "POST", at, body).status == 200
        hears(client, at, heard)

    return act


_AT: dict[RawClient, str] = {}
"""Where sessions poll that are begun, and go on later."""


def begun(before: str) -> Act:
    def act(client: RawClient) -> None:
        _AT[client] = begins(client, before)

    return act


def hears_to_the_end(client: RawClient) -> None:
    """A session that asks, and answers no ping."""
    hears(client, _AT.pop(client))


def in_socketio(*parts: bytes | str, before: str = "") -> Act:
    return opened("40", *parts, path=f"{before}{EIO}websocket")


def told(*parts: str, heard: str, before: str = "") -> Act:
    """A client of a WebSocket says this, and hears that."""

    def act(client: RawClient) -> None:
        in_socketio(*parts, before=before)(client)
        until(client, heard)

    return act


def misses(*emits: str, before: str) -> Act:
    """A session that comes back, and has missed too much."""

    def act(client: RawClient) -> None:
        client.open(f"{before}{EIO}websocket")
        client.send("40", '42["enter","all"]')
        pid = json.loads(until(client, '"pid"')[2:])["pid"]
        client.send('42["one"]')
        offset = json.loads(until(client, '"heard"')[2:])[-1]
        server, source = client.socket.getpeername(), client.socket.getsockname()[0]
        client.send(close_frame())
        is_cut_off(client)
        with RawClient(server, source=source) as other:
            other.open(f"{before}{EIO}websocket")
            other.send("40", *emits, '421["nothing"]')
            until(other, "431")
        with RawClient(server, source=source) as again:
            again.open(f"{before}{EIO}websocket")
            again.send("40" + json.dumps({"pid": pid, "offset": offset}))
            assert json.loads(until(again, '"sid"', "40{")[2:])["pid"] != pid

    return act


def never_polls(clients: Sequence[RawClient]) -> None:
    """Sessions that are sent more than may wait for all, and ask for nothing of it."""
    paths = [begins(client, "/small") for client in clients]
    for client, at in zip(clients, paths, strict=True):
        assert asks(client, "POST", at, b"40").status == 200
        hears(client, at, "40")
    # What one says is echoed to itself: it waits for its GET.
    for client, at in zip(clients, paths, strict=True):
        for _ in range(3):
            client.send(request("POST", at, b'42["large"]'))
            read_answer(client)


SIX_NAMESPACES = [f"40/{number}," for number in range(4)]
JOINS = [f'42["enter","{number}"]' for number in range(5)]

ATTACKS = (
    Attack("socketio_max_payload", "polling", "413", "refused: http", on_each(polls(b"4" * 3000, last=413))),
    Attack("socketio_max_packets", "polling", "400", "closed: socketio_max_packets",
           on_each(polls(b"\x1e".join([b"6"] * 6), last=400))),
    Attack("socketio_max_attachments", "WebSocket", "the end", "closed: socketio",
           sent(in_socketio('453-["a"]'), code(None))),
    Attack("socketio_max_attachments", "polling", "400", "closed: socketio",
           on_each(polls(b"40", b'453-["a"]', b"6", last=400))),
    Attack("socketio_max_namespaces", "WebSocket", "an error of that namespace", "refused: socketio_max_namespaces",
           on_each(told(*SIX_NAMESPACES, heard="44/2,"))),
    Attack("socketio_max_namespaces", "polling", "an error of that namespace", "refused: socketio_max_namespaces",
           on_each(polled(b"\x1e".join(map(str.encode, SIX_NAMESPACES)), heard="44/2,"))),
    Attack("socketio_max_rooms", "WebSocket", "NotAllowed in the filter", "refused: socketio_max_rooms",
           on_each(told(*JOINS, '42["rooms"]', heard='["are",3]'))),
    Attack("socketio_max_rooms", "polling", "NotAllowed in the filter", "refused: socketio_max_rooms",
           on_each(polled(b"\x1e".join(map(str.encode, JOINS)), b'42["rooms"]', heard='["are",3]'))),
    Attack("socketio_max_acknowledgements", "WebSocket", "NotAllowed in the filter",
           "refused: socketio_max_acknowledgements", on_each(told('42["call",5]', heard='["owes",3]'))),
    Attack("socketio_max_acknowledgements", "polling", "NotAllowed in the filter",
           "refused: socketio_max_acknowledgements", on_each(polled(b'42["call",5]', heard='["owes",3]'))),
    Attack("socketio_connect_timeout", "WebSocket", "the end", "closed: socketio",
           sent(opened(path=f"/late{EIO}websocket"), is_cut_off), of=(ADDRESSES,)),
    Attack("socketio_connect_timeout", "polling", "the end", "closed: socketio",
           sent(says(request("GET", f"/late{EIO}polling")), nothing), of=(ADDRESSES,)),
    Attack("socketio_ping_timeout", "WebSocket", "the end", "closed: socketio: ping timeout",
           sent(in_socketio(before="/silent"), is_cut_off), of=(ADDRESSES,)),
    Attack("socketio_ping_timeout", "polling", "the end", "closed: socketio: ping timeout",
           sent(begun("/silent"), hears_to_the_end), of=(ADDRESSES,)),
    Attack("socketio_polling_buffer", "polling", "the end", "closed: slow client", never_polls),
    Attack("socketio_recovery_events", "WebSocket", "a new session", "not recovered: socketio",
           on_each(misses(*['42["tell",1]'] * 6, before="/back"))),
    Attack("socketio_recovery_bytes", "WebSocket", "a new session", "not recovered: socketio",
           on_each(misses(*['42["tell",3000]'] * 3, before="/back"))),
    Attack("engineio_max_payload", "polling", "413", "refused: http",
           on_each(polls(b"4" * 3000, last=413, path=ENGINE))),
    Attack("engineio_max_packets", "polling", "400", "closed: engineio_max_packets",
           on_each(polls(b"\x1e".join([b"6"] * 6), last=400, path=ENGINE))),
    Attack("engineio_ping_timeout", "WebSocket", "the end", "closed: engineio: ping timeout",
           sent(opened(path=f"{ENGINE}websocket"), is_cut_off), of=(ADDRESSES,)),
    Attack("message_rate", "polling", "400", "closed: message_rate",
           on_each(polls(b"40", b"\x1e".join([b"42[0]"] * 60), b"6", last=400, before="/messages"))),
    Attack("byte_rate", "polling", "400", "closed: byte_rate",
           on_each(polls(b"40", b"42" + b" " * 9000, b"6", last=400, before="/bytes"))),
    Attack("allowed_origins", "polling", "400", "refused: origin", sent(
        lambda client: client.send(request("GET", f"{EIO}polling", headers=[("Origin", EVIL)])), status(400))),
)  # fmt: skip
