"""A process that has no descriptor left refuses, counts, says so once, and goes on."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from filtered_websocket.transport.installing import REACTORS
from tests.support import certificates
from tests.support.fws_server import FwsServer, Start
from tests.support.raw_client import DEADLINE, RawClient, wait_until

LIMIT = 96

# Given to the child before it begins: the hard limit too, since the server takes all it may have.
LIMITED = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))\n"

ECHO = """
    import resource

    from filtered_websocket.filters.base import *

    taken = []

    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            if data == b"take all":
                # A filter that holds files: what the server keeps back for itself is gone as well.
                try:
                    while True:
                        taken.append(open("/dev/null"))
                except OSError:
                    pass
            elif data == b"give back":
                for each in taken:
                    each.close()
            connection.sendMessage(bytes(data).decode())
"""


def begin(fws_server: Start, folder: Path, *arguments: str, limited: str = LIMITED) -> FwsServer:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(limited)
    path = {"PYTHONPATH": str(folder / "site")}
    return fws_server("-f", "my_filters", *arguments, module=ECHO, environment=path)


@contextmanager
def crowd(server: FwsServer, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that say nothing."""
    address = ("127.0.0.1", server.port)
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(address, DEADLINE)) for _ in range(count)]


def _ended(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def refused(text: str) -> int:
    found = [line for line in text.splitlines() if line.startswith('fws_refused_total{reason="out of descriptors"}')]
    return int(float(found[0].rpartition(" ")[2])) if found else 0


def metrics(port: int) -> str:
    with RawClient(("127.0.0.1", port)) as client:
        client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.body().decode()


@pytest.mark.parametrize("reactor", REACTORS)
def test_clients_beyond_the_descriptors_are_refused_counted_and_summed(
    fws_server: Start, tmp_path: Path, reactor: str
) -> None:
    options = ("--reactor", reactor, "--admin_port", "0", "--admin_host", "127.0.0.1")
    server = begin(fws_server, tmp_path, *options)
    admin = int(server.wait_for(r"publish on http://127.0.0.1:(\d+)").group(1))
    assert "descriptors: " in server.log
    first = server.open()
    with crowd(server, 3 * LIMIT) as clients:
        wait_until(lambda: sum(not _ended(each) for each in clients) < LIMIT)
        # The operator's port answers from what clients leave.
        wait_until(lambda: refused(metrics(admin)) == sum(map(_ended, clients)) > 2 * LIMIT)
        first.send("still served")
        assert first.text() == "still served"
    server.wait_for("out of descriptors")
    assert server.log.count("out of descriptors") == 1
    assert "Traceback" not in server.log
    # A client that comes when there are some again is served.
    wait_until(lambda: _opens(server))


@pytest.mark.parametrize("reactor", ["lean", "asyncio"])
@pytest.mark.parametrize("kind", ["plain", "tls", "unix"])
def test_a_process_with_no_descriptor_at_all_closes_what_comes_and_goes_on(
    fws_server: Start, tmp_path: Path, kind: str, reactor: str
) -> None:
    files = certificates.write(tmp_path)
    more = {"plain": (), "tls": ("-key", files.key, "-cert", files.cert), "unix": ("--host", f"unix:{tmp_path}/s")}
    server = begin(fws_server, tmp_path, "--reactor", reactor, *more[kind])
    address = f"{tmp_path}/s" if kind == "unix" else ("127.0.0.1", server.port)
    with RawClient(address, kind == "tls") as first:
        first.open()
        first.send("take all")
        assert first.text() == "take all"
        for _ in range(20):
            family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
            with socket.socket(family) as late:
                late.settimeout(DEADLINE)
                late.connect(address)
                assert late.recv(1) == b""
        first.send("give back")
        assert first.text() == "give back"
        server.wait_for("refused: out of descriptors")
        assert server.log.count("out of descriptors") == 1
        with RawClient(address, kind == "tls") as later:
            later.open().send("served again")
            assert later.text() == "served again"


def _opens(server: FwsServer) -> bool:
    try:
        with server.client() as client:
            client.open().quit()
    except (AssertionError, OSError):
        return False
    return True


def test_the_limit_of_select_is_said_and_kept(fws_server: Start, tmp_path: Path) -> None:
    hard = int(subprocess.check_output(["sh", "-c", "ulimit -Hn"], timeout=DEADLINE).decode())
    if hard < 2000:
        pytest.skip(f"a process may have {hard} descriptors here")
    server = begin(fws_server, tmp_path, "--reactor", "select", limited="")
    assert "--reactor select looks at those up to 1,023" in server.log
    first = server.open()
    with crowd(server, 1100):
        first.send("still served")
        assert first.text() == "still served"
        server.wait_for("refused: out of descriptors")
    assert "Malformed file descriptor" not in server.log
    wait_until(lambda: _opens(server))
