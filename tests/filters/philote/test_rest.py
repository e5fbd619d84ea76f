"""/api/info over real sockets: plain HTTP on the WebSocket's port."""

import http.client
import json
import os

import pytest

from tests.support.philote_tokens import SECRET, token
from tests.support.raw_client import DEADLINE

PHILOTE = "filtered_websocket.filters.philote"


@pytest.fixture
def ask(fws_server):
    server = fws_server("-f", PHILOTE, "--philote_secret", SECRET, "--philote_max_connections", "7")

    def ask(method, path, bearer=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        connection.request(method, path, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    ask.server = server
    return ask


def test_info_tells_what_philote_told(ask):
    with ask.server.open("/?auth=" + token({})):
        status, body = ask("GET", "/api/info", token({"api": True}))
    info = json.loads(body)
    assert status == 200
    assert info | {"uptime_in_seconds": 0, "num_cpu": 1, "go_arch": "", "go_os": "", "go_version": ""} == {
        "version": "0.3.1",
        "go_arch": "",
        "go_os": "",
        "go_version": "",
        "num_cpu": 1,
        "uptime_in_seconds": 0,
        "uptime_in_days": 0,
        "tcp_port": "0",
        "pid": ask.server.process.pid,
        "connections": 1,
        "max_connections": 7,
        "read_buffer_size": 1024,
        "write_buffer_size": 1024,
        "check_origin": False,
    }
    assert info["num_cpu"] == os.cpu_count()


def test_a_client_that_may_not_learns_nothing(ask):
    assert ask("GET", "/api/info?auth=" + token({"api": True}))[0] == 200
    for status, path, bearer in (
        (401, "/api/info", None),
        (401, "/api/info", token({"api": True}, "another")),
        (401, "/api/info", token({"api": "yes"})),
        (403, "/api/info", token({"api": False})),
        (403, "/api/anything", token({})),
    ):
        found, body = ask("GET", path, bearer)
        assert (found, b"connections" in body) == (status, False), path


@pytest.mark.parametrize(
    "line", ["POST /api/info", "DELETE /api/info", "OPTIONS /api/info", "GET /api/more", "GET /api"]
)
def test_what_is_not_there_is_420(ask, line):
    assert ask(*line.split(), token({"api": True}))[0] == 420
