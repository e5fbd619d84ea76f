import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.messages import FilterNode
from filtered_websocket.filters.centrifugo.tags_filter import compiled
from tests.filters.centrifugo import strategies

TAGS = {"a": "abc", "n": "10.5", "e": ""}


def leaf(key, cmp, val="", vals=()):
    return FilterNode(key=key, cmp=cmp, val=val, vals=tuple(vals))


@pytest.mark.parametrize(
    ("node", "fits"),
    [
        (leaf("a", "eq", "abc"), True), (leaf("a", "eq", "ab"), False), (leaf("x", "eq", "a"), False),
        (leaf("a", "neq", "ab"), True), (leaf("a", "neq", "abc"), False), (leaf("x", "neq", "a"), True),
        (leaf("a", "sw", "ab"), True), (leaf("a", "ew", "bc"), True), (leaf("a", "ct", "b"), True),
        (leaf("a", "ct", "x"), False), (leaf("x", "sw", "a"), False),
        (leaf("n", "lt", "11"), True), (leaf("n", "lt", "9"), False), (leaf("n", "lte", "10.50"), True),
        (leaf("n", "gt", "9.99"), True), (leaf("n", "gte", "10.5"), True), (leaf("a", "gt", "1"), False),
        (leaf("x", "lt", "1"), False), (leaf("e", "lt", "1"), False),
        (leaf("a", "in", vals=["x", "abc"]), True), (leaf("a", "in", vals=["x"]), False),
        (leaf("x", "in", vals=["x"]), False),
        (leaf("a", "nin", vals=["x"]), True), (leaf("a", "nin", vals=["abc"]), False),
        (leaf("x", "nin", vals=["x"]), True),
        (leaf("a", "ex"), True), (leaf("x", "ex"), False), (leaf("x", "nex"), True), (leaf("e", "nex"), False),
        (FilterNode("not", nodes=(leaf("a", "ex"),)), False),
        (FilterNode("and", nodes=(leaf("a", "ex"), leaf("n", "gt", "1"))), True),
        (FilterNode("and", nodes=(leaf("a", "ex"), leaf("x", "ex"))), False),
        (FilterNode("or", nodes=(leaf("x", "ex"), leaf("a", "ex"))), True),
    ],
    ids=str,
)  # fmt: skip
def test_what_fits(node, fits):
    assert compiled(node)(TAGS) == fits


@pytest.mark.parametrize(
    "node",
    [
        FilterNode(), leaf("a", ""), leaf("", "eq", "a"), leaf("a", "eq"), leaf("a", "eq", "a", ["b"]), leaf("a", "in"),
        leaf("a", "in", "b", ["c"]), leaf("a", "ex", "b"), leaf("a", "is", "b"), leaf("a", "lt", "x"),
        leaf("a", "lt", "nan"),
        FilterNode("and"), FilterNode("not"), FilterNode("not", nodes=(leaf("a", "ex"),) * 2), FilterNode("xor"),
        FilterNode("and", key="a", nodes=(leaf("a", "ex"),)), FilterNode("or", nodes=(FilterNode(),)),
        FilterNode("or", nodes=(leaf("a", "ex"),) * 100), FilterNode(key="a", cmp="ex", nodes=(leaf("a", "ex"),)),
        leaf("a", "gt", "1_0"), leaf("a", "gt", "9" * 200), leaf("a", "gt", "1e9999999999999999999"),
    ],
    ids=lambda node: str(node)[:60],
)  # fmt: skip
def test_what_is_no_filter(node):
    with pytest.raises(ValueError):
        compiled(node)


@given(strategies.of(FilterNode), st.dictionaries(strategies.TEXTS, strategies.TEXTS))
def test_any_node_is_a_filter_or_none(node, tags):
    try:
        fits = compiled(node)
    except ValueError:
        return
    assert fits(tags) in (True, False)
