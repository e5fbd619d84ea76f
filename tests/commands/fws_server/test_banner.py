"""What the server says of itself when it starts."""

import sys
from types import ModuleType

import pytest

from filtered_websocket import __version__
from filtered_websocket.commands.fws_server import banner
from filtered_websocket.filters.base import (
    FilterBase,
    FilterMeta,
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.testing.server import Server

BROADCAST = "filtered_websocket.filters.broadcast_messages"
PUSHI = "filtered_websocket.filters.pushi"


nothing = classmethod(lambda cls, instance, data: None)


class Spam(WebSocketMessageFilter):
    filter = nothing


class Markdown(WebSocketMessageFilter):
    filter = nothing


class Spy(WebSocketConsumerFilter):
    filter = nothing


class InAPack(WebSocketConnectFilter):
    filter = nothing


InAPack.__module__ = "somebodys.pack.filters"


def test_each_pipeline_is_drawn_as_pipes_in_the_order_of_its_chains(monkeypatch):
    monkeypatch.setitem(sys.modules, InAPack.__module__, ModuleType(InAPack.__module__))
    with Server(Spam, Markdown, BROADCAST, Spy, pipelines={"/x /y*": [InAPack], "/nothing": []}) as server:
        monkeypatch.setattr(banner, "descriptors", lambda: 1_000_000)
        monkeypatch.setattr(banner.accelerator, "loaded", None)
        lines = list(banner.lines(server.server, "memory", "LeanEPollReactor"))
        monkeypatch.setattr(banner.accelerator, "loaded", sys)
        assert next(banner.lines(server.server, "memory", "select")).endswith(", select, frames in C")
    assert lines == [
        f"filtered_websocket {__version__}, storage memory, LeanEPollReactor, frames in Python",
        "*",
        "    cat connect | broadcast_messages.Join",
        "    cat message | test_banner.Spam | test_banner.Markdown | broadcast_messages.BroadcastMessages",
        "    cat consumer | test_banner.Spy",
        "/x /y*",
        "    cat connect | pack.InAPack",
        "/nothing",
        "limits: 20000 connections, messages of 1048576 bytes, 1048576 bytes or 10 s for a slow client",
        "limits that are off: max_connections_per_address, accept_rate, message_rate, byte_rate",
    ]


def unsafe(**options):
    with Server(Spam, **options) as server:
        return list(banner.unsafe(server.server))


def test_the_defaults_are_safe_and_nothing_is_said():
    assert unsafe() == []
    assert unsafe(allowed_origins=["https://example.com", "https://*.example.com"]) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"allowed_origins": ["*"]}, "any web page may connect with its visitor's cookies (allowed_origins holds *"),
        ({"ping_interval": 0}, "dead clients are never noticed (ping_interval is 0)"),
        ({"ping_timeout": 0}, "dead clients are never noticed (ping_timeout is 0)"),
        (
            {"publish_secret": "x" * 15},
            "anyone can guess it and publish (publish_secret is shorter than 16 characters)",
        ),
        (
            {"admin_secret": "x"},
            "anyone can guess it and read the figures (admin_secret is shorter than 16 characters)",
        ),
        ({"admin_port": 0, "admin_host": ""}, "may read the figures (admin_secret is not set)"),
    ],
)
def test_what_is_unsafe_is_said_with_the_option_to_change(options, says):
    (line,) = unsafe(**options)
    assert line.startswith("UNSAFE: ")
    assert says in line


def test_what_is_unsafe_in_one_pipeline_only_names_it():
    (line,) = unsafe(pipelines={"/open /too": {"filters": [BROADCAST], "allowed_origins": ["*"]}})
    assert line.startswith("UNSAFE: any web page may connect to /open /too (allowed_origins holds *")


@pytest.mark.parametrize(
    "options",
    [
        {"admin_port": 0},
        {"admin_port": 0, "admin_host": "unix:/run/admin"},
        {"admin_port": 0, "admin_host": "", "admin_secret": "a secret of some length"},
    ],
)
def test_an_admin_port_on_loopback_or_with_a_secret_is_safe(options):
    assert unsafe(**options) == []


@pytest.mark.parametrize(
    ("options", "off"),
    [
        ({"accept_rate": 5, "message_rate": 5}, "max_connections_per_address, byte_rate"),
        ({"accept_rate": 5, "message_rate": 5, "history_bytes": 0, "history_channels": 0},
         "max_connections_per_address, byte_rate, history_bytes, history_channels"),
        ({"pipelines": {"/x": {"filters": [], "byte_rate": "1K"}}, "max_connections_per_address": 9},
         "accept_rate, message_rate, byte_rate (*)"),
        ({"accept_rate": 5, "message_rate": 5, "byte_rate": 5, "max_connections_per_address": 5,
          "pipelines": {"/a/*": {"filters": [PUSHI], "pushi_event_rate": 0}, "/b/*": [PUSHI]}},
         "pushi_event_rate (/a/*)"),
    ],
)  # fmt: skip
def test_which_limits_are_off_is_said(options, off):
    with Server(Spam, **options) as server:
        assert list(banner.lines(server.server, "memory", "x"))[-1] == f"limits that are off: {off}"


@pytest.mark.parametrize(
    ("reactor", "most", "says"),
    [
        ("LeanEPollReactor", 20000, None),
        ("LeanEPollReactor", 19999, "descriptors: 19,999, too few for max_connections"),
        ("SelectReactor", 1024, "descriptors: --reactor select looks at those up to 1,023 and no other"),
        ("SelectReactor", 512, "descriptors: --reactor select looks at those up to 511 and no other"),
    ],
)
def test_fewer_descriptors_than_connections_are_said(monkeypatch, reactor, most, says):
    monkeypatch.setattr(banner, "descriptors", lambda: most)
    with Server(Spam) as server:
        lines = [line for line in banner.lines(server.server, "memory", reactor) if line.startswith("descriptors")]
    assert [line[: len(says)] for line in lines] == ([says] if says else [])


def test_nothing_is_said_to_be_off_when_all_is_on():
    with Server(Spam, accept_rate=1, message_rate=1, byte_rate=1, max_connections_per_address=1) as server:
        assert "limits that are off" not in "\n".join(banner.lines(server.server, "memory", "x"))


@pytest.mark.parametrize(
    ("options", "address", "says"),
    [
        ({}, "ws://0.0.0.0:9000", "dashboard on http://localhost:9000/dashboard, for this machine"),
        ({}, "wss://[::]:9000", "dashboard on https://localhost:9000/dashboard, for this machine"),
        (
            {"admin_secret": "a secret of some length"},
            "ws://10.0.0.1:80",
            "dashboard on http://10.0.0.1:80/dashboard, with admin_secret",
        ),
        (
            {"admin_port": 0},
            "http://127.0.0.1:9601",
            "dashboard on http://127.0.0.1:9601/dashboard, for all that reach that port",
        ),
    ],
)
def test_where_the_dashboard_is_and_which_clients_it_serves(options, address, says):
    with Server(Spam, **options) as server:
        assert banner.dashboard(server.server, address) == says


def test_chains_of_packs_and_users_are_drawn_behind_the_servers_own():
    class Call(FilterBase, metaclass=FilterMeta):
        pass

    class Answer(Call):
        filter = nothing

    with Server(Spam, Answer) as server:
        assert [*banner.draw(server.pipeline())] == [
            "*",
            "    cat message | test_banner.Spam",
            "    cat Call | test_banner.Answer",
        ]
