"""What a polling session keeps of the request that began it."""

from typing import Any

from filtered_websocket.filters.base import WebSocketConnectFilter
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, ask


class Ask(WebSocketConnectFilter):
    """Lets a client in by what its request says."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        headers = web_socket_instance.request.headers
        assert len(headers["x-token"]) == 9000
        web_socket_instance.token = headers["cookie"]


def test_of_its_first_request_a_session_keeps_what_filters_may_ask_for_later_within_a_limit() -> None:
    headers = {"cookie": "a=1", "x-token": "x" * 9000, "user-agent": "y" * 5000, "origin": "http://localhost:7788"}
    headers |= {"x-user": "ann", "accept": "*/*", "sec-fetch-mode": "cors"}
    with Server(Ask, PACK) as server:
        assert ask(server, "GET", POLLING, b"x" * 1000, headers).status == 200
        assert ask(server, "GET", f"{POLLING}&t={'z' * 9000}", b"", headers, "192.0.2.1").status == 200
        one, other = server.pipeline().users.values()
        assert dict(one.request.headers) == {"cookie": "a=1", "origin": "http://localhost:7788", "x-user": "ann"}
        assert (one.token, one.request.body, one.request.params["EIO"]) == ("a=1", b"", ["4"])
        assert (other.request.path, other.request.params, other.request.peer) == ("/socket.io/", {}, "192.0.2.1")
        kept = [len(repr(vars(each.request))) for each in (one, other)]
        assert max(kept) < 5000
