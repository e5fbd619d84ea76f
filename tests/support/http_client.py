"""HTTP as tests speak it: by the standard library's client, or byte by byte."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.support.raw_client import DEADLINE, RawClient


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def connection(address: Any, tls: bool = False) -> http.client.HTTPConnection:
    host, port = address
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=DEADLINE)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=DEADLINE, context=context)


def ask_on(
    connected: http.client.HTTPConnection, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}
) -> Answer:
    """One request on a connection that may be used again."""
    sent = json.dumps(body) if isinstance(body, (dict, list)) else body
    connected.request(method, path, sent, dict(headers))
    response = connected.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def ask(address: Any, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Answer:
    """One request on a connection of its own."""
    connected = connection(address)
    try:
        return ask_on(connected, method, path, body, headers)
    finally:
        connected.close()


def read_answer(client: RawClient) -> Answer:
    """The next response on a raw connection; it must say how long it is."""
    while b"\r\n\r\n" not in client._data:
        assert client._more(), f"ended within a head: {client._data!r}"
    head, _, client._data = client._data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = int(headers.get("content-length", "0"))
    while len(client._data) < size:
        assert client._more(), "ended within a body"
    body, client._data = client._data[:size], client._data[size:]
    return Answer(int(first.split()[1]), headers, body)


def ended(client: RawClient) -> bool:
    """Wait for the end of the connection; nothing may come before it."""
    try:
        return client.socket.recv(65536) == b"" and not client._data
    except ConnectionResetError:
        return True
