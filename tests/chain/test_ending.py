"""The disconnect chain: all hear of an end that have something to take back."""

import pytest

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketDisconnectFilter
from filtered_websocket.testing import Server
from tests.filters.engineio.clients import KINDS, PACK, Session

HEARD = []


@pytest.fixture(autouse=True)
def heard():
    HEARD.clear()
    return HEARD


class Stops(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance):
        raise StopChain


class StopsLater(WebSocketDisconnectFilter):
    @classmethod
    async def filter(cls, web_socket_instance):
        raise StopChain


class Hears(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance):
        HEARD.append("hears")


class TakesBack(WebSocketDisconnectFilter):
    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance):
        HEARD.append("takes back")


class TakesBackAndStops(WebSocketDisconnectFilter):
    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance):
        raise StopChain


class Fails(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, web_socket_instance):
        raise ValueError("on purpose")


def ended(*filters):
    with Server(*filters) as server:
        server.connect().close()
        return HEARD, server.errors


@pytest.mark.parametrize("stops", [Stops, StopsLater])
def test_stop_chain_keeps_others_from_running_but_those_that_take_something_back(stops):
    assert ended(Hears, stops, Hears, TakesBack) == (["hears", "takes back"], [])


def test_one_that_takes_back_itself_ends_the_chain_for_all():
    assert ended(TakesBackAndStops, Hears, TakesBack) == ([], [])


def test_one_that_fails_keeps_nobody_from_running():
    heard, errors = ended(Fails, Hears, TakesBack)
    assert (heard, len(errors)) == (["hears", "takes back"], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_so_it_is_for_sessions_of_every_kind(kind):
    with Server(PACK, Stops, Hears, TakesBack) as server:
        Session(server, kind).leave()
        assert HEARD == ["takes back"]
