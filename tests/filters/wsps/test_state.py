"""What the pack keeps for one pipeline: the manager, the patterns of channels, and how often clients are counted."""

import pytest
from twisted.logger import formatEvent, globalLogPublisher

from filtered_websocket.testing.server import Server
from tests.filters.wsps.clients import WSPS, publish


def test_allowed_channels_are_checked_before_the_type_and_keys():
    with Server(WSPS, wsps_allowed_channels=["a?"]) as server:
        client = server.connect()
        client.send('{"channel": "b"}')
        assert (client.close_code, client.close_reason) == (1002, "Invalid channel")


@pytest.mark.parametrize("channel", ["x" * 256, "/other y"])
def test_a_channel_that_this_server_cannot_have_is_invalid(channel):
    with Server(WSPS, pipelines={"/other": [WSPS]}) as server:
        client = server.connect()
        publish(client, channel)
        assert (client.close_code, client.close_reason) == (1002, "Invalid channel")


def test_keys_bring_the_manager_that_looks_at_them_unless_another_is_named():
    with Server(WSPS, wsps_publish_keys={"a": "k"}) as server:
        client = server.connect()
        publish(client, "a")
        assert client.close_code == 1002
    null = f"{WSPS}.auth:NullAuthManager"
    with Server(WSPS, wsps_publish_keys={"a": "k"}, wsps_authorization_manager=null) as server:
        client = server.connect()
        publish(client, "a")
        assert client.is_open


def test_the_number_of_clients_is_logged_every_so_often():
    lines = []
    observe = lambda event: lines.append(formatEvent(event))  # noqa: E731
    globalLogPublisher.addObserver(observe)
    try:
        with Server(WSPS, wsps_stats_seconds=10) as server:
            server.connect()
            server.connect()
            server.advance(30)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert lines.count("wsps: 2 clients") == 3
