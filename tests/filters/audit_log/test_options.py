"""What audit_log may be told, and what is a mistake."""

from types import SimpleNamespace

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.audit_log import CHECK, NO_EFFECT
from filtered_websocket.testing import Server

AUDIT = "filtered_websocket.filters.audit_log"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"audit_sample": 2}, "from 0 to 1"),
        ({"audit_sample": "half"}, "from 0 to 1"),
        ({"audit_events": ["open"]}, "some of these are wanted: connect"),
        ({"audit_fields": []}, "some of these are wanted: time"),
        ({"audit_size": 10}, "bytes from 1024"),
    ],
)
def test_mistakes_are_told(options, says):
    with pytest.raises(ConfigError, match=says):
        Server(AUDIT, **options)


@pytest.mark.parametrize(
    ("file", "says"), [("/nowhere/audit", "there is no folder /nowhere"), ("/", "the name of a file is wanted")]
)
def test_a_file_that_cannot_be_written_is_told_before_the_start(file, says):
    with pytest.raises(ConfigError, match=says):
        CHECK(SimpleNamespace(audit_file=file))


def test_what_takes_no_effect():
    given = SimpleNamespace(audit_file="-", audit_fields=["time"])
    assert [name for name, _ in NO_EFFECT(given)] == ["audit_size", "audit_files", "audit_text"]
