"""The proxies of docs/deployment.md, with its lines, in front of a server of its configuration for production."""

import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.exceptions import InvalidStatus

from tests.support import certificates
from tests.support.debian_programs import debian_program
from tests.support.fws_server import STARTING, FwsServer
from tests.support.http_client import ask, ask_on
from tests.support.ports import free_port
from tests.support.raw_client import DEADLINE, wait_until
from tests.support.snippets import blocks
from tests.support.websocket_client import connect

PAGE = "docs/deployment.md"
(CONFIG,) = blocks(PAGE, "json")
PEER = """
from filtered_websocket.filters.base import WebSocketConnectFilter

class Peer(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection, data):
        connection.sendMessage(connection.request.peer)
"""
HERE = ("127.0.0.1", "::1")
PRIVATE = ("metrics", "dashboard", "connections", "channels", "trace?user=a", "openapi.json", "publish", "health/ready")


class Site(NamedTuple):
    """A proxy that runs."""

    port: int
    root: ssl.SSLContext


class Ports(NamedTuple):
    """Of the server."""

    public: int
    admin: int


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "peer.py").write_text(PEER)
    ports = Ports(free_port(), free_port())
    configuration = json.loads(CONFIG)
    assert (configuration["port"], configuration["admin_port"]) == (9000, 9601)
    more = {"port": ports.public, "admin_port": ports.admin, "drain_delay": 0, "drain_seconds": 0}
    configuration |= more | {"filters": ["peer", *configuration["filters"]]}
    (folder / "config.json").write_text(json.dumps(configuration))
    with FwsServer("-c", "config.json", "-p", str(ports.public), cwd=folder):
        yield ports


def nginx(lines: str, folder: Path, files: certificates.Files, port: int) -> list[str]:
    lines = lines.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    lines = lines.replace("/etc/letsencrypt/live/chat.example.com/fullchain.pem", files.cert)
    lines = lines.replace("/etc/letsencrypt/live/chat.example.com/privkey.pem", files.key)
    kept = "".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(f"pid {folder}/pid; daemon off; events {{}}\nhttp {{ access_log off; {kept}\n{lines}}}\n")
    return [debian_program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]


def haproxy(lines: str, folder: Path, files: certificates.Files, port: int) -> list[str]:
    both = folder / "both.pem"
    both.write_text(Path(files.cert).read_text() + Path(files.key).read_text())
    lines = lines.replace(
        "bind :443 ssl crt /etc/haproxy/certs/chat.example.com.pem", f"bind 127.0.0.1:{port} ssl crt {both}"
    )
    (folder / "haproxy.cfg").write_text(lines)
    return [debian_program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def caddy(lines: str, folder: Path, files: certificates.Files, port: int) -> list[str]:
    lines = lines.replace("chat.example.com {", f"https://localhost:{port} {{\n\ttls {files.cert} {files.key}")
    once = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {folder}\n}}\n"
    (folder / "Caddyfile").write_text(once + lines)
    return [debian_program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


PROXIES: dict[str, tuple[str, Callable[[str, Path, certificates.Files, int], list[str]]]] = {
    "nginx": ("nginx", nginx),
    "haproxy": ("haproxy", haproxy),
    "caddy": ("caddyfile", caddy),
}


@contextmanager
def running(name: str, folder: Path, server: Ports) -> Iterator[Site]:
    files, port = certificates.write(folder), free_port()
    kind, arranged = PROXIES[name]
    (lines,) = blocks(PAGE, kind)
    assert "127.0.0.1:9000" in lines
    lines = lines.replace("9000", str(server.public)).replace("9601", str(server.admin))
    with open(folder / "said", "wb") as said:
        program = subprocess.Popen(
            arranged(lines, folder, files, port), stdout=said, stderr=said, env={"HOME": str(folder)}, cwd=folder
        )
    context = ssl.create_default_context(cafile=files.root)
    try:
        wait_until(lambda: program.poll() is not None or listens(port), STARTING)
        yield Site(port, context)
        assert program.poll() is None
    except BaseException:
        print((folder / "said").read_text())
        raise
    finally:
        program.terminate()
        program.wait(DEADLINE)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("name", PROXIES)
def test_clients_come_through_with_their_addresses_and_what_is_private_does_not(
    name: str, server: Ports, tmp_path: Path
) -> None:
    with running(name, tmp_path, server) as proxy:
        url = f"wss://localhost:{proxy.port}/"
        # What a client says of its address is not what counts.
        lies = {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7", "X-Real-IP": "192.0.2.7"}
        with (
            connect(url, ssl=proxy.root, origin="https://example.com", additional_headers=lies, proxy=None) as client,
            connect(url, ssl=proxy.root, proxy=None) as other,
        ):
            assert client.recv(DEADLINE) in HERE
            assert other.recv(DEADLINE) in HERE
            client.send("x" * 60_000)
            assert other.recv(DEADLINE) == "x" * 60_000
        with pytest.raises(InvalidStatus) as refused:
            connect(url, ssl=proxy.root, origin="https://elsewhere.example", proxy=None)
        assert refused.value.response.status_code == 403
        plain = http.client.HTTPSConnection("localhost", proxy.port, timeout=DEADLINE, context=proxy.root)
        for path in PRIVATE:
            assert ask_on(plain, "GET", f"/{path}").status == 404, path
        assert ask_on(plain, "GET", "/").status == 426
        plain.close()
    assert ask(("127.0.0.1", server.admin), "GET", "/health/ready").status == 200
