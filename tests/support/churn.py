"""100,000 clients come and go: what the server keeps of them. Run by hand:

    python -m tests.support.churn [number of clients]

They open, exchange a message and end: half by the closing handshake, half by a reset. docs/conformance.md has a result.
"""

import os
import socket
import struct
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from textwrap import dedent

from tests.support.attacks import HEAD
from tests.support.fws_server import STARTING, FwsServer
from tests.support.raw_client import close_frame, frame

FILTERS = """
    from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter

    class Join(WebSocketConnectFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.subscribe("all")
            connection.subscribe("own " + connection.id)

    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage(data)
"""
WARM_UP = 5000
PROCESSES = 2


def come_and_go(port: int, count: int, source: str) -> None:
    for number in range(count):
        client = socket.socket()
        # Of many addresses: each has its own ports, and those stay taken for a minute.
        client.bind((f"{source}.{number % 200 + 1}", 0))
        client.settimeout(30)
        client.connect(("127.0.0.1", port))
        client.sendall(HEAD + frame("hello"))
        got = b""
        while b"\x81\x05hello" not in got:  # a ping may be behind it
            got += client.recv(4096)
        if number % 2:
            client.sendall(close_frame())
            while client.recv(4096):
                pass
        else:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


def round_of(server: FwsServer, count: int) -> None:
    with ProcessPoolExecutor(PROCESSES) as pool:
        each = [pool.submit(come_and_go, server.port, count // PROCESSES, f"127.0.{n}") for n in range(PROCESSES)]
        for one in each:
            one.result(STARTING)


def state(server: FwsServer) -> tuple[int, int]:
    """Resident bytes, and descriptors."""
    return server.resident(), len(os.listdir(f"/proc/{server.process.pid}/fd"))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "my_filters.py").write_text(dedent(FILTERS))
        with FwsServer("-f", "my_filters", cwd=Path(folder)) as server:
            round_of(server, WARM_UP)
            time.sleep(2)
            before, descriptors = state(server)
            begin = time.monotonic()
            for done in range(1, 11):
                round_of(server, count // 10)
                resident, _ = state(server)
                print(
                    f"{done * count // 10:>7} clients, {resident / 1e6:.2f} MB ({resident / before - 1:+.2%})",
                    flush=True,
                )
            seconds = time.monotonic() - begin
            time.sleep(2)
            after, left = state(server)
            print(f"{count} clients in {seconds:.0f} s: {before / 1e6:.2f} -> {after / 1e6:.2f} MB, ", end="")
            print(f"{after / before - 1:+.2%}; {descriptors} -> {left} descriptors")


if __name__ == "__main__":
    main()
