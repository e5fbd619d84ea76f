"""A schema that says what is wrong is fitted by what fits the schema it is made of."""

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.json_schema.explanation import explaining, reason

STRING, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"type": "object", "properties": {"anyOf": NUMBER, "enum": {"oneOf": [STRING, NUMBER]}}},
        {"enum": [{"anyOf": 1}, 5], "default": {"oneOf": []}},
        {"$defs": {"not": STRING}, "items": {"$ref": "#/$defs/not"}},
        {"if": NUMBER, "then": {"minimum": 1}, "else": STRING},
    ],
)
def test_what_has_no_choice_at_a_schemas_place_stays(schema):
    if "properties" in str(schema):
        found = explaining(schema)
        assert found["properties"]["anyOf"] == NUMBER
        assert found["properties"]["enum"] == {"allOf": [{"not": {"not": {"oneOf": [STRING, NUMBER]}}}]}
    else:
        assert explaining(schema) == schema


LEAVES = st.sampled_from(
    [True, False, STRING, NUMBER, {"maximum": 3}, {"required": ["a"]}, {"const": {"anyOf": 1}}, {}]
)


def _deeper(schemas):
    several = st.lists(schemas, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "not": schemas,
            "items": schemas,
            "properties": st.dictionaries(st.sampled_from(["a", "anyOf"]), schemas),
            "if": schemas,
            "then": schemas,
            "else": schemas,
        },
    )


VALUES = st.recursive(
    st.none() | st.integers(0, 5) | st.just("x"),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.sampled_from(["a", "anyOf", "b"]), each, max_size=2),
    max_leaves=5,
)


@given(st.recursive(LEAVES, _deeper, max_leaves=8), VALUES)
def test_both_are_fitted_by_the_same(schema, value):
    copy = jsonschema_rs.validator_for(explaining(schema))
    assert copy.is_valid(value) == jsonschema_rs.validator_for(schema).is_valid(value)


def test_the_reason_names_the_choice_that_is_not_met():
    assert reason({"not": {"anyOf": []}}) == "it fits none of the schemas in anyOf"
    assert reason({"not": {"oneOf": []}}) == "it fits none of the schemas in oneOf, or more than one"
    for negated in (True, STRING, {"not": STRING}, {"not": True}, {"not": {"anyOf": [], "type": "x"}}):
        assert reason(negated) == "it fits the schema in not"
