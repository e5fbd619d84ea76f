"""What the client of a polling session that has ended gets with its next GET."""

from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.filters.engineio import last_words
from filtered_websocket.filters.engineio.last_words import LAST_SECONDS
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, POLLING
from tests.filters.ws_emit.clients import Poller, ask
from tests.support.shared_memory import SharedMemory


class Say(WebSocketMessageFilter):
    """Says so many numbers, and puts the client out."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        for number in range(int(data)):
            web_socket_instance.sendMessage(str(number))
        web_socket_instance.loseConnection()


def poller(server: Server, uri: str = POLLING) -> Poller:
    return Poller(server, connect=False, uri=uri)


def test_a_client_that_hangs_up_has_its_get_answered_whichever_is_read_first() -> None:
    with Server(PACK) as server:
        for first in ("GET", "POST"):
            client = poller(server)
            get = client.get() if first == "GET" else None
            assert client.post("1").text == "ok"
            assert (get or client.get()).text == "6"
            assert client.get().status == client.post("4x").status == 400
        assert not server.pipeline().users


def test_a_client_that_is_put_out_between_two_gets_hears_what_was_left_to_say() -> None:
    with Server(PACK, Say) as server:
        client = poller(server)
        client.post("42")
        assert client.post("4x").status == 400  # nothing more is taken from it
        assert [client.get().text for _ in range(2)] == ["40\x1e41", "1"]
        assert client.get().status == 400


def test_a_client_that_is_put_out_gets_no_more_at_a_time_than_others() -> None:
    with Server(PACK, Say, engineio_eio3=True) as server:
        waits = poller(server)
        get = waits.get()
        waits.post("420")
        assert get.text == "\x1e".join(f"4{number}" for number in range(16))
        assert [waits.get().text for _ in range(2)] == ["416\x1e417\x1e418\x1e419", "1"]
        assert waits.get().status == 400
        old = poller(server, POLLING.replace("EIO=4", "EIO=3"))
        ask(server, "POST", old.uri, "2:41")
        assert [old.get().text for _ in range(2)] == ["2:40", "1:1"]


@pytest.mark.parametrize("body", ["abc", "4x\x1e!"])
def test_a_client_that_breaks_the_protocol_is_told_nothing_more(body: str) -> None:
    with Server(PACK) as server:
        client = poller(server)
        client.post(body)
        assert client.get().status == 400


def test_last_words_are_kept_for_a_while() -> None:
    with Server(PACK, Say, engineio_ping_interval=3600) as server:
        early, late = poller(server), poller(server)
        early.post("41")
        server.advance(LAST_SECONDS / 2)
        late.post("41")
        server.advance(LAST_SECONDS / 2)
        assert early.get().status == 400
        assert [late.get().text for _ in range(2)] == ["40", "1"]
        engine = server.pipeline().engineio.engine  # type: ignore[attr-defined]
        assert engine.waiting.has_room
        late = poller(server)
        late.post("41")
        server.advance(LAST_SECONDS)
        assert not engine.last_words


def test_last_words_are_of_a_number_and_make_room_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_words, "MAX_SESSIONS", 2)
    with Server(PACK, Say, engineio_polling_buffer=10_000) as server:
        ended = [poller(server) for _ in range(3)]
        for client in ended:
            client.post("45")
        assert [client.get().status for client in ended] == [400, 200, 200]
        held, other = poller(server), poller(server)
        held.post("420")
        user = server.pipeline().users[next(iter(server.pipeline().users))]
        user.sendMessage("x" * 8_000)
        assert held.get().status == 400  # which has ended already, and not the one that polls on
        assert other.get().text == "4" + "x" * 8_000


def test_last_words_are_said_through_any_node() -> None:
    storage = SharedMemory()
    with Server(PACK, Say, storage_object=storage) as one, Server(PACK, Say, storage_object=storage) as two:
        client = poller(one)
        client.post("41")
        get = ask(two, "GET", client.uri)
        for _ in range(3):
            one.settle()
            two.settle()
        assert get.text == "40"
