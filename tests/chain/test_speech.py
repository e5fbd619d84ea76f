"""Filters of the shelf in words that clients of a pack take: those of each pack are in filters/test_composition.py."""

import json
from typing import Any, ClassVar

import pytest

from filtered_websocket.chain.speech import refuse, said, tell
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.testing import Server
from tests.filters.composition import PACKS

PACK = {str(pack): pack for pack in PACKS}


class Asks(WebSocketMessageFilter):
    """Keeps what is said in a frame, and tells what it is asked to."""

    heard: ClassVar[list[Any]] = []

    @classmethod
    def filter(cls, web_socket_instance, data):
        try:
            cls.heard += said(web_socket_instance, data)
        except ValueError as error:
            cls.heard.append(str(error))


@pytest.fixture(autouse=True)
def heard():
    Asks.heard.clear()
    return Asks.heard


def serving(name):
    pack = PACK[name]
    return Server(*pack.first, Asks, *pack.filters, **pack.options)


def test_what_is_said_to_plain_filters_is_the_message_itself(heard):
    with serving("plain") as server:
        client = server.connect()
        for each in ('{"a": 1}', "{", b"{}"):
            client.send(each)
    assert heard[0] == {"a": 1}
    assert heard[1].startswith("no JSON")
    assert heard[2] == "text is wanted"


SAID = {
    "philote": {"channel": "room", "data": "hi"},
    "wsps": {"type": "publish", "channel": "room", "data": "hi"},
    "pusher": {"event": "client-say", "channel": "private-room", "data": {"text": "hi"}},
    "pushi": {"event": "say", "channel": "room", "data": "hi", "persist": False},
    "centrifugo": {"event": "publish", "channel": "open:room", "data": {"text": "hi"}},
    "http_stream": {"event": "publish", "channel": "open:room", "data": {"text": "hi"}},
    "socketio websocket": {"event": "say", "namespace": "/", "data": ["hi"]},
    "socketio polling": {"event": "say", "namespace": "/", "data": ["hi"]},
    "engineio polling": {"text": "hi"},
}


@pytest.mark.parametrize("name", SAID)
def test_of_a_frame_what_the_application_says_counts_and_not_what_is_the_protocols_own(name, heard):
    with serving(name) as server:
        client = PACK[name].opens(server, "ann")
        heard.clear()
        PACK[name].says(client, "hi")
        if "websocket" in name:
            client.send("3")
        if name == "pusher":
            client.send({"event": "pusher:ping", "data": {}})
        client.leave()
    assert heard == [SAID[name]]


def test_events_with_bytes_and_other_commands_of_centrifugo(heard):
    with serving("socketio websocket") as server:
        client = PACK["socketio websocket"].opens(server, "ann")
        heard.clear()
        client.send('451-/,7["file",{"_placeholder":true,"num":0}]', b"\0\1", "what is none")
    assert heard == [{"event": "file", "namespace": "/", "data": [{"_placeholder": True, "num": 0}]}]
    with serving("centrifugo") as server:
        client = PACK["centrifugo"].opens(server, "ann")
        heard.clear()
        client.send(
            '{"id":4,"rpc":{"method":"add","data":[1]}}\n{"send":{"data":2}}\n{"id":5,"subscribe":{"channel":"c"}}'
        )
    assert heard == [{"event": "rpc", "method": "add", "data": [1]}, {"event": "send", "data": 2}]


class Tells(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        Asks.heard.append(tell(web_socket_instance, "news", {"a": 1}))
        refuse(web_socket_instance, data, "wrong", {"reason": "no"})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("plain", ['{"a":1}', '{"reason": "no"}']),
        ("philote", []),
        ("wsps", []),
        ("pusher", ['{"event":"news","data":"{\\"a\\":1}"}', '{"event":"wrong","data":"{\\"reason\\":\\"no\\"}"}']),
        ("socketio websocket", ['42["news",{"a":1}]', '42["wrong",{"reason":"no"}]']),
        ("engineio websocket", ['4{"a":1}', '4{"reason": "no"}']),
        ("centrifugo", [
            '{"push":{"message":{"data":{"a":1}}}}', '{"id":9,"error":{"code":107,"message":"bad request: no"}}',
        ]),
    ],
)  # fmt: skip
def test_what_clients_are_told_has_the_form_of_their_protocol(name, told, heard):
    pack = PACK[name]
    with Server(*pack.first, *pack.filters, Tells, **pack.options) as server:
        client = pack.opens(server, "ann")
        before = len(client.texts)
        heard.clear()
        pack.says(client, "hi")
        got = [each for each in client.texts[before:] if "hi" not in each and '"publish"' not in each]
        assert got == told
        assert heard == [bool(told)]


def test_nobody_is_told_before_the_client_knows_that_it_is_connected(heard):
    class Early(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            heard.append(tell(web_socket_instance, "news", {}))

    for name in ("centrifugo", "socketio websocket", "ws_emit websocket"):
        heard.clear()
        pack = PACK[name]
        with Server(Early, *pack.filters, **pack.options) as server:
            client = pack.opens(server, "ann")
            assert heard[0] is False, json.dumps(client.texts)
            assert heard[-1] is True
