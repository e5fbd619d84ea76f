"""Access: seeing is for those that may see the metrics; ending and tracing takes a secret, or the admin port."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.server.cluster import Answers, TooManyQuestions
from filtered_websocket.testing.server import Server
from filtered_websocket.web.base import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response
from filtered_websocket.web.steering.connections import Connection, Connections
from filtered_websocket.web.steering.trace import Trace
from tests.support.http_client import ask
from tests.support.reactor_thread import until
from tests.support.serving import serving
from tests.support.steering import Named, Spread

SEEN = ("/connections", "/channels?limit=1")
STEERED = (("DELETE", "/connections?user=ann"), ("DELETE", "/connections/ann"), ("GET", "/trace?user=ann&seconds=1"))


def test_on_the_main_port_without_a_secret_this_machine_sees_and_nobody_steers() -> None:
    with serving(Named, Spread) as served:
        for path in SEEN:
            assert ask(served.address, "GET", path).status == 200
            for headers in ({"Host": "evil.example"}, {"X-Forwarded-For": "10.0.0.1"}):
                assert ask(served.address, "GET", path, None, headers).status == 403
        for method, path in STEERED:
            answer = ask(served.address, method, path)
            assert answer.status == 403
            assert "admin_secret, or on admin_port" in answer.json["error"]


def test_with_a_secret_it_is_wanted_for_all() -> None:
    with serving(Named, Spread, admin_secret="admin") as served:
        for method, path in (*(("GET", each) for each in SEEN), *STEERED):
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                assert ask(served.address, method, path, None, headers).status == 401
        client = served.open("/?user=ann")
        until(lambda: served.users)
        # Whatever the name is that a proxy gives it: who knows the secret is no page that guesses.
        headers = {"Authorization": "Bearer admin", "Host": "example.com", "X-Forwarded-For": "10.0.0.1"}
        assert ask(served.address, "DELETE", "/connections?user=ann", None, headers).json["ended"] == 1
        assert client.closed() == (1000, "")


def answered(server: Server, endpoint: Any, method: str, uri: str, **headers: str) -> int:
    """The status of an answer on the admin port."""
    request = HTTPRequest(method, uri, headers, peer="10.0.0.9", server=server.server)
    try:
        found = endpoint.handle(None, request)
        answer = server.result(found) if isinstance(found, Deferred) else found
    except HTTPError as error:
        return error.status
    if isinstance(answer, Response):
        return answer.status
    answer.ended()
    return 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:9601"}, 200),
        ({"host": "192.0.2.7:9601"}, 200),
        ({"host": "[::1]:9601"}, 200),
        ({"host": "localhost:9601"}, 200),
        ({"host": "127.0.0.1:9601", "origin": "http://127.0.0.1:9601"}, 200),
        # A page of another site whose name server says that it is this machine.
        ({"host": "evil.example:9601"}, 403),
        ({"host": "evil.example:9601", "origin": "http://evil.example:9601"}, 403),
        # A page of another site, or of another port of this one.
        ({"host": "127.0.0.1:9601", "origin": "https://evil.example"}, 403),
        ({"host": "127.0.0.1:9601", "origin": "http://127.0.0.1:9000"}, 403),
        ({"host": "127.0.0.1:9601", "origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_on_the_admin_port_without_a_secret_no_web_page_steers(headers: dict[str, str], status: int) -> None:
    with Server(Named, Spread, admin_port=0) as server:
        assert answered(server, Connections, "DELETE", "/connections?user=ann", **headers) == status
        assert answered(server, Trace, "GET", "/trace?user=ann", **headers) == status
        assert answered(server, Connections, "GET", "/connections", **headers) == 200


def test_no_page_of_another_origin_is_told_that_it_may() -> None:
    with serving(Named, Spread, admin_secret="admin") as served:
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
        answer = ask(served.address, "OPTIONS", "/connections?user=ann", None, headers)
        assert "access-control-allow-origin" not in answer.headers


def test_too_many_questions_are_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(Named, Spread, admin_port=0) as server:

        async def full(*_: Any) -> Any:
            raise TooManyQuestions("50 questions are under way")

        monkeypatch.setattr(server.server.cluster, "ask", full)
        assert answered(server, Connections, "GET", "/connections") == 503


def test_what_may_be_on_a_process_that_does_not_answer_is_not_said_to_be_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    with Server(Named, Spread, admin_port=0) as server:

        async def partly(what: str, values: Any, seconds: float = 0) -> Answers:
            return Answers({"here": [] if what == "connection" else 0}, ["there"])

        monkeypatch.setattr(server.server.cluster, "ask", partly)
        request = HTTPRequest("GET", "/connections/x", {}, server=server.server)
        request.wildcards = ("x",)
        with pytest.raises(HTTPError, match="there did not answer in time") as raised:
            server.result(Connection.handle(None, request))
        assert raised.value.status == 503
