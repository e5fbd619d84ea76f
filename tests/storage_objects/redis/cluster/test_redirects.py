"""What clusters answer in place of a result."""

import pytest

from filtered_websocket.storage_objects.redis.cluster.redirects import Kind, Place, Redirect, redirect_of


@pytest.mark.parametrize(
    ("error", "redirect"),
    [
        ("MOVED 13907 127.0.0.1:49435", Redirect(Kind.MOVED, 13907, Place("127.0.0.1", 49435))),
        ("MOVED 13907 :49435", Redirect(Kind.MOVED, 13907, Place("", 49435))),
        ("MOVED 1 ::1:6379", Redirect(Kind.MOVED, 1, Place("::1", 6379))),
        ("ASK 7 node-2.example:6379", Redirect(Kind.ASK, 7, Place("node-2.example", 6379))),
        ("TRYAGAIN Multiple keys request during rehashing of slot", Redirect(Kind.WAIT)),
        ("CLUSTERDOWN The cluster is down", Redirect(Kind.WAIT)),
        ("CLUSTERDOWN Hash slot not served", Redirect(Kind.WAIT)),
        ("LOADING Redis is loading the dataset in memory", Redirect(Kind.WAIT)),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", None),
        ("MOVED house", None),
        ("ERR MOVED 1 127.0.0.1:1", None),
    ],
)
def test_what_it_says_is_read(error, redirect):
    assert redirect_of(error) == redirect


def test_a_place_is_written_as_addresses_are():
    assert [str(Place("::1", 6379)), str(Place("localhost", 1))] == ["[::1]:6379", "localhost:1"]
