import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.socketio.recovery import items
from filtered_websocket.filters.socketio.recovery.items import Change, Disconnect, Emit, Mark, Origin

NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3).map(tuple)
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
EMITS = st.builds(
    lambda to, but, text, more: Emit(to, but, ((text.encode(), False), *((each, True) for each in more))),
    NAMES,
    NAMES,
    TEXT,
    st.lists(st.binary(max_size=5), max_size=2),
)
ITEMS = (
    EMITS
    | st.builds(Change, NAMES, NAMES, TEXT, NAMES, NAMES)
    | st.builds(Disconnect, NAMES, NAMES, TEXT, st.booleans())
    | st.builds(Mark, TEXT, st.booleans(), TEXT)
)
ORIGINS = st.none() | st.builds(Origin, TEXT, TEXT, st.integers(1, 10**9), TEXT)


@given(ITEMS, ORIGINS)
def test_an_item_comes_back_as_it_was(item: items.Item, origin: Origin | None) -> None:
    assert items.decode(items.encode(item, origin)) == (item, origin)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"do":"sing"}', b'{"do":"emit","to":[],"but":[]}', b"1"])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        items.decode(data)


def test_what_two_nodes_append_has_one_key() -> None:
    one, other = Origin("m", "flask-socketio", 3, "one"), Origin("m", "flask-socketio", 3, "other")
    assert one.key == other.key != Origin("m", "socketio", 3, "one").key
