"""Publications by HTTP."""

import asyncio
import socket
import threading

import pytest

from filtered_websocket.commands.exits import Ended
from filtered_websocket.commands.fws_client import post
from filtered_websocket.commands.fws_client.protocols.base import Post
from tests.support.answering import answering
from tests.support.client_servers import address
from tests.support.deadlines import joined
from tests.support.fws_server import FwsServer
from tests.support.programs import run


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_of_the_handshake_is_followed(server: FwsServer, status: int) -> None:
    to = address(server, "/wsps")
    with answering(status, "", Location=to) as (other, asked):
        words = ("--header", "Authorization: sesame", "subscribe", "news")
        ran = run("fws_client", other.replace("http", "ws") + "/", "--pack", "wsps", *words)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert f" refuses: {status} " in ran.stderr
    assert f"it redirects to {to}" in ran.stderr
    assert asked == ["sesame"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_publication_that_is_redirected_has_not_succeeded(status: int) -> None:
    with answering(200, "{}") as (other, others), answering(status, "", Location=other) as (first, asked):
        with pytest.raises(Ended, match=f"{status} .*it redirects to {other}; if that is the server"):
            asyncio.run(post.send(Post(f"{first}/emit", b"{}", {"Authorization": "sesame"})))
        assert (asked, others) == (["sesame"], [])


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 70000])
def test_what_answers_a_publication_without_http_is_tried_again(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listens:

        def answers() -> None:
            accepted, _ = listens.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(answer)

        thread = threading.Thread(target=answers)
        thread.start()
        with pytest.raises(post.TryAgain):
            asyncio.run(post.send(Post(f"http://127.0.0.1:{listens.getsockname()[1]}/emit", b"{}", {})))
        joined(thread)
