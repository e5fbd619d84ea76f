from typing import Any

import pytest

from filtered_websocket.commands.fws_admin.tables import CHANNELS, cell, details, line, table
from filtered_websocket.commands.terminal import console

AT = {"time": 0.0015, "process": "vm/1", "pipeline": "*", "id": "a\x1b[2J", "user": "ann\nroot"}


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"what": "received", "payload": "hi\x07\n", "size": 3, "binary": False}, "received hi\\x07\\n"),
        (
            {
                "what": "filter",
                "event": "message",
                "filter": "chat.Chat",
                "seconds": 0.0012,
                "gives": "x",
                "awaited": False,
            },
            "message | chat.Chat 1.200 ms gives x",
        ),
        (
            {"what": "filter", "event": "message", "filter": "f", "seconds": 0, "raises": "Close 4000"},
            "message | f 0.000 ms raises Close 4000",
        ),
        (
            {
                "what": "filter",
                "event": "socketio event",
                "namespace": "/chat",
                "name": "say\n",
                "filter": "f",
                "seconds": 0,
                "gives": None,
            },
            "socketio event /chat say\\n | f 0.000 ms",
        ),
        (
            {"what": "filter", "event": "centrifugo rpc", "method": "add", "filter": "f", "seconds": 0, "gives": "5"},
            "centrifugo rpc add | f 0.000 ms gives 5",
        ),
        ({"what": "opened", "transport": "polling", "path": "/x", "address": "::1"}, "opened polling /x ::1"),
        ({"what": "publish", "channel": "room", "payload": "hi"}, "publish room hi"),
        ({"what": "closed", "code": 1000, "reason": ""}, "closed 1000"),
    ],
)
def test_an_event_is_one_line_and_steers_no_terminal(event: dict[str, Any], shown: str) -> None:
    said = line(AT | event)
    assert said.isprintable()
    assert said[12:] == f" ann\\nroot a\\x1b[2J {shown}"
    assert said[8:12] == ".001"


def test_what_is_no_event_of_a_connection() -> None:
    begun = {"what": "begun", "connections": 2, "processes": ["a"], "unanswered": [], "left_out": 3}
    assert line(begun) == "tracing 2 connections on 1 processes, 3 more are left out"
    assert line({"what": "dropped", "count": 7}) == "... 7 events were dropped"
    assert line({"what": "over"}) == "the time of the trace is over"
    published = {"what": "published", "channel": "room", "payload": "hi", "subscribers": 2}
    assert line(AT | published | {"id": None})[13:].startswith("ann\\nroot -")


def test_a_table_has_a_word_for_each_value_and_no_markup() -> None:
    row = {
        "name": "[bold]a\x1b",
        "pipeline": "*",
        "subscribers": 2,
        "publications_per_second": 1.25,
        "bytes_per_second": 0.0,
    }
    screen = console(width=100, color_system=None)
    with screen.capture() as capture:
        screen.print(table(CHANNELS, [row], selected=0))
    head, body = capture.get().splitlines()
    assert head.split() == list(CHANNELS)
    assert body.split() == ["[bold]a\\x1b", "*", "2", "1.2", "0.0"]


def test_details_are_a_line_each() -> None:
    row = {"id": "a", "user": None, "channels": ["x", "y\n"], "by_process": [{"process": "p", "subscribers": 2}]}
    assert list(details(row)) == ["id: a", "user: -", "channels: x, y\\n", "by_process: process=p subscribers=2"]
    assert cell("") == "-"
