"""What a session hands over to the one that goes on with it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.engineio.handover import Handover, id_of


@given(
    st.builds(
        Handover,
        st.text(),
        st.sampled_from([3, 4]),
        st.lists(
            st.tuples(st.binary(), st.just(True))
            | st.tuples(st.text(alphabet=st.characters(exclude_categories=["Cs"])).map(str.encode), st.just(False))
        ).map(tuple),
        st.dictionaries(st.text(), st.booleans() | st.lists(st.text()) | st.none() | st.integers(0)),
    )
)
def test_a_handover_is_the_same_on_another_node(handover: Handover) -> None:
    assert Handover.from_json(json.loads(json.dumps(handover.as_json()))) == handover


def test_the_id_that_programs_address_does_not_tell_the_sid() -> None:
    assert id_of("a" * 30, 4) == id_of("a" * 30, 4) != id_of("b" * 30, 4)
    assert "a" * 8 not in id_of("a" * 30, 4)
    assert id_of("a" * 30, 3) == "a" * 30  # whose clients take the one for the other
