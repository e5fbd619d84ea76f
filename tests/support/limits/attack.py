"""What an attack is, and what attackers do: each act fails if its client does not see what it has to."""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.support.http_client import Answer, read_answer
from tests.support.raw_client import CLOSE, TEXT, RawClient, close_of, frame, head

MANY = 20
ONE, ADDRESS, ADDRESSES = "one connection", "one address", "many addresses"
SOURCES = {
    ONE: ["127.0.0.2"],
    ADDRESS: ["127.0.0.2"] * MANY,
    ADDRESSES: [f"127.0.1.{number}" for number in range(1, MANY + 1)],
}
Act = Callable[[RawClient], object]


class Attack(NamedTuple):
    """
    :ivar over: which transport
    :ivar sees: what the attacker gets
    :ivar counted: kind and reason
    :ivar act: what attackers do on their connections; what they do not see fails
    :ivar of: where they come from that can exceed it
    :ivar once: counted once for all of them, or more often
    """

    limit: str
    over: str
    sees: str
    counted: str
    act: Callable[[Sequence[RawClient]], object]
    server: str = "sizes"
    of: tuple[str, ...] = (ONE, ADDRESS, ADDRESSES)
    once: bool = False


def on_each(act: Act) -> Callable[[Sequence[RawClient]], None]:
    def each(clients: Sequence[RawClient]) -> None:
        for client in clients:
            act(client)

    return each


def sent(begin: Act, then: Act) -> Callable[[Sequence[RawClient]], None]:
    """All begin, and then each is waited for."""

    def act(clients: Sequence[RawClient]) -> None:
        for client in clients:
            begin(client)
        for client in clients:
            then(client)

    return act


def over_connections(speak: Act, wanted: int) -> Callable[[Sequence[RawClient]], None]:
    """Those that are too many are told so."""

    def act(clients: Sequence[RawClient]) -> None:
        told = []
        for client in clients:
            try:
                speak(client)
                told.append(client.response().status)
            except (OSError, AssertionError):
                told.append(0)  # closed unanswered, as those are that are not told
        assert wanted in told or 0 in told, told

    return act


def code(wanted: int | None) -> Act:
    """It is closed, with this code, and answers."""

    def closed(client: RawClient) -> None:
        while (got := client.receive()) is not None and got.opcode != CLOSE:
            pass
        assert got is not None
        assert wanted in (None, close_of(got)[0]), got
        try:
            client.send(frame(got.payload, CLOSE))
        except (BrokenPipeError, ConnectionResetError):
            pass  # nobody waits for it
        is_cut_off(client)

    return closed


def status(wanted: int) -> Act:
    def answered(client: RawClient) -> None:
        assert client.response().status == wanted

    return answered


def opened(*parts: bytes | str, path: str = "/", headers: Sequence[tuple[str, str]] = ()) -> Act:
    def send(client: RawClient) -> None:
        client.open(path, headers)
        try:
            client.send(*parts)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was told already

    return send


def says(*parts: bytes) -> Act:
    return lambda client: client.send(*parts)


def hears(*words: str) -> Act:
    """A message with these words comes, whatever comes before."""

    def heard(client: RawClient) -> None:
        until(client, *words)

    return heard


def until(client: RawClient, *words: str) -> str:
    while (got := client.receive()) is not None:
        if got.opcode == TEXT and all(word in got.payload.decode() for word in words):
            return got.payload.decode()
        assert got.opcode != CLOSE, got
    raise AssertionError(f"ended without {words}")


def is_cut_off(client: RawClient) -> None:
    while client._more():
        client._data = b""


def nothing(client: RawClient) -> None:
    """It reads nothing."""


def request(method: str, path: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: h", *(f"{name}: {value}" for name, value in headers)]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def asks(client: RawClient, method: str, path: str, body: Any = b"", headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """A request on a connection that goes on, and its answer."""
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), [("Content-Type", "application/json"), *headers]
    client.send(request(method, path, body, headers))
    return read_answer(client)


def upgrade(path: str, origin: str) -> bytes:
    return head(path, [("Origin", origin)])


def bomb() -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return frame(deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4], 2, rsv=4)
