"""The envelope of a publication, also under bytes that nobody meant to be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.messages.envelope import MARK, decode, encode
from filtered_websocket.messages.publication import Position, Publication

messages = st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=4).map(tuple)
positions = st.builds(Position, st.text("0123456789abcdef.-:", max_size=60), st.integers(min_value=0, max_value=2**60))
names = st.frozensets(st.text(max_size=20), max_size=3)
publications = st.builds(Publication, st.just("room"), messages, names, besides=names)


@given(publications, st.none() | positions)
def test_a_publication_comes_back_from_its_envelope(publication, position):
    where = b"" if position is None else f"{position.epoch}:{position.offset}".encode()
    envelope = MARK + where + b"\n" + encode(publication)
    publication.position = position
    assert decode("room", envelope) == publication


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_publication_or_a_value_error(data, marked):
    try:
        publication = decode("room", MARK + data if marked else data)
    except ValueError:
        assert marked or data[:1] == MARK
    else:
        assert all(isinstance(payload, bytes) for payload, _ in publication.messages)


@given(publications, st.data())
def test_an_envelope_cut_or_lengthened_is_refused(publication, data):
    envelope = MARK + b"\n" + encode(publication)
    cut = data.draw(st.integers(1, len(envelope) - 1))
    for wrong in (envelope[:cut], envelope + b"x"):
        with pytest.raises(ValueError, match="envelope"):
            decode("room", wrong)


@pytest.mark.parametrize("where", [b"abc", b"e:x", b"e:", b"\xe4:1", b"e" * 200 + b":1"])
def test_a_position_that_is_none_is_refused(where):
    with pytest.raises(ValueError, match="envelope"):
        decode("room", MARK + where + b"\n" + encode(Publication("room", ((b"x", False),))))


@pytest.mark.parametrize(("data", "binary"), [(b"hi", False), ("ä".encode(), False), (b"\xc3", True), (b"", False)])
def test_what_another_program_wrote_is_one_bare_message(data, binary):
    assert decode("room", data) == Publication("room", ((data, binary),))


def test_more_than_an_envelope_holds_is_a_value_error():
    for exclude in ({str(n) for n in range(65_536)}, {"x" * 65_536}):
        with pytest.raises(ValueError, match="too large"):
            encode(Publication("room", ((b"x", False),), exclude))
