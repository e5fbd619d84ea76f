"""What presence may be told, and what is a mistake."""

from types import SimpleNamespace

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.presence import NO_EFFECT
from filtered_websocket.testing import Server
from tests.filters.presence.clients import PRESENCE


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"presence_channel": ""}, "the name of a channel is wanted"),
        ({"presence_shows": "all"}, "users"),
        ({"presence_anonymous": "ip"}, "count"),
        ({"presence_limit": 0}, "an integer from 1"),
    ],
)
def test_values_that_there_are_not(options, says):
    with pytest.raises(ConfigError, match=says):
        Server(PRESENCE, **options)


@pytest.mark.parametrize(
    ("shows", "tell", "names"),
    [
        ("count", "clients", ["presence_limit"]),
        ("users", "none", ["presence_limit", "presence_shows"]),
        ("users", "clients", []),
    ],
)
def test_a_limit_of_names_where_none_are_shown_has_no_effect(shows, tell, names):
    given = SimpleNamespace(presence_shows=shows, presence_tell=tell)
    assert [name for name, _ in NO_EFFECT(given)] == names
