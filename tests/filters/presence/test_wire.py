"""What names may be shown, and what nodes say and clients are told."""

import json

import pytest

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.presence.wire import LONGEST, event, member_of, read_event, told


@pytest.mark.parametrize(
    "name", ["ann", "Ann Ünder", "a" * LONGEST, "क\u094d\u200dष", "👨\u200d👩\u200d👧", '"\\', "🦊"]
)
def test_names_that_can_be_shown(name):
    assert member_of(name, "id") == "u" + name
    message = json.loads(told("here", ["u" + name], 1, 0, False))
    assert message == {"presence": "here", "users": [name], "count": 1, "anonymous": 0}


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2J", "\u202eevil", "a" * (LONGEST + 1), "\ud800", "\0", "\ufeff"])
def test_names_that_nobody_is_to_be_shown(name):
    with pytest.raises(NotAllowed, match="a user's name"):
        member_of(name, "id")


@pytest.mark.parametrize("nobody", [None, ""])
def test_who_has_no_name_is_a_connection(nobody):
    assert member_of(nobody, "id") == "cid"


def test_connections_are_named_only_where_that_is_wanted():
    assert json.loads(told("joined", ["uann", "c1"], 1, 1, True)) == {
        "presence": "joined", "users": ["ann"], "connections": ["1"], "count": 1, "anonymous": 1
    }  # fmt: skip
    assert json.loads(told("count", None, 1, 2, False)) == {"presence": "count", "count": 1, "anonymous": 2}


@pytest.mark.parametrize("member", ["uann", "c1", "u+-u", "u\x00\n", "u🦊", "u"])
@pytest.mark.parametrize("is_here", [True, False])
def test_an_event_is_read_as_it_was_written(member, is_here):
    assert read_event(event(member, is_here)) == (member, is_here)


@pytest.mark.parametrize("odd", [b"", b"+", b"-x", b"*uann", b"\xff\xfe", b"uann"])
def test_what_no_node_says_is_nothing(odd):
    assert read_event(odd) is None
