"""JSON goes on, all else closes."""

import pytest

from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

ONLY_JSON = "filtered_websocket.filters.only_json"


@pytest.mark.parametrize("good", ["{}", " [1, 2] ", "null", '"a"', "1e999"])
def test_json_goes_on_as_it_is(good):
    with Server(ONLY_JSON, Echo) as server:
        client = server.connect()
        client.send(good)
        assert client.received() == [good]


@pytest.mark.parametrize("bad", ["", "{", "NaN", "{'a': 1}", "[" * 100_000, b"{}", "{} {}"])
def test_all_else_closes(bad):
    with Server(ONLY_JSON, Echo) as server:
        client = server.connect()
        client.send(bad)
        assert (client.close_code, client.close_reason) == (1007, "JSON is wanted")
