import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.messages.publication import MAX_EPOCH, MAX_OFFSET, Position, Publication, Replayed


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


EPOCHS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=MAX_EPOCH)


@given(EPOCHS, st.integers(0, MAX_OFFSET))
def test_a_position_is_read_as_it_is_written(epoch, offset):
    position = Position(epoch, offset)
    assert Position.read(str(position)) == position


@given(st.text())
def test_whatever_a_client_sends_is_a_position_or_a_value_error(text):
    try:
        position = Position.read(text)
    except ValueError:
        return
    assert 0 <= position.offset <= MAX_OFFSET
    assert position.epoch


NONE = ("", ":", "e", "e:", ":1", "e:-1", "e:+1", "e:1_0", "e: 1", "e:\u0661", "e:\u00b2", "e e:1", "\xe9:1")
TOO_LONG = (f"e:{MAX_OFFSET + 1}", f"e:{'1' * 5000}", f"{'e' * (MAX_EPOCH + 1)}:1")


@pytest.mark.parametrize("text", [*NONE, *TOO_LONG])
def test_what_is_no_position(text):
    with pytest.raises(ValueError, match=r"position|offset"):
        Position.read(text)


def test_a_replayed_publication_stays_one():
    replayed = Replayed("room", ((b"x", False),))
    assert replayed.with_payload("y").replayed
    assert not Publication("room", ((b"x", False),)).replayed
