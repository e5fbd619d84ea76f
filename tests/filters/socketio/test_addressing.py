"""Several pipelines with the pack on one bus: what is emitted in one reaches no client of another."""

import json
import re
from typing import Any

import pytest

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.ws_emit.emit import emit
from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, Exchange, Poller, socket

TWO: dict[str, Any] = {"/a/*": {"filters": [PACK], "ws_emit_secret": "a"}, "/b/*": [PACK]}
FOREIGN = {"method": "emit", "event": "foreign", "data": [1], "binary": False, "room": "r", "host_id": "x"}


def client_of(server: Server, name: str) -> Client:
    client = socket(server, uri=f"{name}/socket.io/?EIO=4&transport=websocket")
    client.send('421["join",{"room":"r"}]')
    assert client.received() == ["431[]"]
    return client


def foreign(server: Server, **more: Any) -> None:
    server.result(server.storage_object.publish(bus.CHANNEL, json.dumps(FOREIGN | more)))


def test_what_one_pipeline_emits_reaches_its_own_clients_alone() -> None:
    with Server(pipelines=TWO) as server:
        one, other = client_of(server, "/a"), client_of(server, "/b")
        body = json.dumps({"event": "by HTTP", "room": "r", "secret": "a"})
        headers = {"content-type": "application/json"}
        assert Exchange(server, "POST", "/a/emit", body, headers, "127.0.0.1").text == "OK\n"
        emit(server.pipeline("/a/x"), "by a filter", room="r")
        emit(server.pipeline("/b/x"), "of the other", room="r")
        assert one.received() == ['42["by HTTP"]', '42["by a filter"]']
        assert other.received() == ['42["of the other"]']


@pytest.mark.parametrize(
    ("chosen", "heard"), [("/a/*", [True, False, False]), ("/b/*", [False, True, False]), ("*", [False, False, True])]
)
def test_programs_that_know_no_pipelines_emit_to_the_one_that_the_option_names(chosen: str, heard: list[bool]) -> None:
    with Server(PACK, pipelines=TWO, ws_emit_pipeline=chosen) as server:
        clients = [client_of(server, name) for name in ("/a", "/b", "")]
        foreign(server)
        assert [each.received() for each in clients] == [['42["foreign",1]'] if each else [] for each in heard]
        foreign(server, method="close_room")
        emit(server.pipeline(), "to the third", room="r")
        left = '42["to the third"]'
        assert clients[2].received() == ([] if chosen == "*" else [left])


def test_without_the_option_they_emit_to_none_of_several_which_is_said_once() -> None:
    with Server(PACK, pipelines=TWO) as server:
        clients = [client_of(server, name) for name in ("/a", "/b", "")]
        foreign(server)
        assert [each.received() for each in clients] == [[], [], []]


def test_programs_that_know_no_pipelines_emit_to_the_only_one_whatever_its_name() -> None:
    with Server(pipelines={"/a/*": [PACK], "/plain": ["filtered_websocket.filters.broadcast_messages"]}) as server:
        client = client_of(server, "/a")
        foreign(server)
        assert client.received() == ['42["foreign",1]']
        foreign(server, pipeline="/of another server/*")
        foreign(server, pipeline=["/a/*"])
        foreign(server, pipeline="/a/*", event="named")
        assert client.received() == ['42["named",1]']


@pytest.mark.parametrize("chosen", ["/c/*", "*", "/plain"])
def test_a_pipeline_that_is_none_with_this_pack_is_refused_by_check_and_start_alike(chosen: str) -> None:
    pipelines = TWO | {"/plain": ["filtered_websocket.filters.broadcast_messages"]}
    assembly = Assembly(["--pipelines", json.dumps(pipelines), "--ws_emit_pipeline", chosen], {})
    assembly.load()
    says = rf"ws_emit_pipeline: {re.escape(chosen)} is no pipeline with this pack; there is /a/\*, /b/\*"
    with pytest.raises(ConfigError, match=says):
        assembly.options()


def test_a_session_of_one_pipeline_is_nobodys_in_another() -> None:
    with Server(pipelines=TWO) as server:
        client = Poller(server, uri="/a/socket.io/?EIO=4&transport=polling")
        uri = client.uri.replace("/a/", "/b/")
        assert Exchange(server, "GET", uri, b"", {}, "127.0.0.1").status == 400
        assert client.get().waits
