from collections.abc import Callable, Iterator
from socket import socket
from typing import Any

def read(data: bytes, at: int, limit: int, /) -> tuple[bytearray, bool, int] | None: ...
def make(payload: bytes | bytearray, binary: bool, /) -> bytes: ...
def receive(
    events: Iterator[tuple[int, int]],
    streams: dict[int, Any],
    kind: type[Any],
    size: int,
    reads: list[tuple[Any, bytes | None]],
    /,
) -> tuple[int, int] | None: ...
def sender(socket: socket, /) -> Callable[[bytes], int]: ...
