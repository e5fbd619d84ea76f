"""What Redis's replies mean."""

import json

import pytest
from twisted.internet.defer import gatherResults

from filtered_websocket.messages.envelope import MARK, encode
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.redis import replies
from tests.support.backends import message


def test_sets_are_text_and_none_when_empty():
    assert replies.text_set([b"a", "ä".encode()]) == {"a", "ä"}
    assert replies.text_set([]) is None


def test_pairs_come_as_a_flat_list():
    assert replies.fields([b"a", b"1", b"b", b"\xff"]) == {"a": "1", "b": b"\xff"}
    assert replies.counts([b"room", b"3"]) == {"room": 3}
    assert replies.members([]) == {}
    with pytest.raises(ValueError, match="zip"):
        replies.fields([b"a"])


def test_a_member_shows_what_its_newest_holder_says():
    holders = json.dumps([["node", "one", "old"], ["node", "two", "new"]]).encode()
    assert replies.members([b"ann", holders]) == {"ann": "new"}


def test_a_position_may_tell_what_it_has_cost():
    assert replies.position(b"epoch:7") == (Position("epoch", 7), (0, 0))
    assert replies.position(b"epoch:with:colons:7 3 4") == (Position("epoch:with:colons", 7), (3, 4))


def test_histories_are_publications_of_the_channel_and_none_where_something_may_be_missing():
    bodies = [MARK + b"\n" + encode(message("room", each)) for each in ("one", "two")]
    assert replies.missed("room", None) is None
    assert [each.payload for each in replies.missed("room", [b"epoch", *bodies]) or ()] == [b"one", b"two"]
    assert [each.payload for each in replies.newest_first("room", [b"epoch", *bodies])] == [b"two", b"one"]
    assert replies.newest_first("room", [b""]) == []


def test_what_was_kept_in_an_epoch_before_has_positions_of_the_present_one():
    bodies = [MARK + b"old:7\n" + encode(message("room", "x")), MARK + b"new:8\n" + encode(message("room", "y"))]
    found = replies.publications("room", b"new", bodies)
    assert [each.position for each in found] == [Position("new", 7), Position("new", 8)]


def test_counts_of_several_redises_are_one():
    assert replies.merged([{"a": 1}, {}, {"b": 2}]) == {"a": 1, "b": 2}


def test_the_first_error_of_several_is_the_error_itself():
    failed = []
    gathered = gatherResults([replies.away()], consumeErrors=True)
    gathered.addErrback(lambda failure: failed.append(replies.first_error(failure)))
    assert failed[0].type is StorageAway
