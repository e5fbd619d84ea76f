import base64

import pytest

from tests.filters.centrifugo.clients import connected, serving
from tests.filters.centrifugo.requests import call, with_api


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, []), ({"limit": 2}, [1, 2]), ({"limit": -1}, [1, 2, 3, 4, 5]), ({"limit": 2, "reverse": True}, [5, 4]),
        ({"limit": -1, "reverse": True}, [5, 4, 3, 2, 1]), ({"since": {"offset": 2}}, []),
        ({"limit": 9, "since": {"offset": 2}}, [3, 4, 5]), ({"limit": 1, "since": {"offset": 2}}, [3]),
        ({"limit": 9, "since": {"offset": 3}, "reverse": True}, [2, 1]),
        ({"limit": 1, "since": {"offset": 3}, "reverse": True}, [2]), ({"limit": 9, "since": {}}, [1, 2, 3, 4, 5]),
        ({"limit": 3, "since": {"offset": 99}}, []), ({"limit": 2, "since": {"offset": 99}, "reverse": True}, [5, 4]),
        ({"limit": 1, "since": {"offset": 0}, "reverse": True}, 107), ({"since": {"epoch": "x"}}, 112),
        ({"limit": 9, "since": {"epoch": "x", "offset": 1}}, 112), ({"limit": -2**31}, [1, 2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_history_is_read_from_either_end(asked, found):
    with serving() as server:
        client = connected(server)
        for number in range(1, 6):
            client.publish("kept:a", number)
        result = client.ask("history", channel="kept:a", **asked)
        if isinstance(found, int):
            assert result == found
            return
        assert [each["offset"] for each in result["publications"]] == found
        assert [each["data"] for each in result["publications"]] == found
        assert result["offset"] == 5
        assert result["epoch"]


def test_what_was_trimmed_is_not_there_and_a_client_gets_so_many_at_once():
    with serving(centrifugo_history_limit=3) as server:
        client = connected(server)
        for number in range(1, 15):
            client.publish("kept:a", number)
        for asked, found in (({"limit": -1}, [5, 6, 7]), ({"limit": 9, "reverse": True}, [14, 13, 12])):
            result = client.ask("history", channel="kept:a", **asked)
            assert [each["offset"] for each in result["publications"]] == found


@pytest.mark.parametrize(
    ("command", "channel", "code"),
    [
        ("history", "open:a", 108), ("history", "cache:a", 103), ("history", "nope:a", 102), ("history", "kept:é", 107),
        ("presence", "kept:a", 108), ("presence", "joins:a", 103), ("presence_stats", "joins:a", 103),
        ("presence_stats", "nope:a", 102),
    ],
)  # fmt: skip
def test_what_may_not_be_read(command, channel, code):
    with serving() as server:
        assert connected(server).ask(command, channel=channel) == code


def test_a_history_that_is_no_json_is_not_told_in_json():
    with with_api() as server:
        client = connected(server)
        call(server, "publish", channel="kept:a", b64data=base64.b64encode(b"\xff").decode())
        assert call(server, "history", channel="kept:a")["offset"] == 1
        assert call(server, "history", channel="kept:a", limit=9) == 108
        assert client.ask("history", channel="kept:a")["offset"] == 1
        client.ask("history", channel="kept:a", limit=9)
        assert client.closed == (3506, "inappropriate protocol")
