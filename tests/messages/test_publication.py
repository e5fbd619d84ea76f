import pytest

from filtered_websocket.messages.publication import Position, Publication


def test_a_filter_can_give_a_publication_another_payload():
    position = Position("e", 1)
    publication = Publication("room", ((b"x", False), (b"y", False)), {"me"}, position, {"hall"})
    assert publication.payload == b"x"
    assert publication.with_payload("text") == Publication("room", ((b"text", False),), {"me"}, position, {"hall"})
    assert publication.with_payload(b"\xff").messages == ((b"\xff", True),)


def test_publications_compare_by_content_and_have_no_hash():
    one, other = Publication("a", [(b"x", False)], ["me"]), Publication("a", ((b"x", False),), frozenset({"me"}))
    assert one == other
    assert one != "a"
    assert repr(one) == "Publication('a', [(b'x', False)], ['me'], None)"
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)
