"""What Philote's clients send, and a server for them."""

import json

import pytest

from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.support.philote_tokens import SECRET, token

PHILOTE = "filtered_websocket.filters.philote"


def serving(**options):
    return Server(PHILOTE, philote_secret=SECRET, **options)


def connect(server, read=(), write=(), path="/", headers=None, **claims):
    mine = token({"read": list(read), "write": list(write), **claims})
    return server.connect(f"{path}?auth={mine}", headers=headers)


def publish(client, channel, data="x"):
    client.send(json.dumps({"channel": channel, "data": data}))


def received(client):
    return [(message["channel"], message["data"]) for message in map(json.loads, client.received())]


def refused(server, *arguments, **keywords):
    with pytest.raises(Refused) as raised:
        server.connect(*arguments, **keywords)
    return raised.value
