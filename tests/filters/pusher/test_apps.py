import json

import pytest

from filtered_websocket.config import Configuration
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.pusher.apps import read_app
from filtered_websocket.filters.pusher.options import OPTIONS

APP = {"id": "1001", "key": "k", "secret": "hidden"}


def read(value):
    given = Configuration(["--pusher_apps", json.dumps(value)], {})
    given.declare(OPTIONS, "pusher")
    return given.resolve().pusher_apps


def test_an_app_is_read_with_its_settings():
    (app,) = read([APP | {"id": 1001, "client_events": True, "webhooks": ["https://a.example/x"], "connections": 5}])
    assert (app.id, app.client_events, app.webhooks, app.connections) == ("1001", True, ("https://a.example/x",), 5)


@pytest.mark.parametrize(
    "value",
    [
        {}, [[]], [{}], [APP | {"id": "abc"}], [APP | {"id": True}], [APP | {"key": ""}], [APP | {"key": "a/b"}],
        [APP | {"secret": 1}], [APP | {"client_events": "yes"}], [APP | {"webhooks": "https://a"}],
        [APP | {"webhooks": ["ftp://a"]}], [APP | {"connections": -1}], [APP | {"clientEvents": True}], [APP, APP],
        [APP, APP | {"id": "2"}],
    ],
)  # fmt: skip
def test_an_app_that_cannot_be_is_refused_in_one_line_that_tells_no_secret(value):
    with pytest.raises(ConfigError) as refused:
        read(value)
    assert len(refused.value.faults) == 1
    assert "hidden" not in str(refused.value)


def test_an_apps_secret_stands_in_no_traceback():
    assert "hidden" not in repr(read_app(APP))
